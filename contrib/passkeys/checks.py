"""The system checks ``matt_passkeys.…``: the settings are valid and safe, and allauth's settings fit them."""

from typing import Any

from allauth.account import app_settings as account
from allauth.mfa import app_settings as mfa
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from django_matt.contrib.passkeys.settings import DEVELOPMENT_RP_ID, get_settings
from django_matt.contrib.passkeys.upstream import missing

__all__ = [
    "check_adapter",
    "check_origins",
    "check_relying_party",
    "check_settings",
    "check_sign_up",
    "check_types",
    "check_upstream",
]

ADAPTER = "django_matt.contrib.passkeys.adapters.PasskeyAdapter"


def check_settings(**_: Any) -> list[checks.CheckMessage]:
    """Report a wrong name or value in ``settings.MATT_PASSKEYS``."""
    try:
        get_settings()
    except ImproperlyConfigured as error:
        hint = "Fix or remove the option in settings.MATT_PASSKEYS."
        return [checks.Error(str(error), hint=hint, id="matt_passkeys.E001")]
    return []


def check_adapter(**_: Any) -> list[checks.CheckMessage]:
    """Report an adapter that writes primary keys into passkeys."""
    from django_matt.contrib.passkeys.adapters import PasskeyAdapter

    try:
        fits = issubclass(import_string(mfa.ADAPTER), PasskeyAdapter)
    except ImportError:
        fits = False
    if fits:
        return []
    return [
        checks.Error(
            f"settings.MFA_ADAPTER is {mfa.ADAPTER!r}, so new passkeys contain the primary keys of your users.",
            hint=f'Set MFA_ADAPTER = "{ADAPTER}", or derive your adapter from that class.',
            id="matt_passkeys.E002",
        )
    ]


def check_types(**_: Any) -> list[checks.CheckMessage]:
    """Report that allauth has no passkeys, or that nobody can sign in with one."""
    if "webauthn" not in mfa.SUPPORTED_TYPES:
        return [
            checks.Error(
                'settings.MFA_SUPPORTED_TYPES has no "webauthn", so there are no passkeys.',
                hint='Set MFA_SUPPORTED_TYPES = ["recovery_codes", "totp", "webauthn"].',
                id="matt_passkeys.E003",
            )
        ]
    found: list[checks.CheckMessage] = []
    if not mfa.PASSKEY_LOGIN_ENABLED:
        found.append(
            checks.Warning(
                "settings.MFA_PASSKEY_LOGIN_ENABLED is not True, so passkeys are only a second factor.",
                hint="Set MFA_PASSKEY_LOGIN_ENABLED = True.",
                id="matt_passkeys.W001",
            )
        )
    if "recovery_codes" not in mfa.SUPPORTED_TYPES:
        found.append(
            checks.Warning(
                'settings.MFA_SUPPORTED_TYPES has no "recovery_codes", so who loses their only passkey loses the account.',
                hint='Add "recovery_codes" to MFA_SUPPORTED_TYPES.',
                id="matt_passkeys.W002",
            )
        )
    return found


def check_sign_up(**_: Any) -> list[checks.CheckMessage]:
    """Report settings that contradict sign-up by passkey."""
    if not mfa.PASSKEY_SIGNUP_ENABLED:
        return []
    lines = []
    if not mfa.PASSKEY_LOGIN_ENABLED:
        lines.append("MFA_PASSKEY_LOGIN_ENABLED = True")
    if account.EMAIL_VERIFICATION != account.EmailVerificationMethod.MANDATORY:
        lines.append('ACCOUNT_EMAIL_VERIFICATION = "mandatory"')
    if not account.EMAIL_VERIFICATION_BY_CODE_ENABLED:
        lines.append("ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True")
    if not account.SIGNUP_FIELDS.get("email", {}).get("required"):
        lines.append('ACCOUNT_SIGNUP_FIELDS = ["email*"]')
    if not lines:
        return []
    return [
        checks.Error(
            "settings.MFA_PASSKEY_SIGNUP_ENABLED needs a verified e-mail address, and sign-in by passkey.",
            hint=f"Set {', '.join(lines)}.",
            id="matt_passkeys.E004",
        )
    ]


def check_upstream(**_: Any) -> list[checks.CheckMessage]:
    """Report an allauth in which the origins of passkeys would not be checked."""
    gone = missing()
    if not gone:
        return []
    return [
        checks.Error(
            f"The installed allauth has no {', '.join(gone)}, so passkeys are not checked as the settings say.",
            hint="Install the version of django-allauth that the extra accounts names.",
            id="matt_passkeys.E005",
        )
    ]


def check_origins(**_: Any) -> list[checks.CheckMessage]:
    """Report a setting of allauth that has no effect here."""
    if not mfa.WEBAUTHN_ALLOW_INSECURE_ORIGIN:
        return []
    return [
        checks.Warning(
            "settings.MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN has no effect.",
            hint='Remove it, and list the origin in settings.MATT_PASSKEYS["ORIGINS"]; http://localhost is accepted there.',
            id="matt_passkeys.W003",
        )
    ]


def check_relying_party(**_: Any) -> list[checks.CheckMessage]:
    """Report, with ``--deploy``, passkeys that belong to localhost."""
    if check_settings() or get_settings().RP_ID != DEVELOPMENT_RP_ID:
        return []
    return [
        checks.Error(
            'settings.MATT_PASSKEYS["RP_ID"] is not set, so passkeys work on localhost alone.',
            hint='Set MATT_PASSKEYS = {"RP_ID": "example.com"} to your domain before the first passkey is registered.',
            id="matt_passkeys.E006",
        )
    ]
