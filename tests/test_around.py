"""What stands around an operation sees what it sees on ``NinjaExtraAPI``: the same exceptions, rows and calls."""

import threading
from collections.abc import Callable
from contextlib import contextmanager
from functools import wraps
from typing import Any

import pytest
from asgiref.sync import iscoroutinefunction, sync_to_async
from django.db import transaction
from django.http import HttpResponse
from ninja import Router as NinjaRouter
from ninja import Schema
from ninja.decorators import decorate_view
from ninja.errors import HttpError
from ninja.security import APIKeyQuery
from ninja.streaming import JSONL, SSE
from ninja_extra import ControllerBase, NinjaExtraAPI, api_controller, http_get
from ninja_extra.permissions import BasePermission
from ninja_extra.router import Router

from django_matt import MattAPI
from django_matt import Router as MattRouter
from tests.project.models import Author

Log = list[Any]
Decorator = Callable[[Any], Any]


class Out(Schema):
    name: str


class Misfit(Schema):
    name: int


def around(manager: Callable[[], Any]) -> Decorator:
    """Return the decorator that runs a view, sync or async, inside a context manager."""

    def decorate(run: Any) -> Any:
        if iscoroutinefunction(run):

            @wraps(run)
            async def wrapped_async(request: Any, **path: Any) -> Any:
                context = manager()
                await sync_to_async(context.__enter__)()
                try:
                    made = await run(request, **path)
                except BaseException as error:
                    await sync_to_async(context.__exit__)(type(error), error, error.__traceback__)
                    raise
                await sync_to_async(context.__exit__)(None, None, None)
                return made

            return wrapped_async

        @wraps(run)
        def wrapped(request: Any, **path: Any) -> Any:
            with manager():
                return run(request, **path)

        return wrapped

    return decorate


def a_transaction(log: Log) -> Decorator:
    return around(transaction.atomic)


def a_lock(log: Log) -> Decorator:
    lock = threading.Lock()

    @contextmanager
    def locked() -> Any:
        with lock:
            yield
        log.append("released after a success")

    return around(locked)


def a_span(log: Log) -> Decorator:
    @contextmanager
    def span() -> Any:
        try:
            yield
        except Exception as error:
            log.append(f"span: {type(error).__name__}")
            raise
        log.append("span: ok")

    return around(span)


def a_retry(log: Log) -> Decorator:
    def decorate(run: Any) -> Any:
        if iscoroutinefunction(run):

            @wraps(run)
            async def again_async(request: Any, **path: Any) -> Any:
                try:
                    return await run(request, **path)
                except Exception as error:
                    log.append(f"again after {type(error).__name__}")
                    return await run(request, **path)

            return again_async

        @wraps(run)
        def again(request: Any, **path: Any) -> Any:
            try:
                return run(request, **path)
            except Exception as error:
                log.append(f"again after {type(error).__name__}")
                return run(request, **path)

        return again

    return decorate


def fail(failure: str) -> Any:
    if failure == "exception":
        raise ConnectionError("the other half of the payment")
    if failure == "HttpError":
        raise HttpError(409, "paid already")
    return {"name": None} if failure == "misfit" else {"name": "fine"}


def work(failure: str, log: Log) -> Any:
    log.append("called")
    Author.objects.create(name="half of the payment")
    return fail(failure)


def views(failure: str, log: Log) -> dict[str, tuple[Any, Any]]:
    """Return each kind of view with its response schema."""

    def sync_view(request):
        return work(failure, log)

    async def async_view(request):
        return await sync_to_async(work)(failure, log)

    def list_view(request):
        log.append("called")
        Author.objects.create(name="half of the payment")
        if failure != "misfit":
            fail(failure)
        return Author.objects.order_by("id")

    def generator(request):
        log.append("called")
        Author.objects.create(name="half of the payment")
        yield {"name": "first"}
        yield fail(failure)

    async def async_generator(request):
        log.append("called")
        await sync_to_async(Author.objects.create)(name="half of the payment")
        yield {"name": "first"}
        yield fail(failure)

    def failing_first(request):
        log.append("called")
        Author.objects.create(name="half of the payment")
        yield fail(failure)

    rows: Any = list[Misfit] if failure == "misfit" else list[Out]
    return {
        "sync": (sync_view, Out),
        "async": (async_view, Out),
        "a list": (list_view, rows),
        "a long list": (list_view, rows),
        "SSE": (generator, SSE[Out]),
        "JSONL": (generator, JSONL[Out]),
        "async SSE": (async_generator, SSE[Out]),
        "async JSONL": (async_generator, JSONL[Out]),
        "a stream that fails first": (failing_first, SSE[Out]),
    }


