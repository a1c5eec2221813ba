"""Declared types that Ninja's encoder cannot write are answered over HTTP, as the document says."""

import datetime
import json
import re
import uuid
from collections import deque
from collections.abc import Iterable
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pytest
from asgiref.sync import async_to_sync
from ninja import JSONL, SSE, ModelSchema, NinjaAPI, Schema
from ninja.renderers import BaseRenderer
from ninja.responses import Status
from ninja_extra import ControllerBase, api_controller, http_get
from pydantic import (
    AfterValidator,
    BaseModel,
    ByteSize,
    ConfigDict,
    PlainSerializer,
    PostgresDsn,
    SecretBytes,
    SecretStr,
)
from typing_extensions import TypedDict

from django_matt import MattAPI
from tests.project.models import Everything


class Colour(Enum):
    RED = "red"


class Number(Enum):
    ONE = 1


class Loud:
    """A type of the project's own that pydantic knows by its serializer alone."""

    def __init__(self, text):
        self.text = text


LoudText = Annotated[
    Any,
    AfterValidator(Loud),
    PlainSerializer(lambda loud: loud.text.upper(), return_type=str, when_used="json"),
]
KEY = uuid.UUID(int=7)
NOON = datetime.time(12, 30, tzinfo=datetime.UTC)
ZONE = datetime.timezone(datetime.timedelta(hours=2))
# What is declared, a value, and the JSON of it.
CASES: dict[str, tuple[Any, Any, Any]] = {
    "set": (set[int], {1}, [1]),
    "frozenset": (frozenset[str], frozenset({"a"}), ["a"]),
    "set of paths": (set[Path], {Path("/a")}, ["/a"]),
    "deque": (deque[int], deque([1, 2]), [1, 2]),
    "iterable": (Iterable[int], [1, 2], [1, 2]),
    "bytes": (bytes, "é".encode(), "é"),
    "secret text": (SecretStr, "hidden", "**********"),
    "secret bytes": (SecretBytes, b"hidden", "**********"),
    "path": (Path, "/a/b", "/a/b"),
    "pattern": (re.Pattern[str], "a+", "a+"),
    "address of a database": (PostgresDsn, "postgres://u@h/n", "postgres://u@h/n"),
    "aware time": (datetime.time, NOON, "12:30:00Z"),
    "aware time elsewhere": (datetime.time, NOON.replace(tzinfo=ZONE), "12:30:00+02:00"),
    "by UUID": (dict[uuid.UUID, int], {KEY: 1}, {str(KEY): 1}),
    "by date": (dict[datetime.date, int], {datetime.date(2024, 2, 29): 1}, {"2024-02-29": 1}),
    "by enum": (dict[Colour, int], {Colour.RED: 1}, {"red": 1}),
    "by enum of numbers": (dict[Number, int], {Number.ONE: 1}, {"1": 1}),
    "by decimal": (dict[Decimal, int], {Decimal("1.50"): 1}, {"1.50": 1}),
    "by path": (dict[Path, list[bytes]], {Path("/a"): [b"b"]}, {"/a": ["b"]}),
    "type of the project's own": (LoudText, "a", "A"),
    "any": (Any, {"deep": [{Path("/a")}]}, {"deep": [["/a"]]}),
    "size": (ByteSize, 5, 5),
}


def schema_of(kind):
    return type("Declared", (Schema,), {"__annotations__": {"value": kind}})


def get(serve, view, response, is_async=False, **options):
    """Answer by a function; return the response and the client."""
    api = MattAPI(urls_namespace=f"values{id(view)}", **options)
    if is_async:

        async def answer(request):
            return view()

    else:

        def answer(request):
            return view()

    api.get("/it", response=response)(answer)
    client = serve(api)
    return client.get("/api/it"), client


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_a_declared_type_is_answered_as_the_document_says(serve, case, is_async):
    kind, value, written = CASES[case]
    declared = schema_of(kind)
    for response, result, expected in (
        (declared, lambda: {"value": value}, {"value": written}),
        (list[declared], lambda: [{"value": value}], [{"value": written}]),  # type: ignore[valid-type]
        (declared, lambda: declared(value=value), {"value": written}),
        (kind, lambda: value, written),
    ):
        answer, client = get(serve, result, response, is_async)
        assert (answer.status_code, answer.json()) == (200, expected)
    documented = client.get("/api/openapi.json").json()["paths"]["/api/it"]["get"]["responses"]
    found = documented["200"]["content"]["application/json"]["schema"]
    types = {"string": str, "array": list, "object": dict, "integer": int}
    if "type" in found:
        assert isinstance(written, types[found["type"]])


def test_a_controller_answers_them_too(serve):
    @api_controller("/c")
    class Sets(ControllerBase):
        @http_get("/it", response={200: schema_of(set[int]), 201: schema_of(bytes)})
        def it(self, other: bool = False):
            return (201, {"value": b"b"}) if other else Status(200, {"value": {1}})

    api = MattAPI(urls_namespace="sets")
    api.register_controllers(Sets)
    client = serve(api)
    assert client.get("/api/c/it").json() == {"value": [1]}
    with pytest.warns(DeprecationWarning, match="Use Status"):
        assert client.get("/api/c/it?other=1").json() == {"value": "b"}


