"""An operation is bound at its first request: what waits for it, and what does not."""

import asyncio
import gc
import os
import subprocess
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from io import StringIO
from threading import Barrier
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.test import AsyncClient, Client, override_settings
from injector import inject
from ninja.decorators import decorate_view
from ninja.pagination import LimitOffsetPagination, paginate
from ninja_extra import NinjaExtraAPI
from ninja_extra.permissions import IsAuthenticated

from django_matt import (
    ControllerBase,
    MattAPI,
    ModelSchema,
    Schema,
    api_controller,
    http_get,
    http_post,
)
from django_matt.hooks import OperationHook
from django_matt.steps import Binding, Steps
from tests.project.models import Crate

THREADS = 24


class FirstPart(Schema):
    name: str


class FirstWhole(Schema):
    title: str
    parts: list[FirstPart] = []


class CrateFirstOut(ModelSchema):
    class Meta:
        model = Crate
        fields = ["id", "depot"]


@pytest.fixture(params=["sync", "async"])
def mode(request):
    return request.param


@pytest.fixture
def made(monkeypatch):
    """Return the operations whose steps were decided, in order."""
    names: list[str] = []
    decide = Steps.__init__

    def counted(self: Steps, api: Any, operation: Any) -> None:
        names.append(operation.operation_id)
        decide(self, api, operation)

    monkeypatch.setattr(Steps, "__init__", counted)
    return names


def add_wholes(api: Any, mode: str, *names: str) -> None:
    def whole(request, body: FirstWhole):
        return body

    async def awhole(request, body: FirstWhole):
        return body

    for name in names:
        view = whole if mode == "sync" else awhole
        api.post(f"/{name}", response=FirstWhole, operation_id=name)(view)


def post(client: Any, mode: str, name: str = "one") -> Any:
    path, data = f"/api/{name}", {"title": "x", "parts": [{"name": "y"}]}
    if mode == "sync":
        return client.post(path, data, content_type="application/json")
    return async_to_sync(client.async_client.post)(path, data, content_type="application/json")


def at_once(calls: list[Any]) -> list[Any]:
    """Call each in a thread of its own, all at the same time."""
    barrier = Barrier(len(calls))

    def wait(call: Any) -> Any:
        barrier.wait(10)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [each.result(30) for each in [pool.submit(wait, call) for call in calls]]


def binding_of(api: Any) -> Binding:
    (operation,) = api.operations()
    found: Binding = operation.operation._matt_binding
    return found


def test_a_request_binds_its_own_route_and_no_other(serve, made, mode):
    api = MattAPI()
    add_wholes(api, mode, "one", "two")
    client = serve(api)
    api.get_openapi_schema()
    client.get("/api/docs")
    assert [each.operation_id for each in api.operations()] == ["one", "two"]
    assert made == []
    assert post(client, mode).json() == {"title": "x", "parts": [{"name": "y"}]}
    assert post(client, mode).status_code == 200
    assert made == ["one"]


def test_threads_that_ask_a_new_route_at_once_bind_it_once(serve, made, mode):
    api = MattAPI()
    add_wholes(api, mode, "one")
    client = serve(api)

    def ask() -> Any:
        own = Client(raise_request_exception=False)
        own.async_client = AsyncClient(raise_request_exception=False)  # type: ignore[attr-defined]
        return post(own, mode).json()

    client.get("/api/openapi.json")
    assert at_once([ask] * THREADS) == [{"title": "x", "parts": [{"name": "y"}]}] * THREADS
    assert made == ["one"]


