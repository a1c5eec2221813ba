"""What binding repairs of NinjaExtraAPI and must keep of it, over HTTP, sync and async by one suite."""

import gc
import json
import weakref
from decimal import Decimal
from functools import partial, wraps
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpResponse
from django.test import RequestFactory
from injector import inject
from ninja.decorators import decorate_view
from ninja.security import APIKeyCookie, APIKeyHeader, HttpBasicAuth, HttpBearer
from ninja.security.base import AuthBase
from ninja_extra import NinjaExtraAPI
from ninja_extra.permissions import BasePermission

from django_matt import (
    JSONL,
    SSE,
    ControllerBase,
    Form,
    MattAPI,
    Router,
    Schema,
    Status,
    api_controller,
    http_get,
    http_post,
    service_resolver,
)


class Inner(Schema):
    title: str


class Body(Schema):
    inner: Inner
    items: list[Inner] = []


class Loose(Schema):
    a: int = 1
    b: str = ""


def call(
    client: Any, method: str, path: str, mode: str = "sync", *more: Any, **options: Any
) -> Any:
    """Call over the WSGI handler or the ASGI handler of Django's test client."""
    if mode == "sync":
        return getattr(client, method)(path, *more, **options)

    async def send() -> Any:
        return await getattr(client.async_client, method)(path, *more, **options)

    return async_to_sync(send)()


@pytest.fixture(params=["sync", "async"])
def mode(request):
    return request.param


def add_post(api: NinjaExtraAPI, mode: str, schema: Any) -> None:
    if mode == "sync":

        @api.post("/echo", response=schema)
        def echo(request, body: schema):
            return body
    else:

        @api.post("/echo", response=schema)
        async def echo(request, body: schema):
            return body


def post(client: Any, data: Any, mode: str = "sync", path: str = "/api/echo") -> Any:
    raw = data if isinstance(data, bytes) else json.dumps(data)
    return call(client, "post", path, mode, data=raw, content_type="application/json")


class TestTypeConfusion:
    def test_a_string_is_not_an_object_with_a_title(self, serve, mode):
        api = MattAPI()
        add_post(api, mode, Body)
        answer = post(serve(api), {"inner": "hello world"}, mode)
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["body", "body", "inner"]

    @pytest.mark.parametrize("value", [1, "x", True, [1], None])
    def test_a_schema_of_defaults_takes_objects_only(self, serve, mode, value):
        api = MattAPI()
        add_post(api, mode, Loose)
        assert post(serve(api), value, mode).status_code == 422

    def test_resolvers_of_an_input_still_run_for_objects_and_only_for_them(self, serve):
        class Resolved(Schema):
            name: str

            @staticmethod
            def resolve_name(obj):
                return obj["first"] + "!"

        api = MattAPI()
        add_post(api, "sync", Resolved)
        client = serve(api)
        assert post(client, {"first": "a"}).status_code in (200, 500)
        assert post(client, "hello").status_code == 422

    def test_twenty_thousand_wrong_items_answer_a_capped_list(self, serve, settings):
        api = MattAPI()
        add_post(api, "sync", Body)
        client = serve(api)
        answer = post(client, {"inner": {"title": "x"}, "items": [1] * 20_000})
        assert answer.status_code == 422
        assert len(answer.json()["detail"]) <= 50
        few = post(client, {"inner": {"title": "x"}, "items": [1] * 100})
        assert len(few.json()["detail"]) == 50


class TestNumbersThatNoDatabaseHolds:
    @pytest.fixture
    def client(self, serve, mode):
        class Numbers(Schema):
            i: int | None = None
            f: float | None = None
            d: Decimal | None = None

        api = MattAPI()
        add_post(api, mode, Numbers)

        @api.get("/query")
        def query(request, i: int = 0, f: float = 0.0):
            return {"i": i}

        return serve(api)

    @pytest.mark.parametrize(
        "raw",
        [
            b'{"i": 9223372036854775808}',
            b'{"f": NaN}',
            b'{"f": "nan"}',
            b'{"f": 1e400}',
            b'{"f": "inf"}',
            b'{"d": "1e1000000"}',
        ],
    )
    def test_a_body_with_one_is_refused(self, client, mode, raw):
        assert post(client, raw, mode).status_code in (400, 422)

    @pytest.mark.parametrize(
        "query", ["i=9223372036854775808", "f=nan", "f=inf", "i=" + "9" * 5000, "i=%00"]
    )
    def test_a_query_with_one_is_refused(self, client, query):
        assert client.get(f"/api/query?{query}").status_code in (400, 422)

    def test_the_largest_that_fits_passes(self, client, mode):
        assert post(client, {"i": 2**63 - 1}, mode).json()["i"] == 2**63 - 1


