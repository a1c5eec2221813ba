"""Hooks of an operation over HTTP: their order, what they see, answer and replace; sync and async, functions and controllers."""

import asyncio
import copy
import functools
import itertools
import json
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import ClassVar

import pytest
from asgiref.sync import async_to_sync, iscoroutinefunction
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import transaction
from django.http import HttpResponse
from django.test import override_settings
from ninja.errors import ConfigError, HttpError
from ninja.operation import Operation
from ninja.pagination import LimitOffsetPagination
from ninja.pagination import paginate as ninja_paginate
from ninja.security import HttpBearer

from django_matt import (
    JSONL,
    ControllerBase,
    MattAPI,
    NinjaPaginationResponseSchema,
    Router,
    Schema,
    api_controller,
    http_get,
    http_post,
    paginate,
)
from django_matt.hooks import OperationHook
from tests.project.models import Tag

pytestmark = pytest.mark.django_db
namespaces = (f"hooks-{number}" for number in itertools.count())
KINDS = ["function", "async function", "controller", "async controller"]


class TagOut(Schema):
    name: str


class Bearer(HttpBearer):
    def authenticate(self, request, token):
        return token == "good"


def awaiting(view):
    """Return the async function that does what a plain one does; a generator stays one."""

    @functools.wraps(view)
    async def view_async(request, **values):
        return (
            await asyncio.to_thread(view, request, **values) if False else view(request, **values)
        )

    return view_async


class Served:
    """An API with hooks, all of whose views are of one kind."""

    def __init__(self, serve, kind, hooks):
        self.api = MattAPI(urls_namespace=next(namespaces))
        for hook in hooks:
            self.api.add_hook(hook)
        self._serve, self.kind, self._client = serve, kind, None

    @property
    def is_async(self):
        return "async" in self.kind

    def add(self, view, path="/it", method="get", decorate=lambda view: view, **options):
        if self.is_async:
            view = awaiting(view)
        if "function" in self.kind:
            getattr(self.api, method)(path, **options)(decorate(view))
            return self
        inner, mark = view, {"get": http_get, "post": http_post}[method]
        if self.is_async:

            async def view(self, **values):
                return await inner(self.context.request, **values)
        else:

            def view(self, **values):
                return inner(self.context.request, **values)

        view.__signature__ = signature_of(inner)
        members = {"view": mark(path, **options)(decorate(view))}
        self.api.register_controllers(api_controller("")(type("It", (ControllerBase,), members)))
        return self

    def __call__(self, path="/api/it", method="get", **options):
        if self._client is None:
            self._client = self._serve(self.api)
        if self.is_async:
            return async_to_sync(getattr(self._client.async_client, method))(path, **options)
        return getattr(self._client, method)(path, **options)


def signature_of(view):
    import inspect

    found = inspect.signature(view)
    parameters = list(found.parameters.values())
    return found.replace(parameters=[parameters[0].replace(name="self"), *parameters[1:]])


@pytest.fixture(params=KINDS)
def served(request, serve):
    return lambda *hooks: Served(serve, request.param, hooks)


def say_hello(request):
    return {"hello": "world"}


LOG: list[str] = []


def log_view(request):
    LOG.append("view")
    return {}


@pytest.fixture(autouse=True)
def log():
    LOG.clear()
    return LOG


class Plain(OperationHook):
    """Writes down each method that is called."""

    def received(self, call):
        LOG.append(f"{type(self).__name__} received")

    def admitted(self, call):
        LOG.append(f"{type(self).__name__} admitted")

    @contextmanager
    def around(self, call):
        LOG.append(f"{type(self).__name__} enters")
        yield
        LOG.append(f"{type(self).__name__} leaves")

    def result(self, call, result):
        LOG.append(f"{type(self).__name__} result")
        return result

    def response(self, call, response):
        LOG.append(f"{type(self).__name__} response")

    def answered(self, call, response):
        LOG.append(f"{type(self).__name__} answered {response.status_code}")


