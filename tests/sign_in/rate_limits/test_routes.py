"""``@rate_limit`` and the limits of an API: who is counted, what is refused, and what the client is told."""

import logging
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from ninja.security import HttpBearer

from django_matt import MattAPI
from django_matt.contrib.rate_limits import hooks, limits
from django_matt.contrib.rate_limits.limits import limit_api, rate_limit
from django_matt.contrib.rate_limits.throttles import LimitThrottle
from tests.sign_in.rate_limits.conftest import Limited
from tests.sign_in.rate_limits.redis_servers import RedisServer


def test_a_route_allows_each_user_its_amount_in_every_store(
    limited: Limited, store: str, settings: Any
):
    settings.MATT_RATE_LIMITS = {"STORE": store, "TIMEOUT": 5.0}
    limited.add(rate_limit("2/hour"))
    assert limited.statuses(3, user="ada") == [200, 200, 429]
    assert limited.statuses(1, user="grace") == [200]


def test_success_and_refusal_tell_the_client_its_limits(limited: Limited):
    limited.add(rate_limit("2/hour"))
    first, _, refused = (limited.get() for _ in range(3))
    assert first["RateLimit-Policy"] == refused["RateLimit-Policy"] == '"user";q=2;w=3600'
    assert first["RateLimit"] == '"user";r=1;t=1800'
    assert "Retry-After" not in first
    assert refused["RateLimit"].startswith('"user";r=0;t=')
    assert 1_700 < int(refused["Retry-After"]) <= 1_800
    assert refused.json() == {"detail": "Too many requests."}


def test_an_error_of_the_view_has_the_headers_too(limited: Limited):
    limited.add(rate_limit("2/hour", by="address"))
    assert limited.get("/it?number=x").status_code == 422
    assert limited.get("/it?number=x")["RateLimit"].startswith('"address";r=0;')


def test_an_address_is_counted_before_authentication(limited: Limited):
    limited.add(rate_limit("2/hour", by="address"))
    assert limited.statuses(3, user="wrong") == [401, 401, 429]


def test_a_user_is_not_counted_for_what_is_refused_before(limited: Limited):
    limited.add(rate_limit("1/hour"))
    assert limited.statuses(2, user="wrong") == [401, 401]
    assert limited.statuses(2) == [200, 429]


def test_anonymous_requests_are_counted_by_address(limited: Limited):
    limited.add(rate_limit("1/hour"), auth=None)
    assert limited.statuses(2, user=None) == [200, 429]
    assert limited.statuses(1, user=None, REMOTE_ADDR="203.0.113.9") == [200]


def test_the_user_of_a_session_is_counted(limited: Limited, django_user_model: Any):
    limited.add(rate_limit("1/hour"), auth=None)
    limited.get(user=None)
    for client in (limited._client, limited._client.async_client):
        client.force_login(django_user_model.objects.get_or_create(username="ada")[0])
    assert limited.statuses(2, user=None) == [200, 429]


def test_a_session_beside_a_token_of_ninjas_class_is_no_failure(
    limited: Limited, django_user_model: Any
):
    class Bearer(HttpBearer):
        is_blocking = False

        def authenticate(self, request: Any, token: str) -> Any:
            return token

    limited.add(rate_limit("1/hour"), auth=Bearer())
    limited.get(user=None)
    for client in (limited._client, limited._client.async_client):
        client.force_login(django_user_model.objects.get_or_create(username="ada")[0])
    headers = {"Authorization": "Bearer abc"}
    assert limited.statuses(2, user=None, headers=headers) == [200, 429]


def test_keys_are_counted_one_by_one(limited: Limited):
    def key(request: Any) -> Any:
        return ("key", request.headers.get("X-Key"))

    limited.add(rate_limit("1/hour", by="key"), auth=key)
    for name in ("a", "b"):
        headers = {"X-Key": name}
        assert limited.statuses(2, user=None, headers=headers) == [200, 429]


def test_what_authenticated_must_be_told_apart(sync_limited: Limited):
    sync_limited.add(rate_limit("1/hour", by="key"), auth=lambda request: object())
    assert sync_limited.get().status_code == 500


def test_a_tenant_is_counted(limited: Limited, monkeypatch: pytest.MonkeyPatch):
    class Tenant:
        def __init__(self, pk: int) -> None:
            self.pk = pk

    limited.add(rate_limit("1/hour", by="tenant"))
    for pk in (1, 2):
        monkeypatch.setattr(limits, "current_tenant", lambda request, pk=pk: Tenant(pk))
        assert limited.statuses(2) == [200, 429]


def test_a_function_says_whom_to_count(limited: Limited):
    def device(request: Any) -> Any:
        return request.headers.get("X-Device")

    limited.add(rate_limit("1/hour", by=device))
    assert limited.statuses(2) == [200, 200]
    assert limited.statuses(2, headers={"X-Device": "a"}) == [200, 429]
    assert limited.statuses(1, headers={"X-Device": "b"}) == [200]


def test_routes_with_one_scope_count_together_and_others_do_not(limited: Limited):
    limited.add(rate_limit("1/hour", scope="search"), "/a")
    limited.add(rate_limit("1/hour", scope="search"), "/b")
    limited.add(rate_limit("1/hour"), "/c")
    assert [limited.get(path).status_code for path in ("/a", "/b", "/c")] == [200, 429, 200]


