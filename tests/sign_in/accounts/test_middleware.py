"""The middleware that notes when a session was used: deleted users and impossible cookies are no errors of the server."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.db import IntegrityError, connection, connections
from django.test import Client

from tests.sign_in.accounts.conftest import Caller, make_user

pytestmark = pytest.mark.django_db(transaction=True)


def delete_users(get_response: Any) -> Any:
    """Middleware that deletes every user after it has read that of the request, as another request may."""

    def answer(request: Any) -> Any:
        if request.user.is_authenticated:
            get_user_model().objects.all().delete()
        return get_response(request)

    return answer


def break_sessions(get_response: Any) -> Any:
    """Middleware that fails as a database does, and not because a user is gone."""

    def answer(request: Any) -> Any:
        request.META["HTTP_USER_AGENT"] = BrokenAgent()
        return get_response(request)

    return answer


class BrokenAgent(str):
    def __getitem__(self, key: Any) -> Any:
        raise IntegrityError("another constraint")


@pytest.fixture
def tracked(project: Any) -> Any:
    project.USERSESSIONS_TRACK_ACTIVITY = True
    ours = "django_matt.contrib.accounts.middleware.UserSessionsMiddleware"
    project.MIDDLEWARE = [*project.MIDDLEWARE, ours]
    return project


def put_before_ours(project: Any, middleware: Any) -> None:
    ours = project.MIDDLEWARE[-1]
    name = f"{__name__}.{middleware.__name__}"
    project.MIDDLEWARE = [*project.MIDDLEWARE[:-1], name, ours]


def sign_in() -> Caller:
    make_user()
    caller = Caller("browser")
    assert caller.sign_in().status_code == 200
    return caller


def copy(caller: Caller) -> Caller:
    """Return a client with the same cookies, which reads the middleware of the settings again."""
    made = Caller("browser")
    made.client.cookies.load({name: each.value for name, each in caller.client.cookies.items()})
    return made


def ask_to_delete(caller: Caller) -> Any:
    token = caller.client.cookies["csrftoken"].value
    return caller.client.delete("/api/account", headers={"x-csrftoken": token})


def test_it_notes_when_a_session_was_used(tracked: Any):
    caller = sign_in()
    before = UserSession.objects.get().last_seen_at
    assert caller("GET", "auth/session").status_code == 200
    assert UserSession.objects.get().last_seen_at > before


def test_a_request_of_a_user_who_is_being_deleted_is_one_of_nobody(tracked: Any):
    caller = sign_in()
    put_before_ours(tracked, delete_users)
    answer = ask_to_delete(copy(caller))
    assert (answer.status_code, answer.json()) == (401, {"detail": "Unauthorized"})
    assert answer.cookies["sessionid"].value == ""
    assert UserSession.objects.count() == Session.objects.count() == 0


def test_an_error_that_is_not_about_the_user_is_raised(tracked: Any):
    caller = sign_in()
    put_before_ours(tracked, break_sessions)
    assert copy(caller)("GET", "auth/session").status_code == 500


def test_requests_that_delete_the_same_account_at_the_same_time_are_no_errors(tracked: Any):
    caller = sign_in()

    def delete(_: int) -> int:
        try:
            return int(ask_to_delete(copy(caller)).status_code)
        finally:
            connections.close_all()

    threads = 16 if connection.vendor == "postgresql" else 1
    with ThreadPoolExecutor(threads) as pool:
        answered = set(pool.map(delete, range(16)))
    assert 204 in answered
    assert answered <= {204, 400, 401}
    assert not get_user_model().objects.exists()


@pytest.mark.parametrize("where", ["/_allauth/browser/v1/auth/session", "/api/account/export"])
def test_a_session_cookie_with_nul_is_one_of_nobody(tracked: Any, where: str):
    client = Client(raise_request_exception=False)
    # Python's parser of cookies reads this as NUL.
    answer = client.get(where, headers={"cookie": 'sessionid="abcdefgh\\000ijkl"'})
    assert answer.status_code == 401
    assert answer.cookies["sessionid"].value == ""
