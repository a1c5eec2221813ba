"""The MFA adapter: what allauth tells authenticators about your site and about a user."""

from typing import Any

from allauth.mfa.adapter import DefaultMFAAdapter

from django_matt.contrib.passkeys.services import get_handle
from django_matt.contrib.passkeys.settings import get_settings

__all__ = ["PasskeyAdapter"]


class PasskeyAdapter(DefaultMFAAdapter):  # type: ignore[misc] # allauth has no types
    """The adapter for ``settings.MFA_ADAPTER``; a project with an adapter of its own derives it from this class.

    >>> MFA_ADAPTER = "django_matt.contrib.passkeys.adapters.PasskeyAdapter"
    """

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Return the relying party of ``settings.MATT_PASSKEYS``; allauth's own comes from the ``Host`` header."""
        options = get_settings()
        return {"id": options.RP_ID, "name": options.RP_NAME or options.RP_ID}

    def get_public_key_credential_user_entity(self, user: Any) -> dict[str, Any]:
        """Return the user with an opaque handle; allauth's own is the primary key."""
        return {**super().get_public_key_credential_user_entity(user), "id": get_handle(user)}