class Quick(Plain):
    never_blocks = True


class Awaited(OperationHook):
    """The same by async methods alone, but for the context manager that a sync route needs."""

    async def areceived(self, call):
        LOG.append(f"{type(self).__name__} received")

    async def aadmitted(self, call):
        LOG.append(f"{type(self).__name__} admitted")

    around = Plain.around

    @asynccontextmanager
    async def aaround(self, call):
        LOG.append(f"{type(self).__name__} enters")
        yield
        LOG.append(f"{type(self).__name__} leaves")

    async def aresult(self, call, result):
        LOG.append(f"{type(self).__name__} result")
        return result

    async def aresponse(self, call, response):
        LOG.append(f"{type(self).__name__} response")

    async def aanswered(self, call, response):
        LOG.append(f"{type(self).__name__} answered {response.status_code}")


def two(base):
    return type("First", (base,), {}), type("Second", (base,), {})


@pytest.mark.parametrize("base", [Plain, Quick, Awaited])
def test_hooks_nest_in_the_order_in_which_they_were_added(served, base):
    call = served(*two(base)).add(log_view)
    assert call().json() == {}
    assert [
        *("First received", "Second received", "First admitted", "Second admitted"),
        *("First enters", "Second enters", "view"),
        *("Second result", "First result", "Second response", "First response"),
        *("Second leaves", "First leaves", "Second answered 200", "First answered 200"),
    ] == LOG


def test_a_lower_order_is_further_outside(served):
    first, second = two(Plain)
    second.order = -1
    served(first, second).add(say_hello)()
    assert LOG[0] == "Second received"
    assert LOG[-1] == "Second answered 200"


@pytest.mark.parametrize("base", [Plain, Quick, Awaited])
def test_an_early_answer_is_seen_by_the_hooks_before_it(served, base):
    first, second = two(base)
    method = "received" if base is not Awaited else "areceived"

    def answer(self, call):
        return HttpResponse(b"early", status=299)

    async def answer_async(self, call):
        return answer(self, call)

    setattr(second, method, answer_async if base is Awaited else answer)
    response = served(first, second).add(say_hello, auth=Bearer())()
    assert (response.status_code, response.content) == (299, b"early")
    assert LOG == ["First received", "First answered 299"]


def test_an_admitted_request_may_be_answered_without_its_view(served):
    class Cached(OperationHook):
        def admitted(self, call):
            return HttpResponse(b"kept", status=203)

    first, second = two(Plain)
    call = served(first, Cached, second).add(log_view, auth=Bearer())
    assert call().status_code == 401
    LOG.clear()
    response = call(headers={"Authorization": "Bearer good"})
    assert (response.status_code, response.content) == (203, b"kept")
    assert [
        *("First received", "Second received", "First admitted", "First response"),
        *("Second answered 203", "First answered 203"),
    ] == LOG


class Seen(OperationHook):
    """Puts a header on every response."""

    never_blocks = True

    def answered(self, call, response):
        LOG.append(str(response.status_code))
        response.headers["X-Seen"] = call.operation.view_func.__name__


def test_every_response_is_seen_from_outside_errors_and_refusals_too(served):
    def fails(request, number: int = 0):
        if number == 1:
            raise HttpError(418, "a teapot")
        if number == 2:
            raise ZeroDivisionError
        return {}

    call = served(Seen).add(fails, auth=Bearer())
    good = {"headers": {"Authorization": "Bearer good"}}
    client_sees = [
        call().status_code,
        *(call(f"/api/it?number={each}", **good).status_code for each in (0, 1, "x")),
    ]
    assert client_sees == [401, 200, 418, 422]
    with pytest.MonkeyPatch.context():
        response = call("/api/it?number=2", **good)
    assert (response.status_code, "X-Seen" in response) == (500, True)
    assert LOG == ["401", "200", "418", "422", "500"]


