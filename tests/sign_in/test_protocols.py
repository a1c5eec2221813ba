"""What the apps that sign users in offer each other (django_matt/sign_in.py)."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest

from django_matt import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def apps(settings: Any) -> Any:
    """Only Django's own apps are installed."""
    settings.INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes"]


def request() -> HttpRequest:
    made = HttpRequest()
    made.session = SessionStore()
    return made


def test_without_an_app_that_completes_logins_djangos_own_login_does(apps: Any):
    user = get_user_model().objects.create_user("ada")
    asked = request()
    outcome = sign_in.complete_login(
        asked,
        user,
        method="link",
        email="ada@example.com",
        backend="django.contrib.auth.backends.ModelBackend",
    )
    assert outcome.signed_in
    assert asked.session["_auth_user_id"] == str(user.pk)


def test_without_other_apps_there_are_no_tokens_no_tenant_and_no_log(apps: Any):
    user = get_user_model().objects.create_user("ada")
    assert sign_in.issue_tokens(request(), user) is None
    assert sign_in.revoke_tokens(user) == 0
    assert sign_in.current_tenant(request()) is None
    assert sign_in.authentication_records(request()) == ()
    sign_in.record_security_event("signed_in", user=user)
