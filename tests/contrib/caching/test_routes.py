"""What a route with ``@cached`` answers, how often its view runs, and who gets which response."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import caches
from django.db import connection, connections, transaction
from django.db.models import Max
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.middleware.csrf import get_token
from django.template import engines
from django.template.response import TemplateResponse
from django.test import Client
from django.utils import translation
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from django_matt import ControllerBase, MattAPI, Schema, api_controller, http_get
from django_matt.contrib.caching import cached
from django_matt.contrib.caching.stores import PREFIX
from django_matt.contrib.conditional import conditional
from tests.contrib.caching.conftest import Cached, Named, a_book, titles
from tests.project.models import Book, Everything, Tag
from tests.waiting import wait_until

MINUTE = cached(seconds=60, reads=[])


def test_a_response_is_stored_until_its_table_is_written(cache: str, cached_api: Any):
    made = cached_api()
    made.add(titles, MINUTE)
    book = a_book()
    first = made.get()
    assert first.json() == ["Emma"]
    again = made.get()
    assert (again.json(), len(made.loads)) == (["Emma"], 1), first.headers["X-Matt-Cache"]
    assert again.headers["X-Matt-Cache"] == "hit; project_book"
    assert 0 <= int(again.headers["Age"]) < 60
    assert again.headers["Cache-Control"] == "private, no-cache"
    assert again.headers["Content-Type"] == "application/json; charset=utf-8"
    Tag.objects.create(name="unrelated")
    made.get()
    assert len(made.loads) == 1
    book.title = "Persuasion"
    book.save()
    changed = made.get()
    assert (changed.json(), len(made.loads)) == (["Persuasion"], 2)
    assert changed.headers["X-Matt-Cache"] == "miss; project_book; stored"


def test_a_template_that_is_rendered_later_is_answered_and_not_stored(
    locmem: None, cached_api: Any
):
    made = cached_api()
    template = engines["django"].from_string("{{ count }} later")
    made.add(lambda request: TemplateResponse(request, template, {"count": 3}), MINUTE)
    for _ in range(2):
        response = made.get()
        assert response.content == b"3 later"
    assert response.headers["X-Matt-Cache"] == "skip; it is a template that Django renders later"
    assert len(made.loads) == 2


def test_head_has_an_entry_of_its_own(locmem: None, cached_api: Any):
    made = cached_api()
    made.add(titles, MINUTE)
    for method in ("get", "head", "get", "head"):
        response = made.get(method=method)
        assert response.status_code == 200
        assert bool(response.content) == (method == "get")
    assert len(made.loads) == 2


class BookOut(Schema):
    id: int
    title: str


def test_rows_pages_and_schemas_are_stored(locmem: None, cached_api: Any):
    from ninja.pagination import paginate

    made = cached_api()
    book = a_book()
    made.add(lambda request: Book.objects.order_by("id"), MINUTE, response=list[BookOut])

    def page(request: HttpRequest) -> Any:
        return Book.objects.order_by("id")

    if made.kind == "sync":
        made.add(page, paginate, MINUTE, path="/page", response=list[BookOut])
    for path in ("/it", "/page") if made.kind == "sync" else ("/it",):
        first = made.get(path)
        assert made.get(path).content == first.content
        assert b"Emma" in first.content
    loads = len(made.loads)
    book.delete()
    assert b"Emma" not in made.get().content
    assert len(made.loads) == loads + 1


# ---- what is never stored ----


def missing(request: HttpRequest) -> Any:
    raise Http404


def refused(request: HttpRequest) -> Any:
    return HttpResponse("no", status=403)


def streamed(request: HttpRequest) -> Any:
    return StreamingHttpResponse(iter([b"a", b"b"]))


def with_cookie(request: HttpRequest) -> Any:
    response = HttpResponse("x")
    response.set_cookie("a", "b")
    return response


def with_token(request: HttpRequest) -> Any:
    return get_token(request)


def changing_the_session(request: HttpRequest) -> Any:
    request.session["a"] = 1
    return 1


def reading_the_session(request: HttpRequest) -> Any:
    return str(request.user)


def not_to_be_stored(request: HttpRequest) -> Any:
    return HttpResponse("x", headers={"Cache-Control": "no-store"})


def varying(request: HttpRequest) -> Any:
    return HttpResponse("x", headers={"Vary": "Accept, X-Mood"})


def large(request: HttpRequest) -> Any:
    return "x" * 1_000_001


def failing(request: HttpRequest) -> Any:
    raise ValueError


@pytest.mark.parametrize(
    "view",
    [
        *(missing, refused, streamed, with_cookie, with_token, changing_the_session),
        *(reading_the_session, not_to_be_stored, varying, large, failing),
    ],
    ids=lambda view: view.__name__,
)
def test_it_is_never_stored(locmem: None, cached_api: Any, view: Any):
    made = cached_api()
    made.add(view, cached(seconds=60, public=True, reads=[]))
    for _ in range(3):
        response = made.get()
        assert "Age" not in response.headers
        assert "public" not in response.headers.get("Cache-Control", "")
    assert len(made.loads) == 3


def test_a_write_a_stream_and_wrong_arguments_are_refused_at_the_start(settings: Any):
    from django.core.checks import run_checks
    from django.core.exceptions import ImproperlyConfigured

    for wrong in (
        {"seconds": 0},
        {"seconds": 1, "stale": -1},
        {"seconds": 1, "vary": ["users"]},
        {"seconds": 1, "vary": ["user"], "public": True},
        {"seconds": 1, "vary": [_later]},
    ):
        with pytest.raises(ImproperlyConfigured):
            cached(**wrong)  # type: ignore[arg-type]
    api = MattAPI(urls_namespace="cached-wrong", extensions=["matt_caching"])

    @api.post("/write")
    @MINUTE
    def write(request: HttpRequest) -> int:
        return 1

    from django.urls import path

    settings.ROOT_URLCONF = type("urls", (), {"urlpatterns": [path("api/", api.urls)]})
    found = [each for each in run_checks() if each.id == "matt.E006"]
    assert "only routes for GET and HEAD can be cached" in found[0].msg
    assert Client(raise_request_exception=False).post("/api/write").status_code == 500


async def _later(request: HttpRequest) -> int:
    return 1


def test_in_a_transaction_that_has_written_nothing_is_stored_or_served(
    locmem: None, cached_api: Any
):
    made = cached_api()
    made.add(titles, MINUTE)
    a_book("Emma")
    made.get()
    with transaction.atomic():
        Book.objects.update(title="not committed")
        assert made.get().json() == ["not committed"] or made.kind == "async"
        transaction.set_rollback(True)
    for _ in range(2):
        assert made.get().json() == ["Emma"]


@pytest.mark.django_db
def test_the_tests_of_a_project_see_what_they_write(cached_api: Any, settings: Any):
    made = cached_api()
    made.add(titles, MINUTE)
    a_book("Emma")
    assert made.get().json() == ["Emma"]
    Book.objects.update(title="Persuasion")
    assert made.get().json() == ["Persuasion"]


# ---- who gets which response ----


def name(request: HttpRequest) -> str:
    return request.auth.first_name  # type: ignore[no-any-return,attr-defined]


def test_with_authentication_two_users_never_share(cache: str, cached_api: Any):
    made = cached_api(auth=Named())
    made.add(name, MINUTE)
    for each in ("ada", "grace"):
        get_user_model().objects.create(username=each, first_name=each.title())
    for _ in range(2):
        assert made.get(X_API_Key="ada").json() == "Ada"
        assert made.get(X_API_Key="grace").json() == "Grace"
        assert made.get().status_code == 401
        assert made.get(X_API_Key="eve").status_code == 401
    assert len(made.loads) == 2


def test_a_change_of_the_user_is_seen_although_the_view_does_not_query_it(
    locmem: None, cached_api: Any
):
    made = cached_api(auth=Named())
    made.add(name, MINUTE)
    user = get_user_model().objects.create(username="ada", first_name="Ada")
    assert made.get(X_API_Key="ada").json() == "Ada"
    user.first_name = "Augusta"
    user.save()
    assert made.get(X_API_Key="ada").json() == "Augusta"
    get_user_model().objects.update(last_login="2026-01-01T00:00Z")
    made.get(X_API_Key="ada")
    assert len(made.loads) == 2


def test_an_empty_vary_shares_one_entry_of_all_who_are_admitted(locmem: None, cached_api: Any):
    made = cached_api(auth=Named())
    made.add(lambda request: 1, cached(seconds=60, vary=[], reads=[]))
    for each in ("ada", "grace"):
        get_user_model().objects.create(username=each)
        made.get(X_API_Key=each)
    assert len(made.loads) == 1
    assert made.get().status_code == 401


def mood(request: HttpRequest) -> str | None:
    return request.headers.get("X-Mood")


def described(request: HttpRequest, word: str = "", other: int = 0) -> list[Any]:
    return [request.auth.username, word, other, mood(request), translation.get_language()]  # type: ignore[attr-defined]


@hypothesis_settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(
    requests=st.lists(
        st.tuples(
            st.sampled_from(["ada", "grace"]),
            st.text(
                st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=3
            ),
            st.integers(0, 2),
            st.sampled_from([None, "a", '","', "a, b"]),
            st.sampled_from(["en", "de"]),
        ),
        min_size=2,
        max_size=6,
    )
)
def test_whatever_differs_in_vary_has_its_own_response(
    locmem: None, serve: Any, requests: list[tuple[str, str, int, str | None, str]]
):
    made = Cached(serve, "sync", auth=Named())
    made.add(described, cached(seconds=60, vary=["user", "language", mood], reads=[]))
    for each in ("ada", "grace"):
        get_user_model().objects.get_or_create(username=each)
    for user, word, other, feeling, language in requests * 2:
        headers = {"X-API-Key": user, **({} if feeling is None else {"X-Mood": feeling})}
        with translation.override(language):
            response = made.get(f"/it?{urlencode({'word': word, 'other': other})}", **headers)
        assert response.json() == [user, word, other, feeling, language]
    assert len(made.loads) == len(set(requests))


def test_the_tenant_is_part_of_the_user(
    locmem: None, cached_api: Any, settings: Any, monkeypatch: Any
):
    from django.apps import apps

    def resolve_tenant(request: Any) -> Any:
        request.tenant = request.headers.get("X-Tenant")
        return request.tenant

    app: Any = apps.get_app_config("project")
    for attribute in ("resolve_tenant", "may_manage_tenant", "pinned_tenants"):
        monkeypatch.setattr(app, attribute, resolve_tenant, raising=False)
    made = cached_api(auth=Named())
    made.add(lambda request: request.tenant, MINUTE)
    get_user_model().objects.create(username="ada")
    for tenant in ("one", "two", "one"):
        assert made.get(X_API_Key="ada", X_Tenant=tenant).json() == tenant
    assert len(made.loads) == 2


class Opaque(Named):
    def authenticate(self, request: HttpRequest, credentials: Any) -> Any:
        return type("Key", (), {"owner": credentials.value})()


def test_without_a_user_that_can_be_told_apart_nothing_is_stored(locmem: None, cached_api: Any):
    made = cached_api(auth=Opaque())
    made.add(lambda request: request.auth.owner, MINUTE)
    for owner in ("ada", "grace", "ada"):
        assert made.get(X_API_Key=owner).json() == owner
    assert len(made.loads) == 3


class Anonymous:
    """An object whose representation is its address."""


def _anonymous(request: HttpRequest) -> Anonymous:
    return Anonymous()


def test_an_object_of_which_only_the_address_is_known_is_no_part_of_a_key(
    locmem: None, cached_api: Any
):
    made = cached_api()
    made.add(lambda request: 1, cached(seconds=60, vary=[_anonymous], reads=[]))
    for _ in range(3):
        assert made.get().headers["X-Matt-Cache"].startswith("skip")
    assert len(made.loads) == 3


# ---- the parameters ----


def page(request: HttpRequest, size: int = 10) -> list[Any]:
    return [size, request.GET.dict(), request.get_full_path(), request.META["QUERY_STRING"]]


def test_unknown_parameters_are_no_part_of_the_key_and_are_not_shown_to_the_view(
    locmem: None, cached_api: Any
):
    made = cached_api()
    made.add(page, MINUTE)
    first = made.get("/it?x=evil&size=5&utm=%0d%0a")
    assert first.json() == [5, {"size": "5"}, "/api/it?size=5", "size=5"]
    for query in ("size=5", "y=2&size=5", "size=5&" + "&".join(f"p{n}={n}" for n in range(500))):
        assert made.get(f"/it?{query}").content == first.content
    assert len(made.loads) == 1
    assert made.get("/it?size=6").json()[0] == 6
    assert made.get("/it?size=x").status_code == 422
    assert len(made.loads) == 2


def test_a_schema_that_accepts_any_parameter_keeps_them(locmem: None, cached_api: Any):
    from ninja import Query

    class Anything(Schema):
        model_config = {"extra": "allow"}
        word: str = ""

    def view(request: HttpRequest, given: Query[Anything]) -> Any:
        return given.model_dump()

    made = cached_api()
    made.add(view, MINUTE)
    for number in ("1", "2", "1"):
        assert made.get(f"/it?a={number}").status_code == 200
    assert len(made.loads) == 2


@pytest.mark.parametrize(
    "query",
    [
        "a=" + "x" * 1_000_000,
        "word=" + "x" * 1_000_000,
        "word=%01%02%7f%0d%0a%20",
        "word=%ff%fe",
        "word=%ed%a0%80",
    ],
)
def test_unusual_queries_are_answered_twice_alike(cache: str, cached_api: Any, query: str):
    made = cached_api()
    made.add(_word, MINUTE, path="/word")
    first, second = made.get(f"/word?{query}"), made.get(f"/word?{query}")
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.content == second.content
    assert "Age" in second.headers or len(first.content) > 1_000_000


def _word(request: HttpRequest, word: str = "") -> str:
    return word


def test_headers_and_cookies_that_the_route_declares_are_part_of_the_key(
    locmem: None, cached_api: Any
):
    from ninja import Header

    def view(request: HttpRequest, x_mood: str = Header("")) -> str:
        return x_mood

    made = cached_api()
    made.add(view, MINUTE)
    for feeling in ("good", "bad", "good"):
        assert made.get(X_Mood=feeling).json() == feeling
    assert len(made.loads) == 2


def test_permutations_of_accept_share_the_entry_of_their_format(locmem: None, cached_api: Any):
    made = cached_api()
    made.add(lambda request: {"a": 1}, MINUTE)
    accepts = ["application/json", "application/json, */*;q=0.1", "*/*", "application/json;q=0.3"]
    accepts += [f"text/x-{number}, application/json" for number in range(50)]
    for accept in accepts:
        assert made.get(Accept=accept).json() == {"a": 1}
    assert len(made.loads) == 1
    other = made.get(Accept="application/yaml")
    assert (other.content, made.get(Accept="application/yaml").content) == (b"a: 1\n",) * 2
    assert len(made.loads) == 2
    assert made.get(Accept="image/png").status_code == 406
    assert made.get(Accept="application/json").json() == {"a": 1}


def test_hosts_do_not_share_because_links_contain_them(locmem: None, serve: Any, settings: Any):
    settings.ALLOWED_HOSTS = ["*"]
    made = Cached(serve, "sync")
    made.add(lambda request: request.build_absolute_uri(), MINUTE)
    for host in ("a.example", "b.example", "a.example"):
        assert made.get(Host=host).json() == f"http://{host}/api/it"
    assert len(made.loads) == 2


# ---- conditions and other caches ----


def test_the_etag_of_conditional_is_kept_and_a_304_needs_no_query(
    locmem: None, cached_api: Any, django_assert_num_queries: Any
):
    made = cached_api()
    made.add(
        lambda request: Everything.objects.all(),
        conditional(last_modified="moment"),
        MINUTE,
        response=list[Titled],
    )
    Everything.objects.create(char="one")
    # Also a client that has nothing fresh fills the cache.
    first = made.get(If_None_Match='"other"')
    tag = first.headers["ETag"]
    assert first.status_code == 200
    with django_assert_num_queries(0):
        assert made.get().headers["ETag"] == tag
        unchanged = made.get(If_None_Match=tag)
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert (unchanged.headers["ETag"], len(made.loads)) == (tag, 1)
    Everything.objects.update(moment="2025-01-01T00:00Z")
    assert made.get(If_None_Match=tag).status_code == 200
    now = made.get().headers["ETag"]
    Everything.objects.update(char="other")
    assert made.get(If_None_Match=now).status_code == 304, "a miss is compared as well"


class Titled(Schema):
    char: str


def test_a_public_route_tells_other_caches(locmem: None, cached_api: Any):
    made = cached_api()
    made.add(titles, cached(seconds=60, stale=300, public=True, reads=[]))
    for _ in range(2):
        headers = made.get().headers
        assert (
            headers["Cache-Control"] == "public, max-age=0, s-maxage=60, stale-while-revalidate=300"
        )
        assert headers["Surrogate-Key"].endswith(" project_book")
        assert headers["Cache-Tag"] == headers["Surrogate-Key"].replace(" ", ",")


# ---- stale responses ----


def test_an_old_response_is_served_while_one_request_computes_a_new_one(
    locmem: None, cached_api: Any
):
    made = cached_api()
    numbers = iter(range(100))
    made.add(lambda request, size=1: next(numbers), cached(seconds=0.2, stale=60, reads=[]))
    assert made.get().json() == 0
    time.sleep(0.3)
    old = made.get()
    assert old.json() == 0
    assert old.headers["X-Matt-Cache"].startswith("stale")
    wait_until(lambda: made.get().json() >= 1)


def test_after_a_write_no_old_response_is_served(locmem: None, cached_api: Any):
    made = cached_api()
    made.add(titles, cached(seconds=0.05, stale=60, reads=[]))
    book = a_book("Emma")
    made.get()
    time.sleep(0.1)
    book.title = "Persuasion"
    book.save()
    assert made.get().json() == ["Persuasion"]


def test_the_repeated_request_is_authenticated_again(locmem: None, cached_api: Any):
    made = cached_api(auth=Named())
    made.add(name, cached(seconds=0.1, stale=60, reads=[]))
    user = get_user_model().objects.create(username="ada", first_name="Ada")
    made.get(X_API_Key="ada")
    time.sleep(0.2)
    assert made.get(X_API_Key="ada").json() == "Ada"
    wait_until(lambda: len(made.loads) == 2)
    user.delete()
    assert made.get(X_API_Key="ada").status_code == 401


# ---- one load ----


@pytest.mark.parametrize("kind", ["locmem", "redis"])
def test_of_24_threads_that_find_nothing_one_calls_the_view(
    kind: str, cached_api: Any, settings: Any, request: Any, transactional_db: None
):
    from tests.contrib.caching.conftest import caches_of

    url = request.getfixturevalue("redis_server").url if kind == "redis" else ""
    settings.CACHES = caches_of(kind, url)
    settings.MATT_CACHING = {"TIMEOUT": 5.0, "WAIT": 60.0}
    caches["default"].clear()
    made = cached_api()

    def slow(request: HttpRequest) -> int:
        found = Book.objects.aggregate(Max("pk"))["pk__max"]
        time.sleep(0.15)
        return int(found)

    made.add(slow, MINUTE)
    book = a_book()
    if made.kind == "async" or connection.vendor == "sqlite":
        # The threads of an in-memory SQLite lock each other's tables.
        slow_without_database(made)
        path = "/free"
    else:
        path = "/it"
    made._client = made._serve(made.api)
    barrier = Barrier(24)

    def one(_: int) -> Any:
        client = Client()
        barrier.wait()
        try:
            return client.get(f"/api{path}").json()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(24) as pool:
        assert set(pool.map(one, range(24))) == {book.pk if path == "/it" else 1}
    assert len(made.loads) == 1


def slow_without_database(made: Cached) -> None:
    def slow(request: HttpRequest) -> int:
        time.sleep(0.15)
        return 1

    made.add(slow, MINUTE, path="/free")


def test_one_that_has_waited_long_enough_calls_the_view_itself(
    locmem: None, cached_api: Any, settings: Any
):
    settings.MATT_CACHING = {"WAIT": 0.05}
    made = cached_api()
    made.add(titles, MINUTE)
    made.get()
    content: Any = caches["default"]
    key = next(key for key in content._cache if len(key.rpartition(":")[2]) == 32)
    key = key.rpartition(":")[2]
    content.delete(f"{PREFIX}{key}")
    content.set(f"{PREFIX}l:{key}", b"leased", 60)  # of a process that has died
    assert made.get().json() == []
    assert len(made.loads) == 2
    assert "Age" in made.get().headers


def test_what_somebody_else_has_put_into_the_cache_is_not_served(locmem: None, cached_api: Any):
    made = cached_api()
    made.add(titles, MINUTE)
    made.get()
    content: Any = caches["default"]
    keys = [each.removeprefix(":1:") for each in content._cache]
    for wrong in (
        b"",
        b"\n",
        b"{}\n",
        b"[1,{},[]]\nx",
        b'[0,{"a":"b"},[]]',
        b"\xff\n",
        {"a": 1},
        5,
        "x",
    ):
        for key in keys:
            content.set(key, wrong)
        assert made.get().json() == []
    assert len(made.loads) == 10


# ---- other kinds of views ----


def test_controllers_and_the_async_orm_are_observed(locmem: None, serve: Any, settings: Any):
    settings.DEBUG = True
    loads: list[str] = []

    @api_controller("/books")
    class Books(ControllerBase):
        @http_get("/sync", response=list[BookOut])
        @MINUTE
        def books(self) -> Any:
            loads.append("sync")
            return Book.objects.all()

        @http_get("/async")
        @MINUTE
        async def books_async(self) -> Any:
            loads.append("async")
            count = await Book.objects.acount()
            return [count, *[book.title async for book in Book.objects.all()]]

    made = Cached(serve, "sync")
    made.api.register_controllers(Books)
    a_book("Emma")
    for path in ("/books/sync", "/books/async"):
        first, second = made.get(path), made.get(path)
        assert first.content == second.content
        assert second.headers["X-Matt-Cache"] == "hit; project_book"
    Book.objects.update(title="Persuasion")
    assert made.get("/books/async").json() == [1, "Persuasion"]
    assert b"Persuasion" in made.get("/books/sync").content
    assert loads == ["sync", "async", "async", "sync"]