def test_an_exception_that_a_middleware_sees_first_is_still_seen_as_a_response(served, settings):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.test_hooks.SeesExceptions"]

    def fails(request):
        raise ZeroDivisionError

    response = served(Seen).add(fails)()
    assert (response.status_code, "X-Seen" in response) == (500, True)
    assert LOG == ["middleware: ZeroDivisionError", "500"]


class SeesExceptions:
    """A middleware of the project with a ``process_exception``."""

    sync_capable = async_capable = True

    def __new__(cls, get_response):
        from asgiref.sync import markcoroutinefunction

        self = super().__new__(cls)
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)
        return self

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, exception):
        LOG.append(f"middleware: {type(exception).__name__}")


@pytest.mark.parametrize(
    "name", ["received", "admitted", "around", "result", "response", "answered"]
)
def test_what_a_hook_raises_is_answered_like_an_exception_of_the_view(served, name):
    def refuse(self, *arguments):
        raise HttpError(429, "not so fast")

    broken = type("Broken", (OperationHook,), {name: refuse})
    response = served(Seen, broken).add(say_hello)()
    assert (response.status_code, response.json()) == (429, {"detail": "not so fast"})
    assert response["X-Seen"]


class Atomic(OperationHook):
    def around(self, call):
        return transaction.atomic()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [None, ZeroDivisionError(), HttpError(409, "no")])
def test_a_transaction_around_a_view_is_rolled_back_where_it_fails(served, error):
    def write(request):
        Tag.objects.create(name="written")
        if error is not None:
            raise error
        return {}

    call = served(Atomic)
    if call.is_async:
        from asgiref.sync import sync_to_async

        async def write_async(request):
            return await sync_to_async(write)(request)

        call.api.post("/it")(write_async)
    else:
        call.add(write, method="post")
    status = call(method="post").status_code
    assert (status < 400, Tag.objects.count()) == ((True, 1) if error is None else (False, 0))


def test_a_hook_that_swallows_an_exception_is_a_fault(served):
    class Swallows(OperationHook):
        @contextmanager
        def around(self, call):
            try:
                yield
            except ZeroDivisionError:
                LOG.append("swallowed")

    def fails(request):
        raise ZeroDivisionError

    assert served(Swallows).add(fails)().status_code == 500
    assert LOG == ["swallowed"]


