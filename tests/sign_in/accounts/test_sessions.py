"""Sessions: their number is limited, a new device is reported, and a command ends them."""

from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.sign_in.accounts.conftest import Caller, make_user

pytestmark = pytest.mark.django_db


def test_a_login_above_the_limit_ends_the_oldest_session(project: Any):
    project.MATT_ACCOUNTS = {"MAX_SESSIONS": 2}
    make_user()
    callers = [Caller("browser") for _ in range(3)]
    for caller in callers:
        assert caller.sign_in().status_code == 200
    assert UserSession.objects.count() == Session.objects.count() == 2
    statuses = [caller("GET", "auth/session").status_code for caller in callers]
    assert statuses == [401, 200, 200]


@pytest.mark.parametrize("engine", ["cached_db", "cache"])
def test_the_limit_works_with_other_stores_of_sessions(project: Any, engine: str):
    project.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    project.MATT_ACCOUNTS = {"MAX_SESSIONS": 1}
    make_user()
    first, second = Caller("app"), Caller("app")
    assert first.sign_in().status_code == second.sign_in().status_code == 200
    assert first("GET", "auth/session").status_code == 410
    assert second("GET", "auth/session").status_code == 200


def test_a_login_takes_as_many_queries_with_many_sessions_as_with_few(project: Any):
    project.MATT_ACCOUNTS = {"MAX_SESSIONS": None}
    make_user()
    taken = []
    for _ in range(6):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert Caller("app").sign_in().status_code == 200
        taken.append(len(queries))
    assert taken[1] == taken[5]


@pytest.mark.django_db(transaction=True)
def test_logins_at_the_same_time_do_not_exceed_the_limit(project: Any):
    project.MATT_ACCOUNTS = {"MAX_SESSIONS": 3}
    project.ACCOUNT_RATE_LIMITS = False
    make_user()

    def sign_in(_: int) -> int:
        try:
            return Caller("app").sign_in().status_code  # type: ignore[no-any-return]
        finally:
            connections.close_all()

    threads = 16 if connection.vendor == "postgresql" else 1
    with ThreadPoolExecutor(threads) as pool:
        assert set(pool.map(sign_in, range(16))) == {200}
    assert UserSession.objects.count() == Session.objects.count() == 3


def test_a_change_of_the_password_is_reported_by_mail(caller: Caller):
    make_user()
    caller.sign_in()
    passwords = {"current_password": "correct-horse-battery", "new_password": "another-one-4711"}
    assert caller("POST", "account/password/change", passwords).status_code == 200
    assert [sent.to for sent in mail.outbox] == [["ada@example.com"]]
    assert "another-one" not in mail.outbox[0].body


def test_a_member_of_staff_who_acts_as_a_user_changes_nothing(project: Any, caller: Caller):
    user = make_user()
    caller.sign_in()
    act = "tests.sign_in.account_pages.test_impersonated.act"
    project.MIDDLEWARE = [*project.MIDDLEWARE, act]
    caller.client.handler.load_middleware()
    passwords = {"current_password": "correct-horse-battery", "new_password": "another-one-4711"}
    refused = caller("POST", "account/password/change", passwords)
    assert (refused.status_code, "You act as another user." in refused.text) == (403, True)
    assert caller("GET", "auth/session").status_code == 200
    user.refresh_from_db()
    assert user.check_password("correct-horse-battery")


def test_the_command_lists_and_ends_the_sessions_of_a_user(project: Any):
    user = make_user()
    caller = Caller("browser")
    caller.sign_in()
    key = caller.client.cookies["sessionid"].value

    def run(*words: str) -> str:
        out = StringIO()
        call_command("matt_sessions", *words, stdout=out)
        return out.getvalue()

    listed = run("list", "ada@example.com")
    assert "127.0.0.1  Test/1.0" in listed
    assert key not in listed
    assert run("revoke", str(user.pk), "--dry-run") == listed
    assert caller("GET", "auth/session").status_code == 200
    # A session that allauth has not recorded, such as one of the admin, is ended too; another user's is not.
    admin, other = Client(), Client()
    admin.force_login(user)
    other.force_login(make_user("bob@example.com"))
    assert run("revoke", "ADA@example.com").startswith("Ended 2 sessions")
    assert not Session.objects.filter(pk=admin.cookies["sessionid"].value)
    assert Session.objects.filter(pk=other.cookies["sessionid"].value)
    assert caller("GET", "auth/session").status_code == 401
    with pytest.raises(CommandError, match="There is no user 'eve'"):
        run("list", "eve")