class TestRouting:
    @pytest.fixture
    def api(self):
        api = MattAPI()

        @api.get("/things")
        def things(request):
            return [1]

        @api.get("/slashed/")
        def slashed(request):
            return {}

        return api

    def test_an_unknown_url_is_a_problem_document(self, serve, api):
        answer = serve(api).get("/api/nothing/here")
        assert answer.status_code == 404
        assert answer.headers["Content-Type"].startswith("application/problem+json")

    def test_a_wrong_method_names_those_allowed(self, serve, api):
        answer = serve(api).delete("/api/things")
        assert answer.status_code == 405
        assert answer.headers["Allow"] == "GET, HEAD"
        assert answer.headers["Content-Type"].startswith("application/problem+json")

    def test_head_is_answered_by_get_without_a_body(self, serve, api):
        answer = serve(api).head("/api/things")
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["Content-Length"] == "3"

    def test_the_slash_redirect_of_django_still_happens(self, serve, api):
        assert serve(api).get("/api/slashed").status_code == 301

    def test_a_second_api_below_the_first_is_still_reached(self, serve, api):
        other = MattAPI(urls_namespace="second")

        @other.get("/other")
        def other_view(request):
            return {"api": 2}

        client = serve(api, **{"api/v2/": other})
        assert client.get("/api/v2/other").json() == {"api": 2}
        assert client.get("/api/v2/nothing").status_code == 404

    def test_the_first_route_that_matches_answers(self, serve, api):
        @api.get("/by/{name}")
        def by_name(request, name: str):
            return name

        for route in ("/by/hand", "/things"):
            api.get(route)(lambda request: "a later one")
        client = serve(api)
        assert client.get("/api/by/hand").json() == "hand"
        assert client.get("/api/things").json() == [1]
        assert client.get("/api/things").resolver_match.route == "api/things"

    def test_a_namespace_of_controllers_keeps_its_place(self, serve):
        api = MattAPI()
        for namespace in ("first", None):

            @api_controller("/shelf", urls_namespace=namespace)
            class Shelf(ControllerBase):
                @http_get("/top", url_name="top")
                def top(self):
                    return self.context.request.resolver_match.namespaces

            api.register_controllers(Shelf)
        assert serve(api).get("/api/shelf/top").json()[-1] == "first"

    @pytest.mark.parametrize(
        "name",
        [
            "api",
            "temporal_response",
            "view_signature",
            "request_",
            "self_",
            "kwargs",
            "view_func_kwargs",
        ],
    )
    def test_a_path_parameter_may_have_any_name(self, serve, name):
        namespace: dict[str, Any] = {"__name__": __name__}
        exec(f"def view(request, {name}: int):\n    return {{'got': {name}}}", namespace)
        api = MattAPI()
        api.get(f"/by/{{{name}}}")(namespace["view"])
        assert serve(api).get("/api/by/7").json() == {"got": 7}


