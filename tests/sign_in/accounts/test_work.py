"""Property 8: what a login route does for a known, an unknown and an inactive account is the same work.

Time itself is not measured here: it is made of password hashes, mails and queries, which are counted.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.sign_in.accounts.conftest import PASSWORD, Caller, make_user, mount

pytestmark = pytest.mark.django_db

WRONG = "wrong-password-1"
ADDRESSES = ("ada@example.com", "off@example.com", "new@example.com", "eve@example.com")
"""A known account, an inactive one, one without a password, and nobody's."""


class CountingHasher(MD5PasswordHasher):
    """Counts how often a password is hashed, which is what takes long."""

    calls: ClassVar[int] = 0

    def encode(self, password: str, salt: str) -> str:
        CountingHasher.calls += 1
        return str(super().encode(password, salt))


@dataclass(frozen=True)
class Work:
    """What one request did."""

    status: int
    length: int
    hashes: int
    mails: int
    writes: tuple[tuple[str, int], ...]
    reads: int


@pytest.fixture(autouse=True)
def accounts(project: Any) -> None:
    project.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    project.ACCOUNT_RATE_LIMITS = False
    make_user("ada@example.com")
    make_user("off@example.com", is_active=False)
    make_user("new@example.com")
    new = get_user_model().objects.get(email="new@example.com")
    new.set_unusable_password()
    new.save()


def work_of(send: Callable[[], Any]) -> Work:
    """Send a request, and return what it did."""
    mail.outbox.clear()
    CountingHasher.calls = 0
    with CaptureQueriesContext(connection) as queries:
        answer = send()
    statements = [each["sql"] for each in queries.captured_queries]
    found = [re.match(r"(INSERT INTO|UPDATE|DELETE FROM) \"(\w+)\"", each) for each in statements]
    writes = Counter(f"{match[1]} {match[2]}" for match in found if match)
    reads = sum(each.startswith("SELECT") for each in statements)
    return Work(
        answer.status_code,
        # The token of a session has a length of its own; it is there for each of them.
        len(re.sub(rb'"session_token": ?"[^"]*"', b"", answer.content)),
        CountingHasher.calls,
        len(mail.outbox),
        tuple(sorted(writes.items())),
        reads,
    )


ROUTES: dict[str, Callable[[str], tuple[str, dict[str, str]]]] = {
    "login": lambda email: ("auth/login", {"email": email, "password": WRONG}),
    "reset": lambda email: ("auth/password/request", {"email": email}),
    "code": lambda email: ("auth/code/request", {"email": email}),
    "signup": lambda email: ("auth/signup", {"email": email, "password": PASSWORD}),
}


@pytest.mark.parametrize("kind", ["browser", "app"])
@pytest.mark.parametrize("route", ROUTES)
def test_property_8_every_account_is_the_same_work_of_the_api(project: Any, kind: str, route: str):
    project.ACCOUNT_LOGIN_BY_CODE_ENABLED = project.ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
    mount(project)
    found = {}
    for email in ADDRESSES:
        caller = Caller(kind)
        path, body = ROUTES[route](email)
        caller("GET", "config")  # a browser needs its CSRF token before
        found[email] = work_of(lambda: caller("POST", path, body))  # noqa: B023
    assert_same(found, signs_up=route == "signup")
    if route in {"login", "signup"}:
        assert {work.hashes for work in found.values()} == {1}


@pytest.mark.parametrize(
    ("page", "form"),
    [
        ("login/", lambda email: {"login": email, "password": WRONG}),
        ("password/reset/", lambda email: {"email": email}),
    ],
)
def test_property_8_every_account_is_the_same_work_of_the_pages(
    project: Any, page: str, form: Callable[[str], dict[str, str]]
):
    project.HEADLESS_ONLY = False
    mount(project)
    found = {}
    for email in ADDRESSES:
        client = Client(raise_request_exception=False)
        client.get(f"/accounts/{page}")
        found[email] = work_of(lambda: client.post(f"/accounts/{page}", form(email)))  # noqa: B023
    assert_same(found)


def assert_same(found: dict[str, Work], *, signs_up: bool = False) -> None:
    """Compare what the requests did. A sign-up writes an account, which takes much less time than its password."""
    shown = "\n".join(map(str, found.items()))
    works = found.values()
    assert len({(work.status, work.length, work.hashes, work.mails) for work in works}) == 1, shown
    if not signs_up:
        assert len({work.writes for work in works}) == 1, shown
        # An account that exists is read; each is one row by an index.
        reads = [work.reads for work in works]
        assert max(reads) - min(reads) <= 2, shown
