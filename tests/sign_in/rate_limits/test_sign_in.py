"""Sign-in is limited by address and by account, on views that are not routes too; mail is limited by recipient."""

import json
from io import StringIO
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client
from django.test.client import MULTIPART_CONTENT
from django.urls import include, path

from django_matt import MattAPI, sign_in
from django_matt.contrib.rate_limits.checks import check_deployment, check_settings, check_store
from django_matt.contrib.rate_limits.services import acheck_limit, check_limit
from django_matt.errors.exceptions import ServiceUnavailable, TooManyRequests
from tests.sign_in.rate_limits.redis_servers import RedisServer

MIDDLEWARE = "django_matt.contrib.rate_limits.middleware.SignInLimits"
LOGIN = "/_allauth/browser/v1/auth/login"


class Urls:
    """allauth below the errors of an API, and a page of the project's own."""

    def __init__(self) -> None:
        api = MattAPI(urls_namespace="limited-sign-in", extensions=[])

        def page(request: HttpRequest, rest: str = "") -> HttpResponse:
            assert request.POST is not None
            return HttpResponse("form")

        @api.post("/auth/login", auth=None)
        def login(request: HttpRequest) -> dict[str, bool]:
            return {"ok": True}

        self.urlpatterns = [
            path("api/", api.urls),
            path("_allauth/", api.answer_errors(include("allauth.headless.urls"))),
            path("accounts/<path:rest>", page),
            path("other/", page),
        ]


@pytest.fixture(params=["wsgi", "asgi"])
def send(request: pytest.FixtureRequest, settings: Any, db: None) -> Any:
    """Return ``send(path, body, **more)``, a POST to a project with the middleware."""
    cache.clear()  # allauth counts there too
    settings.ROOT_URLCONF = Urls()
    settings.MIDDLEWARE = [MIDDLEWARE, *settings.MIDDLEWARE]
    settings.MATT_RATE_LIMITS = {"LIMITS": {"sign_in": "4/hour", "sign_in_account": "2/hour"}}

    def post(where: str, body: Any = None, method: str = "post", **more: Any) -> Any:
        sent: dict[str, Any] = {"data": json.dumps(body or {}), "content_type": "application/json"}
        if request.param == "wsgi":
            return getattr(Client(), method)(where, **{**sent, **more})
        return async_to_sync(getattr(AsyncClient(), method))(where, **{**sent, **more})

    return post


def statuses(send: Any, number: int, where: str = LOGIN, **more: Any) -> list[int]:
    return [send(where, **more).status_code for _ in range(number)]


def test_attempts_of_an_address_are_limited_on_views_that_are_not_routes(send: Any):
    bodies = [{"username": f"user{number}", "password": "wrong"} for number in range(5)]
    answers = [send(LOGIN, body) for body in bodies]
    assert [answer.status_code for answer in answers[:4]] == [400] * 4
    refused = answers[4]
    assert (refused.status_code, refused["Content-Type"]) == (
        429,
        "application/json; charset=utf-8",
    )
    assert refused.json() == {"detail": "Too many requests."}
    assert 800 < int(refused["Retry-After"]) <= 900


@pytest.mark.parametrize(
    "page",
    [
        *("login", "login/code", "login/code/confirm", "signup", "signup/passkey"),
        *("confirm-email", "password/reset", "password/reset/confirm"),
        *("reauthenticate", "reauthenticate/code", "reauthenticate/code/confirm"),
        *("2fa/authenticate", "2fa/reauthenticate"),
        *("2fa/webauthn/login", "2fa/webauthn/signup", "2fa/webauthn/reauthenticate"),
    ],
)
def test_each_page_of_allauth_that_takes_a_secret_is_limited(send: Any, page: str):
    assert statuses(send, 5, f"/accounts/{page}/") == [*[200] * 4, 429]


@pytest.mark.parametrize("page", ["logout", "email", "password/reset/done", "2fa"])
def test_the_other_pages_are_not_limited(send: Any, page: str):
    assert statuses(send, 5, f"/accounts/{page}/") == [200] * 5