KINDS = list(views("", []))
AROUND = [a_transaction, a_retry, a_lock, a_span]


def failures(kind: str) -> list[str]:
    # A long list is a stream, and may be found not to fit when its first rows are sent.
    misfit = [] if kind == "a long list" else ["misfit"]
    return ["exception", "HttpError", "none", *misfit]


def function_api(cls: Any, place: str, decorator: Decorator, view: Any, response: Any) -> Any:
    api, router = cls(urls_namespace=f"{cls.__name__}-{id(view)}"), Router()
    if place == "decorate_view":
        view = decorate_view(decorator)(view)
    elif place == "router":
        router.add_decorator(decorator, mode="view")
    else:
        api.add_decorator(decorator, mode="view")
    router.get("/it", response=response)(view)
    api.add_router("", router)
    return api


def controller_api(cls: Any, place: str, decorator: Decorator, view: Any, response: Any) -> Any:
    api = cls(urls_namespace=f"{cls.__name__}-{id(view)}")
    if place == "api":
        api.add_decorator(decorator, mode="view")
    if iscoroutinefunction(view):

        async def it(self: Any, request: Any) -> Any:
            return await view(request)
    else:

        def it(self: Any, request: Any) -> Any:
            return view(request)

    method = decorate_view(decorator)(it) if place == "decorate_view" else it
    members = {"it": http_get("/it", response=response)(method)}
    api.register_controllers(api_controller("")(type("C", (ControllerBase,), members)))
    return api


def outcome(client: Any, log: Log) -> dict[str, Any]:
    """GET /api/it and return what there is to see afterwards."""
    answer = client.get("/api/it")
    body = b""
    if answer.streaming:
        try:
            body = answer.getvalue()
        except Exception as error:
            log.append(f"stream: {type(error).__name__}")
    seen = {
        "rows": sorted(Author.objects.values_list("name", flat=True)),
        "log": [entry for entry in log if not entry.startswith("stream")],
        "status": answer.status_code,
    }
    Author.objects.all().delete()
    return seen | {"body": body}


def same(ours: dict[str, Any], theirs: dict[str, Any]) -> bool:
    return {**ours, "body": b""} == {**theirs, "body": b""}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("thing", AROUND)
def test_what_is_around_a_function_sees_what_it_sees_on_the_peer(serve, settings, thing, kind):
    settings.MATT = {"STREAM_ROWS": 0} if kind == "a long list" else {}
    for place in ("decorate_view", "router", "api"):
        for failure in failures(kind):
            seen = []
            for cls in (NinjaExtraAPI, MattAPI):
                log: Log = []
                api = function_api(cls, place, thing(log), *views(failure, log)[kind])
                seen.append(outcome(serve(api), log))
            assert same(*reversed(seen)), (place, failure, seen)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["sync", "async", "a list", "a long list"])
@pytest.mark.parametrize("thing", AROUND)
def test_what_is_around_a_controllers_method_sees_what_it_sees_on_the_peer(
    serve, settings, thing, kind
):
    settings.MATT = {"STREAM_ROWS": 0} if kind == "a long list" else {}
    for failure in failures(kind):
        log: Log = []
        view, response = views(failure, log)[kind]
        theirs = outcome(
            serve(controller_api(NinjaExtraAPI, "decorate_view", thing(log), view, response)), log
        )
        # Ninja Extra ignores add_decorator for controllers; ours does for them what it does for functions.
        for place in ("decorate_view", "api"):
            log.clear()
            ours = outcome(serve(controller_api(MattAPI, place, thing(log), view, response)), log)
            assert same(ours, theirs), (place, failure, ours, theirs)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("debug", [False, True])
