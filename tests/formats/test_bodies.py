"""Request bodies over HTTP: every format, forms for every method, chunks."""

import io
import json
from typing import Any

import msgspec
import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import ImproperlyConfigured, RequestDataTooBig
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse, JsonResponse
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from ninja.testing import TestClient
from ninja_extra import NinjaExtraAPI

from django_matt import Body, File, Form, MattAPI, Schema, UploadedFile
from django_matt.errors.exceptions import BadRequest, Problem, UnsupportedMediaType
from django_matt.formats import FormatSet, formats
from django_matt.formats.bodies import load_form, parse_body, read_body
from tests.formats.conftest import FORMATS

FORM = "application/x-www-form-urlencoded"
CHUNKED: dict[str, Any] = {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}


def wsgi(
    body: bytes, content_type: str | None = None, method: str = "POST", **meta: Any
) -> WSGIRequest:
    environ = {
        "REQUEST_METHOD": method, "PATH_INFO": "/", "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body)),
        "SERVER_NAME": "testserver", "SERVER_PORT": "80", **meta,
    }  # fmt: skip
    if content_type is not None:
        environ["CONTENT_TYPE"] = content_type
    return WSGIRequest(environ)


def asgi(body: bytes, content_type: str, method: str = "POST") -> ASGIRequest:
    """Build what an HTTP/2 server hands on: a body and no length."""
    scope = {"type": "http", "method": method, "path": "/", "query_string": b"",
             "headers": [(b"content-type", content_type.encode())]}  # fmt: skip
    return ASGIRequest(scope, io.BytesIO(body))


WITH_FORMS = FormatSet([*FORMATS, "form"])


def parsed(body: bytes, content_type: str | None = None, **meta: Any) -> Any:
    return parse_body(wsgi(body, content_type, **meta), WITH_FORMS)


class Item(Schema):
    name: str
    n: int


@pytest.fixture
def echo(serve):
    """Answer with what Ninja's own path hands to the view."""
    api = MattAPI()

    @api.api_operation(["POST", "PUT", "PATCH"], "/echo")
    def view(request, item: Body[Item]):
        return item

    return serve(api)


@pytest.mark.parametrize("method", ["post", "put", "patch"])
@pytest.mark.parametrize("name", ["json", "msgpack", "yaml", "xml"])
def test_a_view_reads_every_format(echo, method, name):
    made = FORMATS[name]
    body = made.dump({"name": "Zoë", "n": 7})
    for content_type in (made.content_type, *made.aliases, f"application/vnd.shop+{name}"):
        got = getattr(echo, method)("/api/echo", body, content_type=content_type)
        assert (got.status_code, got.json()) == (200, {"name": "Zoë", "n": 7}), content_type


FORM_BODIES = {
    FORM: "name=Zo%C3%AB&n=7",
    MULTIPART_CONTENT: encode_multipart(BOUNDARY, {"name": "Zoë", "n": 7}),
}
METHODS = pytest.mark.parametrize("method", ["post", "put", "patch"])


def serve_items(serve, api, is_async, mark=lambda view: view):
    def view(request, item: Body[Item]):
        return item

    async def view_async(request, item: Body[Item]):
        return item

    api.api_operation(["POST", "PUT", "PATCH"], "/echo")(mark(view_async if is_async else view))
    return serve(api)


@METHODS
@pytest.mark.parametrize("content_type", FORM_BODIES)
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("where", ["api", "route", "settings"])
def test_a_form_is_read_where_the_route_or_the_api_says_so(
    serve, settings, where, is_async, content_type, method
):
    if where == "settings":
        settings.MATT = {"FORMATS": ("json", "form")}
    api = MattAPI(formats=["json", "form"] if where == "api" else None)
    mark = formats("json", "form") if where == "route" else lambda view: view
    client = serve_items(serve, api, is_async, mark)
    answer = client.generic(method.upper(), "/api/echo", FORM_BODIES[content_type], content_type)
    assert (answer.status_code, answer.json()) == (200, {"name": "Zoë", "n": 7})
    content = client.get("/api/openapi.json").json()["paths"]["/api/echo"][method]["requestBody"]
    assert list(content["content"])[-2:] == [FORM, "multipart/form-data"]


@METHODS
@pytest.mark.parametrize("content_type", FORM_BODIES)
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("named", [None, ["json"]], ids=["default", "json alone"])
def test_a_form_is_refused_elsewhere_as_the_peer_refuses_it(
    serve, named, is_async, content_type, method
):
    answers = [
        serve_items(serve, api, is_async).generic(
            method.upper(), "/api/echo", FORM_BODIES[content_type], content_type
        )
        for api in (NinjaExtraAPI(urls_namespace="forms"), MattAPI(formats=named))
    ]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert answers[0].json() == answers[1].json() == {"detail": "Cannot parse request body"}


