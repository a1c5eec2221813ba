"""With the app accounts: its login decides, the address becomes verified, and a second factor is asked for."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.urls import clear_url_caches, include, path

from tests.sign_in.magic_links.conftest import REDEEM, ROUTE, newest_mail

pytestmark = pytest.mark.skipif(
    not apps.is_installed("django_matt.contrib.accounts"), reason="the app is not installed"
)


def addresses(user: Any) -> Any:
    return apps.get_model("account", "EmailAddress").objects.filter(user=user)


def test_15_an_address_becomes_verified_and_the_password_of_a_known_user_stays(browser, ada):
    assert not addresses(ada).exists()
    assert browser.redeem(code=browser.ask().code).json()["signed_in"]
    assert addresses(ada).get().verified
    ada.refresh_from_db()
    assert ada.check_password("secret")


def test_15_the_password_of_whoever_signed_up_with_the_address_stops_working(browser, ada):
    """Somebody signs up with the address of another person, and waits until that person verifies it."""
    addresses(ada).create(user=ada, email=ada.email, verified=False, primary=True)
    assert browser.redeem(token=browser.ask().token).json()["signed_in"]
    assert addresses(ada).get().verified
    ada.refresh_from_db()
    assert not ada.has_usable_password()


@pytest.mark.parametrize("way", ["token", "code"])
def test_15_a_second_factor_stays_pending(browser, other, ada, way):
    addresses(ada).create(user=ada, email=ada.email, verified=True, primary=True)
    factor = apps.get_model("mfa", "Authenticator")
    factor.objects.create(user=ada, type="totp", data={"secret": "JBSWY3DPEHPK3PXP"})
    answer = browser.redeem(**{way: getattr(browser.ask(), way)}).json()
    assert (answer["signed_in"], answer["pending"]) == (False, "mfa_authenticate")
    assert browser.me() is None
    mailed = other.ask()
    response = other.submit("/sign-in/link", token=mailed.token)
    assert response.status_code == 302
    assert other.me() is None


def test_a_user_of_another_account_is_signed_out(browser, ada):
    browser.client.force_login(get_user_model().objects.create_user("bob", "bob@example.com"))
    browser.redeem(token=browser.ask().token)
    assert browser.me() == "ada@example.com"


def test_15_an_app_continues_with_its_session_at_the_second_factor(app_project, make_browser, ada):
    from allauth.mfa.totp.internal import auth as totp

    secret = "JBSWY3DPEHPK3PXP"
    addresses(ada).create(user=ada, email=ada.email, verified=True, primary=True)
    apps.get_model("mfa", "Authenticator").objects.create(
        user=ada, type="totp", data={"secret": secret}
    )
    app = make_browser(enforce_csrf_checks=True)
    binding = app.post(ROUTE, {"email": ada.email, "client": "app"}).json()["binding"]
    body = {"token": newest_mail().token, "binding": binding, "client": "app"}
    answer = app.post(REDEEM, body).json()
    assert (answer["pending"], answer["tokens"]) == ("mfa_authenticate", None)
    counter = next(iter(totp.yield_hotp_counters_from_time()))
    code = totp.format_hotp_value(totp.hotp_value(secret, counter))
    header = {"X-Session-Token": answer["session_token"]}
    url = "/_allauth/app/v1/auth/2fa/authenticate"
    assert app.post(url, {"code": "000000"}, headers=header).status_code == 400
    signed_in = app.post(url, {"code": code}, headers=header)
    assert signed_in.status_code == 200, signed_in.content
    assert signed_in.json()["data"]["user"]["email"] == ada.email


@pytest.fixture
def app_project(project: Any, settings: Any) -> None:
    """The project, with the API of allauth."""
    settings.ROOT_URLCONF.urlpatterns += [path("", include("django_matt.contrib.accounts.urls"))]
    clear_url_caches()
