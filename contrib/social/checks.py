"""The system checks ``matt_social.…``: the rules of this app apply, and no setting of allauth weakens them."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's name
from django.core.exceptions import ImproperlyConfigured

from django_matt.contrib.social.settings import get_settings

__all__ = ["check_adapter", "check_apps", "check_deployment", "check_settings"]

_ADAPTER = "django_matt.contrib.social.adapter.SocialAdapter"


def check_settings(**_: Any) -> list[CheckMessage]:
    """Report a wrong name or value in ``settings.MATT_SOCIAL``."""
    try:
        get_settings()
    except ImproperlyConfigured as error:
        hint = "Fix or remove the option in settings.MATT_SOCIAL."
        return [Error(str(error), hint=hint, id="matt_social.E001")]
    return []


def check_apps(**_: Any) -> list[CheckMessage]:
    """Report apps of allauth that are needed and not installed."""
    needed = ("allauth", "allauth.account", "allauth.socialaccount")
    missing = [name for name in needed if not apps.is_installed(name)]
    if not missing:
        return []
    hint = f"Add {', '.join(f'{name!r}' for name in missing)} to INSTALLED_APPS."
    return [
        Error(
            f"Apps of allauth are not installed: {', '.join(missing)}.",
            hint=hint,
            id="matt_social.E002",
        )
    ]


def check_adapter(**_: Any) -> list[CheckMessage]:
    """Report another adapter or another provider of OpenID Connect, to which the rules of this app do not apply."""
    if check_apps():
        return []
    from allauth.socialaccount.adapter import get_adapter
    from allauth.socialaccount.providers import registry

    from django_matt.contrib.social.adapter import SocialAdapter
    from django_matt.contrib.social.provider import OpenIDConnectProvider

    found: list[CheckMessage] = []
    if not isinstance(get_adapter(), SocialAdapter):
        hint = f'Set SOCIALACCOUNT_ADAPTER = "{_ADAPTER}", or to a subclass of it.'
        message = (
            "The rules of django_matt.contrib.social do not apply: allauth uses another adapter."
        )
        found.append(Error(message, hint=hint, id="matt_social.E003"))
    used = registry.get_class(OpenIDConnectProvider.id)
    if used is None or not issubclass(used, OpenIDConnectProvider):
        hint = "Make the `provider_class` of SOCIALACCOUNT_PROVIDERS a subclass of OpenIDConnectProvider of this app."
        message = "OpenID Connect has no nonce: another class replaces the provider of this app."
        found.append(Error(message, hint=hint, id="matt_social.E004"))
    return found


def check_deployment(**_: Any) -> list[CheckMessage]:
    """Report settings of allauth with which an account can be taken over, or tokens be read."""
    if check_apps() or check_settings():
        return []
    return [*_unsafe_settings(), *_unsafe_providers()]


def _unsafe_settings() -> Iterator[CheckMessage]:
    from allauth.socialaccount import app_settings

    if app_settings.LOGIN_ON_GET:
        yield Warning(
            "Another site can sign a browser in: SOCIALACCOUNT_LOGIN_ON_GET is True.",
            hint="Remove the setting, and begin the sign-in by a POST.",
            id="matt_social.W001",
        )
    trusted = any(get_settings().TRUSTED_EMAIL.values())
    if app_settings.EMAIL_AUTHENTICATION and not trusted:
        yield Warning(
            "SOCIALACCOUNT_EMAIL_AUTHENTICATION is True, and no provider is trusted to verify addresses.",
            hint='Remove the setting, or name the providers in MATT_SOCIAL["TRUSTED_EMAIL"].',
            id="matt_social.W002",
        )
    if app_settings.STORE_TOKENS:
        yield Warning(
            "The tokens of the providers are stored in clear text: SOCIALACCOUNT_STORE_TOKENS is True.",
            hint="Remove the setting, unless you call the providers' APIs; then protect the table.",
            id="matt_social.W003",
        )


def _unsafe_providers() -> Iterator[CheckMessage]:
    from allauth.socialaccount import app_settings

    for kind, options in app_settings.PROVIDERS.items():
        given = options.get("APPS") or [options.get("APP") or {}]
        for app in given:
            name, more = app.get("provider_id") or kind, app.get("settings", {})
            pkce = more.get("oauth_pkce_enabled", options.get("OAUTH_PKCE_ENABLED", True))
            if not pkce:
                yield Warning(
                    f"The provider {name!r} does not use PKCE.",
                    hint="Remove OAUTH_PKCE_ENABLED from SOCIALACCOUNT_PROVIDERS.",
                    id="matt_social.W004",
                )
            url = urlsplit(more.get("server_url", ""))
            if url.scheme == "http" and url.hostname not in {"localhost", "127.0.0.1"}:
                yield Warning(
                    f"The provider {name!r} is not encrypted.",
                    hint='Begin its `server_url` with "https://".',
                    id="matt_social.W005",
                )
