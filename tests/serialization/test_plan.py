"""Which tier serves which schema, why, and that it is Ninja's answer in every case."""

# A schema made in a test stands in `list[schema]`, which mypy takes for an annotation.
# mypy: disable-error-code="valid-type"

import asyncio
import dataclasses
import functools
from typing import Annotated, Any, Literal

import pytest
from django.http import HttpRequest
from ninja import Field, ModelSchema, Schema
from ninja_extra.pagination import NinjaPaginationResponseSchema
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    RootModel,
    ValidationError,
    computed_field,
    field_serializer,
    field_validator,
    model_serializer,
    model_validator,
)

from django_matt.serialization.plan import build_plan
from tests.project.models import Author, Blurb, Book, Tag
from tests.serialization.conftest import judge, operation


class AuthorOut(Schema):
    id: int
    name: str


class TagOut(ModelSchema):
    class Meta:
        model = Tag
        fields = ["id", "name"]


class BookOut(ModelSchema):
    author: AuthorOut
    editor: AuthorOut | None
    tags: list[TagOut]

    class Meta:
        model = Book
        fields = ["id", "title", "price"]


class Resolved(Schema):
    name: str
    loud: str
    path: str

    @staticmethod
    def resolve_loud(obj):
        return (obj["name"] if isinstance(obj, dict) else obj.name).upper()

    @staticmethod
    def resolve_path(obj, context):
        return context["request"].path


class Computed(Schema):
    name: str

    @computed_field
    def size(self) -> int:
        return len(self.name)


class Checked(Schema):
    name: str

    @field_validator("name")
    @classmethod
    def strip(cls, value):
        return value.strip()


class Before(Schema):
    name: Annotated[str, BeforeValidator(lambda value: str(value) + "!")]


class After(Schema):
    name: str
    size: int = 0

    @model_validator(mode="after")
    def count(self):
        self.size = len(self.name)
        return self


class First(Schema):
    name: str

    @model_validator(mode="before")
    @classmethod
    def see(cls, value):
        return {"name": type(value).__name__}


class Serialized(Schema):
    name: str

    @field_serializer("name")
    def turn(self, value):
        return value[::-1]


class Annotation(Schema):
    name: Annotated[str, PlainSerializer(lambda value: [value])]


class Whole(Schema):
    name: str

    @model_serializer
    def write(self) -> dict[str, Any]:
        return {"all": self.name}


class Extra(Schema):
    model_config = ConfigDict(extra="allow", from_attributes=True)
    name: str


class Forbidden(Schema):
    model_config = ConfigDict(extra="forbid", from_attributes=True)
    name: str


class Stripped(Schema):
    model_config = ConfigDict(str_strip_whitespace=True, from_attributes=True)
    name: str


class Hidden(Schema):
    name: str
    secret: str = Field("s", exclude=True)


class Dotted(Schema):
    name: str
    boss: str | None = Field(None, alias="boss.name")


class Cat(Schema):
    kind: Literal["cat"]
    name: str


class Dog(Schema):
    kind: Literal["dog"]
    name: str = "rex"


class Tagged(Schema):
    name: str
    pet: Cat | Dog | None = Field(None, discriminator="kind")


class United(Schema):
    name: int | str | AuthorOut


class Pattern(Schema):
    name: str = Field(pattern="^a")


class Private(Schema):
    name: str
    _seen: int = 0


CLOSED = [
    (Resolved, "resolve_loud"),
    (Computed, "size of Computed is computed"),
    (Checked, "Checked.strip"),
    (Before, "lambda"),
    (After, "After"),
    (First, "First"),
    (Serialized, "serializer"),
    (Annotation, "serializer"),
    (Whole, "serializer"),
    (Extra, "extra"),
    (Forbidden, "extra"),
    (Stripped, "str_strip_whitespace"),
    (Hidden, "serialization_exclude"),
    (Dotted, "aliases"),
    (Tagged, "tagged-union"),
    (United, "union"),
    (Pattern, "pattern"),
    (Private, "post_init"),
]


@pytest.mark.parametrize(("schema", "why"), CLOSED)
def test_a_schema_that_runs_code_goes_to_pydantic_and_says_why(schema, why):
    plan = build_plan(operation(list[schema]).response_models[200])
    assert plan.tier == "pydantic"
    assert plan.reason is not None
    assert why in plan.reason
    assert plan.reason.startswith("response[]")
    assert plan.describe()["reason"] == plan.reason


@pytest.mark.parametrize("schema", [schema for schema, _ in CLOSED])
@pytest.mark.parametrize(
    "value",
    [
        {"name": " ab "},
        {"name": "abc", "more": 1, "secret": "x", "boss.name": "y"},
        {"name": 5},
        {},
        Author(name="abc"),
        Author(name="abc", boss=Author(name="B")),
        {"name": "a", "pet": {"kind": "dog"}},
        {"name": "a", "pet": Cat(kind="cat", name="c")},
        {"name": Author(id=1, name="n")},
        {"name": AuthorOut(id=1, name="n")},
    ],
    ids=str,
)
def test_a_schema_that_runs_code_gives_the_answer_of_ninja(schema, value):
    judge(schema, value)
    judge(list[schema], [value, value])
    judge(list[schema], [value], by_alias=True, exclude_unset=True)
    judge(dict[str, schema], {"a": value}, exclude_none=True)


