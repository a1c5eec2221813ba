"""What user code sees of a request's input: the same as on NinjaExtraAPI, by every source, sync and async."""

import dataclasses
import enum
import json
from functools import partial
from typing import Annotated, Any, Generic, TypeVar

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Group
from ninja.parser import Parser
from ninja.renderers import BaseRenderer
from ninja.schema import DjangoGetter
from ninja_extra import NinjaExtraAPI
from ninja_extra.context import RouteContext
from ninja_extra.lazy import settings_lazy
from ninja_extra.pagination import PageNumberPaginationExtra, PaginatedResponseSchema
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Discriminator,
    Field,
    PlainValidator,
    PrivateAttr,
    Tag,
    ValidationInfo,
    WrapValidator,
    field_validator,
    model_validator,
)
from pydantic_core import core_schema

from django_matt import (
    Body,
    ControllerBase,
    FilterSchema,
    Form,
    Header,
    MattAPI,
    ModelSchema,
    Path,
    Query,
    Schema,
    api_controller,
    http_post,
    paginate,
)

both = pytest.mark.parametrize("api_class", [NinjaExtraAPI, MattAPI])
T = TypeVar("T")


@pytest.fixture(params=["sync", "async"])
def mode(request):
    return request.param


def name_case(number: int, case: tuple[Any, Any]) -> str:
    return f"{number}-{getattr(case[0], '__name__', 'annotated')}"


def send(client: Any, mode: str, method: str, path: str, **options: Any) -> Any:
    if mode == "sync":
        return getattr(client, method)(path, **options)

    async def call() -> Any:
        return await getattr(client.async_client, method)(path, **options)

    return async_to_sync(call)()


def post(client: Any, mode: str, data: Any, path: str = "/api/it") -> Any:
    raw = json.dumps(data)
    return send(client, mode, "post", path, data=raw, content_type="application/json")


def add(api: Any, mode: str, source: Any, method: str = "post", path: str = "/it") -> None:
    """Add a route with one parameter, which answers what it was given."""
    if mode == "sync":

        @getattr(api, method)(path)
        def it(request, value: source):
            return {"got": value.dict() if isinstance(value, BaseModel) else value}
    else:

        @getattr(api, method)(path)
        async def it(request, value: source):
            return {"got": value.dict() if isinstance(value, BaseModel) else value}


def look(value: Any, info: ValidationInfo) -> None:
    """Fail as a validator does that was written against Ninja."""
    assert type(value) is DjangoGetter
    assert value._context == info.context
    assert {"request"} == set(info.context)


class Before(Schema):
    name: str
    size: int = 0

    @model_validator(mode="before")
    @classmethod
    def see(cls, value: Any, info: ValidationInfo) -> Any:
        look(value, info)
        if getattr(value, "name", None) == "refused":
            raise ValueError("not this name")
        if getattr(value, "kind", None) == "large":
            value.size = 100
        return value


class Inherited(Before):
    more: str = ""


class Mixin(BaseModel):
    @model_validator(mode="wrap")
    @classmethod
    def around(cls, value: Any, handler: Any, info: ValidationInfo) -> Any:
        look(value, info)
        return handler(value)


class Wrapped(Schema, Mixin):
    name: str


class Unpacked(Schema):
    """Returns what is in the getter, changed."""

    name: str

    @model_validator(mode="before")
    @classmethod
    def see(cls, value: Any, info: ValidationInfo) -> Any:
        look(value, info)
        return {**value._obj, "name": value._obj["name"].upper()}


class Shorthand(Schema):
    """Takes a text for an object."""

    name: str

    @model_validator(mode="before")
    @classmethod
    def see(cls, value: Any) -> Any:
        return {"name": value._obj} if isinstance(value._obj, str) else value


class Resolved(Before):
    loud: str = ""

    @staticmethod
    def resolve_loud(obj, context):
        return f"{obj['name']}!"


class Outside(Schema):
    """Its own wrap validator is around Ninja's, and sees plain data."""

    name: str

    @model_validator(mode="wrap")
    @classmethod
    def around(cls, value: Any, handler: Any) -> Any:
        return handler({"name": value["name"] + "!"})


class Field_(Schema):
    inner: Unpacked

    @field_validator("inner", mode="before")
    @classmethod
    def see(cls, value: Any) -> Any:
        return {"name": value["name"] + "!"}