def test_a_route_with_form_parameters_needs_no_word(serve):
    api = MattAPI(formats=["json"])

    @api.put("/form")
    def view(request, name: str = Form(...), file: File[UploadedFile | None] = None):
        return {"name": name}

    client = serve(api)
    for content_type, body in FORM_BODIES.items():
        assert client.generic("PUT", "/api/form", body, content_type).json() == {"name": "Zoë"}


def test_a_refused_form_is_told_what_is_read(serve):
    client = serve_items(serve, MattAPI(formats=["json"], problem_details=True), is_async=False)
    answer = client.post("/api/echo", {"name": "Zoë", "n": 7})
    assert answer.json()["reason"] == "it is a form; the supported types are: application/json"


def test_nothing_is_answered_in_a_form():
    assert WITH_FORMS.names == tuple(FORMATS)
    with pytest.raises(ImproperlyConfigured, match="at least one format for responses"):
        FormatSet(["form"])


@pytest.mark.parametrize("name", ["json", "msgpack"])
def test_the_type_that_test_clients_send_by_default_is_the_default_format(serve, name):
    client = serve_items(serve, MattAPI(formats=[name, "yaml"]), is_async=False)
    body = FORMATS[name].dump({"name": "Zoë", "n": 7})
    for method in (client.put, client.patch):
        # No content_type: Django's client sends application/octet-stream.
        answer = method("/api/echo", body, headers={"Accept": "application/yaml"})
        assert (answer.status_code, FORMATS["yaml"].load(answer.content)) == (
            200,
            {"name": "Zoë", "n": 7},
        )


def test_what_curl_sends_as_a_form_is_json():
    assert parsed(b' {"a": "b=c"}', FORM) == {"a": "b=c"}
    assert parsed(b"[1]", FORM) == [1]


def test_without_a_content_type_the_default_format_reads():
    assert parsed(b'{"a": 1}') == {"a": 1}
    assert parsed(b'{"a": 1}', "") == {"a": 1}
    packed = msgspec.msgpack.encode({"a": 1})
    assert parse_body(wsgi(packed), FormatSet(["msgpack", "json"])) == {"a": 1}


def test_repeated_form_keys_are_a_list():
    assert parsed(b"a=1&b=2&a=3&c=", FORM) == {"a": ["1", "3"], "b": "2", "c": ""}


def test_csv_is_read_as_rows():
    assert parsed(b"a,b\n1,'=x\n", "text/csv; header=present") == [{"a": "1", "b": "=x"}]


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "nonsense", "application/x+", "+json;", "json", "image/png",
     "application/json; charset=zlib", "application/json; charset=nonsense", "text/csv; charset=rot13",
     'application/json; charset="utf-8\\"', "application/xml; charset=" + "a" * 5_000, FORM + "; charset=latin-1",
     "application/json/x", "application/vnd.x+csvx", "multipart/mixed"],
)  # fmt: skip
def test_what_is_not_read_is_415(content_type):
    with pytest.raises(UnsupportedMediaType):
        parsed(b"a=1", content_type)


def test_415_names_what_is_read():
    with pytest.raises(UnsupportedMediaType) as caught:
        parse_body(wsgi(b"a", "text/plain"), FormatSet(["json"]))
    assert caught.value.headers["Accept"] == "application/json"
    with pytest.raises(UnsupportedMediaType) as caught:
        parse_body(wsgi(b"a", "text/plain"), FormatSet(["json", "form"]))
    assert caught.value.headers["Accept"] == f"application/json, {FORM}, multipart/form-data"
    with pytest.raises(UnsupportedMediaType) as caught:
        parsed(b"\x1f\x8b", "application/json", HTTP_CONTENT_ENCODING="gzip")
    assert caught.value.headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    "charset", ["utf-8", "UTF-8", "utf-16", "utf-16le", "utf-32", "iso-8859-1"]
)
@pytest.mark.parametrize("name", ["json", "yaml", "xml"])
def test_a_named_charset_is_decoded(name, charset):
    body = {"json": '{"a": "é"}', "yaml": "a: é", "xml": "<r><a>é</a></r>"}[name].encode(charset)
    assert parsed(body, f'application/{name}; charset="{charset}"') == {"a": "é"}


def test_bytes_that_are_not_the_charset_are_400():
    for content_type in (
        "application/json; charset=utf-16",
        "text/csv",
        "application/yaml",
        "application/xml",
    ):
        with pytest.raises(BadRequest):
            parsed(b"\xff", content_type)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_form_and_its_files_are_loaded_for_every_method(method):
    file = io.BytesIO(b"data")
    file.name = "../../etc/x.txt"
    body = encode_multipart(BOUNDARY, {"a": ["1", "2"], "f": file})
    for request in (
        wsgi(body, MULTIPART_CONTENT, method),
        asgi(body, MULTIPART_CONTENT, method),
        wsgi(body, MULTIPART_CONTENT, method, **CHUNKED, **{"wsgi.input_terminated": True}),
    ):
        load_form(request)
        load_form(request)
        assert request.method == method
        assert request.POST.getlist("a") == ["1", "2"]
        assert (request.FILES["f"].name, request.FILES["f"].read()) == ("x.txt", b"data")


