"""Whole flows over HTTP, as a browser without JavaScript does them."""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from allauth.usersessions.models import UserSession
from django.contrib.auth import get_user_model
from django.core import mail

from tests.sign_in.account_pages.conftest import PASSWORD, Visitor
from tests.sign_in.account_pages.markup import read

pytestmark = pytest.mark.django_db
Pages = Callable[..., Visitor]
EMAIL = "ada@example.com"


def link_in_mail() -> str:
    found = re.search(r"http://testserver(/\S+)", str(mail.outbox[-1].body))
    assert found, mail.outbox[-1].body
    return found[1]


def code_in_mail() -> str:
    found = re.search(r"\n\n([A-Z0-9-]{5,12})\n", str(mail.outbox[-1].body))
    assert found, mail.outbox[-1].body
    return found[1]


def ada(**more: Any) -> Any:
    user = get_user_model().objects.create_user("ada", EMAIL, PASSWORD, **more)
    EmailAddress.objects.create(user=user, email=EMAIL, verified=True, primary=True)
    return user


def sign_in(visitor: Visitor, password: str = PASSWORD) -> Any:
    return visitor.post("/accounts/login/", {"login": EMAIL, "password": password}, follow=True)


def is_signed_in(visitor: Visitor) -> bool:
    return "_auth_user_id" in visitor.session


def inputs(html: str) -> dict[str, dict[str, str]]:
    return {attrs["name"]: attrs for tag, attrs in read(html) if tag == "input" and "name" in attrs}


def test_sign_up_confirm_sign_out_sign_in_change_the_password_and_reset_it(pages: Pages):
    visitor = pages()
    shown = visitor.post("/accounts/signup/", {"email": EMAIL, "password1": PASSWORD}, follow=True)
    assert "Verify Your Email Address" in shown.content.decode()
    assert not is_signed_in(visitor)

    confirm = link_in_mail()
    assert visitor.get(confirm).status_code == 200
    assert not EmailAddress.objects.get(email=EMAIL).verified, "a GET confirms nothing"
    visitor.post(confirm)
    assert EmailAddress.objects.get(email=EMAIL).verified

    sign_in(visitor)
    assert is_signed_in(visitor)
    assert (
        visitor.post("/accounts/logout/", follow=True).redirect_chain[-1][0] == "/accounts/login/"
    )
    assert not is_signed_in(visitor)
    assert sign_in(visitor).redirect_chain[-1][0] == "/accounts/"

    new = {
        "oldpassword": PASSWORD,
        "password1": "battery staple 2",
        "password2": "battery staple 2",
    }
    visitor.post("/accounts/password/change/", new)
    visitor.post("/accounts/logout/")
    sign_in(visitor)
    assert not is_signed_in(visitor)

    visitor.post("/accounts/password/reset/", {"email": EMAIL}, follow=True)
    shown = visitor.get(link_in_mail(), follow=True)
    form = shown.redirect_chain[-1][0]
    assert inputs(shown.content.decode())["password1"]["autocomplete"] == "new-password"
    third = {"password1": "staple correct 3", "password2": "staple correct 3"}
    assert visitor.post(form, third, follow=True).status_code == 200
    assert sign_in(visitor, "staple correct 3").redirect_chain[-1][0] == "/accounts/"


def test_sign_up_sign_in_and_reset_by_codes(pages: Pages):
    visitor = pages(codes=True)
    visitor.post("/accounts/signup/", {"email": EMAIL, "password1": PASSWORD}, follow=True)
    shown = visitor.post("/accounts/confirm-email/", {"code": "WRONG1"})
    assert inputs(shown.content.decode())["code"]["aria-describedby"] == "id_code_error"
    assert inputs(shown.content.decode())["code"]["autocomplete"] == "one-time-code"
    visitor.post("/accounts/confirm-email/", {"code": code_in_mail()}, follow=True)
    assert is_signed_in(visitor)
    visitor.post("/accounts/logout/")

    visitor.post("/accounts/login/code/", {"email": EMAIL}, follow=True)
    visitor.post("/accounts/login/code/confirm/", {"code": code_in_mail()}, follow=True)
    assert is_signed_in(visitor)
    visitor.post("/accounts/logout/")

    visitor.post("/accounts/password/reset/", {"email": EMAIL}, follow=True)
    visitor.post("/accounts/password/reset/confirm/", {"code": code_in_mail()}, follow=True)
    new = {"password1": "battery staple 2", "password2": "battery staple 2"}
    visitor.post("/accounts/password/reset/complete/", new, follow=True)
    assert sign_in(visitor, "battery staple 2").redirect_chain[-1][0] == "/accounts/"