@pytest.mark.parametrize("schema", [schema for schema, _ in CLOSED if schema is not First])
def test_an_instance_of_the_schema_itself_is_dumped_and_not_validated_again(schema):
    made = schema.model_construct(name="abc")
    judge(schema, made)
    judge(schema, made, exclude_unset=True)
    judge(list[schema], [made])


class Point(BaseModel):
    x: int
    y: int = Field(2, alias="why")


class Flat(BaseModel):
    x: int
    y: str | None = None


class Holder(Schema):
    flat: Flat
    many: list[Flat] = []


class Aliased(Schema):
    model_config = ConfigDict(populate_by_name=True, from_attributes=True)
    x: int = Field(1, alias="ex")


@dataclasses.dataclass
class Data:
    x: int
    y: str | None = None


@dataclasses.dataclass
class Slotted:
    __slots__ = ("x",)
    x: int


class Loose:
    x = 3

    def __getitem__(self, key):
        return {"y": "found"}[key]


class Callable(Loose):
    def __call__(self):
        return {"x": 9}


class Changing:
    def __getattribute__(self, name):
        return 7 if name == "x" else object.__getattribute__(self, name)


@functools.cache
def around(schema):
    return type("Around", (Schema,), {"__annotations__": {"x": schema, "y": schema | None}})


class FlatOut(Schema):
    x: int
    y: str | None = None


@pytest.mark.parametrize(
    "value",
    [
        {"x": 1},
        {"x": "1"},
        Data(1),
        Data(1, "a"),
        Slotted(4),
        Loose(),
        Callable(),
        Changing(),
        Flat(x=1),
        FlatOut(x=1),
        FlatOut.model_construct(x="wrong"),  # type: ignore[arg-type]
        FlatOut.model_construct(y="no x"),  # type: ignore[call-arg]
        type("Sub", (FlatOut,), {})(x=2),
        lambda: {"x": 1},
        None,
        "text",
        Data,
    ],
    ids=lambda value: repr(value).partition(" at 0x")[0],
)
@pytest.mark.parametrize("schema", [FlatOut, Flat, Holder, Point, Aliased, RootModel[int]])
def test_objects_of_every_make_are_read_as_ninja_reads_them(schema, value):
    for export in ({}, {"exclude_unset": True}, {"exclude_none": True}, {"by_alias": True}):
        judge(schema, value, **export)
        judge(schema | None, value, **export)
        judge(list[schema], [value], **export)
        judge(Holder, {"flat": value, "many": [value]}, **export)
        judge(around(schema), {"x": value, "y": value}, **export)


def test_aliases_are_read_and_names_or_aliases_written():
    for value in (
        {"ex": 2},
        {"x": 3},
        {},
        Data(4),
        Aliased(x=5),  # type: ignore[call-arg]
        Point(x=1, why=3),
        {"x": 1, "why": 4},
    ):
        for by_alias in (True, False):
            judge(Aliased, value, by_alias=by_alias)
            judge(Point, value, by_alias=by_alias)
            judge(list[Point], [value], by_alias=by_alias)


@pytest.fixture
def library(db):
    boss = Author.objects.create(name="Boss")
    author = Author.objects.create(name="Ann", boss=boss)
    books = [Book.objects.create(title=f"b{index}", author=author) for index in range(3)]
    books[0].tags.set([Tag.objects.create(name="t1"), Tag.objects.create(name="t2")])
    Blurb.objects.create(book=books[0], text="x" * 30)
    return author


class BlurbOut(ModelSchema):
    class Meta:
        model = Blurb
        fields = ["id", "text"]


class WithBlurb(Schema):
    title: str
    blurb: BlurbOut | None = None


class Shelf(Schema):
    name: str
    books: list[BookOut]


class Linked(ModelSchema):
    class Meta:
        model = Book
        fields = "__all__"


class Method(Schema):
    greet: str
    shout: str


def test_relations_are_followed_by_the_encoder(library):
    books = Book.objects.order_by("id")
    judge(
        list[BookOut],
        books.select_related("author", "editor").prefetch_related("tags"),
        tier="instances",
    )
    judge(list[BookOut], books.all(), tier="instances")
    judge(list[WithBlurb], books.all(), tier="instances")
    judge(Shelf, library, tier="instances")
    judge(list[Linked], books.all(), tier="instances")
    judge(list[Linked], books.only("title"), by_alias=True, tier="instances")
    judge(list[BookOut], list(books.values()))
    judge(list[AuthorOut], library.books, tier=None)
    judge(list[AuthorOut], Author.objects, tier="instances")


@pytest.mark.parametrize(
    "items",
    [Author.objects.all, lambda: list(Author.objects.all()), list, lambda: None, dict, tuple],
)
def test_the_page_of_ninja_extra_is_read_by_the_encoder_though_it_makes_lists(library, items):
    class AuthorName(Schema):
        name: str

    page = NinjaPaginationResponseSchema[AuthorName]
    assert build_plan(operation(page).response_models[200]).tier == "instances"
    judge(page, {"count": 1, "items": items()})


