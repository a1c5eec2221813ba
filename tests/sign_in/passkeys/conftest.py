"""Both clients of allauth.headless, signers, and no limits of requests."""

from typing import Any

import pytest

from django_matt import sign_in
from tests.sign_in.passkeys.authenticators import Signer
from tests.sign_in.passkeys.visitors import Visitor


@pytest.fixture(autouse=True)
def project(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.sign_in.passkeys.urls"
    settings.MATT_PASSKEYS = {"RP_ID": "localhost", "RP_NAME": "Books"}
    settings.ACCOUNT_RATE_LIMITS = False
    settings.MFA_RATE_LIMITS = False


@pytest.fixture(params=["browser", "app"])
def visitor(request: pytest.FixtureRequest) -> Visitor:
    return Visitor(request.param)


@pytest.fixture
def signer() -> Signer:
    return Signer()


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[sign_in.SecurityEvent]:
    """The security events of a test."""
    from django.apps import apps

    found: list[sign_in.SecurityEvent] = []
    monkeypatch.setattr(
        apps.get_app_config("matt_passkeys"), "record_security_event", found.append, raising=False
    )
    return found
