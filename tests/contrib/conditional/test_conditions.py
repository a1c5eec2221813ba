"""Conditional requests over HTTP: 304 for reads, 412 and 428 for writes, sync and async, functions and controllers."""

import dataclasses
import datetime
import itertools
import json

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection, transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.test.utils import CaptureQueriesContext
from django.utils.http import http_date, parse_http_date
from ninja.pagination import LimitOffsetPagination
from ninja.pagination import paginate as ninja_paginate
from ninja.security import HttpBearer

from django_matt import (
    JSONL,
    ControllerBase,
    MattAPI,
    ModelSchema,
    NinjaPaginationResponseSchema,
    Schema,
    Status,
    api_controller,
    http_get,
    http_put,
    paginate,
)
from django_matt.contrib.conditional import check_preconditions, conditional
from tests.project.models import Everything

pytestmark = pytest.mark.django_db

namespaces = (f"conditions-{number}" for number in itertools.count())
EARLY = datetime.datetime(2024, 2, 29, 1, 2, 3, 456000, datetime.UTC)
LATE = datetime.datetime(2024, 3, 1, tzinfo=datetime.UTC)


class DatedOut(ModelSchema):
    class Meta:
        model = Everything
        fields = ["id", "char", "moment"]


class DatedIn(Schema):
    char: str


def put(row, data):
    row.char = data.char
    row.moment += datetime.timedelta(microseconds=1)
    row.save()
    return row


ROWS = conditional(last_modified="moment")


def by_functions(api):
    @api.get("/rows", response=list[DatedOut])
    @ROWS
    def rows(request):
        return Everything.objects.order_by("id")

    @ROWS
    @api.get("/rows/{number}", response=DatedOut)
    def row(request, number: int):
        return get_object_or_404(Everything, id=number)

    @api.put("/rows/{number}", response=DatedOut)
    @ROWS
    def change(request, number: int, data: DatedIn):
        with transaction.atomic():
            row = get_object_or_404(Everything.objects.select_for_update(), id=number)
            check_preconditions(request, row)
            return put(row, data)


def by_querysets(api):
    @api.get("/rows", response=list[DatedOut])
    @ROWS
    def rows(request):
        return Everything.objects.order_by("id")

    @api.get("/rows/{number}", response=DatedOut)
    @ROWS
    def row(request, number: int):
        return Everything.objects.filter(id=number)

    @api.put("/rows/{number}", response=DatedOut)
    @ROWS
    def change(request, number: int, data: DatedIn):
        row = get_object_or_404(Everything, id=number)
        check_preconditions(request, row)
        return put(row, data)


def by_async_functions(api):
    @api.get("/rows", response=list[DatedOut])
    @ROWS
    async def rows(request):
        return Everything.objects.order_by("id")

    @api.get("/rows/{number}", response=DatedOut)
    @ROWS
    async def row(request, number: int):
        return await Everything.objects.aget(id=number)

    @api.put("/rows/{number}", response=DatedOut)
    @ROWS
    async def change(request, number: int, data: DatedIn):
        row = await Everything.objects.aget(id=number)
        check_preconditions(request, row)
        row.char = data.char
        await row.asave()
        return row


def by_controller(api):
    @api_controller("")
    class Rows(ControllerBase):
        @http_get("/rows", response=list[DatedOut])
        @ROWS
        def rows(self):
            return Everything.objects.order_by("id")

        @http_get("/rows/{number}", response=DatedOut)
        @ROWS
        async def row(self, number: int):
            return await Everything.objects.aget(id=number)

        @http_put("/rows/{number}", response=DatedOut)
        @ROWS
        def change(self, request, number: int, data: DatedIn):
            row = get_object_or_404(Everything, id=number)
            check_preconditions(request, row)
            return put(row, data)

    api.register_controllers(Rows)