def test_methods_and_properties_of_models(library):
    judge(Method, library)
    judge(Dotted, library)


def test_querysets_are_evaluated_once_and_encoding_adds_no_query(
    library, django_assert_num_queries
):
    plan = build_plan(operation(list[BookOut]).response_models[200])
    with django_assert_num_queries(2):
        plan.encode(Book.objects.select_related("author", "editor").prefetch_related("tags"))


def test_a_value_that_does_not_fit_names_its_row_and_field():
    plan = build_plan(operation(list[AuthorOut]).response_models[200])
    with pytest.raises(ValidationError) as caught:
        plan.encode([{"id": 1, "name": "a"}, {"id": "one", "name": "b"}])
    assert caught.value.errors()[0]["loc"] == ("response", 1, "id")
    assert "response[1].id" in caught.value.__notes__[0]


def test_a_fault_of_the_user_code_stays_the_users_fault():
    class Bad(Schema):
        name: str

        @staticmethod
        def resolve_name(obj):
            raise LookupError("mine")

    assert judge(Bad, {})[0] in {"LookupError", "ValidationError"}


def test_a_plan_is_described_as_data():
    plan = build_plan(operation(list[BookOut]).response_models[200], by_alias=True)
    described = plan.describe()
    assert described["tier"] == "instances"
    assert described["reason"] is None
    by_name = {field["name"]: field for field in described["fields"]}
    assert by_name["price"] == {
        "name": "price",
        "key": "price",
        "wire": "price",
        "kind": "decimal",
        "nullable": False,
        "fields": [],
    }
    assert [field["name"] for field in by_name["author"]["fields"]] == ["id", "name"]


def test_a_recursive_plan_is_described_without_end():
    class Loop(Schema):
        value: int
        next: "Loop | None" = None

    described = build_plan(operation(Loop).response_models[200]).describe()
    assert described["fields"][1]["fields"] == []


def test_what_may_query_is_told_before_it_does(library):
    books = build_plan(operation(list[BookOut]).response_models[200])
    flat = build_plan(operation(list[AuthorOut]).response_models[200])
    assert books.may_query(Book.objects.all())
    assert books.may_query(list(Book.objects.all()))
    assert flat.may_query(Author.objects)
    assert flat.may_query(list(Author.objects.only("id")))
    assert not flat.may_query(list(Author.objects.all()))
    assert not flat.may_query([{"id": 1, "name": "a"}, AuthorOut(id=1, name="b"), Data(1)][:2])
    resolved = build_plan(operation(Resolved).response_models[200])
    assert resolved.may_query(library)
    anything = build_plan(operation(dict).response_models[200])
    assert not anything.may_query({"a": [1, {"b": "c"}]})
    assert anything.may_query({"a": Author.objects.all()})


def test_what_may_not_query_is_encoded_inside_an_event_loop(library):
    plan = build_plan(operation(list[BookOut]).response_models[200])
    loaded = list(Book.objects.select_related("author", "editor").prefetch_related("tags"))
    assert not plan.may_query(loaded)

    async def encode():
        return plan.encode(loaded, request=HttpRequest())

    assert asyncio.run(encode()) == plan.encode(loaded)


def test_a_schema_completed_later_is_read_when_it_is_complete():
    class Late(Schema):
        next: "Later | None" = None

    class Later(Schema):
        x: int

    model = operation(Late).response_models[200]
    Late.model_rebuild(_types_namespace={"Later": Later})
    model.model_rebuild(force=True)
    assert build_plan(model).encode({"next": {"x": 1}}) == b'{"next":{"x":1}}'


def test_after_validators_annotated_on_types_are_seen():
    plan = build_plan(operation(list[Annotated[int, AfterValidator(abs)]]).response_models[200])
    assert plan.encode([-1]) == b"[1]"


def test_pydantic_reads_without_the_getter_where_that_is_the_same():
    free = {
        schema
        for schema, _ in CLOSED
        if not build_plan(operation(list[schema]).response_models[200]).describe()["getter"]
    }
    assert {schema for schema, _ in CLOSED} - free == {First, Extra, Forbidden, Tagged, United}


def test_relations_under_a_schema_that_runs_code(library):
    class Counted(BookOut):
        blurb: BlurbOut | None = None

        @computed_field
        def length(self) -> int:
            return len(self.title)

        @staticmethod
        def resolve_author(obj):
            return obj.author

    class Above(Schema):
        name: str
        greet: str
        books: list[Counted]
        by_title: dict[str, Counted] = {}

        @staticmethod
        def resolve_by_title(obj, context):
            return {book.title: book for book in obj.books.all()}

    books = Book.objects.order_by("id")
    judge(list[Counted], books.all(), tier="pydantic")
    judge(list[Counted], list(books.values()))
    judge(Above, library, tier="pydantic")
    judge(Above, library, exclude_unset=True, by_alias=True)
