"""Throttles on sync and async routes: where they run, what they count, and what the refusal says."""

import asyncio
import threading
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.core.cache import caches
from django.test import AsyncClient, Client
from ninja.throttling import (
    AnonRateThrottle,
    AuthRateThrottle,
    BaseThrottle,
    UserRateThrottle,
)
from ninja_extra.throttling import UserRateThrottle as ExtraUserRateThrottle

from django_matt import MattAPI, Router
from django_matt.authentication import BearerAuthenticator


@pytest.fixture(autouse=True)
def _empty_cache():
    caches["default"].clear()


@pytest.fixture(params=["sync", "async"])
def get(request, serve):
    """Return ``get(throttle, times)``: the answers to requests to a throttled route."""

    def call(throttle, times=1, *, headers=None, user=None, auth=None, router=None):
        api = MattAPI()
        routes = api if router is None else router
        if request.param == "sync":

            @routes.get("/limited", throttle=throttle, auth=auth)
            def limited(request):
                return {}
        else:

            @routes.get("/limited", throttle=throttle, auth=auth)
            async def limited(request):
                return {}

        if router is not None:
            api.add_router("", router)
        serve(api)
        client: Any = Client(raise_request_exception=False)
        if request.param == "async":
            client = AsyncClient(raise_request_exception=False)
        if user is not None:
            client.force_login(user)
        ask = client.get if request.param == "sync" else async_to_sync(client.get)
        return [ask("/api/limited", headers=headers) for _ in range(times)]

    call.mode = request.param
    return call


@pytest.mark.parametrize("kind", [UserRateThrottle, ExtraUserRateThrottle])
def test_one_that_asks_the_database_who_the_user_is_works(get, kind, transactional_db):
    user = User.objects.create(username="ada")
    answers = get([kind("2/m")], 3, user=user)
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 0 < int(answers[-1]["Retry-After"]) <= 60


def test_one_that_counts_in_the_database_works(get, transactional_db, settings):
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "counts"}
    }
    from django.core.management import call_command
    from django.db import connection

    call_command("createcachetable", verbosity=0)
    try:
        answers = get([AnonRateThrottle("2/m")], 3)
        assert [answer.status_code for answer in answers] == [200, 200, 429]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE counts")


def test_one_of_the_projects_own_may_ask_the_database(get, transactional_db):
    class Names(BaseThrottle):
        def allow_request(self, request):
            return User.objects.count() == 0

        def wait(self):
            return 1.5

    assert get([Names()])[0].status_code == 200
    User.objects.create(username="ada")
    (answer,) = get([Names()])
    assert (answer.status_code, answer["Retry-After"]) == (429, "2")


def test_the_longest_wait_is_what_the_client_is_told(get):
    class Refuses(BaseThrottle):
        def __init__(self, seconds):
            self.seconds = seconds

        def allow_request(self, request):
            return False

        def wait(self):
            return self.seconds

    (answer,) = get([Refuses(2), Refuses(None), Refuses(3.2)])
    assert (answer.status_code, answer["Retry-After"]) == (429, "4")
    (answer,) = get([Refuses(None)])
    assert (answer.status_code, answer["Retry-After"]) == (429, "0")


class Still(AnonRateThrottle):
    """Its clock does not move, so the wait is the same however busy the machine is."""

    timer = staticmethod(lambda: 1_000_000.0)


def test_a_router_of_ninjas_answers_alike(get):
    import ninja

    answers = get([Still("1/m")], 2, router=ninja.Router())
    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[1]["Retry-After"] == "60"
    answers = get([AnonRateThrottle("1/h")], 2, router=Router())
    assert answers[1].status_code == 429


def test_an_async_twin_is_preferred_on_an_async_route(get):
    asked = []

    class Both(BaseThrottle):
        def allow_request(self, request):
            asked.append("sync")
            return True

        async def aallow_request(self, request):
            await asyncio.sleep(0)
            asked.append("async")
            return len(asked) < 2

        def wait(self):
            return 7

    answers = get([Both()], 2)
    assert asked == [get.mode] * 2
    if get.mode == "async":
        assert [answer.status_code for answer in answers] == [200, 429]
        assert answers[1]["Retry-After"] == "7"