FORKING = """
import os, signal, threading
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.project.settings"
import django
django.setup()
from django.conf import settings
from django.test import Client
from django.urls import path
from django_matt import MattAPI
from django_matt.steps import Steps

api = MattAPI()
api.get("/one")(lambda request: 1)
api.get("/two")(lambda request: 2)
urlpatterns = [path("api/", api.urls)]
settings.ROOT_URLCONF = __name__
begun, forked, make = threading.Event(), threading.Event(), Steps.__init__

def make_slowly(self, *arguments):
    begun.set()
    forked.wait()
    make(self, *arguments)

Steps.__init__ = make_slowly
binding = threading.Thread(target=Client().get, args=("/api/one",))
binding.start()
begun.wait()
child = os.fork()
if child == 0:
    forked.set()
    signal.alarm(10)
    os._exit(0 if Client().get("/api/two").status_code == 200 else 1)
_, status = os.waitpid(child, 0)
forked.set()
binding.join()
print(status)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork()")
def test_a_fork_while_a_route_is_bound_waits_for_no_thread_of_its_parent():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKING], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["0"]


def test_tasks_of_one_event_loop_bind_a_route_once(serve, made):
    api = MattAPI()
    add_wholes(api, "async", "one")
    serve(api)

    async def ask() -> list[int]:
        send = AsyncClient().post
        options: Any = {"data": {"title": "x"}, "content_type": "application/json"}
        answers = await asyncio.gather(*(send("/api/one", **options) for _ in range(THREADS)))
        return [answer.status_code for answer in answers]

    assert asyncio.run(ask()) == [200] * THREADS
    assert made == ["one"]


def test_new_routes_that_share_schemas_and_a_paginator_are_bound_at_once(serve, made):
    api = MattAPI()
    names = [f"r{n}" for n in range(THREADS)]
    shared = paginate(LimitOffsetPagination)(lambda request: [{"title": "x"}] * 3)
    for name in names:
        api.get(f"/{name}", response=list[FirstWhole], operation_id=name)(shared)
    serve(api)

    def ask(name: str) -> Any:
        return lambda: Client().get(f"/api/{name}?limit=1").json()

    page = {"items": [{"title": "x", "parts": []}], "count": 3}
    assert at_once([ask(name) for name in names]) == [page] * THREADS
    assert sorted(made) == sorted(names)


@pytest.mark.parametrize("kind", [NinjaExtraAPI, MattAPI])
def test_decorators_are_applied_once_and_before_the_first_request(serve, kind, mode):
    applied, called = [], []

    def counting(name):
        def decorate(view):
            applied.append(name)

            @wraps(view)
            def counted(*arguments, **named):
                called.append(name)
                return view(*arguments, **named)

            return counted

        return decorate

    api = kind()
    api.add_decorator(counting("api"), mode="view")

    def whole(request, body: FirstWhole):
        return body

    async def awhole(request, body: FirstWhole):
        return body

    view = whole if mode == "sync" else awhole
    api.post("/one", response=FirstWhole)(decorate_view(counting("own"))(view))
    client = serve(api)
    client.get("/api/openapi.json")
    before = list(applied)
    # Ninja applies a route's own where it is written, and again where the API is bound.
    assert before == ["own", "own", "api"]
    assert post(client, mode).status_code == 200
    at_once([lambda: post(Client(), "sync") for _ in range(4)])
    assert applied == before
    assert called[:2] == ["api", "own"]


def test_what_routes_share_is_not_built_again_by_a_first_request(serve, db):
    api = MattAPI()
    for name in ("one", "two"):
        view = paginate(LimitOffsetPagination)(lambda request: Crate.objects.order_by("id"))
        api.get(f"/{name}", response=list[CrateFirstOut])(view)
    client = serve(api)
    # A key to a column that is not the primary key: its type was corrected.
    assert CrateFirstOut.model_fields[
        "depot_id" if "depot_id" in CrateFirstOut.model_fields else "depot"
    ]
    validator = CrateFirstOut.__pydantic_validator__
    for name in ("one", "two"):
        assert client.get(f"/api/{name}").json() == {"items": [], "count": 0}
    assert CrateFirstOut.__pydantic_validator__ is validator


class Broken(ControllerBase):
    @inject
    def __init__(self, missing: "NoSuchService") -> None:  # type: ignore[name-defined] # noqa: F821
        self.missing = missing

    @http_get("", response=FirstWhole)
    def broken(self):
        return {"title": "x"}


class Answered(OperationHook):
    never_blocks = True

    def answered(self, call, response):
        response.headers["X-Seen"] = str(response.status_code)


@pytest.mark.parametrize("hook", [None, Answered])
def test_an_operation_that_cannot_be_bound_fails_alone_and_the_check_reports_it(serve, hook):
    api = MattAPI()
    if hook is not None:
        api.add_hook(hook)
    api.register_controllers(api_controller("/broken")(type("Breaks", (Broken,), {})))
    add_wholes(api, "sync", "one")
    client = serve(api)
    for _ in range(2):
        answer = client.get("/api/broken")
        assert answer.status_code == 500
        assert hook is None or answer.headers["X-Seen"] == "500"
    assert post(client, "sync").status_code == 200
    with pytest.raises(SystemCheckError, match=r"matt\.E004") as failed:
        call_command("check", "--tag", "matt", stdout=StringIO())
    assert "GET /broken/: tests.test_first_requests" in str(failed.value)
    assert "NoSuchService" in str(failed.value)
    api.bind_operations()  # raises nothing


def test_an_operation_is_bound_by_the_settings_of_its_first_request(serve, mode):
    api = MattAPI()
    add_wholes(api, mode, "one")
    client = serve(api)
    with override_settings(MATT={"TIER": "pydantic"}, DEBUG=True):
        assert post(client, mode).headers["X-Matt-Tier"].startswith("pydantic")
    with override_settings(DEBUG=True):
        assert post(client, mode).headers["X-Matt-Tier"].startswith("instances")


def test_a_hook_before_authentication_knows_the_formats_of_a_new_route(serve):
    seen = []

    class Early(OperationHook):
        def received(self, call):
            seen.append(call.formats.names)

    api = MattAPI(formats=["json", "csv"])
    api.add_hook(Early)
    add_wholes(api, "sync", "one")
    assert post(serve(api), "sync").status_code == 200
    assert seen == [("json", "csv")]


def test_reading_one_operation_binds_that_one(serve, made):
    api = MattAPI()
    add_wholes(api, "sync", "one", "two")
    serve(api)
    (reads,) = api.operations()[1].reads()
    assert (reads.schema, made) == ("FirstWhole", ["two"])


def test_every_operation_can_be_bound_ahead(serve, made, mode):
    api = MattAPI()
    add_wholes(api, mode, "one", "two")
    client = serve(api)
    api.bind_operations()
    assert made == ["one", "two"]
    assert post(client, mode).status_code == 200
    assert made == ["one", "two"]


def test_an_api_that_is_gone_leaves_no_steps_behind():
    api = MattAPI()
    add_wholes(api, "sync", "one")
    api.bind_operations()
    steps = weakref.ref(binding_of(api).steps)
    del api
    gc.collect()
    assert steps() is None


class Signed(ControllerBase):
    @http_post("/sync", response=FirstWhole, auth=lambda request: True)
    def whole(self, body: FirstWhole):
        return body

    @http_post("/async", response=FirstWhole, auth=lambda request: True)
    async def awhole(self, body: FirstWhole):
        return body


def test_a_sync_and_an_async_operation_pass_the_same_steps():
    controller = type("Passes", (Signed,), {})
    api = MattAPI()
    api.register_controllers(api_controller("/w", permissions=[IsAuthenticated])(controller))
    passed = [
        [
            step.__name__.removesuffix("_async").strip("_")
            for step in each.operation._matt_binding.steps.before
        ]
        for each in api.operations()
    ]
    assert (
        passed
        == [["authenticate", "build_controller", "permit", "compute_route_parameters", "negotiate"]]
        * 2
    )


def test_a_function_without_parameters_passes_no_step_before_its_view():
    api = MattAPI()
    api.get("/hello")(lambda request: {})
    assert binding_of(api).steps.before == ()
