"""The pages of accounts together with other apps: one look, one log of events, known addresses."""

from collections.abc import Callable

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import include, path

from django_matt.contrib.audit.models import SecurityEvent
from tests.sign_in.account_pages.conftest import Visitor, pages  # noqa: F401 - a fixture
from tests.sign_in.account_pages.markup import faults_of

pytestmark = pytest.mark.django_db


def test_the_pages_of_magic_links_look_like_those_of_accounts(
    pages: Callable[..., Visitor],  # noqa: F811
):
    visitor = pages(path("sign-in/", include("django_matt.contrib.magic_links.urls")))
    assert "/sign-in/email" in visitor.get("/accounts/login/").content.decode()
    for page in ("email", "link"):
        html = Client().get(f"/sign-in/{page}").content.decode()
        assert faults_of(html) == []
        assert "/static/matt/accounts.css" in html


def test_the_end_of_another_session_is_in_the_log(pages: Callable[..., Visitor]):  # noqa: F811
    here = pages()
    user = get_user_model().objects.create_user("ada")
    there = Client(headers={"User-Agent": "Telephone"})
    for browser in (here, there):
        browser.force_login(user, "allauth.account.auth_backends.AuthenticationBackend")
    session = UserSession.objects.create(
        user=user, ip="127.0.0.1", user_agent="Telephone", session_key=there.session.session_key
    )
    here.post(f"/accounts/sessions/{session.pk}/end/")
    (event,) = SecurityEvent.objects.filter(name="signed_out")
    assert (event.user, event.data["device"]) == (user, "Telephone")
    assert there.get("/accounts/").status_code == 302


def test_password_managers_find_the_pages(pages: Callable[..., Visitor]):  # noqa: F811
    visitor = pages(path("", include("django_matt.contrib.password_managers.urls")))
    found = visitor.get("/.well-known/change-password")
    assert found["Location"] == "/accounts/password/change/"
    assert visitor.get("/.well-known/passkey-endpoints").json() == {
        "enroll": "http://testserver/accounts/2fa/webauthn/add/",
        "manage": "http://testserver/accounts/2fa/webauthn/",
    }
