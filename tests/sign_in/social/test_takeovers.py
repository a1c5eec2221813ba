"""Somebody signs up at a provider with an address that they cannot read, and waits until its owner comes.

Such an account is waiting for its verification. When the owner of the address signs in by a mail, it becomes theirs alone.
"""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.core import mail
from django.core.cache import cache
from django.urls import clear_url_caches, path

from django_matt import MattAPI
from tests.sign_in.social.conftest import Browser

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        not apps.is_installed("django_matt.contrib.accounts")
        or not apps.is_installed("django_matt.contrib.magic_links"),
        reason="the apps are not installed",
    ),
]

EMAIL, NEW_PASSWORD = "victim@elsewhere.example", "correct-horse-battery"
LINKS = "/links/sign-in/links"


def mailed(pattern: str) -> str:
    found = re.search(pattern, str(mail.outbox[-1].body), re.M)
    assert found, mail.outbox[-1].body
    return found[1]


def by_link(browser: Browser) -> None:
    browser.post(LINKS, {"email": EMAIL}, "application/json")
    answer = browser.post(f"{LINKS}/redeem", {"token": mailed(r"link#(\S+)")}, "application/json")
    assert answer.json()["signed_in"], answer.content


def by_code_of_the_link(browser: Browser) -> None:
    browser.post(LINKS, {"email": EMAIL}, "application/json")
    code = mailed(r"^([A-Z0-9]{3}-[A-Z0-9]{3})$")
    answer = browser.post(f"{LINKS}/redeem", {"code": code}, "application/json")
    assert answer.json()["signed_in"], answer.content


def by_code(browser: Browser) -> None:
    browser.post("/accounts/login/code/", {"email": EMAIL})
    browser.post("/accounts/login/code/confirm/", {"code": mailed(r"^([A-Z0-9-]{5,12})$")})


def by_new_password(browser: Browser) -> None:
    browser.post("/accounts/password/reset/", {"email": EMAIL})
    url = mailed(r"(/accounts/password/reset/key/\S+)")
    form = browser.get(url)["Location"]
    browser.post(form, {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    browser.post("/accounts/login/", {"login": EMAIL, "password": NEW_PASSWORD})
    browser.post("/accounts/confirm-email/", {"code": mailed(r"^([A-Z0-9-]{5,12})$")})


@pytest.fixture(autouse=True)
def links(shop: Any, settings: Any) -> None:
    settings.MATT_MAGIC_LINKS = {
        "URL": "https://shop.example/link",
        "RECIPIENT_LIMIT": (100, 60),
    }
    settings.ACCOUNT_RATE_LIMITS = False
    cache.clear()
    api = MattAPI(extensions=["matt_magic_links"], urls_namespace="links")
    settings.ROOT_URLCONF.urlpatterns += [path("links/", api.urls)]
    clear_url_caches()


@pytest.fixture
def attacker(open_browser: Callable[..., Browser], provider: Any) -> Browser:
    """Somebody whose provider says, without having verified it, that the address of the victim is theirs."""
    provider.userinfo |= {"email": EMAIL, "email_verified": False}
    made = open_browser()
    assert "/confirm-email/" in made.sign_in()["Location"]
    assert made.user_id is None
    return made


WAYS = [by_link, by_code_of_the_link, by_code, by_new_password]


@pytest.mark.parametrize("way", WAYS)
def test_an_account_of_a_provider_that_waits_for_the_owner_of_an_address_does_not_sign_in_to_it(
    attacker: Browser, open_browser: Callable[..., Browser], way: Any
):
    victim = open_browser()
    way(victim)
    user = get_user_model().objects.get()
    assert victim.user_id == str(user.pk)
    assert user.emailaddress_set.get().verified

    # The browser that waits, and a new one.
    attacker.get("/accounts/confirm-email/")
    attacker.post("/accounts/confirm-email/", {"code": "", "action": "resend"})
    assert attacker.user_id is None
    again = open_browser()
    again.sign_in()
    assert again.user_id is None
    assert not user.socialaccount_set.exists()
    assert get_user_model().objects.get() == user


@pytest.mark.parametrize("way", WAYS[:3])
def test_a_password_that_waits_for_the_owner_of_an_address_does_not_sign_in(
    open_browser: Callable[..., Browser], way: Any
):
    attacker = open_browser()
    attacker.post("/accounts/signup/", {"email": EMAIL, "password1": "waiting-for-you-1"})
    way(open_browser())
    again = open_browser()
    again.post("/accounts/login/", {"login": EMAIL, "password": "waiting-for-you-1"})
    assert again.user_id is None


@pytest.mark.parametrize("way", [by_link, None])
def test_who_verifies_the_address_in_the_same_browser_stays_connected(
    browser: Browser, provider: Any, open_browser: Callable[..., Browser], way: Any
):
    provider.userinfo |= {"email": EMAIL, "email_verified": False}
    browser.sign_in()
    if way is None:
        browser.post("/accounts/confirm-email/", {"code": mailed(r"^([A-Z0-9-]{5,12})$")})
    else:
        way(browser)
    assert browser.user_id is not None
    again = open_browser()
    again.sign_in()
    assert again.user_id == browser.user_id


def test_a_new_password_of_a_verified_user_leaves_the_provider_connected(
    open_browser: Callable[..., Browser], provider: Any
):
    user = get_user_model().objects.create_user("v", EMAIL, "secret")
    user.emailaddress_set.create(email=EMAIL, verified=True, primary=True)
    user.socialaccount_set.create(provider="company", uid="42")
    browser = open_browser()
    by_link(browser)
    assert user.socialaccount_set.count() == 1
    browser.post("/accounts/password/reset/", {"email": EMAIL})
    form = browser.get(mailed(r"(/accounts/password/reset/key/\S+)"))["Location"]
    browser.post(form, {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    user.refresh_from_db()
    assert user.check_password(NEW_PASSWORD)
    assert user.socialaccount_set.count() == 1