class Nested(Schema):
    inner: Before
    items: list[Inherited] = []
    named: dict[str, Unpacked] = {}
    either: Before | int = 1


class Above(Schema):
    inner: Before


class Box(Schema, Generic[T]):
    item: T

    @model_validator(mode="before")
    @classmethod
    def see(cls, value: Any, info: ValidationInfo) -> Any:
        look(value, info)
        return value


class Tree(Schema):
    name: str
    kids: "list[Tree]" = []

    @model_validator(mode="before")
    @classmethod
    def see(cls, value: Any, info: ValidationInfo) -> Any:
        look(value, info)
        return value


class Strict(Schema, extra="forbid"):
    name: str

    @model_validator(mode="before")
    @classmethod
    def see(cls, value: Any) -> Any:
        return value


class Loose(Schema):
    loud: Annotated[str, BeforeValidator(str.upper)] = ""
    both: Annotated[Unpacked | None, WrapValidator(lambda value, handler: handler(value))] = None


class GroupIn(ModelSchema):
    class Meta:
        model = Group
        fields = ["name"]

    @model_validator(mode="before")
    @classmethod
    def see(cls, value: Any, info: ValidationInfo) -> Any:
        look(value, info)
        return value


ONE = {"name": "a"}
NESTED = {"inner": ONE, "items": [ONE, ONE], "named": {"x": ONE}, "either": ONE}
BODIES = [
    (Before, ONE),
    (Before, {"name": "a", "kind": "large"}),
    (Before, {"name": "refused"}),
    (Before, {}),
    (Inherited, ONE),
    (Wrapped, ONE),
    (Unpacked, ONE),
    (Shorthand, "a"),
    (Shorthand, ONE),
    (Resolved, ONE),
    (Outside, ONE),
    (Field_, {"inner": ONE}),
    (Nested, NESTED),
    (Nested, {**NESTED, "items": [ONE, {}]}),
    (list[Before], [ONE, {"name": "refused"}, ONE]),
    (dict[str, Before], {"a": ONE}),
    (Box[int], {"item": 1}),
    (Box[Before], {"item": ONE}),
    (Box[list[Box[str]]], {"item": [{"item": "a"}]}),
    (Tree, {"name": "a", "kids": [{"name": "b", "kids": [{"name": "c"}]}]}),
    (Strict, ONE),
    (Strict, {"name": "a", "x": 1}),
    (Loose, {"loud": "a", "both": ONE}),
    (GroupIn, ONE),
]