@pytest.mark.parametrize(
    "names",
    [
        ["ada", "ada", "ada"],
        ["ada", "ADA", " ada "],
        ["nobody", "nobody", "nobody"],
    ],
    ids=["known", "other case and spaces", "unknown"],
)
def test_attempts_on_an_account_are_limited_whether_it_exists_or_not(
    send: Any, django_user_model: Any, names: list[str]
):
    django_user_model.objects.create_user("ada", password="right")
    bodies = [{"username": name, "password": "wrong"} for name in names]
    assert [send(LOGIN, body).status_code for body in bodies] == [400, 400, 429]


@pytest.mark.parametrize(
    "hide",
    [
        lambda number: {"body": {"email": f"{number}@example.com", "username": "ada"}},
        lambda number: {"body": {"username": "ada", "phone": f"+1555{number}"}},
        lambda number: {"body": {"username": ("ada", "\uff41da", "a\uff44a")[number]}},
        lambda number: {
            "data": '{"username": "ada", "password": "wrong"}',
            "content_type": "application/x-www-form-urlencoded",
        },
        lambda number: {
            "data": '{"username": "ada", "password": "wrong"}',
            "content_type": "multipart/form-data; boundary=x",
        },
    ],
    ids=["another e-mail", "another phone", "other letters", "form", "multipart"],
)
def test_an_account_cannot_be_hidden_behind_another_name_or_content_type(send: Any, hide: Any):
    found = [send(LOGIN, **hide(number)).status_code for number in range(3)]
    assert found == [400, 400, 429]


def test_a_multipart_form_reaches_its_view(send: Any):
    sent = {"username": "ada", "password": "x"}
    found = [
        send("/accounts/login/", data=sent, content_type=MULTIPART_CONTENT).status_code
        for _ in range(3)
    ]
    assert found == [200, 200, 429]


def test_forms_and_json_of_any_content_type_name_an_account(send: Any):
    form = {"data": "username=ada&password=x", "content_type": "application/x-www-form-urlencoded"}
    text = {"data": '{"username": "ada"}', "content_type": "text/plain"}
    found = [send("/accounts/login/", **more).status_code for more in (form, text, text)]
    assert found == [200, 200, 429]


@pytest.mark.parametrize(
    "data",
    [
        "",
        "[]",
        "{",
        "1",
        '{"email": 1}',
        "[" * 100_000,
        '{"email": "\\ud800"}',
        b"\xff",
        '{"email": ""}',
    ],
)
def test_a_body_that_names_no_account_is_the_views_to_refuse(send: Any, data: Any):
    assert send("/accounts/login/", data=data).status_code == 200


def test_routes_of_the_api_are_limited_in_its_error_format(send: Any):
    assert statuses(send, 5, "/api/auth/login") == [200] * 4 + [429]


def test_pages_of_the_project_are_limited_in_plain_text(send: Any):
    assert statuses(send, 4, "/accounts/login/") == [200] * 4
    refused = send("/accounts/login/")
    assert (refused.status_code, refused["Content-Type"]) == (429, "text/plain; charset=utf-8")
    assert refused.content == b"Too many requests."


def test_reads_and_other_paths_are_not_counted(send: Any):
    assert statuses(send, 5, "/accounts/login/", method="get", data=None) == [200] * 5
    assert statuses(send, 5, "/other/") == [200] * 5


def test_a_session_is_asked_for_without_limit(send: Any):
    assert 429 not in statuses(send, 5, "/_allauth/browser/v1/auth/session")


def test_a_limit_can_be_turned_off(send: Any, settings: Any):
    settings.MATT_RATE_LIMITS = {"LIMITS": {"sign_in": None, "sign_in_account": "1/hour"}}
    assert 429 not in statuses(send, 5, "/accounts/login/")
    assert statuses(send, 2, "/accounts/login/", body={"email": "a@example.com"}) == [200, 429]


def test_sign_in_is_closed_while_redis_is_away(send: Any, settings: Any, redis_server: RedisServer):
    settings.MATT_RATE_LIMITS = {"STORE": redis_server.url}
    redis_server.stop()
    try:
        assert send("/api/auth/login").status_code == 503
    finally:
        redis_server.start()


def test_a_recipient_gets_a_number_of_mails(settings: Any):
    settings.MATT_RATE_LIMITS = {"LIMITS": {"recipient": "2/hour", "reports": "1/day"}}
    check_limit("recipient", "ada@example.com")
    check_limit("recipient", " Ada@Example.com")
    with pytest.raises(TooManyRequests) as refused:
        check_limit("recipient", "ada@example.com")
    assert 1_700 < int(refused.value.headers["Retry-After"]) <= 1_800
    check_limit("recipient", "grace@example.com")
    check_limit("reports", "ada@example.com")


