"""What no form of the pages should send: each is refused, and nothing is a 500."""

import json
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.auth import get_user_model

from tests.sign_in.account_pages.conftest import PASSWORD, Visitor
from tests.sign_in.account_pages.markup import read

pytestmark = pytest.mark.django_db
Pages = Callable[..., Visitor]
EMAIL = "ada@example.com"

PART = {
    "clientDataJSON": "e30",
    "attestationObject": "oA",
    "authenticatorData": "oA",
    "signature": "oA",
}
CREDENTIALS = [
    "",
    "x",
    "null",
    "1",
    "[]",
    "[1]",
    '"x"',
    "{}",
    "[" * 100_000,
    '{"a":' * 20_000 + "1" + "}" * 20_000,
    "9" * 5_000,
    '{"id": "\\ud800"}',
    "NaN",
    json.dumps({"id": "eA", "rawId": "eA", "type": "public-key", "response": {}}),
    json.dumps({"id": "eA", "rawId": "eA", "type": "public-key", "response": None}),
    json.dumps({"id": "eA", "rawId": "eA", "type": "public-key", "response": PART}),
    json.dumps(
        {"id": "eA", "rawId": "eA", "type": "public-key", "response": {**PART, "userHandle": "eA"}}
    ),
    json.dumps(
        {"id": "eA", "rawId": "eA", "type": "public-key", "response": {**PART, "userHandle": 1}}
    ),
    json.dumps(
        {"id": "é", "rawId": "!", "type": "x", "response": {**PART, "clientDataJSON": "bnVsbA"}}
    ),
]
TEXTS = [
    "",
    "a\x00@example.com",
    "\ud800",
    "x" * 100_000,
    "a@" + "b" * 60_000 + ".com",
    "\u202e",
    "٣٣٣٣٣٣",
]


def hostile_posts(html: str) -> Iterator[dict[str, str]]:
    """Yield bodies for the fields of a page, each of them hostile once."""
    names = {
        attrs["name"]
        for tag, attrs in read(html)
        if tag in {"input", "select"}
        and attrs.get("name", "csrfmiddlewaretoken") != "csrfmiddlewaretoken"
    }
    usual = {"login": EMAIL, "email": EMAIL, "password": PASSWORD, "password1": PASSWORD}
    for name in names:
        for value in CREDENTIALS if name == "credential" else TEXTS:
            yield {**{each: usual.get(each, "x") for each in names}, name: value}


def encode(body: dict[str, str]) -> bytes:
    return b"&".join(
        f"{name}=".encode() + quote(value.encode("utf-8", "surrogatepass"), safe="").encode()
        for name, value in body.items()
    )


def post(visitor: Visitor, page: str, body: dict[str, str]) -> int:
    visitor.raise_request_exception = False
    form = "application/x-www-form-urlencoded"
    status = visitor.post(f"/accounts/{page}", encode(body), content_type=form).status_code
    return int(status)


def refusals(visitor: Visitor, page: str) -> list[str]:
    html = visitor.get(f"/accounts/{page}").content.decode()
    found = []
    for body in hostile_posts(html):
        status = post(visitor, page, body)
        if status >= 500:
            found.append(f"{page}: {status} for {str(body)[:150]}")
    return found


def test_forms_for_visitors(pages: Pages):
    visitor = pages(codes=True)
    found = [
        fault
        for page in ("login/", "signup/", "signup/passkey/", "login/code/", "password/reset/")
        for fault in refusals(visitor, page)
    ]
    for credential in CREDENTIALS:
        visitor.get("/accounts/2fa/webauthn/login/", headers={"Accept": "application/json"})
        if post(visitor, "2fa/webauthn/login/", {"credential": credential}) >= 500:
            found.append(f"2fa/webauthn/login/: {credential[:100]}")
    assert found == []


def test_forms_for_users(pages: Pages):
    visitor = pages()
    user = get_user_model().objects.create_user("ada", EMAIL, PASSWORD)
    EmailAddress.objects.create(user=user, email=EMAIL, verified=True, primary=True)
    visitor.force_login(user, "allauth.account.auth_backends.AuthenticationBackend")
    visitor.post("/accounts/reauthenticate/", {"password": PASSWORD})
    found = [
        fault
        for page in (
            "password/change/",
            "email/",
            "2fa/totp/activate/",
            "2fa/webauthn/add/",
            "reauthenticate/",
        )
        for fault in refusals(visitor, page)
    ]
    assert found == []


def test_forms_between_the_password_and_the_second_factor(pages: Pages):
    visitor = pages()
    user = get_user_model().objects.create_user("ada", EMAIL, PASSWORD)
    EmailAddress.objects.create(user=user, email=EMAIL, verified=True, primary=True)
    TOTP.activate(user, generate_totp_secret())
    assert Authenticator.objects.exists()
    visitor.post("/accounts/login/", {"login": EMAIL, "password": PASSWORD})
    assert refusals(visitor, "2fa/authenticate/") == []


def test_a_credential_that_cannot_be_read_is_a_400(pages: Pages):
    visitor = pages()
    user = get_user_model().objects.create_user("ada", EMAIL, PASSWORD)
    visitor.force_login(user, "allauth.account.auth_backends.AuthenticationBackend")
    visitor.post("/accounts/reauthenticate/", {"password": PASSWORD})
    visitor.get("/accounts/2fa/webauthn/add/")
    assert post(visitor, "2fa/webauthn/add/", {"credential": CREDENTIALS[-1]}) == 400
    assert post(visitor, "2fa/webauthn/add/", {"credential": "x"}) == 200, "the form again"
