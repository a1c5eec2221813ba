"""Parallel requests, on PostgreSQL and on SQLite: a link signs in once, and codes are compared at most five times."""

import threading
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from django.test import Client

from django_matt.contrib.magic_links import services
from django_matt.contrib.magic_links.models import MagicLink
from tests.sign_in.magic_links.conftest import REDEEM, ROUTE, at_once, newest_mail

THREADS = 16
ROUNDS = 2


@pytest.fixture
def requested(real_database: None, project: Any) -> Any:
    """Return a function that requests a link; it returns the mail, and the binding of the browser."""
    get_user_model().objects.create_user("ada", "ada@example.com")

    def ask() -> tuple[Any, str]:
        mail.outbox.clear()
        response = post(ROUTE, {"email": "ada@example.com"})
        return newest_mail(), response.cookies["matt_sign_in"].value

    return ask


def post(url: str, body: Any, binding: str = "") -> Any:
    client = Client(raise_request_exception=False)
    client.cookies["matt_sign_in"] = binding
    return client.post(url, body, content_type="application/json")


@pytest.mark.parametrize("method", ["token", "code"])
def test_3_of_parallel_redeems_one_wins(requested, method):
    for _ in range(ROUNDS):
        mailed, binding = requested()
        body = {method: getattr(mailed, method)}
        # All codes are right: five of them may be tried.
        answers = at_once(THREADS, lambda _: post(REDEEM, body, binding))  # noqa: B023
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses == [200] + [400] * (THREADS - 1)


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The codes that were compared."""
    seen: list[str] = []
    lock, compare = threading.Lock(), services.is_code

    def is_code(link: Any, code: str, stored: str) -> bool:
        with lock:
            seen.append(code)
        return compare(link, code, stored)

    monkeypatch.setattr(services, "is_code", is_code)
    return seen


def test_7_of_forty_parallel_guesses_five_are_compared(requested, compared):
    for _ in range(ROUNDS):
        _, binding = requested()
        compared.clear()
        answers = at_once(40, lambda n: post(REDEEM, {"code": f"22222{n % 8 + 2}"}, binding))  # noqa: B023
        assert {answer.status_code for answer in answers} == {400}
        assert len(compared) == 5


def test_4_of_parallel_requests_for_one_address_one_link_stays_valid(requested):
    for _ in range(ROUNDS):
        answers = at_once(THREADS, lambda _: post(ROUTE, {"email": "ada@example.com"}))
        assert [answer.status_code for answer in answers] == [202] * THREADS
        valid = MagicLink.objects.filter(superseded_at=None, consumed_at=None)
        assert valid.count() == 1


def test_parallel_requests_never_exceed_a_limit(requested, settings):
    settings.MATT_MAGIC_LINKS = {"RECIPIENT_LIMIT": (5, 900), "CLIENT_LIMIT": (1000, 900)}
    for turn in range(ROUNDS):
        email = f"user{turn}@example.com"
        answers = at_once(THREADS, lambda _: post(ROUTE, {"email": email}))  # noqa: B023
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses == [202] * 5 + [429] * (THREADS - 5)