class TestValidatorsThatSeeTheInput:
    @pytest.mark.parametrize(("schema", "data"), BODIES, ids=map(name_case, range(99), BODIES))
    def test_a_body_is_read_as_in_ninja(self, serve, mode, schema, data):
        answers = []
        for api_class in (NinjaExtraAPI, MattAPI):
            api = api_class()
            add(api, mode, Annotated[schema, Body(...)])
            answer = post(serve(api), mode, data)
            answers.append((answer.status_code, answer.json()))
        assert answers[0][0] in (200, 422)
        assert answers[1] == answers[0]

    @both
    def test_one_of_several_bodies_sees_ninjas_object(self, serve, mode, api_class):
        api = api_class()

        @api.post("/it")
        def it(request, one: Before, two: Nested, three: Body[int]):
            return {"got": [one.size, two.inner.name, three]}

        answer = post(
            serve(api),
            "sync",
            {"one": {"name": "a", "kind": "large"}, "two": NESTED, "three": 3},
        )
        assert answer.json() == {"got": [100, "a", 3]}

    @both
    @pytest.mark.parametrize(
        ("source", "method", "options"),
        [
            (Query[Before], "get", {"data": {"name": "a"}}),
            (Query[Inherited], "get", {"data": {"name": "a"}}),
            (Form[Before], "post", {"data": {"name": "a"}}),
            (Header[Before], "get", {"headers": {"name": "a"}}),
            (Query[Above], "get", {"data": {"name": "a"}}),
        ],
        ids=["query", "inherited", "form", "header", "nested"],
    )
    def test_every_source_shows_ninjas_object(
        self, serve, mode, api_class, source, method, options
    ):
        api = api_class()
        add(api, mode, source, method)
        got = send(serve(api), mode, method, "/api/it", **options).json()["got"]
        assert (got.get("inner") or got)["name"] == "a"

    @both
    def test_a_path_and_a_filter_show_it(self, serve, mode, api_class):
        class Named(FilterSchema):
            name: str | None = None

            @model_validator(mode="before")
            @classmethod
            def see(cls, value: Any, info: ValidationInfo) -> Any:
                look(value, info)
                return value

        api = api_class()

        @api.get("/by/{name}")
        def it(request, where: Path[Unpacked], filters: Query[Named]):
            return {"got": [where.name, filters.name]}

        assert serve(api).get("/api/by/a?name=b").json() == {"got": ["A", "b"]}

    @both
    def test_a_form_and_a_body_in_one_request_show_it(self, serve, api_class):
        api = api_class()

        @api.post("/it")
        def it(request, one: Before, two: Form[Unpacked]):
            return {"got": [one.name, two.name]}

        answer = serve(api).post("/api/it", {"one": json.dumps(ONE), "name": "b"})
        assert answer.json() == {"got": ["a", "B"]}

    @both
    def test_a_controller_shows_it(self, serve, mode, api_class):
        class Sync(ControllerBase):
            @http_post("")
            def it(self, body: Nested):
                return {"got": body.inner.name}

        class Async(ControllerBase):
            @http_post("")
            async def it(self, body: Nested):
                return {"got": body.inner.name}

        controller = Sync if mode == "sync" else Async
        api = api_class()
        api.register_controllers(api_controller("/c")(controller))
        assert post(serve(api), mode, NESTED, "/api/c").json() == {"got": "a"}

    @pytest.mark.django_db
    @both
    def test_an_object_that_a_validator_makes_is_read_by_ninjas_object(self, serve, api_class):
        class Owner(Schema):
            name: str
            permissions: list[int]

        class Taken(Schema):
            owner: Owner

            @field_validator("owner", mode="before")
            @classmethod
            def load(cls, value: Any) -> Any:
                return Group.objects.get(name=value)

        Group.objects.create(name="staff")
        api = api_class()
        add(api, "sync", Taken)
        answer = post(serve(api), "sync", {"owner": "staff"})
        assert answer.json() == {"got": {"owner": {"name": "staff", "permissions": []}}}


class TestWhatIsNoObject:
    """Validators see it, as in Ninja; the model below them takes objects only."""

    @pytest.mark.parametrize("value", [1, 1.5, "x", True, [1], [], None])
    @pytest.mark.parametrize("schema", [Before, Wrapped, Resolved, Strict])
    def test_it_is_refused(self, serve, mode, schema, value):
        api = MattAPI()
        add(api, mode, schema)
        assert post(serve(api), mode, value).status_code == 422

    def test_a_text_has_no_title(self, serve, mode):
        class Title(Schema):
            title: str

            @model_validator(mode="before")
            @classmethod
            def see(cls, value: Any) -> Any:
                return value

        api = MattAPI()
        add(api, mode, list[Title])
        assert post(serve(api), mode, ["hello world"]).status_code == 422

    def test_a_deep_schema_that_forbids_more_is_validated_once_a_level(self, serve):
        """Ninja validates such a schema twice a level: 2**40 times here."""

        class Deep(Schema, extra="forbid"):
            kids: "list[Deep]" = []

            @model_validator(mode="before")
            @classmethod
            def see(cls, value: Any) -> Any:
                return value

        data: Any = {"unknown": 1}
        for _ in range(40):
            data = {"kids": [data]}
        api = MattAPI()
        add(api, "sync", Deep)
        assert post(serve(api), "sync", data).status_code == 422

    def test_a_field_may_have_any_name(self, serve):
        class Named(Schema):
            default: int = 0
            config: int = 0
            members: int = 0
            inner: int = Field(0, alias="metadata")

        api = MattAPI()
        add(api, "sync", Named)
        for name in ("default", "config", "members", "metadata"):
            assert post(serve(api), "sync", {name: 2**63}).status_code == 422


def where() -> str:
    """Ask the database, which Django refuses on the event loop."""
    Group.objects.count()
    return "thread"


class Factory(Schema):
    seen: str = Field(default_factory=where)


class After(Schema):
    seen: str = ""

    @model_validator(mode="after")
    def see(self) -> Any:
        self.seen = where()
        return self


class Initialized(Schema):
    seen: str = ""

    def model_post_init(self, context: Any) -> None:
        self.seen = where()