def test_a_transaction_is_rolled_back_with_debug_too(serve, settings, debug):
    settings.DEBUG = debug
    api = function_api(MattAPI, "decorate_view", a_transaction([]), *views("exception", [])["sync"])
    assert outcome(serve(api), [])["rows"] == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [ConnectionError(), HttpError(403, "no")])
def test_what_authentication_raises_is_around_it_what_it_is_on_the_peer(serve, error):
    def key(request):
        Author.objects.create(name="a failed sign-in")
        raise error

    seen = []
    for cls in (NinjaExtraAPI, MattAPI):
        api = cls(urls_namespace=f"auth-{cls.__name__}")

        @api.get("/it", auth=key)
        @decorate_view(transaction.atomic)
        def it(request):
            return {}

        seen.append(outcome(serve(api), []))
    assert same(*reversed(seen)), seen


@pytest.mark.django_db(transaction=True)
def test_a_class_that_the_project_answers_is_a_success_around_it_as_on_the_peer(serve):
    class Sold(Exception):
        pass

    for handled in (Sold, Exception):
        seen = []
        for cls in (NinjaExtraAPI, MattAPI):
            api = cls(urls_namespace=f"own-{handled.__name__}-{cls.__name__}")

            @api.exception_handler(handled)
            def handle(request, exc):
                return HttpResponse("sold", status=409)

            @api.get("/it")
            @decorate_view(transaction.atomic)
            def it(request):
                Author.objects.create(name="pen")
                raise Sold

            seen.append(outcome(serve(api), []))
        assert same(*reversed(seen)), seen
        assert seen[0]["rows"] == ["pen"]


def test_the_projects_on_exception_sees_each_exception_once_inside_of_what_is_around(serve):
    class Watched:
        def on_exception(self, request, exc):
            log.append(f"on_exception: {type(exc).__name__}")
            return super().on_exception(request, exc)

    seen = []
    for cls in (NinjaExtraAPI, MattAPI):
        log: Log = []
        own = type("Own", (Watched, cls), {})
        api = own(urls_namespace=f"watched-{cls.__name__}")

        @api.get("/it")
        @decorate_view(a_span(log))
        def it(request):
            raise ConnectionError

        serve(api).get("/api/it")
        seen.append(log)
    assert seen[1] == seen[0] == ["on_exception: ConnectionError", "span: ConnectionError"]


class Counted:
    """A decorator with a state: it counts what it decorates, and says when it is called."""

    def __init__(self, name: str, log: Log) -> None:
        self.name, self.log, self.applied = name, log, 0

    def __call__(self, run: Any) -> Any:
        self.applied += 1

        @wraps(run)
        def wrapped(*args: Any, **named: Any) -> Any:
            self.log.append(self.name)
            return run(*args, **named)

        return wrapped


def counted_api(cls: Any, router_class: Any) -> tuple[Any, list[Counted], Log]:
    log: Log = []
    names = ["api", "api 2", "outer", "inner", "inner 2", "own", "own 2", "function", "controller"]
    made = {name: Counted(name, log) for name in names}
    api = cls(urls_namespace=f"counted-{cls.__name__}-{router_class.__name__}")
    outer, inner = router_class(), router_class()
    api.add_decorator(made["api"], mode="view")
    api.add_decorator(made["api 2"], mode="operation")
    outer.add_decorator(made["outer"], mode="view")
    inner.add_decorator(made["inner"], mode="view")
    inner.add_decorator(made["inner 2"], mode="operation")

    @inner.get("/it")
    @decorate_view(made["own"], made["own 2"])
    def it(request):
        return {}

    @api.get("/function")
    @decorate_view(made["function"])
    def function(request):
        return {}

    @api_controller("")
    class Controller(ControllerBase):
        @http_get("/controller")
        @decorate_view(made["controller"])
        def it(self):
            return {}

    outer.add_router("/inner", inner)
    api.add_router("/outer", outer)
    api.register_controllers(Controller)
    return api, list(made.values()), log