class TestControllers:
    def test_a_controller_on_two_apis_answers_with_each_ones_handlers_and_auth(self, serve):
        class Oops(Exception):
            pass

        class Key(HttpBearer):
            def authenticate(self, request, token):
                return token == "right"

        @api_controller("/shared", use_unique_op_id=True)
        class Shared(ControllerBase):
            @http_get("/oops")
            def oops(self):
                raise Oops

        first, second = MattAPI(auth=Key()), MattAPI(urls_namespace="second")
        for api, word in ((first, "first"), (second, "second")):
            api.register_controllers(Shared)
            api.add_exception_handler(
                Oops,
                lambda request, exc, api=api, word=word: api.create_response(
                    request, {"by": word}, status=418
                ),
            )
        client = serve(first, **{"two/": second})
        assert client.get("/api/shared/oops").status_code == 401
        assert client.get("/api/shared/oops", headers={"authorization": "Bearer right"}).json() == {
            "by": "first"
        }
        assert client.get("/two/shared/oops").json() == {"by": "second"}

    def test_a_controller_is_built_once_a_request(self, serve, mode):
        built = []

        class Everyone(BasePermission):
            def has_permission(self, request, controller):
                return controller.context.request is request

        class Service:
            word = "injected"

        @api_controller("/once", permissions=[Everyone])
        class Once(ControllerBase):
            @inject
            def __init__(self, service: Service) -> None:
                built.append(self)
                self.service = service

            if mode == "sync":

                @http_get("")
                def once(self):
                    return {"word": self.service.word, "same": self is built[-1]}
            else:

                @http_get("")
                async def once(self):
                    return {"word": self.service.word, "same": self is built[-1]}

        api = MattAPI()
        api.add_decorator(passing(built_log := []), mode="operation")
        api.register_controllers(Once)
        answer = call(serve(api), "get", "/api/once", mode)
        assert answer.json() == {"word": "injected", "same": True}
        assert len(built) == 1
        assert built_log == ["once"]

    def test_a_failing_permission_is_403(self, serve, mode):
        class Nobody(BasePermission):
            message = "go away"

            def has_permission(self, request, controller):
                return False

        @api_controller("/no", permissions=[Nobody])
        class No(ControllerBase):
            if mode == "sync":

                @http_get("")
                def no(self):
                    return {}
            else:

                @http_get("")
                async def no(self):
                    return {}

        api = MattAPI()
        api.register_controllers(No)
        answer = call(serve(api), "get", "/api/no", mode)
        assert (answer.status_code, answer.json()["detail"]) == (403, "go away")

    def test_permissions_may_read_the_parameters(self, serve):
        class Seven(BasePermission):
            def has_permission(self, request, controller):
                controller.context.compute_route_parameters()
                return controller.context.kwargs["n"] == 7

        @api_controller("/n", permissions=[Seven])
        class Numbers(ControllerBase):
            @http_get("/{n}")
            def one(self, n: int):
                return {"n": n}

        api = MattAPI()
        api.register_controllers(Numbers)
        client = serve(api)
        assert client.get("/api/n/7").json() == {"n": 7}
        assert client.get("/api/n/8").status_code == 403
        assert client.get("/api/n/x").status_code == 422

    def test_the_route_context_can_be_resolved(self, serve):
        from ninja_extra.context import RouteContext

        api = MattAPI()

        @api.get("/context")
        def context(request):
            return {"same": service_resolver(RouteContext).request is request}

        assert serve(api).get("/api/context").json() == {"same": True}

    def test_errors_of_parameters_have_one_shape(self, serve):
        @api_controller("/c")
        class Shape(ControllerBase):
            @http_post("")
            def make(self, body: Body, n: int):
                return {}

        api = MattAPI()
        api.register_controllers(Shape)

        @api.post("/f")
        def make(request, body: Body, n: int):
            return {}

        client = serve(api)
        assert (
            post(client, {"inner": 1}, path="/api/c").json()
            == post(client, {"inner": 1}, path="/api/f").json()
        )


def passing(log):
    def decorator(view):
        @wraps(view)
        def wrapper(request, **values):
            log.append(view.__name__)
            return view(request, **values)

        return wrapper

    return decorator


class TestDecorators:
    @pytest.mark.parametrize("where", ["operation", "view"])
    def test_add_decorator_reaches_functions_and_controllers(self, serve, where):
        seen = []

        def decorator(inner):
            @wraps(inner)
            def wrapper(request, *args, **kwargs):
                seen.append(request.path)
                return inner(request, *args, **kwargs)

            return wrapper

        @api_controller("/c")
        class Decorated(ControllerBase):
            @http_get("/{n}")
            def one(self, request, n: int):
                return {"n": n, "path": request.path}

        api = MattAPI()
        api.add_decorator(decorator, mode=where)
        api.register_controllers(Decorated)

        @api.get("/f")
        def function(request):
            return {}

        client = serve(api)
        assert client.get("/api/c/1").json() == {"n": 1, "path": "/api/c/1"}
        assert client.get("/api/f").status_code == 200
        assert seen == ["/api/c/1", "/api/f"]

    def test_decorate_view_works_above_and_below_the_route(self, serve):
        def stamp(word):
            def decorator(run):
                @wraps(run)
                def wrapper(request, *args, **kwargs):
                    response = run(request, *args, **kwargs)
                    response.headers[word] = "yes"
                    return response

                return wrapper

            return decorator

        api = MattAPI()

        @decorate_view(stamp("X-Above"))
        @api.get("/f")
        @decorate_view(stamp("X-Below"))
        def function(request):
            return {}

        answer = serve(api).get("/api/f")
        assert (answer.headers["X-Above"], answer.headers["X-Below"]) == ("yes", "yes")