def test_a_hook_may_answer_instead_of_the_view_or_of_its_exception(served):
    class Answers(OperationHook):
        @contextmanager
        def around(self, call):
            if "early" in call.request.GET:
                call.answer = HttpResponse("early")
            try:
                yield
            except ZeroDivisionError:
                call.answer = HttpResponse("late", status=409)

    def fails(request):
        LOG.append("called")
        raise ZeroDivisionError

    call = served(Answers).add(fails)
    early, late = call("/api/it?early=1"), call()
    assert (early.status_code, early.content) == (200, b"early")
    assert (late.status_code, late.content) == (409, b"late")
    assert LOG == ["called"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_outside", [True, False], ids=["outside", "inside"])
def test_a_transaction_is_rolled_back_if_the_hook_inside_of_it_swallows_the_exception(
    served, is_outside
):
    class Swallows(OperationHook):
        @contextmanager
        def around(self, call):
            with suppress(ZeroDivisionError):
                yield

        @asynccontextmanager
        async def aaround(self, call):
            with suppress(ZeroDivisionError):
                yield

    def write(request):
        Tag.objects.create(name="written")
        raise ZeroDivisionError

    call = served(*((Atomic, Swallows) if is_outside else (Swallows, Atomic)))
    if call.is_async:
        from asgiref.sync import sync_to_async

        async def write_async(request):
            return await sync_to_async(write)(request)

        call.api.post("/it")(write_async)
    else:
        call.add(write, method="post")
    assert call(method="post").status_code == 500
    assert Tag.objects.count() == 0


class Scoped(OperationHook):
    """Shows of each list what the request may see."""

    order = 100
    never_blocks = True

    def result(self, call, result):
        LOG.append(type(result).__name__)
        return result.filter(name=call.request.GET["may"])


@pytest.fixture
def tags():
    for name in ("a", "b"):
        Tag.objects.create(name=name)


@pytest.mark.usefixtures("tags")
@pytest.mark.parametrize("decorated", [False, True])
def test_a_scoped_queryset_keeps_the_rows_tier(served, settings, decorated):
    settings.DEBUG = True
    call = served(Seen, Scoped).add(lambda request: Tag.objects.all(), response=list[TagOut])
    if decorated:
        call.api.add_decorator(lambda run: run, mode="view")
    response = call("/api/it?may=b")
    assert response.json() == [{"name": "b"}]
    assert response["X-Matt-Tier"] == "rows"


@pytest.mark.usefixtures("tags")
@pytest.mark.parametrize(
    ("decorate", "page"),
    [
        (ninja_paginate(LimitOffsetPagination), list[TagOut]),
        (paginate(LimitOffsetPagination), NinjaPaginationResponseSchema[TagOut]),
        (paginate, NinjaPaginationResponseSchema[TagOut]),
    ],
    ids=["ninja", "extra", "extra, page numbers"],
)
def test_what_is_paginated_is_scoped_before_and_keeps_the_rows_tier(
    served, settings, decorate, page
):
    settings.DEBUG = True
    call = served(Scoped)
    if page == list[TagOut] and "controller" in call.kind:
        return  # Ninja's own decorator is for functions
    call.add(lambda request: Tag.objects.all(), response=page, decorate=decorate)
    response = call("/api/it?may=b&limit=1")
    assert (response.status_code, response.json()["items"]) == (200, [{"name": "b"}])
    assert response.json()["count"] == 1
    if not call.is_async:
        assert response["X-Matt-Tier"] == "rows"
    assert LOG == ["QuerySet"]


@pytest.mark.usefixtures("tags")
def test_a_result_may_become_a_response(served):
    class Answers(OperationHook):
        def result(self, call, result):
            return HttpResponse(b"instead", status=203)

    response = served(Answers).add(lambda request: {}, response=dict[str, int])()
    assert (response.status_code, response.content) == (203, b"instead")


class Marked(OperationHook):
    never_blocks = True

    def response(self, call, response):
        LOG.append(f"response, streaming: {response.streaming}")
        response.headers["X-Marked"] = "yes"


def body_of(response):
    async def read():
        return b"".join([piece async for piece in response])

    if not response.streaming:
        return response.content
    return async_to_sync(read)() if response.is_async else b"".join(response)


@pytest.mark.usefixtures("tags")
def test_a_streamed_response_is_seen_before_its_first_byte(serve, settings):
    api = MattAPI(urls_namespace=next(namespaces))
    api.add_hook(Marked)
    settings.MATT = {"STREAM_ROWS": 1}

    @api.get("/items", response=JSONL[TagOut])
    def items(request):
        LOG.append("first item")
        yield {"name": "a"}

    @api.get("/async", response=JSONL[TagOut])
    async def items_async(request):
        LOG.append("first item")
        yield {"name": "a"}

    @api.get("/rows", response=list[TagOut])
    def rows(request):
        return Tag.objects.order_by("id")

    client = serve(api)
    for path in ("items", "rows"):
        response = client.get(f"/api/{path}")
        assert response.streaming
        assert response["X-Marked"] == "yes"
        assert body_of(response)
    response = async_to_sync(client.async_client.get)("/api/async")
    assert response["X-Marked"] == "yes"
    assert json.loads(body_of(response)) == {"name": "a"}
    streaming = "response, streaming: True"
    assert [streaming, "first item", streaming, streaming, "first item"] == LOG


def test_a_hook_sees_the_validated_values(served):
    class Looks(OperationHook):
        never_blocks = True

        def received(self, call):
            LOG.append(f"{call.path} {call.values}")

        def admitted(self, call):
            LOG.append(f"{call.values} {call.formats.names[0]} {call.prepared}")

    def view(request, number: int, q: str = "?"):
        return {}

    call = served(Looks).add(view, path="/it/{number}")
    assert call("/api/it/7").status_code == 200
    assert LOG == ["{'number': '7'} {}", "{'number': 7, 'q': '?'} json None"]
    assert call("/api/it/x").status_code == 422
    assert len(LOG) == 3


def test_a_plain_method_leaves_the_event_loop_and_one_that_never_blocks_does_not(serve):
    def on_loop():
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return False
        return True

    def hook(name, quick):
        def admitted(self, call):
            LOG.append(f"{name} {on_loop()}")

        return type(name, (OperationHook,), {"admitted": admitted, "never_blocks": quick})

    call = Served(serve, "async function", [hook("Slow", False), hook("Quick", True)])
    call.add(say_hello)()
    assert LOG == ["Slow False", "Quick True"]


class Documented(OperationHook):
    @classmethod
    def bind(cls, operation, api):
        return cls() if operation.view_func.__name__ != "unseen" else None

    def admitted(self, call):
        LOG.append(call.operation.view_func.__name__)

    def error_statuses(self, method):
        return [402, 429]

    def describe(self, details, method):
        details["responses"][200]["headers"] = {"X-Limit": {"schema": {"type": "integer"}}}
        details["x-method"] = method


def test_a_hook_describes_its_part_of_the_document_and_only_where_it_is_bound(serve):
    api = MattAPI(urls_namespace=next(namespaces))
    api.add_hook(Documented)

    @api.get("/seen", response=TagOut)
    def seen(request):
        return {"name": "a"}

    @api.get("/unseen", response=TagOut)
    def unseen(request):
        return {"name": "a"}

    client = serve(api)
    document = client.get("/api/openapi.json").json()
    details = document["paths"]["/api/seen"]["get"]
    assert details["x-method"] == "GET"
    assert details["responses"]["200"]["headers"]["X-Limit"]
    references = {status: details["responses"][status]["$ref"] for status in ("402", "429")}
    assert references == {
        "402": "#/components/responses/PaymentRequired",
        "429": "#/components/responses/TooManyRequests",
    }
    assert {"PaymentRequired", "TooManyRequests"} <= set(document["components"]["responses"])
    assert "x-method" not in document["paths"]["/api/unseen"]["get"]
    assert client.get("/api/unseen").status_code == client.get("/api/seen").status_code == 200
    assert LOG == ["seen"]


class Undescribing(OperationHook):
    """Fails in both methods that the document asks."""

    def describe(self, details, method):
        details["x-half"] = True
        raise ValueError("no words")

    def error_statuses(self, method):
        raise ValueError("no numbers")


class Unwritable(OperationHook):
    def describe(self, details, method):
        details["x-object"] = object()


def test_a_hook_that_fails_to_describe_is_left_out_of_the_document_and_named(serve, caplog):
    api = MattAPI(urls_namespace=next(namespaces))
    for hook in (Undescribing, Unwritable, Documented):
        api.add_hook(hook)

    @api.get("/seen", response=TagOut)
    def seen(request):
        return {"name": "a"}

    client = serve(api)
    response = client.get("/api/openapi.json")
    assert response.status_code == 200
    details = response.json()["paths"]["/api/seen"]["get"]
    assert details["x-method"] == "GET"
    assert "402" in details["responses"]
    assert not {"x-half", "x-object"} & details.keys()
    names = ("Undescribing.describe()", "Undescribing.error_statuses()", "Unwritable.describe()")
    found = [each for each in run_checks(tags=["matt"]) if each.id == "matt.W009"]
    assert len(found) == 3
    for name in names:
        assert name in caplog.text
        assert any(name in each.msg and "GET /seen" in each.msg for each in found)


class Counted(OperationHook):
    """Counts every request below the API, also those that no operation takes."""

    never_blocks = True

    @classmethod
    def bind_unmatched(cls, api):
        return cls()

    def received(self, call):
        call.state[self] = "received"

    def answered(self, call, response):
        route = call.operation and call.operation.view_func.__name__
        LOG.append(f"{response.status_code} {route} {call.state[self]}")
        response.headers["X-Counted"] = "1"


class CountedLater(Counted):
    async def areceived(self, call):
        self.received(call)

    async def aanswered(self, call, response):
        self.answered(call, response)


class Uninterested(Plain):
    """Sees operations alone, as every hook that does not ask for more."""


def unmatched_api(*hooks, asynchronous):
    api = MattAPI(urls_namespace=next(namespaces))
    for hook in hooks:
        api.add_hook(hook)
    if asynchronous:

        async def it(request):
            return {}
    else:

        def it(request):
            return {}

    api.get("/it")(it)
    return api


def ask(client, asynchronous, method, url):
    if asynchronous:
        return async_to_sync(getattr(client.async_client, method.lower()))(url)
    return client.generic(method, url)


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("hook", [Counted, CountedLater])
def test_a_hook_that_asks_for_it_sees_unknown_urls_and_wrong_methods(serve, asynchronous, hook):
    client = serve(unmatched_api(hook, Uninterested, asynchronous=asynchronous))
    for method, url, status, route in (
        ("GET", "/api/it", 200, "it"),
        ("DELETE", "/api/it", 405, None),
        ("GET", "/api/nothing", 404, None),
        ("GET", "/api/", 404, None),
    ):
        LOG.clear()
        response = ask(client, asynchronous, method, url)
        assert response.status_code == status, url
        assert response.headers["X-Counted"] == "1", url
        seen = [each for each in LOG if each[0].isdigit()]
        assert seen == [f"{status} {route} received"], url
    assert ask(client, asynchronous, "DELETE", "/api/it").headers["Allow"] == "GET, HEAD"


class Limited(OperationHook):
    """Refuses by an exception, as a rate limit does."""

    @classmethod
    def bind_unmatched(cls, api):
        return cls()

    def received(self, call):
        raise HttpError(429, "Too many requests")


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_rate_limit_may_refuse_unknown_urls(serve, asynchronous):
    client = serve(unmatched_api(Counted, Limited, asynchronous=asynchronous))
    for method, url in (("GET", "/api/nothing"), ("DELETE", "/api/it"), ("GET", "/api/it")):
        response = ask(client, asynchronous, method, url)
        assert response.status_code == 429
        assert response.json() == {"detail": "Too many requests"}
        assert response.headers["X-Counted"] == "1"


def test_a_url_outside_of_the_api_is_seen_by_no_hook(serve):
    client = serve(unmatched_api(Counted, asynchronous=False))
    LOG.clear()
    assert client.get("/elsewhere").status_code == 404
    assert LOG == []


class Blind(OperationHook):
    @classmethod
    def bind_unmatched(cls, api):
        raise ValueError("not here")


def test_a_hook_that_cannot_see_unknown_urls_is_a_system_check_and_others_do(serve):
    client = serve(unmatched_api(Blind, Counted, asynchronous=False))
    response = client.get("/api/nothing")
    assert (response.status_code, response.headers["X-Counted"]) == (404, "1")
    found = [each.msg for each in run_checks(tags=["matt"]) if each.id == "matt.E006"]
    assert len(found) == 1
    assert "Blind gets no unknown URLs: ValueError: not here" in found[0]


class Picky(OperationHook):
    @classmethod
    def bind(cls, operation, api):
        if operation.operation_id == "picked":
            raise ValueError("hello is not for me")
        return cls()


def test_a_hook_that_cannot_be_bound_is_a_system_check_and_a_500_of_that_route_alone(served):
    call = served(Picky).add(say_hello, operation_id="picked")
    router = Router()
    router.get("/other")(lambda request: {})
    call.api.add_router("", router)
    assert (call().status_code, call("/api/other").status_code) == (500, 200)
    with pytest.raises(SystemCheckError, match="E006") as failed:
        call_command("check", "--tag", "matt")
    report = " ".join(str(failed.value).split())
    assert "GET /it: The hook tests.test_hooks.Picky cannot be bound" in report


def test_an_async_context_manager_alone_is_not_for_a_sync_route(serve):
    class Waits(OperationHook):
        def aaround(self, call):
            return transaction.atomic()

    call = Served(serve, "function", [Waits]).add(say_hello)
    assert call().status_code == 500
    with pytest.raises(SystemCheckError, match="which a sync route needs"):
        call_command("check", "--tag", "matt")


class OwnOperation(Operation):
    """A class of operations of the project's own, which keeps its own ``run``."""


def test_an_operation_of_an_unknown_class_takes_outside_hooks_alone(serve):
    def made(hook):
        api = MattAPI(urls_namespace=next(namespaces))
        api.add_hook(hook)

        @api.get("/it")
        def it(request):
            return {}

        for view in api.default_router.path_operations.values():
            view.operations = [OwnOperation("/it", ["GET"], view.operations[0].view_func)]
        return serve(api).get("/api/it")

    assert made(Seen)["X-Seen"] == "it"
    assert made(Marked).status_code == 500


def test_hooks_stay_where_the_settings_are_overridden(served, tags):
    call = served(Seen, Scoped, Marked).add(
        lambda request: Tag.objects.all(), response=list[TagOut]
    )
    assert call("/api/it?may=b").json() == [{"name": "b"}]
    with override_settings(MATT={"TIER": "pydantic"}, DEBUG=True):
        response = call("/api/it?may=a")
        assert response["X-Matt-Tier"].startswith("pydantic")
        assert (response.json(), response["X-Marked"]) == ([{"name": "a"}], "yes")
        assert response["X-Seen"]
    assert call("/api/it?may=a").json() == [{"name": "a"}]


def test_a_view_that_is_tried_again_passes_its_hooks_again(served, tags):
    def again(run):
        if iscoroutinefunction(run):

            async def tried_async(request, **path):
                try:
                    return await run(request, **path)
                except ZeroDivisionError:
                    return await run(request, **path)

            return tried_async

        def tried(request, **path):
            try:
                return run(request, **path)
            except ZeroDivisionError:
                return run(request, **path)

        return tried

    def view(request):
        LOG.append("view")
        if LOG.count("view") == 1:
            raise ZeroDivisionError
        return Tag.objects.all()

    call = served(Seen, Scoped).add(view, response=list[TagOut])
    call.api.add_decorator(again, mode="view")
    assert call("/api/it?may=a").json() == [{"name": "a"}]
    assert LOG == ["view", "view", "QuerySet", "200"]


def test_a_hook_that_comes_too_late_is_refused(serve):
    api = MattAPI(urls_namespace=next(namespaces))
    serve(api)
    with pytest.raises(ConfigError, match="this API is already bound"):
        api.add_hook(Seen)


def test_each_api_has_its_own_hooks_and_a_copy_has_them_once(serve):
    api, other = (MattAPI(urls_namespace=next(namespaces)) for _ in range(2))
    for each in (api, other):
        each.get("/it")(say_hello)
    api.add_hook(Seen)
    client = serve(api, **{"other/": other})
    assert "X-Seen" in client.get("/api/it")
    assert "X-Seen" not in client.get("/other/it")
    again = copy.deepcopy(api)
    again.add_hook(Seen)
    LOG.clear()
    assert serve(again).get("/api/it")["X-Seen"] == "say_hello"
    assert LOG == ["200"]


class Counting(OperationHook):
    bound: ClassVar[list[str]] = []

    @classmethod
    def bind(cls, operation, api):
        cls.bound.append(operation.operation_id)
        return super().bind(operation, api)


def test_a_hook_is_bound_once_for_each_operation(serve):
    api = MattAPI(urls_namespace=next(namespaces))
    api.add_hook(Counting)
    api.get("/it", operation_id="one")(say_hello)
    api.post("/it", operation_id="two")(say_hello)
    client = serve(api)
    for _ in range(2):
        client.get("/api/it")
    assert Counting.bound == ["one", "two"]