def test_other_apps_find_the_limit_by_the_protocol(settings: Any):
    settings.MATT_RATE_LIMITS = {"LIMITS": {"recipient": "1/hour"}}
    sign_in.check_limit("recipient", "ada@example.com")
    with pytest.raises(TooManyRequests):
        sign_in.check_limit("recipient", "ada@example.com")
    settings.INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes"]
    sign_in.check_limit("recipient", "ada@example.com")


def test_async_code_counts_too(settings: Any):
    settings.MATT_RATE_LIMITS = {"LIMITS": {"recipient": "1/hour"}}
    async_to_sync(acheck_limit)("recipient", "ada@example.com")
    with pytest.raises(TooManyRequests):
        async_to_sync(acheck_limit)("recipient", "ada@example.com")


def test_a_name_without_a_rate_is_refused():
    with pytest.raises(ImproperlyConfigured, match="there is no 'planet'"):
        check_limit("planet", "earth")


def test_the_first_refusal_is_a_security_event_without_the_address(
    settings: Any, monkeypatch: pytest.MonkeyPatch
):
    from django_matt.contrib.rate_limits import services

    events: list[Any] = []
    monkeypatch.setattr(
        services, "record_security_event", lambda name, **data: events.append((name, data))
    )
    settings.MATT_RATE_LIMITS = {"LIMITS": {"recipient": "1/hour"}}
    check_limit("recipient", "ada@example.com")
    for _ in range(3):
        with pytest.raises(TooManyRequests):
            check_limit("recipient", "ada@example.com")
    assert events == [("limit_reached", {"request": None, "limit": "recipient"})]


def test_named_limits_are_closed_while_redis_is_away(settings: Any, redis_server: RedisServer):
    settings.MATT_RATE_LIMITS = {"STORE": redis_server.url}
    redis_server.stop()
    try:
        with pytest.raises(ServiceUnavailable):
            check_limit("recipient", "ada@example.com")
    finally:
        redis_server.start()


@pytest.mark.parametrize(
    "options",
    [
        {"STORE": "disk"},
        {"STORE": "database:planet"},
        {"LIMITS": {"recipient": "often"}},
        {"API": ["often by user"]},
        {"API": ["1/hour by planet"]},
        {"IPV6_PREFIX": 0},
        {"TIMEOUT": 0},
        {"SIGN_IN_PATHS": ["("]},
    ],
)
def test_a_wrong_setting_is_reported(settings: Any, options: Any):
    settings.MATT_RATE_LIMITS = options
    assert [each.id for each in check_settings()] == ["matt_rate_limits.E001"]


def test_a_store_that_cannot_count_is_reported(settings: Any, monkeypatch: pytest.MonkeyPatch):
    from django.db import connection

    settings.MATT_RATE_LIMITS = {"STORE": "memcached://localhost"}
    assert [each.id for each in check_store()] == ["matt_rate_limits.E002"]
    settings.MATT_RATE_LIMITS = {"STORE": "database"}
    assert check_store() == []
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    assert [each.id for each in check_store()] == ["matt_rate_limits.E003"]


def test_a_store_in_memory_and_a_proxy_that_is_not_trusted_are_reported_for_production(
    settings: Any,
):
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    found = [each.id for each in check_deployment()]
    assert found == ["matt_rate_limits.W002", "matt_rate_limits.W003"]
    settings.MATT_RATE_LIMITS, settings.MATT = {"STORE": "database"}, {"TRUSTED_PROXIES": 1}
    assert check_deployment() == []


def test_allauth_without_the_middleware_is_reported(settings: Any):
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if each != MIDDLEWARE]
    assert "matt_rate_limits.W001" in {each.id for each in run_checks()}
    settings.MIDDLEWARE = [MIDDLEWARE, *settings.MIDDLEWARE]
    assert "matt_rate_limits.W001" not in {each.id for each in run_checks()}


@pytest.mark.django_db
def test_the_migrations_are_complete():
    out = StringIO()
    call_command("makemigrations", "matt_rate_limits", check=True, dry_run=True, stdout=out)
    assert "No changes" in out.getvalue()
