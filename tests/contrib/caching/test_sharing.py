"""Nobody gets the response of another: what the view may know of a request is in the key, or the response is not stored."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from datetime import timedelta
from time import sleep
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, connections, router, transaction
from django.http import HttpRequest
from django.test import override_settings
from django.utils import timezone, translation
from ninja import Cookie, Header, Router
from ninja.security import HttpBearer, django_auth
from ninja.throttling import AnonRateThrottle
from ninja_extra import permissions

from django_matt import ControllerBase, Schema, api_controller, http_get
from django_matt.contrib.caching import cached, invalidate, stores, validity
from django_matt.contrib.caching.statements import read_statement, unknown_in
from django_matt.errors.exceptions import ServiceUnavailable
from django_matt.formats import formats
from django_matt.formats.protocol import Format
from tests.contrib.caching.conftest import Cached, Named, a_book, caches_of, titles
from tests.project.models import Book, Tag
from tests.waiting import wait_until

FREE = cached(seconds=60, reads=[])
AUTH = "django.contrib.auth.middleware.AuthenticationMiddleware"


def me(request: HttpRequest) -> Any:
    return [request.user.username, request.session.get("cart")]


def username(request: HttpRequest) -> str:
    return str(request.user.username)  # type: ignore[union-attr]


def meet(get_response: Any) -> Any:
    """Middleware that reads the user, as one that notes when users were last seen."""

    def handle(request: Any) -> Any:
        assert request.user.is_authenticated in (True, False)
        return get_response(request)

    return handle


def sign_in(made: Cached, name: str, cart: str = "") -> None:
    """Let the client of an API be this user."""
    made.get("/none")
    client: Any = made._client
    user = get_user_model().objects.get_or_create(username=name)[0]
    client.force_login(user)
    session = client.session
    session["cart"] = cart
    session.save()
    client.async_client.cookies = client.cookies


@pytest.mark.parametrize("public", [False, True])
@pytest.mark.parametrize("early", [False, True])
def test_two_users_never_share_although_the_session_was_read_before(
    locmem: None, cached_api: Any, settings: Any, early: bool, public: bool
):
    if early:
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.meet"]
    made = cached_api()
    for path, view in (("/me", username), ("/cart", me)):
        made.add(view, cached(seconds=60, public=public, reads=[]), path=path)
    for name in ("ada", "bob", "ada"):
        sign_in(made, name, name)
        for path, said in (("/me", name), ("/cart", [name, name])):
            for _ in range(2):
                response = made.get(path)
                assert response.json() == said
                assert response.headers["Cache-Control"] == "private, no-cache"


def test_permissions_are_authentication(locmem: None, serve: Any):
    @api_controller("/c", permissions=[permissions.IsAuthenticated])
    class Mine(ControllerBase):
        @http_get("/me")
        @FREE
        def me(self) -> Any:
            return self.context.request.user.username  # type: ignore[union-attr]

    made = Cached(serve, "sync")
    made.api.register_controllers(Mine)
    for name in ("ada", "bob", "ada"):
        sign_in(made, name)
        assert made.get("/c/me").json() == name
    assert "Age" in made.get("/c/me").headers


@pytest.mark.parametrize(
    ("options", "marks", "said"),
    [
        ({"public": True}, {"auth": django_auth}, "needs vary=[]"),
        ({"public": True, "vary": ["language"]}, {"auth": django_auth}, "needs vary=[]"),
        ({"reads": ["project.Boook"]}, {}, "no model"),
    ],
)
def test_what_cannot_be_kept_is_refused_when_the_api_is_bound(
    serve: Any, options: Any, marks: Any, said: str
):
    made = Cached(serve, "sync")
    made.add(titles, cached(seconds=60, **options), **marks)
    assert made.get().status_code == 500
    problems = [each.problem for each in made.api.operations()]
    assert said in str(problems[0])


def test_a_schema_of_any_headers_is_refused(serve: Any):
    class AnyHeader(Schema):
        model_config = {"extra": "allow"}
        x_a: str = ""

    def view(request: HttpRequest, given: Header[AnyHeader]) -> str:
        return given.x_a

    made = Cached(serve, "sync")
    made.add(view, FREE)
    assert "accepts any name" in str(next(each.problem for each in made.api.operations()))


def test_what_is_shared_on_purpose_may_be_public(locmem: None, cached_api: Any):
    made = cached_api(auth=Named())
    made.add(lambda request: 1, cached(seconds=60, vary=[], public=True, reads=[]))
    for name in ("ada", "bob"):
        get_user_model().objects.create(username=name)
        assert made.get(X_API_Key=name).headers["Cache-Control"].startswith("public")
    assert len(made.loads) == 1


def test_vary_adds_to_the_user(locmem: None, cached_api: Any):
    made = cached_api(auth=Named())
    made.add(lambda request: request.auth.username, cached(seconds=60, vary=["language"], reads=[]))
    for name in ("ada", "bob", "ada"):
        get_user_model().objects.get_or_create(username=name)
        assert made.get(X_API_Key=name).json() == name
    assert len(made.loads) == 2


def test_a_tenant_is_a_part_of_every_key(locmem: None, cached_api: Any, monkeypatch: Any):
    from django.apps import apps

    app: Any = apps.get_app_config("project")
    monkeypatch.setattr(
        app, "resolve_tenant", lambda request: request.headers.get("X-Tenant"), raising=False
    )
    made = cached_api(auth=Named())
    made.add(titles, cached(seconds=60, vary=[], public=True))
    get_user_model().objects.create(username="ada")
    for tenant in ("one", "two", "one"):
        response = made.get(X_API_Key="ada", X_Tenant=tenant)
        assert response.headers["Cache-Control"] == "private, no-cache"
    assert len(made.loads) == 2


class Claims(HttpBearer):
    def authenticate(self, request: HttpRequest, token: str) -> Any:
        return json.loads(token)


def test_claims_are_a_part_of_the_key_and_true_is_nobody(locmem: None, cached_api: Any):
    made = cached_api(auth=Claims())
    made.add(lambda request: request.auth, FREE)
    claims: list[Any] = [{"sub": "7", "tenant": "a"}, {"sub": "7", "tenant": "b"}, {"sub": "7"}]
    for each in (*claims, *claims, True, True):
        assert made.get(Authorization=f"Bearer {json.dumps(each)}").json() == each
    assert len(made.loads) == 5


class MayView(permissions.BasePermission):
    def has_permission(self, request: Any, controller: Any) -> bool:
        return request.user.has_perm("auth.view_group") is not None


@pytest.mark.parametrize("kind", ["locmem", "redis"])
def test_a_revoked_permission_is_noticed_although_only_a_permission_has_read_it(
    kind: str, request: Any, settings: Any, serve: Any, transactional_db: None
):
    url = request.getfixturevalue("redis_server").url if kind == "redis" else ""
    settings.CACHES = caches_of(kind, url)
    settings.MATT_CACHING = {"TIMEOUT": 5.0}
    stores.get_store()._ask(lambda cache: cache.clear())

    @api_controller("/c", permissions=[MayView])
    class Secrets(ControllerBase):
        @http_get("/secret")
        @FREE
        def secret(self) -> Any:
            return self.context.request.user.has_perm("auth.view_group")  # type: ignore[union-attr]

    made = Cached(serve, "sync")
    made.api.register_controllers(Secrets)
    sign_in(made, "ada")
    user: Any = get_user_model().objects.get()
    user.user_permissions.add(Permission.objects.get(codename="view_group"))
    for _ in range(2):
        assert made.get("/c/secret").json() is True
    assert "Age" in made.get("/c/secret").headers
    user.user_permissions.clear()
    assert made.get("/c/secret").json() is False
    sign_in(made, "bob")
    made.get("/c/secret")
    assert "Age" in made.get("/c/secret").headers, "sessions and users of others change nothing"


class Slow(Named):
    """During whose authentication somebody else writes what it has read."""

    meanwhile: Any = None

    def authenticate(self, request: HttpRequest, credentials: Any) -> Any:
        request.tags = Tag.objects.count()  # type: ignore[attr-defined]
        if Slow.meanwhile:
            Context().run(Slow.meanwhile)
        return super().authenticate(request, credentials)


def test_what_changes_during_authentication_is_not_stored(locmem: None, serve: Any):
    made = Cached(serve, "sync", auth=Slow())
    made.add(lambda request: request.tags, FREE)
    get_user_model().objects.create(username="ada")
    Slow.meanwhile = lambda: Tag.objects.create(name="x") if not Tag.objects.exists() else None
    assert made.get(X_API_Key="ada").json() == 0
    Slow.meanwhile = None
    assert made.get(X_API_Key="ada").json() == 1
    assert "Age" in made.get(X_API_Key="ada").headers


# ---- the rest of the request ----

READINGS: dict[str, Any] = {
    "header": lambda request: request.headers.get("X-Mood"),
    "meta": lambda request: request.META.get("HTTP_X_MOOD"),
    "all headers": lambda request: dict(request.headers).get("X-Mood"),
    "all of meta": lambda request: {**request.META}.get("HTTP_X_MOOD"),
    "address": lambda request: request.META["REMOTE_ADDR"] and request.headers.get("X-Mood"),
    "cookie": lambda request: request.COOKIES.get("mood"),
}


@pytest.mark.parametrize("name", READINGS)
def test_a_header_or_a_cookie_that_is_not_declared_is_shown_and_not_shared(
    locmem: None, cached_api: Any, name: str
):
    made = cached_api()
    made.add(READINGS[name], FREE)
    for mood in ("good", "bad"):
        client = made._client or made._serve(made.api)
        client.cookies["mood"] = mood
        client.async_client.cookies, made._client = client.cookies, client
        response = made.get(X_Mood=mood)
        assert response.json() == mood
        assert response.headers["X-Matt-Cache"].startswith("skip; the view reads ")
    assert len(made.loads) == 2


def mood(request: HttpRequest) -> Any:
    return request.headers.get("X-Mood")


def test_what_a_function_of_vary_reads_may_be_read_by_the_view(locmem: None, cached_api: Any):
    made = cached_api()
    made.add(mood, cached(seconds=60, vary=[mood], public=True, reads=[]))
    for feeling in ("good", "bad", "good"):
        response = made.get(X_Mood=feeling)
        assert response.json() == feeling
        assert "X-Mood" in response.headers["Vary"]
    assert len(made.loads) == 2


def group(request: HttpRequest) -> Any:
    return Group.objects.get(pk=request.headers["X-Group"])


def failing(request: HttpRequest) -> Any:
    raise TypeError("of the project")


def test_rows_are_told_apart_by_their_key_and_a_mistake_in_a_function_is_an_error(
    locmem: None, cached_api: Any, monkeypatch: Any
):
    monkeypatch.setattr(Group, "__str__", lambda self: "team")
    made = cached_api()
    made.add(lambda request: request.headers["X-Group"], cached(seconds=60, vary=[group], reads=[]))
    made.add(lambda request: 1, cached(seconds=60, vary=[failing], reads=[]), path="/failing")
    for name in ("a", "b"):
        key = str(Group.objects.create(name=name).pk)
        for _ in range(2):
            assert made.get(X_Group=key).json() == key
    assert len(made.loads) == 2
    assert made.get("/failing").status_code == 500


def test_language_and_time_zone_are_always_a_part_of_the_key(locmem: None, serve: Any):
    made = Cached(serve, "sync")
    made.add(
        lambda request: [translation.get_language(), timezone.get_current_timezone_name()], FREE
    )
    for language, zone in [("de", "Asia/Tokyo"), ("de", "UTC"), ("fr", "UTC")] * 2:
        with translation.override(language), timezone.override(zone):
            assert made.get().json() == [language, zone]
    assert len(made.loads) == 3


def test_a_cdn_is_told_what_differs_and_a_cookie_makes_it_private(
    locmem: None, cached_api: Any, settings: Any
):
    def view(
        request: HttpRequest, x_money: str = Header("EUR"), theme: str = Cookie("light")
    ) -> Any:
        return [x_money, theme]

    settings.MIDDLEWARE = [f"{__name__}.count_visits", *settings.MIDDLEWARE]
    made = cached_api()
    made.add(view, cached(seconds=60, public=True, reads=[]))
    for _ in range(2):
        assert made.get().headers["Cache-Control"].startswith("public")
        assert {"X-Money", "Cookie"} <= {*made.get().headers["Vary"].split(", ")}
        counted = made.get("/it", Visit="1").headers
        assert counted["Cache-Control"] == "private, no-cache"
        assert "Cache-Tag" not in counted


def count_visits(get_response: Any) -> Any:
    """Middleware that sets a cookie."""

    def handle(request: Any) -> Any:
        response = get_response(request)
        if "Visit" in request.headers:
            response.set_cookie("visit", "1")
        return response

    return handle


def test_another_port_and_odd_texts_do_not_fill_or_bypass_the_cache(
    locmem: None, serve: Any, settings: Any
):
    settings.DEBUG = True
    made = Cached(serve, "sync")

    def view(request: HttpRequest, q: str = "") -> str:
        return q

    made.add(view, FREE)
    made.get("/it?q=%20at%200x")
    assert "Age" in made.get("/it?q=%20at%200x").headers
    for port in ("1", "99999999"):
        assert made.get(Host=f"testserver:{port}").headers["X-Matt-Cache"].startswith("skip")
    made.get()
    assert "Age" in made.get(If_Match="*").headers
    assert "Age" in made.get(If_Match='"other"').headers


class Drawn(Format):
    name, media_type, vary = "drawn", "text/x-drawn", ("X-Part",)

    def render(self, result: Any, context: Any) -> str:
        return f"drawn {context.request.headers.get('X-Part')}"


def test_the_headers_of_a_format_are_a_part_of_the_key(locmem: None, cached_api: Any):
    made = cached_api()
    made.add(lambda request: 1, FREE, formats(also=(Drawn(),)))
    for part in ("a", "b", "a", "b"):
        response = made.get(Accept="text/x-drawn", X_Part=part)
        assert response.content == f"drawn {part}".encode()
    assert len(made.loads) == 2


# ---- what is read ----


@pytest.mark.parametrize(
    ("sql", "unknown"),
    [
        ("SELECT 1 FROM project_book b JOIN legacy l ON l.id = b.id", "legacy"),
        ("SELECT 1 FROM project_book, legacy", "legacy"),
        ("SELECT 1 FROM (SELECT 1 FROM project_book) x, legacy", "legacy"),
        ("SELECT 1 FROM/**/legacy", "legacy"),
        ("SELECT (SELECT n FROM legacy) FROM project_book", "legacy"),
        ('SELECT 1 FROM "public"."project_book"', None),
        ("WITH a AS (SELECT 1 FROM project_tag), b(x) AS (SELECT 2 FROM a) SELECT * FROM b", None),
        ("SELECT EXTRACT(YEAR FROM T3.x) FROM project_book T3 WHERE 1 IS DISTINCT FROM T3.y", None),
        ("SELECT 'from nowhere' FROM project_book -- from nowhere", None),
        ("SELECT 1 FROM (project_book JOIN legacy USING (id))", "legacy"),
        ("SELECT n FROM generate_series(1, 3)", "generate_series"),
        ("SELECT 1", None),
    ],
)
def test_each_table_that_is_read_must_be_known(sql: str, unknown: str | None):
    assert unknown_in(sql) == unknown


def test_a_statement_of_psycopg_is_read_too():
    sql = pytest.importorskip("psycopg.sql")
    assert unknown_in(sql.SQL("SELECT 1 FROM {}").format(sql.Identifier("legacy"))) == '"legacy"'
    assert unknown_in(sql.SQL("SELECT 1 FROM {}").format(sql.Identifier("project_book"))) is None


def test_many_comments_take_no_time():
    assert not read_statement("/* a */\n" * 2_000 + "SELECT 1").writes
    assert read_statement("/* a */\n" * 2_000 + "CALL sell()").anything


def test_what_a_thread_of_the_view_reads_is_not_stored(locmem: None, cached_api: Any):
    made = cached_api()

    def view(request: HttpRequest) -> Any:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(lambda: 1).result()

    made.add(view, cached(seconds=60))
    for _ in range(2):
        said = made.get().headers["X-Matt-Cache"]
    assert said == "skip; no query was seen; write reads=[] if there is none"


def test_a_model_is_named_by_its_label_and_a_wrong_one_is_an_error(locmem: None, serve: Any):
    made = Cached(serve, "sync")
    made.add(lambda request: 1, cached(seconds=60, reads=["project.Book"]))
    for change in (lambda: invalidate("project.book"), a_book):
        made.get()
        assert "Age" in made.get().headers
        change()
        assert "Age" not in made.get().headers
    with pytest.raises(ImproperlyConfigured, match="no model"):
        invalidate("project.Boook")


def test_a_client_that_is_told_in_a_callback_before_the_write_gets_the_new_response(
    locmem: None, serve: Any
):
    made = Cached(serve, "sync")
    made.add(titles, cached(seconds=60))
    book = a_book("Emma")
    made.get()
    got: list[Any] = []
    with transaction.atomic():
        transaction.on_commit(lambda: got.append(made.get().json()))
        with transaction.atomic():
            book.title = "Persuasion"
            book.save()
    assert got == [["Persuasion"]]


def test_what_default_reads_as_a_replica_is_not_stored(
    locmem: None, cached_api: Any, monkeypatch: Any
):
    made = cached_api()
    made.add(titles, cached(seconds=60))
    monkeypatch.setattr(router, "routers", [ToPrimary()])
    for _ in range(2):
        said = made.get().headers["X-Matt-Cache"]
    assert said.endswith("project_book is read from 'default', and written elsewhere")


class ToPrimary:
    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "default"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "primary" if model is Book else "default"


def test_a_level_that_postgresql_was_told_otherwise_is_known(locmem: None, cached_api: Any):
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL")
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_isolation = 'repeatable read'")
    try:
        made = cached_api()
        made.add(titles, cached(seconds=60))
        with transaction.atomic():
            for _ in range(2):
                said = made.get().headers["X-Matt-Cache"]
        assert made.kind == "async" or said.endswith("may see an older state")
    finally:
        connection.close()


# ---- the cache ----


def test_memory_that_cannot_know_of_other_processes_is_not_used(
    locmem: None, serve: Any, monkeypatch: Any, caplog: Any, settings: Any
):
    from django.core import mail

    monkeypatch.delattr(mail, "outbox", raising=False)
    monkeypatch.setattr(connections["default"], "vendor", "another")
    validity._files.cache_clear()
    validity.keeps_promise.cache_clear()
    settings.DEBUG = True
    try:
        made = Cached(serve, "sync")
        made.add(lambda request: 1, FREE)
        for _ in range(3):
            assert made.get().headers["X-Matt-Cache"].startswith("skip; the memory of a process")
        said = [each for each in caplog.records if "cannot know" in each.getMessage()]
        assert len(said) == 1
    finally:
        monkeypatch.undo()
        validity._files.cache_clear()
        validity.keeps_promise.cache_clear()


def test_strict_refuses_a_write_that_it_cannot_announce(transactional_db: None):
    down = override_settings(
        CACHES=caches_of("redis", "redis://127.0.0.1:1/0"), MATT_CACHING={"STRICT": True}
    )
    with down, pytest.raises(ServiceUnavailable), transaction.atomic():
        Tag.objects.create(name="x")
    assert not Tag.objects.exists()


def test_a_process_that_ends_renews_what_it_owes(
    settings: Any, serve: Any, redis_server: Any, transactional_db: None, monkeypatch: Any
):
    settings.CACHES = caches_of("redis", redis_server.url)
    settings.MATT_CACHING = {"TIMEOUT": 5.0}
    made = Cached(serve, "sync")
    made.add(titles, cached(seconds=60))
    made.get()
    assert "Age" in made.get().headers
    monkeypatch.setattr(validity, "_owed", {"project_book"})
    validity._pay_last()
    assert not validity._owed
    assert "Age" not in made.get().headers


def test_the_computing_of_an_old_response_counts_as_no_request(locmem: None, cached_api: Any):
    made = cached_api()
    numbers = iter(range(1_000))
    made.add(
        lambda request: next(numbers),
        cached(seconds=0.01, stale=600, reads=[]),
        throttle=[AnonRateThrottle("20/d")],
    )
    made.get()
    for number in range(2, 12):
        sleep(0.02)
        assert made.get().status_code == 200
        wait_until(lambda: len(made.loads) >= number)  # noqa: B023
    assert {made.get().status_code for _ in range(9)} == {200}


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        (lambda: cached(lambda request: 1), "needs seconds"),  # type: ignore[arg-type]
        (lambda: cached(seconds="300"), "is not a time"),  # type: ignore[arg-type]
        (lambda: cached(seconds=float("inf")), "is not a time"),
        (lambda: cached(seconds=0.5, public=True), "at least one second"),
        (lambda: cached(300, reads="auth_group"), "as lists"),
        (lambda: cached(300, vary="user"), "as lists"),  # type: ignore[arg-type]
        (lambda: cached(300)(Router()), "not on a Router"),  # type: ignore[type-var]
    ],
)
def test_a_wrong_use_says_what_to_write(mark: Any, said: str):
    with pytest.raises(ImproperlyConfigured) as raised:
        mark()
    assert said in str(raised.value)


def test_a_timedelta_is_a_time(locmem: None, serve: Any):
    made = Cached(serve, "sync")
    made.add(titles, cached(timedelta(minutes=5), stale=timedelta(hours=1), public=True))
    assert "s-maxage=300, stale-while-revalidate=3600" in made.get().headers["Cache-Control"]