def test_an_authenticator_app_is_set_up_and_asked_for_and_a_recovery_code_replaces_it(pages: Pages):
    visitor = pages()
    ada()
    sign_in(visitor)
    shown = visitor.get("/accounts/2fa/totp/activate/", follow=True)
    if "reauthenticate" in str(shown.redirect_chain):
        again = {"password": PASSWORD, "next": "/accounts/2fa/totp/activate/"}
        shown = visitor.post("/accounts/reauthenticate/", again, follow=True)
    html = shown.content.decode()
    assert "<svg" in html
    assert "<?xml" not in html
    secret = next(a["value"] for _, a in read(html) if a.get("id") == "authenticator_secret")
    code = format_hotp_value(hotp_value(secret, int(time.time()) // 30))
    shown = visitor.post("/accounts/2fa/totp/activate/", {"code": code}, follow=True)
    assert shown.redirect_chain[-1][0] == "/accounts/2fa/recovery-codes/"
    user = get_user_model().objects.get()
    assert TOTP(Authenticator.objects.get(user=user, type="totp")).instance.data

    visitor.post("/accounts/logout/")
    shown = sign_in(visitor)
    assert shown.redirect_chain[-1][0] == "/accounts/2fa/authenticate/"
    assert not is_signed_in(visitor)
    codes = Authenticator.objects.get(user=user, type="recovery_codes").wrap().get_unused_codes()
    shown = visitor.post("/accounts/2fa/authenticate/", {"code": codes[0]}, follow=True)
    assert is_signed_in(visitor)


def test_each_session_is_named_by_its_device_and_ends_by_itself(pages: Pages):
    visitor = pages()
    user = ada()
    phone = Visitor(headers={"User-Agent": "Mozilla/5.0 (iPhone) Version/18.0 Mobile Safari/604.1"})
    sign_in(visitor)
    sign_in(phone)
    html = visitor.get("/accounts/sessions/").content.decode()
    assert "Safari, iPhone" in html
    session = UserSession.objects.get(user=user, session_key=phone.session.session_key)
    assert visitor.get(f"/accounts/sessions/{session.pk}/end/").status_code == 405
    visitor.post(f"/accounts/sessions/{session.pk}/end/")
    assert phone.get("/accounts/").status_code == 302, "signed out"
    assert visitor.get("/accounts/").status_code == 200, "still signed in"


def test_nobody_ends_a_session_of_somebody_else(pages: Pages):
    visitor = pages()
    ada()
    sign_in(visitor)
    mine = UserSession.objects.get()
    other = get_user_model().objects.create_user("bob", "bob@example.com", PASSWORD)
    stranger = Visitor()
    stranger.force_login(other, "allauth.account.auth_backends.AuthenticationBackend")
    stranger.raise_request_exception = False
    assert stranger.post(f"/accounts/sessions/{mine.pk}/end/").status_code in {302, 404}
    assert UserSession.objects.filter(pk=mine.pk).exists()


def test_the_end_of_this_session_leads_to_sign_in(pages: Pages):
    visitor = pages()
    ada()
    sign_in(visitor)
    shown = visitor.post(f"/accounts/sessions/{UserSession.objects.get().pk}/end/")
    assert (shown.status_code, shown["Location"]) == (302, "/accounts/login/")
    assert not is_signed_in(visitor)


@pytest.mark.parametrize("verified", [False, True])
def test_a_new_password_by_a_code_ends_what_was_set_up_before_the_address_was_verified(
    pages: Pages, verified: bool
):
    visitor = pages(codes=True)
    user = get_user_model().objects.create_user("ada", EMAIL, "waiting-for-you-1")
    user.emailaddress_set.create(email=EMAIL, verified=verified, primary=True)
    user.socialaccount_set.create(provider="company", uid="42")
    visitor.post("/accounts/password/reset/", {"email": EMAIL})
    visitor.post("/accounts/password/reset/confirm/", {"code": code_in_mail()})
    form = {"password1": "another horse 2", "password2": "another horse 2"}
    visitor.post("/accounts/password/reset/complete/", form)
    user.refresh_from_db()
    assert user.check_password("another horse 2")
    assert user.emailaddress_set.get().verified
    assert user.socialaccount_set.exists() is verified