class TestRouters:
    def test_a_router_keeps_by_alias_and_exclude(self, serve):
        from ninja import Field

        class Out(Schema):
            a: int = Field(1, serialization_alias="A")
            b: int | None = None

        router = Router(by_alias=True, exclude_none=True)

        @router.get("/out", response=Out)
        def out(request):
            return {"a": 2}

        api = MattAPI()
        api.add_router("/r", router)
        assert serve(api).get("/api/r/out").json() == {"A": 2}


class HttpDigest(AuthBase):
    openapi_type = "http"
    openapi_scheme = "digest"


class ClientCertificate(AuthBase):
    openapi_type = "mutualTLS"


class TestAuthentication:
    @pytest.mark.parametrize(
        ("base", "method", "challenge"),
        [
            (HttpBearer, "authenticate", "Bearer"),
            (HttpBasicAuth, "authenticate", 'Basic realm="api", charset="UTF-8"'),
            (HttpDigest, "__call__", "Digest"),
            (APIKeyHeader, "authenticate", None),
            (APIKeyCookie, "authenticate", None),
            (ClientCertificate, "__call__", None),
            (object, "__call__", None),
        ],
    )
    def test_401_says_how_to_authenticate(self, serve, base, method, challenge):
        auth = type("Auth", (base,), {method: lambda self, request, *credentials: None})()
        api = MattAPI(auth=auth)

        @api.get("/secret")
        def secret(request):
            return {}

        answer = serve(api).get("/api/secret")
        assert (answer.status_code, answer.headers.get("WWW-Authenticate")) == (401, challenge)


class TestOperationIds:
    def make(self):
        @api_controller("/things")
        class ThingController(ControllerBase):
            @http_get("")
            def listing(self):
                return []

            @http_get("/{n}", operation_id="mine")
            def one(self, n: int):
                return n

        @api_controller("/other")
        class Thing(ControllerBase):
            @http_get("")
            def listing(self):
                return []

        api = MattAPI()
        api.register_controllers(ThingController, Thing)
        return [
            o.operation_id
            for r in api._get_bound_routers()
            for v in r.path_operations.values()
            for o in v.operations
        ]

    def test_they_are_stable_and_unique(self):
        first, second = self.make(), self.make()
        assert first == second == ["thing_listing", "mine", "thing_listing_get_other"]


class TestStreams:
    def test_an_exception_in_mid_stream_ends_it_with_an_error_event(self, serve, mode):
        api = MattAPI()
        if mode == "sync":

            @api.get("/events", response=SSE[Inner])
            def events(request):
                yield {"title": "one"}
                raise RuntimeError("secret reason")
        else:

            @api.get("/events", response=SSE[Inner])
            async def events(request):
                yield {"title": "one"}
                raise RuntimeError("secret reason")

        answer = call(serve(api), "get", "/api/events", mode)
        text = b"".join(chunks(answer, mode)).decode()
        assert 'data: {"title": "one"}' in text
        assert text.rstrip().split("\n")[-2] == "event: error"

    def test_a_controllers_context_lives_inside_its_generator(self, serve):
        @api_controller("/lines")
        class Lines(ControllerBase):
            @http_get("", response=JSONL[Inner])
            def lines(self):
                yield {"title": self.context.request.path}

        api = MattAPI()
        api.register_controllers(Lines)
        assert b"/api/lines" in b"".join(chunks(serve(api).get("/api/lines"), "sync"))


def chunks(answer, mode):
    if mode == "sync":
        return list(answer.streaming_content)

    async def collect():
        return [chunk async for chunk in answer.streaming_content]

    return async_to_sync(collect)()


def test_the_log_holds_no_line_that_the_client_wrote(serve, caplog):
    @api_controller("/log")
    class Log(ControllerBase):
        @http_get("/{word}")
        def log(self, word: str):
            return {}

    api = MattAPI()
    api.register_controllers(Log)
    with caplog.at_level("INFO", logger="django.request"):
        serve(api).get("/api/log/a%0aFAKE")
    assert any("a\\nFAKE" in record.getMessage() for record in caplog.records)
    assert not any("\nFAKE" in record.getMessage() for record in caplog.records)


def test_a_status_without_a_schema_is_a_server_error_as_in_ninja(serve):
    api = MattAPI()

    @api.get("/teapot", response={200: Inner})
    def teapot(request):
        return Status(418, {"title": "x"})

    assert serve(api).get("/api/teapot").status_code == 500


def test_ninja_extra_itself_shows_the_faults_that_are_repaired_here(serve):
    api = NinjaExtraAPI()
    add_post(api, "sync", Body)
    assert post(serve(api), {"inner": "hello world"}).status_code == 200