def test_who_signed_in_is_known(get):
    class Token(BearerAuthenticator):
        def authenticate(self, request, credentials):
            return credentials.value

    throttle = [AuthRateThrottle("1/m")]
    for name in ("ada", "bob"):
        headers = {"authorization": f"Bearer {name}"}
        found = [each.status_code for each in get(throttle, 2, headers=headers, auth=Token())]
        assert found == [200, 429]


def test_what_one_raises_is_a_fault(get):
    class Broken(BaseThrottle):
        def allow_request(self, request):
            raise ValueError

    assert get([Broken()])[0].status_code == 500


@pytest.mark.parametrize(
    ("throttle", "stays"),
    [
        (AnonRateThrottle, True),
        (AuthRateThrottle, True),
        (type("Counting", (AnonRateThrottle,), {"throttle_success": lambda self: True}), False),
        (type("Quick", (AnonRateThrottle,), {"allow_request": lambda s, r: True}), False),
    ],
    ids=["anon", "auth", "own counting", "own decision"],
)
@pytest.mark.parametrize("is_blocking", [None, False])
def test_one_that_counts_in_memory_stays_in_the_loop(serve, throttle, stays, is_blocking):
    seen = []

    class Mine(throttle):  # type: ignore[misc,valid-type]
        def get_ident(self, request):
            seen.append(threading.get_ident())
            return "me"

        def get_cache_key(self, request):
            self.get_ident(request)
            return super().get_cache_key(request)

    if throttle.__name__ == "Quick":

        def allow_request(self, request):
            return bool(self.get_ident(request))

        Mine.allow_request = allow_request
    mine = Mine("9/m")
    if is_blocking is not None:
        mine.is_blocking = is_blocking
    api = MattAPI()

    @api.get("/thread", throttle=mine)
    async def thread(request):
        return threading.get_ident()

    serve(api)

    async def ask():
        return await AsyncClient().get("/api/thread")

    answer = asyncio.run(ask())
    assert answer.status_code == 200
    assert (set(seen) == {answer.json()}) is (stays or is_blocking is False)


def test_requests_at_once_are_counted_exactly(serve, transactional_db):
    """Ninja's throttle keeps the count of a request on itself: threads would mix them."""

    class Slow(UserRateThrottle):
        def get_cache_key(self, request):
            threading.Event().wait(0.001)
            return "one-for-all"

        def throttle_success(self):
            return super().throttle_success()

    api = MattAPI()

    @api.get("/limited", throttle=Slow("10/h"))
    async def limited(request):
        return {}

    serve(api)

    async def ask():
        client = AsyncClient()
        answers = await asyncio.gather(*(client.get("/api/limited") for _ in range(40)))
        return sorted(answer.status_code for answer in answers)

    assert asyncio.run(ask()) == [200] * 10 + [429] * 30


def test_an_async_handler_answers_the_refusal(serve):
    import ninja
    from ninja.errors import Throttled

    router, api = ninja.Router(), MattAPI()

    @router.get("/limited", throttle=Still("1/m"))
    async def limited(request):
        return {}

    @api.exception_handler(Throttled)
    async def mine(request, exc):
        return api.create_response(request, {"wait": exc.wait}, status=420)

    api.add_router("", router)
    client = serve(api)
    client.get("/api/limited")
    answer = client.get("/api/limited")
    assert (answer.status_code, answer["Retry-After"]) == (420, "60")


def test_the_client_is_who_the_trusted_proxy_was_called_by(get, settings):
    settings.MATT = {"TRUSTED_PROXIES": 1}

    def status(forwarded):
        [answer] = get(AnonRateThrottle("1/m"), headers={"X-Forwarded-For": forwarded})
        return answer.status_code

    assert status("6.6.6.6, 10.0.0.1") == 200
    assert status("7.7.7.7, 10.0.0.1") == 429
    assert status("6.6.6.6, 10.0.0.2") == 200
