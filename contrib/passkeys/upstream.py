"""The names of allauth that this app replaces, each of them once: allauth has no setting for what they do.

``missing`` and the system check ``matt_passkeys.E005`` name those that the installed allauth no longer has.
"""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.stages import PasskeySignupStage
from django.apps import apps
from fido2.utils import websafe_decode

from django_matt.contrib.passkeys.fields import (
    AssertionField,
    NameField,
    PasskeysField,
    RegistrationField,
)
from django_matt.contrib.passkeys.servers import make_server, unknown_passkey
from django_matt.contrib.passkeys.services import find_user

__all__ = ["FORMS", "FUNCTIONS", "install", "missing"]

AUTH = "allauth.mfa.webauthn.internal.auth"
VIEWS = "allauth.headless.mfa.views"
INPUTS = "allauth.headless.mfa.inputs"
STAGES = "allauth.account.internal.stagekit"
RESPONSES = "allauth.headless.base.response"


def extract_user_from_response(response: Any) -> Any:
    """Return the user of an assertion's handle: allauth expects the primary key in it."""
    try:
        user = find_user(websafe_decode(response["response"]["userHandle"]))
    except (ValueError, TypeError, KeyError):
        user = None
    if user is None:
        raise unknown_passkey()
    return user


FUNCTIONS: dict[str, Any] = {
    # The origin: allauth's server accepts every port and every subdomain of the Host header.
    "get_server": make_server,
    # The opaque user handle.
    "extract_user_from_response": extract_user_from_response,
}
"""The functions of allauth's module that are replaced, by name."""

FORMS: dict[str, dict[str, type]] = {
    "allauth.mfa.webauthn.forms": {
        "AddWebAuthnForm": RegistrationField,
        "SignupWebAuthnForm": RegistrationField,
        "AuthenticateWebAuthnForm": AssertionField,
        "LoginWebAuthnForm": AssertionField,
        "ReauthenticateWebAuthnForm": AssertionField,
    },
    INPUTS: {
        "AddWebAuthnInput": RegistrationField,
        "CreateWebAuthnInput": RegistrationField,
        "AuthenticateWebAuthnInput": AssertionField,
        "LoginWebAuthnInput": AssertionField,
        "ReauthenticateWebAuthnInput": AssertionField,
    },
}
"""The forms whose field ``credential`` is replaced: malformed ones are errors of the server without it."""

RENAMING: dict[str, str] = {
    "allauth.mfa.webauthn.forms": "EditWebAuthnForm",
    INPUTS: "UpdateWebAuthnInput",
}
"""The forms that rename a passkey."""

DELETING = "DeleteWebAuthnInput"
"""The form that deletes passkeys."""


def install() -> None:
    """Replace the names in allauth's modules. To call it again changes nothing."""
    auth = import_module(AUTH)
    for name, replacement in FUNCTIONS.items():
        setattr(auth, name, replacement)
    for form, kind in _forms():
        form.base_fields["credential"] = kind()
        if "name" in form.base_fields:
            form.base_fields["name"] = NameField(required=False)
    for module, name in RENAMING.items():
        if _installed(module):
            getattr(import_module(module), name).base_fields["name"] = NameField(required=True)
    if _installed(INPUTS):
        field = PasskeysField(queryset=Authenticator.objects.none())
        getattr(import_module(INPUTS), DELETING).base_fields["authenticators"] = field
        _guard_sign_up(import_module(VIEWS).SignupWebAuthnView)


def missing() -> list[str]:
    """Return the dotted names that the installed allauth does not have."""
    wanted = [
        f"{AUTH}.{name}"
        for name in (
            *FUNCTIONS,
            "complete_authentication",
            "complete_registration",
            "get_state",
        )
    ]
    wanted += [f"{module}.{name}" for module, names in FORMS.items() for name in names]
    wanted += [f"{module}.{name}" for module, name in RENAMING.items()]
    wanted += [f"{INPUTS}.{DELETING}", f"{VIEWS}.SignupWebAuthnView"]
    wanted += [f"{STAGES}.get_pending_stage", f"{RESPONSES}.ConflictResponse"]
    gone = []
    for dotted in wanted:
        module, _, name = dotted.rpartition(".")
        if _installed(module) and not hasattr(import_module(module), name):
            gone.append(dotted)
    return gone


def _installed(module: str) -> bool:
    return not module.startswith("allauth.headless") or apps.is_installed("allauth.headless")


def _forms() -> Iterator[tuple[Any, Any]]:
    for module, names in FORMS.items():
        if _installed(module):
            for name, kind in names.items():
                yield getattr(import_module(module), name), kind


def _guard_sign_up(view: Any) -> None:
    """Let a passkey for a sign-up that was not begun be a 409; allauth's form needs the user that it does not have."""
    if "handle" in vars(view):
        return
    handle = view.handle

    def guarded(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        if request.method == "PUT":
            stage = import_module(STAGES).get_pending_stage(request)
            if stage is None or stage.key != PasskeySignupStage.key:
                return import_module(RESPONSES).ConflictResponse(request)
        return handle(self, request, *args, **kwargs)

    view.handle = guarded