def test_forms_keep_working(serve):
    api = MattAPI()

    @api.post("/form")
    def form(request, title: Form[str], n: Form[int] = 1):
        return {"title": title, "n": n}

    client = serve(api)
    assert client.post("/api/form", {"title": "x", "n": "2"}).json() == {"title": "x", "n": 2}
    assert client.post("/api/form", {"title": "a\0b"}).status_code in (400, 422)


@pytest.mark.parametrize("verb", ["put", "patch", "post"])
def test_a_file_and_fields_arrive_by_any_method_without_a_middleware(serve, verb, mode):
    from django.core.files.uploadedfile import SimpleUploadedFile
    from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

    from django_matt import File, UploadedFile

    api = MattAPI()

    @api.api_operation([verb.upper()], "/upload")
    def upload(request, title: Form[str], file: File[UploadedFile]):
        return {"title": title, "name": file.name, "size": file.size}

    raw = encode_multipart(
        BOUNDARY, {"title": "x", "file": SimpleUploadedFile("../../a.txt", b"abc")}
    )
    client = serve(api)
    send = partial(call, client, "generic", verb.upper(), mode, "/api/upload")
    answer = send(raw, content_type=MULTIPART_CONTENT)
    assert answer.json() == {"title": "x", "name": "a.txt", "size": 3}
    broken = send(b"--nothing", content_type=MULTIPART_CONTENT)
    assert broken.status_code in (400, 422)


def test_an_async_route_hops_no_thread_that_it_does_not_need(serve, monkeypatch):
    from asgiref.sync import SyncToAsync

    class Everyone(ControllerBase):
        @http_post("/{n}", response=Inner)
        async def make(self, n: int, body: Inner):
            return {"title": body.title}

    Controller = api_controller("/c")(Everyone)
    api = MattAPI()
    api.register_controllers(Controller)
    serve(api)
    (operation,) = (
        operation
        for router in api._get_bound_routers()
        for view in router.path_operations.values()
        for operation in view.operations
    )
    hops: list[Any] = []
    hop = SyncToAsync.__call__

    async def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        hops.append(self)
        return await hop(self, *args, **kwargs)

    run = operation.run

    async def watched(request: Any, **path: Any) -> Any:
        with monkeypatch.context() as patched:
            patched.setattr(SyncToAsync, "__call__", counted)
            return await run(request, **path)

    request = RequestFactory().post("/api/c/1", {"title": "x"}, content_type="application/json")
    answer = async_to_sync(watched)(request, n=1)
    assert (answer.status_code, json.loads(answer.content)) == (200, {"title": "x"})
    assert hops == []


def test_a_response_that_the_api_prepares_is_the_one_that_is_sent(serve, mode):
    class Stamping(MattAPI):
        def create_temporal_response(self, request):
            response = super().create_temporal_response(request)
            response.headers["X-Stamp"] = "yes"
            return response

    api = Stamping()
    add_post(api, mode, Inner)
    answer = post(serve(api), {"title": "x"}, mode)
    assert (answer.json(), answer.headers["X-Stamp"]) == ({"title": "x"}, "yes")


def test_what_a_view_sets_on_its_response_is_sent(serve, mode):
    api = MattAPI()
    if mode == "sync":

        @api.get("/it")
        def it(request, response: HttpResponse):
            response.headers["X-Set"] = "yes"
            response.set_cookie("taste", "good")
            return {}
    else:

        @api.get("/it")
        async def it(request, response: HttpResponse):
            response.headers["X-Set"] = "yes"
            response.set_cookie("taste", "good")
            return {}

    answer = call(serve(api), "get", "/api/it", mode)
    assert (answer.headers["X-Set"], answer.cookies["taste"].value) == ("yes", "good")


def test_a_controller_and_its_context_wait_for_no_garbage_collector(serve):
    seen = []

    @api_controller("/things")
    class Things:
        @http_get("/sync")
        def sync(self):
            seen.append(weakref.ref(self.context))
            return {}

        @http_get("/async")
        async def later(self):
            seen.append(weakref.ref(self.context))
            return {}

    api = MattAPI(urls_namespace="cycles")
    api.register_controllers(Things)
    client = serve(api)
    gc.disable()
    try:
        for path in ("sync", "async"):
            client.get(f"/api/things/{path}")
        assert [made() for made in seen] == [None] * 2
    finally:
        gc.enable()