def test_every_limit_of_a_route_counts(limited: Limited):
    def both(view: Any) -> Any:
        return rate_limit("3/hour", by="address")(rate_limit("1/hour")(view))

    limited.add(both)
    first = limited.get(user="ada")
    assert first["RateLimit-Policy"] == '"address";q=3;w=3600, "user";q=1;w=3600'
    assert limited.statuses(1, user="ada") == [429]
    assert limited.statuses(2, user="grace") == [200, 429], "the fourth request of the address"
    assert limited.get(user="grace")["RateLimit"].startswith('"address";r=0')


def test_two_limits_by_user_have_two_names(sync_limited: Limited):
    sync_limited.add(lambda view: rate_limit("100/hour")(rate_limit("10/minute")(view)))
    assert sync_limited.get()["RateLimit"] == '"user";r=9;t=6, "user.2";r=99;t=36'


def test_an_api_limits_all_its_routes_together_except_exempt_ones(limited: Limited):
    limit_api(limited.api, "2/hour", by="user")
    limited.add(None, "/a")
    limited.add(None, "/b")
    limited.add(rate_limit(None), "/free")
    limited.add(None, "/unthrottled", throttle=[])
    paths = ("/a", "/b", "/a", "/free", "/unthrottled")
    assert [limited.get(path).status_code for path in paths] == [200, 200, 429, 200, 200]


def test_the_settings_limit_every_api(limited: Limited, settings: Any):
    settings.MATT_RATE_LIMITS = {"API": ["1/hour by address"]}
    limited.add(None)
    assert limited.statuses(2) == [200, 429]


def test_unknown_urls_count_against_the_addresss_limit_of_the_api(sync_limited: Limited):
    limit_api(sync_limited.api, "2/hour", by="address")
    sync_limited.add(None)
    assert sync_limited.statuses(1, "/nothing") == [404]
    assert sync_limited.statuses(2) == [200, 429]
    assert sync_limited.statuses(1, "/nothing") == [429]


def test_redis_that_is_away_lets_requests_pass_or_refuses_them_and_is_logged_once(
    limited: Limited, settings: Any, redis_server: RedisServer, caplog: Any
):
    settings.MATT_RATE_LIMITS = {"STORE": redis_server.url}
    limited.add(rate_limit("1/hour"), "/open")
    limited.add(rate_limit("1/hour", on_error="closed"), "/closed")
    redis_server.stop()
    try:
        with caplog.at_level(logging.ERROR, "django_matt.contrib.rate_limits.services"):
            opened = limited.statuses(3, "/open")
            closed = [limited.get("/closed") for _ in range(2)]
    finally:
        redis_server.start()
    assert opened == [200, 200, 200]
    assert {(answer.status_code, answer["Retry-After"]) for answer in closed} == {(503, "1")}
    said = [each.getMessage() for each in caplog.records if each.name.endswith("services")]
    assert len(said) == 2
    assert "pass without a limit" in said[0]
    assert "are refused with 503" in said[1]


def test_the_document_names_the_429_and_the_headers(sync_limited: Limited):
    sync_limited.add(rate_limit("1/hour", on_error="closed"))
    sync_limited.get()
    document = sync_limited._client.get("/api/openapi.json").json()
    responses = document["paths"]["/api/it"]["get"]["responses"]
    assert {"429", "503"} <= set(responses)
    assert {"RateLimit", "RateLimit-Policy"} <= set(responses["200"]["headers"])
    name = responses["429"]["$ref"].rpartition("/")[2]
    assert "Retry-After" in document["components"]["responses"][name]["headers"]


@pytest.mark.parametrize("by", ["planet", None, 7])
def test_a_wrong_by_is_refused_where_it_is_written(by: Any):
    with pytest.raises(ImproperlyConfigured, match="counts by"):
        rate_limit("1/hour", by=by)(lambda request: None)


def test_a_wrong_on_error_is_refused_where_it_is_written():
    with pytest.raises(ImproperlyConfigured, match="on_error"):
        rate_limit("1/hour", on_error="maybe")(lambda request: None)  # type: ignore[arg-type]


def test_a_limit_without_its_app_is_reported_and_refuses(serve: Any):
    api = MattAPI(urls_namespace="unlimited", extensions=[])

    @api.get("/it", auth=None)
    @rate_limit("1/hour")
    def view(request: Any) -> Any:
        return {}

    assert serve(api).get("/api/it").status_code == 500
    assert "@rate_limit needs the hook" in str(run_checks())


def test_memory_needs_no_thread_on_an_async_route(monkeypatch: pytest.MonkeyPatch):
    def bound(store: str, by: Any, callbacks: Any) -> bool:
        class Operation:
            auth_callbacks = callbacks

        class Store:
            blocks = store != "memory"

        monkeypatch.setattr(hooks, "get_store", Store)
        made = hooks.RateLimitHook._of([limits.make_limit("1/s", by, "s", "open")], Operation())  # type: ignore[arg-type]
        assert made is not None
        return made.never_blocks

    assert bound("memory", "user", ["auth"])
    assert bound("memory", "address", [])
    assert not bound("memory", "user", [])
    assert not bound("memory", "tenant", ["auth"])
    assert not bound("redis", "user", ["auth"])


@pytest.mark.parametrize("kind", ["sync", "async", "asgi"])
def test_a_throttle_counts_exactly_and_tells_when_to_come_back(serve: Any, db: None, kind: str):
    limited = Limited(serve, kind)
    limited.add(None, throttle=[LimitThrottle("2/hour", scope="it")])
    assert limited.statuses(2) == [200, 200]
    refused = limited.get()
    assert refused.status_code == 429
    assert 1_700 < int(refused["Retry-After"]) <= 1_800
    assert limited.statuses(1, user="grace") == [200]