class Caller:
    """A client, sync or async, that keeps no cookies."""

    def __init__(self, client, is_async):
        self.client, self.is_async = client, is_async

    def __call__(self, path="/api/it", method="get", data=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        client = self.client.async_client if self.is_async else self.client
        call = getattr(client, method)
        options = (
            {"data": data or {}, "content_type": "application/json"} if method == "put" else {}
        )
        return (async_to_sync(call) if self.is_async else call)(path, headers=headers, **options)


@pytest.fixture(params=[False, True], ids=["wsgi", "asgi"])
def mount(request, serve):
    def made(register, **options):
        api = MattAPI(urls_namespace=next(namespaces), **options)
        register(api)
        return Caller(serve(api), request.param)

    return made


@pytest.fixture(
    params=[by_functions, by_querysets, by_async_functions, by_controller], ids=lambda f: f.__name__
)
def call(request, mount):
    return mount(request.param)


@pytest.fixture(autouse=True)
def library():
    Everything.objects.create(char="a", moment=EARLY)
    Everything.objects.create(char="b", moment=EARLY - datetime.timedelta(days=1))


def first():
    return f"/api/rows/{Everything.objects.order_by('id')[0].pk}"


def test_a_list_says_what_it_is_and_is_not_sent_twice(call):
    answer = call("/api/rows")
    assert answer.status_code == 200
    assert answer["ETag"].startswith('W/"')
    assert answer["Cache-Control"] == "private, no-cache"
    for condition in (
        {"If_None_Match": answer["ETag"]},
        {"If_None_Match": f'"other", {answer["ETag"]}'},
    ):
        again = call("/api/rows", **condition)
        assert (again.status_code, again.content) == (304, b"")
        assert again["ETag"] == answer["ETag"]
        assert again["Cache-Control"] == "private, no-cache"
        assert "Accept" in again["Vary"]
        assert "Content-Type" not in again


def test_a_304_of_a_list_reads_no_row(call):
    tag = call("/api/rows")["ETag"]
    with CaptureQueriesContext(connection) as queries:
        assert call("/api/rows", If_None_Match=tag).status_code == 304
    (query,) = [q["sql"] for q in queries if "project_everything" in q["sql"]]
    assert "MAX(" in query
    assert "COUNT(*)" in query


@pytest.mark.parametrize(
    "change",
    [
        lambda: Everything.objects.create(moment=EARLY - datetime.timedelta(days=9)),
        lambda: Everything.objects.filter(char="b").delete(),
        lambda: Everything.objects.filter(char="b").update(moment=LATE),
        lambda: Everything.objects.filter(char="a").update(
            moment=EARLY + datetime.timedelta(microseconds=1)
        ),
        lambda: Everything.objects.all().delete(),
    ],
    ids=["created", "deleted", "updated", "within a second", "emptied"],
)
def test_a_change_of_a_list_is_sent(call, change):
    tag = call("/api/rows")["ETag"]
    change()
    answer = call("/api/rows", If_None_Match=tag)
    assert answer.status_code == 200
    assert answer["ETag"] != tag


def test_a_row_that_is_gone_is_seen_by_who_knows_dates_alone(call):
    """The latest moment of the rows that are left says nothing of it."""
    assert "Last-Modified" not in call("/api/rows")
    date = http_date(LATE.timestamp())
    Everything.objects.filter(char="b").delete()
    assert call("/api/rows", If_Modified_Since=date).status_code == 200


def test_an_object_says_what_it_is_and_is_not_sent_twice(call):
    answer = call(first())
    assert answer.status_code == 200
    assert answer["ETag"].startswith('"')
    assert call(first(), If_None_Match=answer["ETag"]).status_code == 304
    assert call(first(), If_Modified_Since=answer["Last-Modified"]).status_code == 304
    assert call(first(), If_Modified_Since=http_date(0)).status_code == 200
    assert call(first(), If_None_Match='"other"').status_code == 200
    assert call(first(), If_Match='"other"').status_code == 412


def test_a_write_of_what_was_seen_is_done_and_of_something_older_is_not(call):
    tag = call(first())["ETag"]
    Everything.objects.filter(char="a").update(moment=LATE)
    answer = call(first(), "put", {"char": "c"}, If_Match=tag)
    assert answer.status_code == 412
    assert answer.json() == {"detail": "A precondition of the request failed."}
    assert Everything.objects.order_by("id")[0].char == "a"
    tag = call(first())["ETag"]
    answer = call(first(), "put", {"char": "c"}, If_Match=f'"older", {tag}')
    assert answer.status_code == 200
    assert "ETag" not in answer
    assert Everything.objects.order_by("id")[0].char == "c"


def test_a_write_takes_dates_and_stars_and_no_condition(call):
    body = {"char": "c"}
    assert call(first(), "put", body, If_Unmodified_Since=http_date(1)).status_code == 412
    since = http_date(LATE.timestamp())
    assert call(first(), "put", body, If_Unmodified_Since=since).status_code == 200
    assert call(first(), "put", body, If_Match="*").status_code == 200
    assert call(first(), "put", body, If_None_Match="*").status_code == 412
    assert call(first(), "put", body).status_code == 200


def test_a_tag_that_cannot_be_read_does_not_let_a_write_through(call):
    answer = call(first(), "put", {"char": "c"}, If_Match="unquoted")
    assert answer.status_code == 400
    assert Everything.objects.order_by("id")[0].char == "a"


def test_head_says_the_same_without_a_body(call):
    answer, head = call("/api/rows"), call("/api/rows", "head")
    assert (head.status_code, head.content, head["ETag"]) == (200, b"", answer["ETag"])
    head = call("/api/rows", "head", If_None_Match=answer["ETag"])
    assert head.status_code == 304


def test_each_format_has_its_own_tag_and_any_of_them_allows_a_write(call):
    tags = {
        kind: call(first(), Accept=kind)["ETag"]
        for kind in ("application/json", "application/yaml", "application/msgpack")
    }
    assert len(set(tags.values())) == 3
    assert call(first(), If_None_Match=tags["application/yaml"]).status_code == 200
    answer = call(first(), Accept="application/yaml", If_None_Match=tags["application/yaml"])
    assert answer.status_code == 304
    for tag in tags.values():
        Everything.objects.filter(moment__gt=EARLY).update(moment=EARLY)
        assert call(first(), "put", {"char": "c"}, If_Match=tag).status_code == 200


def both_ways(api, make, path="/it", **options):
    """Register a view as it is, and an async one that calls it, under /async."""

    def view(request):
        return make(request)

    async def async_view(request):
        return make(request)

    mark = options.pop("mark")
    api.get(path, **options)(mark(view))
    api.get(f"/async{path}", **options)(mark(async_view))


PATHS = pytest.mark.parametrize("path", ["/api/it", "/api/async/it"])


@PATHS
@pytest.mark.parametrize(
    ("response", "make"),
    [
        (list[DatedOut], lambda request: Everything.objects.order_by("id")),
        (DatedOut, lambda request: Everything(id=1, char="x", moment=EARLY)),
        (dict[str, int], lambda request: {"a": 1}),
        (None, lambda request: HttpResponse(b"made by hand")),
    ],
    ids=["queryset", "instance", "dictionary", "response"],
)
def test_a_hash_of_the_answer_needs_no_column(mount, path, response, make):
    options = {} if response is None else {"response": response}
    call = mount(lambda api: both_ways(api, make, mark=conditional(etag=True), **options))
    answer = call(path)
    assert answer.status_code == 200
    assert answer["ETag"].startswith('"')
    assert "Last-Modified" not in answer
    again = call(path, If_None_Match=answer["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    assert call(path, "head")["ETag"] == answer["ETag"]
    if response is not None:
        assert call(path, Accept="application/yaml")["ETag"] != answer["ETag"]


@PATHS
def test_a_hash_and_a_column_go_together(mount, path):
    mark = conditional(etag=True, last_modified="moment")
    call = mount(
        lambda api: both_ways(
            api, lambda request: Everything.objects.all(), response=list[DatedOut], mark=mark
        )
    )
    answer = call(path)
    date = answer.get("Last-Modified", http_date(LATE.timestamp()))
    assert call(path, If_None_Match=answer["ETag"]).status_code == 304
    # The tag counts where both are sent (RFC 9110, 13.2.2).
    Everything.objects.update(char="other")
    both = {"If_None_Match": answer["ETag"], "If_Modified_Since": date}
    assert call(path, **both).status_code == 200


@pytest.mark.parametrize("library_of", ["ninja", "extra"])
def test_a_page_is_hashed(mount, library_of):
    def register(api):
        ninja = library_of == "ninja"

        @api.get(
            "/it", response=list[DatedOut] if ninja else NinjaPaginationResponseSchema[DatedOut]
        )
        @conditional(etag=True)
        @(ninja_paginate(LimitOffsetPagination) if ninja else paginate)
        def it(request):
            return Everything.objects.order_by("id")

    call = mount(register)
    answer = call("/api/it?limit=1")
    assert len(answer.json()["items"]) == 1
    assert call("/api/it?limit=1", If_None_Match=answer["ETag"]).status_code == 304
    assert call("/api/it?limit=1&offset=1", If_None_Match=answer["ETag"]).status_code == 200


@pytest.mark.parametrize("is_async", [False, True])
def test_callables_answer_before_the_view_runs(mount, is_async):
    ran = []

    def tag(request, number):
        return f"v{Everything.objects.filter(id__lte=number).count()}"

    async def modified(request, **values):
        assert set(values) == {"number", "q"}
        return EARLY

    def register(api):
        mark = conditional(etag=tag, last_modified=modified)

        def view(request, number: int, q: str = ""):
            ran.append(number)
            return {"number": number}

        async def async_view(request, number: int, q: str = ""):
            return view(request, number, q)

        api.get("/it/{number}")(mark(async_view if is_async else view))

    call = mount(register)
    answer = call("/api/it/0?q=x")
    assert (answer["ETag"], answer["Last-Modified"]) == ('"v0"', http_date(EARLY.timestamp()))
    assert call("/api/it/0", If_None_Match='"v0"').status_code == 304
    assert call("/api/it/0", If_Modified_Since=answer["Last-Modified"]).status_code == 304
    assert call("/api/it/0", Accept="application/yaml")["ETag"] == '"v0-yaml"'
    assert ran == [0, 0]
    assert call("/api/it/x", If_None_Match='"v0"').status_code == 422


@pytest.mark.parametrize("is_async", [False, True])
def test_callables_refuse_a_write_before_the_view_runs(mount, is_async):
    ran = []

    def register(api):
        mark = conditional(etag=lambda request: "v1", required=True)

        def view(request):
            ran.append(1)
            return {}

        async def async_view(request):
            return view(request)

        api.put("/it")(mark(async_view if is_async else view))

    call = mount(register, problem_details=True)
    answer = call("/api/it", "put", If_Match='"v0"')
    assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed")
    answer = call("/api/it", "put")
    assert (answer.status_code, answer.json()["code"]) == (428, "precondition_required")
    assert call("/api/it", "put", If_Unmodified_Since="tomorrow").status_code == 428
    assert ran == []
    for tag in ('"v1"', '"v1-yaml"', "*"):
        assert call("/api/it", "put", If_Match=tag).status_code == 200
    assert call("/api/it", "put", If_Match='W/"v1"').status_code == 412


def test_who_may_not_read_learns_nothing(mount):
    class Bearer(HttpBearer):
        def authenticate(self, request, token):
            return token == "good"

    def register(api):
        @api.get("/it", auth=Bearer(), response=list[DatedOut])
        @conditional(etag=lambda request: "v1")
        def it(request):
            return []

        @api.get("/rows", auth=Bearer(), response=list[DatedOut])
        @ROWS
        def rows(request):
            return Everything.objects.all()

    call = mount(register)
    tag = call("/api/rows", Authorization="Bearer good")["ETag"]
    for path, known in (("/api/it", '"v1"'), ("/api/rows", tag)):
        assert call(path, If_None_Match=known).status_code == 401
        assert call(path, If_None_Match=known, Authorization="Bearer bad").status_code == 401
        assert call(path, If_None_Match=known, Authorization="Bearer good").status_code == 304


def test_other_statuses_have_no_tag(mount):
    def register(api):
        @api.get("/it", response={200: DatedOut, 404: dict[str, str]})
        @ROWS
        def it(request, status: int):
            return Status(status, {"detail": "no"})

        @api.get("/hashed", response={202: dict[str, str]})
        @conditional(etag=True)
        def hashed(request):
            return Status(202, {"a": "b"})

    call = mount(register)
    for path in ("/api/it?status=404", "/api/hashed"):
        answer = call(path, If_None_Match="*")
        assert answer.status_code in (404, 202)
        assert "ETag" not in answer


def test_what_the_view_says_of_caches_and_cookies_stays(mount):
    def register(api):
        @api.get("/it", response=list[DatedOut])
        @ROWS
        def it(request, response: HttpResponse):
            response["Cache-Control"] = "public, max-age=60"
            response.set_cookie("seen", "1")
            return Everything.objects.all()

    call = mount(register)
    answer = call()
    again = call(If_None_Match=answer["ETag"])
    assert again.status_code == 304
    assert again["Cache-Control"] == answer["Cache-Control"] == "public, max-age=60"
    assert again.cookies["seen"].value == "1"


def test_lists_of_two_people_have_two_tags(mount):
    Everything.objects.update(moment=EARLY)

    def register(api):
        @api.get("/it", response=list[DatedOut])
        @ROWS
        def it(request):
            return Everything.objects.filter(char=request.headers["X-User"])

    call = mount(register)
    assert call(X_User="a")["ETag"] != call(X_User="b")["ETag"]
    assert call(X_User="a")["ETag"] == call(X_User="a")["ETag"]


def test_a_filter_by_now_keeps_the_tag(mount):
    def register(api):
        @api.get("/it", response=list[DatedOut])
        @ROWS
        def it(request):
            return Everything.objects.filter(moment__lte=datetime.datetime.now(datetime.UTC))

    call = mount(register)
    assert call(If_None_Match=call()["ETag"]).status_code == 304


@pytest.mark.parametrize(
    "queryset",
    [
        lambda: Everything.objects.order_by("id")[:1],
        Everything.objects.distinct,
        Everything.objects.none,
        lambda: Everything.objects.only("id", "char", "moment"),
        lambda: Everything.objects.values("id", "char", "moment"),
        lambda: Everything.objects.filter(char="a").union(Everything.objects.filter(char="b")),
        lambda: Everything.objects,
        lambda: list(Everything.objects.order_by("id")),
        lambda: [{"id": 1, "char": "x", "moment": EARLY}],
    ],
)
def test_every_kind_of_list_has_a_state(mount, queryset):
    def register(api):
        both_ways(api, lambda request: queryset(), response=list[DatedOut], mark=ROWS)

    call = mount(register)
    answer = call("/api/it")
    assert answer.status_code == 200, answer.content
    assert call("/api/it", If_None_Match=answer["ETag"]).status_code == 304


@pytest.mark.parametrize(
    "queryset",
    [
        lambda rows: rows.filter(id=rows[0].pk),
        lambda rows: rows[:1],
        lambda rows: rows.values()[:1],
        lambda rows: rows.order_by().filter(char="a").union(rows.order_by().filter(char="?")),
    ],
)
def test_the_one_object_of_a_queryset_has_its_own_state(mount, queryset):
    def register(api):
        @api.get("/it", response=DatedOut)
        @ROWS
        def it(request):
            return queryset(Everything.objects.order_by("id"))

        @api.get("/same", response=DatedOut)
        @ROWS
        def same(request):
            return Everything.objects.order_by("id")[0]

        @api.get("/none", response=DatedOut)
        @ROWS
        def none(request):
            return Everything.objects.none()

    call = mount(register)
    assert call()["ETag"] == call("/api/same")["ETag"]
    assert call("/api/none", If_None_Match="*").status_code == 404


def test_a_moment_that_is_not_known_says_nothing(mount):
    @dataclasses.dataclass
    class Draft:
        number: int = 1
        char: str = "x"
        moment: datetime.datetime | None = None

    class DraftOut(Schema):
        number: int

    def register(api):
        both_ways(api, lambda request: [Draft()], response=list[DraftOut], mark=ROWS)
        both_ways(api, lambda request: Draft(), path="/one", response=DraftOut, mark=ROWS)

    call = mount(register)
    for path in ("/api/it", "/api/one", "/api/async/one"):
        answer = call(path)
        assert answer.status_code == 200
        assert "ETag" not in answer


def test_a_write_of_what_is_not_there_yet(mount):
    def register(api):
        @api.put("/it")
        @ROWS
        def it(request):
            check_preconditions(request, None)
            return {}

    call = mount(register)
    assert call("/api/it", "put", If_None_Match="*").status_code == 200
    assert call("/api/it", "put", If_Match="*").status_code == 412


def test_a_controller_takes_callables(mount):
    @api_controller("")
    class Shop(ControllerBase):
        @http_get("/it/{number}")
        @conditional(etag=lambda request, number: f"v{number}")
        def it(self, number: int):
            return {"number": number}

    call = mount(lambda api: api.register_controllers(Shop))
    assert call("/api/it/3")["ETag"] == '"v3"'
    assert call("/api/it/3", If_None_Match='"v3"').status_code == 304


def test_a_moment_to_come_is_not_said(mount):
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=9)
    Everything.objects.update(moment=later)
    call = mount(by_functions)
    answer = call(first())
    assert parse_http_date(answer["Last-Modified"]) < later.timestamp() - 86_400


def test_another_schema_has_another_tag(mount):
    def register(api):
        for path, schema in (("/long", DatedOut), ("/short", DatedIn)):
            api.get(path, response=schema)(
                ROWS(lambda request: Everything.objects.order_by("id")[0])
            )

    call = mount(register)
    assert call("/api/long")["ETag"] != call("/api/short")["ETag"]


def test_a_write_that_looks_at_no_condition_is_a_fault(mount):
    def register(api):
        @api.put("/it")
        @ROWS
        def it(request):
            return {}

    call = mount(register)
    assert call("/api/it", "put").status_code == 200
    assert call("/api/it", "put", If_Match='"a"').status_code == 500


def test_a_stream_takes_callables(mount):
    class Item(Schema):
        number: int

    def register(api):
        @api.get("/it", response=JSONL[Item])
        @conditional(etag=lambda request: "v1")
        def it(request):
            yield {"number": 1}

    call = mount(register)
    assert call()["ETag"] == '"v1"'
    assert call(If_None_Match='"v1"').status_code == 304


def body_of(answer):
    if not answer.streaming:
        return answer.content
    if not answer.is_async:
        return b"".join(answer)

    async def read():
        return b"".join([piece async for piece in answer])

    return async_to_sync(read)()


@PATHS
def test_a_long_list_that_is_streamed_has_the_state_of_its_column_and_no_hash(
    mount, settings, path
):
    settings.MATT = {"STREAM_ROWS": 1}

    def register(api):
        def rows(request):
            return Everything.objects.order_by("id")

        both_ways(api, rows, response=list[DatedOut], mark=ROWS)
        both_ways(api, rows, path="/hashed", response=list[DatedOut], mark=conditional(etag=True))

    call = mount(register)
    answer = call(path)
    assert answer.streaming
    assert len(json.loads(body_of(answer))) == 2
    assert call(path, "head")["ETag"] == answer["ETag"]
    with CaptureQueriesContext(connection) as queries:
        assert call(path, If_None_Match=answer["ETag"]).status_code == 304
    assert len([q for q in queries if "project_everything" in q["sql"]]) == 1
    hashed = call(path.replace("it", "hashed"))
    assert (hashed.streaming, "ETag" in hashed) == (True, False)
    body_of(hashed)


class Item(Schema):
    number: int


@pytest.mark.parametrize(
    ("method", "mark", "options", "words"),
    [
        ("put", {"etag": True}, {}, "cannot say whether something changed before a write"),
        ("get", {"last_modified": "moment", "required": True}, {}, "methods that write"),
        ("get", {"etag": True}, {"response": JSONL[Item]}, "Give functions"),
        ("get", {"etag": lambda request, isbn: ""}, {}, "needs isbn; its view has number"),
    ],
)
def test_what_a_route_cannot_keep_is_a_system_check_and_a_500(serve, method, mark, options, words):
    api = MattAPI(urls_namespace=next(namespaces))

    def view(request, number: int): ...

    getattr(api, method)("/it", **options)(conditional(**mark)(view))
    assert refused(serve(api), method, words)


def refused(client, method, words):
    with pytest.raises(SystemCheckError, match="E006") as failed:
        call_command("check", "--tag", "matt")
    report = " ".join(str(failed.value).split())
    assert f"{method.upper()} /it: The hook" in report
    assert words in report
    return getattr(client, method)("/api/it?number=1").status_code == 500


def test_a_page_has_no_column(serve):
    api = MattAPI(urls_namespace=next(namespaces))

    @api.get("/it", response=list[DatedOut])
    @ROWS
    @paginate
    def it(request): ...

    assert refused(serve(api), "get", "Give etag=True or a function")


@pytest.mark.parametrize("mark", [ROWS, conditional(etag=lambda request: "v", required=True)])
def test_the_decorator_needs_its_app(serve, settings, mark):
    settings.INSTALLED_APPS = [
        name for name in settings.INSTALLED_APPS if "conditional" not in name
    ]
    api = MattAPI(urls_namespace=next(namespaces))
    api.get("/it")(mark(lambda request: {}))
    assert serve(api).get("/api/it").status_code == 500
    with pytest.raises(SystemCheckError, match="Add its app to INSTALLED_APPS"):
        call_command("check", "--tag", "matt")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (conditional, "needs etag"),
        (lambda: conditional(etag=str, last_modified="moment"), "functions for both"),
        (lambda: ROWS(type("Shop", (), {})), "not on the class Shop"),
    ],
)
def test_a_condition_that_says_nothing_is_refused(make, words):
    with pytest.raises(ImproperlyConfigured, match=words):
        make()


def test_preconditions_are_for_conditional_routes(mount):
    def register(api):
        @api.put("/it")
        def it(request):
            check_preconditions(request, None)

    assert mount(register)("/api/it", "put").status_code == 500
