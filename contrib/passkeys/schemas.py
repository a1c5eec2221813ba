"""The data for the browser's signal API, with WebAuthn's own names, so that a script passes it on unchanged."""

from pydantic import Field

from django_matt import Schema

__all__ = ["AcceptedCredentials", "Signals", "UserDetails"]


class AcceptedCredentials(Schema):
    """The argument of ``PublicKeyCredential.signalAllAcceptedCredentials()`` (WebAuthn, 5.1.10)."""

    rp_id: str = Field(alias="rpId")
    user_id: str = Field(alias="userId")
    all_accepted_credential_ids: list[str] = Field(alias="allAcceptedCredentialIds")


class UserDetails(Schema):
    """The argument of ``PublicKeyCredential.signalCurrentUserDetails()``."""

    rp_id: str = Field(alias="rpId")
    user_id: str = Field(alias="userId")
    name: str
    display_name: str = Field(alias="displayName")


class Signals(Schema):
    """What to tell the browser about the passkeys of the signed-in user."""

    all_accepted_credentials: list[AcceptedCredentials] = Field(alias="allAcceptedCredentials")
    current_user_details: list[UserDetails] = Field(alias="currentUserDetails")
