"""Form fields that refuse malformed credentials and names, before allauth and the database see them."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from fido2.webauthn import AuthenticationResponse, RegistrationResponse

__all__ = ["AssertionField", "NameField", "PasskeysField", "RegistrationField"]

_MAX_TEXT = 65_536


class _CredentialField(forms.JSONField):
    """A ``PublicKeyCredential`` as JSON (WebAuthn, 5.1). Its value has only the members that are read or stored."""

    kind: Any
    members: tuple[str, ...]
    """The members of ``response`` that are kept; the last one may be absent."""

    def __init__(self) -> None:
        super().__init__(required=True, widget=forms.HiddenInput)

    def to_python(self, value: Any) -> Any:
        """Return the credential; raise ``ValidationError`` for one that fido2 cannot read."""
        try:
            given = super().to_python(value)
            if given in self.empty_values:
                return None
            kept = self._keep(given)
            self.kind.from_dict(kept)
        except ValidationError:
            raise
        except Exception:  # noqa: BLE001 - fido2 raises many kinds of exceptions for bytes that an attacker chose
            raise ValidationError(_("Enter a valid passkey."), code="invalid") from None
        return kept

    def _keep(self, given: Any) -> dict[str, Any]:
        response = given["response"]
        kept: dict[str, Any] = {
            "id": _text(given["id"]),
            "rawId": _text(given["rawId"]),
            "type": "public-key" if given["type"] == "public-key" else None,
            "response": {name: _text(response[name]) for name in self.members if name in response},
            "clientExtensionResults": {},
        }
        if kept["type"] is None:
            raise ValueError(given["type"])
        attachment = given.get("authenticatorAttachment")
        if attachment in {"platform", "cross-platform"}:
            kept["authenticatorAttachment"] = attachment
        discoverable = (given.get("clientExtensionResults") or {}).get("credProps", {}).get("rk")
        if isinstance(discoverable, bool):
            kept["clientExtensionResults"] = {"credProps": {"rk": discoverable}}
        return kept


class RegistrationField(_CredentialField):
    """The ``RegistrationResponseJSON`` of a browser."""

    kind = RegistrationResponse
    members = ("clientDataJSON", "attestationObject")


class AssertionField(_CredentialField):
    """The ``AuthenticationResponseJSON`` of a browser."""

    kind = AuthenticationResponse
    members = ("clientDataJSON", "authenticatorData", "signature", "userHandle")


class NameField(forms.CharField):
    """The name of a passkey, at most 100 characters that every database can store."""

    def __init__(self, *, required: bool) -> None:
        """``required=False`` lets the server choose a name."""
        super().__init__(required=required, max_length=100)

    def to_python(self, value: Any) -> str:
        """Refuse characters that are not valid Unicode."""
        text = super().to_python(value) or ""
        if not text.isascii() and any("\ud800" <= each <= "\udfff" for each in text):
            raise ValidationError(_("Enter a valid value."), code="invalid")
        return text


class PasskeysField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg] # not generic at run time
    """The ids of passkeys. A number that the database cannot store is the id of none."""

    def clean(self, value: Any) -> Any:
        """Return the passkeys; raise ``ValidationError`` for an id of another user or of nobody."""
        try:
            return super().clean(value)
        except OverflowError:
            raise ValidationError(_("Enter a valid value."), code="invalid") from None


def _text(value: Any) -> str:
    """Return a base64url string; raise ``ValueError`` for another value."""
    if not isinstance(value, str) or len(value) > _MAX_TEXT or not value.isascii():
        raise ValueError(type(value).__name__)
    return value
