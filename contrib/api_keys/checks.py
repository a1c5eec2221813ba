"""The system checks ``matt_api_keys.…``: the options are valid and safe."""

from typing import Any

from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's name
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from django_matt.contrib.api_keys.authentication import ApiKeyAuth
from django_matt.contrib.api_keys.controllers import load_auth
from django_matt.contrib.api_keys.settings import get_settings
from django_matt.security_schemes import each_callback

__all__ = ["check_deployment", "check_settings"]


def check_settings(**_: Any) -> list[CheckMessage]:
    """Report a wrong name or value in ``settings.MATT_API_KEYS``, and keys that may create keys."""
    try:
        options = get_settings()
        for path in filter(None, (options.ALLOWED_SCOPES, options.MANAGES_ORGANIZATION)):
            import_string(path)
        auth = load_auth(options.AUTH)
    except (ImproperlyConfigured, ImportError) as error:
        hint = "Fix or remove the option in settings.MATT_API_KEYS."
        return [Error(str(error), hint=hint, id="matt_api_keys.E001")]
    if any(isinstance(each, ApiKeyAuth) for each in each_callback([auth])):
        hint = 'Remove ApiKeyAuth from MATT_API_KEYS["AUTH"].'
        message = (
            "API keys may create API keys: a leaked key then lives on in the keys that it created."
        )
        return [Warning(message, hint=hint, id="matt_api_keys.W001")]
    return []


def check_deployment(**_: Any) -> list[CheckMessage]:
    """Warn about keys that never expire, and about keys that look like those of every other project."""
    try:
        options = get_settings()
    except ImproperlyConfigured:  # check_settings reports it
        return []
    found: list[CheckMessage] = []
    if options.MAX_LIFETIME is None:
        hint = 'Set MATT_API_KEYS["MAX_LIFETIME"] to timedelta(days=365), for example.'
        found.append(Warning("API keys may never expire.", hint=hint, id="matt_api_keys.W002"))
    if options.PREFIX == "matt":
        hint = 'Set MATT_API_KEYS["PREFIX"] to the name of your product.'
        message = "Nobody who finds an API key can see which product it belongs to."
        found.append(Warning(message, hint=hint, id="matt_api_keys.W003"))
    return found