class Mixed(Schema):
    """What Ninja writes in its own way, and what it cannot write."""

    at: datetime.datetime
    long: datetime.timedelta
    price: Decimal
    colour: Colour
    counts: dict[int, bool]
    ratio: float
    tags: deque[datetime.datetime]


AT = datetime.datetime(2024, 2, 29, 1, 2, 3, 456789, tzinfo=datetime.UTC)


def mixed():
    return {
        "at": AT,
        "long": datetime.timedelta(1),
        "price": Decimal("1.50"),
        "colour": Colour.RED,
        "counts": {1: True},
        "ratio": float("nan"),
        "tags": [AT],
    }


def test_what_ninja_can_write_next_to_them_stays_as_ninja_writes_it(serve):
    class Known(Mixed):
        tags: list[datetime.datetime]  # type: ignore[assignment]

    api = NinjaAPI(urls_namespace="judge-of-mixed")
    api.get("/it", response=Known)(lambda request: {**mixed(), "ratio": 1.5})
    expected = serve(api).get("/api/it").json()
    answer, _ = get(serve, lambda: {**mixed(), "ratio": 1.5}, Mixed)
    assert answer.json() == expected
    assert get(serve, mixed, Mixed)[0].json()["ratio"] is None


class Sealed(Schema):
    model_config = ConfigDict(ser_json_bytes="base64")

    seal: bytes


def test_bytes_that_are_no_text_need_base64_and_the_error_says_so(serve, caplog, settings):
    answer, _ = get(serve, lambda: {"seal": b"\xff"}, Sealed)
    assert answer.json() == {"seal": "_w=="}
    settings.DEBUG = True
    answer, _ = get(serve, lambda: {"value": b"\xff"}, schema_of(bytes))
    assert answer.status_code == 500
    assert "ser_json_bytes" in answer.content.decode() + caplog.text


def test_a_binary_column_is_answered(serve, db):
    class Out(ModelSchema):
        class Meta:
            model = Everything
            fields = ["binary"]

    Everything.objects.create(binary=b"text")
    answer, _ = get(serve, Everything.objects.all, list[Out])
    assert answer.json() == [{"binary": "text"}]


def test_what_has_no_json_at_all_stays_an_error(serve):
    answer, _ = get(serve, lambda: {"value": object()}, schema_of(Any))
    assert answer.status_code == 500


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("kind", [SSE, JSONL])
def test_items_of_a_stream_are_written_too(serve, kind, is_async):
    api = MattAPI(urls_namespace=f"streams{kind.__name__}{is_async}")
    if is_async:

        @api.get("/it", response=kind[schema_of(set[int])])
        async def items(request):
            yield {"value": {1}}
            yield {"value": {2}}

    else:

        @api.get("/it", response=kind[schema_of(set[int])])
        def items(request):  # type: ignore[misc]
            yield {"value": {1}}
            yield {"value": {2}}

    client = serve(api)
    if is_async:

        async def read():
            answer = await client.async_client.get("/api/it")
            return b"".join([chunk async for chunk in answer.streaming_content])

        body = async_to_sync(read)()
    else:
        body = b"".join(client.get("/api/it").streaming_content)
    assert b'{"value": [1]}' in body
    assert b'{"value": [2]}' in body
    assert b"error" not in body


class Named(Schema):
    name: str


class Plain(BaseModel):
    name: str


class Typed(TypedDict):
    name: str


class Pair(NamedTuple):
    name: str


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("own_renderer", [False, True])
@pytest.mark.parametrize(
    ("response", "result"),
    [
        (Any, lambda: Named(name="a")),
        (Any, lambda: Plain(name="a")),
        ({200: Any, 404: Any}, lambda: Named(name="a")),
        ({200: Any, 404: Any}, lambda: Status(200, Named(name="a"))),
        ({200: Any, 404: Any}, lambda: (200, Named(name="a"))),
        (Any, lambda: {"name": "a"}),
    ],
)
@pytest.mark.filterwarnings("ignore:Returning tuple:DeprecationWarning")
def test_any_answers_with_an_instance_of_a_schema(serve, response, result, is_async, own_renderer):
    options = {"renderer": Lines()} if own_renderer else {}
    answer, _ = get(serve, result, response, is_async, **options)
    assert (answer.status_code, answer.json()) == (200, {"name": "a"})


def test_any_answers_with_instances_in_a_list_and_in_another_format(serve):
    answer, client = get(serve, lambda: [Named(name="a")], {200: Any, 404: Any})
    assert answer.json() == [{"name": "a"}]
    yaml = client.get("/api/it?format=yaml")
    assert yaml.content == b"- name: a\n"


def test_a_typed_dict_refuses_an_instance_in_words_and_takes_a_dict(serve, settings):
    settings.DEBUG = True
    assert get(serve, lambda: {"name": "a"}, Typed)[0].json() == {"name": "a"}
    answer, _ = get(serve, lambda: Named(name="a"), Typed)
    assert answer.status_code == 500
    assert (
        "The response does not fit its schema: the value: Input should be a valid dict"
        in answer.content.decode()
    )


class Lines(BaseRenderer):
    media_type = "application/json"

    def render(self, request, data, *, response_status):
        return json.dumps(data, indent=1)