def test_a_form_that_something_else_has_touched_is_still_loaded():
    request = wsgi(b"a=1", FORM, "PUT")
    assert not request.POST  # what Django says to a middleware that asks
    load_form(request)
    assert request.POST["a"] == "1"
    request = wsgi(b"a=1", FORM, "PUT")
    assert read_body(request) == b"a=1"
    load_form(request)
    assert request.POST["a"] == "1"


def test_ninjas_own_middleware_for_put_keeps_working():
    from ninja.compatibility.files import fix_request_files_middleware

    body = encode_multipart(BOUNDARY, {"a": "1"})
    request = wsgi(body, MULTIPART_CONTENT, "PUT")
    fix_request_files_middleware(lambda request: HttpResponse())(request)
    load_form(request)
    assert request.POST["a"] == "1"


def test_the_method_is_restored_after_a_broken_form():
    request = wsgi(b"--x", "multipart/form-data", "PATCH")
    with pytest.raises(BadRequest):
        load_form(request)
    assert request.method == "PATCH"


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"x", "multipart/form-data"),
        (b"x", "multipart/form-data; boundary="),
        (b"x", "multipart/form-data; boundary=" + "x" * 300),
        (b"a=%00", FORM),
        (b"%00=a", FORM),
        (b"a=1&" * 2_000, FORM),
        (encode_multipart(BOUNDARY, {"a": "\0"}), MULTIPART_CONTENT),
        (encode_multipart(BOUNDARY, {str(n): "" for n in range(1_001)}), MULTIPART_CONTENT),
        (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="a"; filename="a"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
            f"!!!\r\n--{BOUNDARY}--".encode(),
            MULTIPART_CONTENT,
        ),
    ],
)
def test_a_broken_form_is_400(method, body, content_type):
    with pytest.raises(BadRequest):
        parse_body(wsgi(body, content_type, method), FormatSet())


def test_a_chunked_body_is_read_where_the_server_ends_it():
    request = wsgi(b'{"a": 1}', "application/json", **CHUNKED | {"wsgi.input_terminated": True})
    assert parse_body(request, FormatSet()) == {"a": 1}
    assert read_body(request) == read_body(request) == b'{"a": 1}'


def test_a_chunked_body_that_the_server_does_not_end_is_411():
    with pytest.raises(Problem) as caught:
        read_body(wsgi(b"8\r\n", "application/json", **CHUNKED))
    assert caught.value.status_code == 411


class Endless(io.RawIOBase):
    taken = 0

    def read(self, size=-1):
        assert size >= 0, "an unbounded read of an endless body"
        self.taken += size
        return b" " * size


@pytest.mark.parametrize("content_type", ["application/json", MULTIPART_CONTENT, FORM])
def test_an_endless_chunked_body_is_refused_in_bounded_memory(content_type, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000
    endless = Endless()
    more: dict[str, Any] = {"wsgi.input_terminated": True, "wsgi.input": endless}
    with pytest.raises(RequestDataTooBig):
        parse_body(wsgi(b"", content_type, **CHUNKED, **more), WITH_FORMS)
    assert endless.taken <= 1_001


def test_a_body_of_unknown_length_under_asgi_is_bounded_too(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    assert parse_body(asgi(b"[1]", "application/json"), FormatSet()) == [1]
    with pytest.raises(RequestDataTooBig):
        parse_body(asgi(b"[" + b"1," * 50, "application/json"), FormatSet())


def test_an_async_view_reads_a_form_and_its_file(serve):
    api = MattAPI()

    @api.put("/file")
    async def view(request):
        load_form(request)
        return {"a": request.POST["a"], "size": request.FILES["f"].size}

    client = serve(api)
    body = encode_multipart(BOUNDARY, {"a": "1", "f": io.BytesIO(b"data")})

    async def send():
        return await client.async_client.put("/api/file", body, content_type=MULTIPART_CONTENT)

    assert async_to_sync(send)().json() == {"a": "1", "size": 4}


def test_ninjas_test_client_works():
    api = MattAPI(urls_namespace="test-client")

    @api.post("/echo")
    def view(request, item: Item):
        return item

    assert TestClient(api).post("/echo", json={"name": "a", "n": 1}).json() == {"name": "a", "n": 1}


def test_a_parser_of_the_users_own_still_wins(serve):
    from ninja.parser import Parser

    class Lines(Parser):
        def parse_body(self, request):
            return dict(line.split(":") for line in request.body.decode().splitlines())

    api = MattAPI(parser=Lines())
    api.post("/x")(_echo)
    got = serve(api).post("/api/x", "name:a\nn:1", content_type="text/plain")
    assert got.json() == {"name": "a", "n": 1}


def _echo(request, item: Item):
    return item


def test_django_still_reads_what_we_have_read():
    request = wsgi(json.dumps([1]).encode(), "application/json")
    parse_body(request, FormatSet())
    assert json.load(request) == [1]
    assert JsonResponse(json.loads(request.body), safe=False).content == b"[1]"