class Hidden(Schema):
    _kept: str = PrivateAttr(default_factory=where)


class ResolvedByQuery(Schema):
    seen: str

    @staticmethod
    def resolve_seen(obj):
        return where()


class Chosen(Schema):
    pick: Annotated[
        Annotated[Loose, Tag("thread")] | Annotated[Factory, Tag("other")],
        Discriminator(lambda value: where() if isinstance(value, dict) else "thread"),
    ]


class Own:
    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        return core_schema.no_info_plain_validator_function(lambda value: where())


class Shade(enum.Enum):
    THREAD = "thread"

    @classmethod
    def _missing_(cls, value: object) -> Any:
        return cls(where())


class Typed(Schema):
    own: Annotated[Any, Own]
    shade: Shade


@dataclasses.dataclass
class Data:
    seen: str = ""

    def __post_init__(self) -> None:
        self.seen = where()


SCHEMAS = [
    (Factory, {}),
    (After, {}),
    (Initialized, {}),
    (Hidden, {}),
    (ResolvedByQuery, {}),
    (Chosen, {"pick": {}}),
    (Typed, {"own": 1, "shade": "dark"}),
    (list[After], [{}]),
    (dict[str, Factory], {"a": {}}),
    (Annotated[str, BeforeValidator(lambda value: where())], "x"),
    (Annotated[str, AfterValidator(lambda value: where())], "x"),
    (Annotated[str, WrapValidator(lambda value, handler: handler(where()))], "x"),
    (Annotated[str, PlainValidator(lambda value: where())], "x"),
    (Annotated[str, AfterValidator(partial(lambda word, value: where(), "a"))], "x"),
]


@pytest.mark.django_db
class TestUserCodeThatAsksTheDatabase:
    """Ninja Extra reads the input of an async route in a thread."""

    @both
    @pytest.mark.parametrize(("schema", "data"), SCHEMAS, ids=map(name_case, range(99), SCHEMAS))
    def test_it_may_while_the_input_is_read(self, serve, mode, api_class, schema, data):
        api = api_class()
        add(api, mode, Annotated[schema, Body(...)])
        answer = post(serve(api), mode, data)
        assert answer.status_code == 200, answer.content

    @both
    @pytest.mark.parametrize("source", [Query, Form, Header])
    def test_it_may_in_every_source(self, serve, mode, api_class, source):
        api = api_class()
        add(api, mode, Annotated[After, source(...)])
        options = {"data": {"x": 1}} if source is Form else {}
        assert send(serve(api), mode, "post", "/api/it", **options).json()["got"]["seen"]

    @both
    def test_a_parser_may(self, serve, mode, api_class):
        class Own(Parser):
            def parse_body(self, request):
                return {"seen": where()}

        class Seen(Schema):
            seen: str

        api = api_class(parser=Own())
        add(api, mode, Seen)
        assert post(serve(api), mode, {}).json() == {"got": {"seen": "thread"}}

    @both
    def test_a_filter_of_a_paginator_may(self, serve, api_class):
        class Named(FilterSchema):
            name: Annotated[str | None, AfterValidator(lambda value: where())] = None

        api = api_class()

        @api.get("/it", response=PaginatedResponseSchema[GroupIn])
        @paginate(PageNumberPaginationExtra, filter_schema=Named)
        async def it(request):
            return Group.objects.order_by("pk")

        assert send(serve(api), "async", "get", "/api/it?name=a").json()["count"] == 0

    @both
    def test_a_context_class_may(self, serve, mode, api_class, monkeypatch):
        monkeypatch.setattr(settings_lazy(), "ROUTE_CONTEXT_CLASS", AskingContext)
        api = api_class()
        add(api, mode, Loose)
        assert post(serve(api), mode, {}).status_code == 200

    @both
    def test_a_renderer_may(self, serve, mode, api_class):
        """It is called once: what it does is not done again in a thread after it failed on the loop."""
        calls: list[str] = []

        class Own(BaseRenderer):
            media_type = "text/plain"

            def render(self, request, data, *, response_status):
                calls.append("render")
                return where()

        api = api_class(renderer=Own())
        add(api, mode, Loose)
        assert post(serve(api), mode, {}).content == b"thread"
        assert calls == ["render"]


class AskingContext(RouteContext):
    def compute_route_parameters(self) -> None:
        where()
        super().compute_route_parameters()