@pytest.mark.parametrize("router_class", [Router, NinjaRouter, MattRouter])
def test_each_decorator_is_applied_as_often_and_called_in_the_order_as_on_the_peer(
    serve, router_class
):
    seen = []
    for cls in (NinjaExtraAPI, MattAPI):
        api, decorators, log = counted_api(cls, router_class)
        client = serve(api)
        assert client.get("/api/outer/inner/it").status_code == 200
        calls = list(log)
        log.clear()
        assert client.get("/api/function").status_code == 200
        calls += ["|", *log]
        applied = {each.name: each.applied for each in decorators if each.name != "controller"}
        seen.append((calls, applied))
    theirs, ours = seen
    # On the peer the API's decorators pass over controllers.
    controllers = {"api": 1, "api 2": 1}
    assert ours[0] == theirs[0]
    assert {name: times - controllers.get(name, 0) for name, times in ours[1].items()} == theirs[1]


def test_a_router_on_two_apis_keeps_its_decorators(serve):
    log: Log = []
    router, decorator = MattRouter(), Counted("router", log)
    router.add_decorator(decorator, mode="view")

    @router.get("/it")
    @decorate_view(Counted("own", log))
    def it(request):
        return {}

    for name in ("one", "two"):
        api = MattAPI(urls_namespace=f"keeps-{name}")
        api.add_router("", router)
        assert serve(api).get("/api/it").status_code == 200
    peer = NinjaExtraAPI(urls_namespace="keeps-peer")
    peer.add_router("", router)
    serve(peer).get("/api/it")
    assert log == ["router", "own"] * 3
    assert decorator.applied == 3


class Key(APIKeyQuery):
    def authenticate(self, request, key):
        return key


class SaysWho:
    """Writes who is signed in into the headers of every answer, as projects that come from Ninja do."""

    def create_temporal_response(self, request):
        made = super().create_temporal_response(request)
        made["X-Signed-In"] = getattr(request, "auth", None) or "nobody"
        return made


@pytest.mark.parametrize("kind", ["function", "async function", "controller", "Ninja's router"])
def test_the_response_that_a_project_prepares_knows_who_is_signed_in(serve, kind):
    api = type("Own", (SaysWho, MattAPI), {})()

    def it(request):
        return {}

    async def it_async(request):
        return {}

    if kind == "controller":

        @api_controller("", auth=Key())
        class Controller(ControllerBase):
            @http_get("/it")
            def it(self):
                return {}

        api.register_controllers(Controller)
    else:
        router = NinjaRouter() if kind == "Ninja's router" else api.default_router
        router.get("/it", auth=Key())(it_async if kind == "async function" else it)
        if router is not api.default_router:
            api.add_router("", router)
    api.get("/open")(it)
    client = serve(api)
    assert client.get("/api/it?key=ann")["X-Signed-In"] == "ann"
    assert client.get("/api/open")["X-Signed-In"] == "nobody"
    assert client.get("/api/it").status_code == 401


def test_a_permission_finds_the_prepared_response(serve):
    class Stamps(BasePermission):
        def has_permission(self, request, controller):
            controller.context.response["X-Permission"] = "looked"
            return True

    made = []

    class Own(MattAPI):
        def create_temporal_response(self, request):
            made.append(getattr(request, "auth", None))
            return super().create_temporal_response(request)

    api = Own()

    @api_controller("", auth=Key(), permissions=[Stamps])
    class Controller(ControllerBase):
        @http_get("/it")
        def it(self):
            return {}

    api.register_controllers(Controller)
    assert serve(api).get("/api/it?key=ann")["X-Permission"] == "looked"
    assert made == ["ann"]
