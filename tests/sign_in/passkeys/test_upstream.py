"""The internals of allauth that the app replaces or relies on are as they were when it was written."""

import inspect
from hashlib import sha256
from importlib import import_module
from typing import Any

import pytest
from allauth.mfa.webauthn.internal import auth

from django_matt.contrib.passkeys import servers, upstream

SOURCES = {
    "allauth.mfa.webauthn.internal.auth.begin_registration": "fd44fff0de9954c9",
    "allauth.mfa.webauthn.internal.auth.complete_registration": "1377a2d0ee3f1001",
    "allauth.mfa.webauthn.internal.auth.begin_authentication": "8db07b5d99cfc335",
    "allauth.mfa.webauthn.internal.auth.complete_authentication": "c44b8f22c15b4431",
    "allauth.mfa.webauthn.forms._BaseAddWebAuthnForm": "0c17119f2038d62a",
    "allauth.mfa.webauthn.forms.AuthenticateWebAuthnForm": "4bb721c8ee800c1b",
    "allauth.headless.mfa.views.SignupWebAuthnView": "474534075491778e",
    "allauth.headless.mfa.inputs.DeleteWebAuthnInput": "2cb4451455865e05",
    "allauth.headless.mfa.inputs.UpdateWebAuthnInput": "babddd36ca0034cc",
}
"""The start of the SHA-256 of each source. Where one differs, read the change, and then write the new one here."""


@pytest.mark.parametrize("dotted", SOURCES)
def test_what_calls_the_replaced_names_has_not_changed(dotted: str):
    module, _, name = dotted.rpartition(".")
    source = inspect.getsource(getattr(import_module(module), name))
    assert sha256(source.encode()).hexdigest()[:16] == SOURCES[dotted]


def test_the_functions_are_replaced():
    assert auth.get_server is servers.make_server
    assert auth.extract_user_from_response is upstream.extract_user_from_response
    assert upstream.missing() == []


def test_every_form_with_a_credential_has_our_field():
    """Also those that allauth adds."""
    from allauth.headless.mfa import inputs
    from allauth.mfa.webauthn import forms

    found = [
        each
        for module in (forms, inputs)
        for each in vars(module).values()
        if isinstance(each, type) and "credential" in getattr(each, "base_fields", {})
    ]
    plain: list[Any] = [
        form
        for form in found
        if type(form.base_fields["credential"]).__module__ != "django_matt.contrib.passkeys.fields"
    ]
    assert [form.__name__ for form in plain] == ["_BaseAddWebAuthnForm"]


def test_to_install_twice_changes_nothing():
    from allauth.headless.mfa.views import SignupWebAuthnView

    before = SignupWebAuthnView.handle
    upstream.install()
    assert SignupWebAuthnView.handle is before
