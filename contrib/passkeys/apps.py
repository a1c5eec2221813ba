"""The app's configuration."""

from typing import Any

from django.apps import AppConfig, apps
from django.core.checks import register
from django.core.exceptions import ImproperlyConfigured
from django.db.models.signals import post_delete

from django_matt.authentication import SessionAuthenticator
from django_matt.errors.exceptions import MissingExtra

__all__ = ["PasskeysConfig"]


class PasskeysConfig(AppConfig):
    """Add ``"django_matt.contrib.passkeys"`` to ``INSTALLED_APPS``; it needs ``"allauth.mfa"`` there too."""

    name = "django_matt.contrib.passkeys"
    label = "matt_passkeys"
    verbose_name = "Django Matt: passkeys"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks, and replace what allauth has no setting for."""
        try:
            import allauth.mfa  # noqa: F401
            import fido2  # noqa: F401
        except ImportError:
            raise MissingExtra("django-allauth", "accounts") from None
        if not apps.is_installed("allauth.mfa"):
            raise ImproperlyConfigured(
                f'{self.name} needs "allauth", "allauth.account" and "allauth.mfa" in INSTALLED_APPS.'
            )
        from allauth.mfa.models import Authenticator

        from django_matt.contrib.passkeys import checks, upstream

        upstream.install()
        post_delete.connect(_forget, sender=Authenticator, dispatch_uid="matt_passkeys.forget")
        for check in (
            checks.check_settings,
            checks.check_adapter,
            checks.check_types,
            checks.check_sign_up,
            checks.check_upstream,
            checks.check_origins,
        ):
            register(check, "matt")
        register(checks.check_relying_party, "matt", deploy=True)

    def extend(self, api: Any) -> None:
        """Add the route of the signal API, with the authentication of the API, or the session if it has none."""
        from django_matt.contrib.passkeys.controllers import make_controller

        api.register_controllers(make_controller(api.auth or SessionAuthenticator()))


def _forget(instance: Any, **_: Any) -> None:
    """Delete the state of a passkey together with it."""
    from django_matt.contrib.passkeys.services import forget_passkey

    if instance.type != instance.Type.WEBAUTHN:
        return
    credential = instance.wrap().authenticator_data.credential_data
    if credential is not None:
        forget_passkey(credential.credential_id)
