"""The rows tier: the same answer as Ninja's from raw rows, or none at all and a reason."""

import datetime
import functools
import itertools
import json
import math
import uuid
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.apps import apps
from django.db import connection, models, transaction
from django.db.models import Count, F, Prefetch, Value, Window
from django.db.models.expressions import RawSQL
from django.db.models.functions import Lower, RowNumber
from django.http import HttpRequest, HttpResponse
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ninja import Field, ModelSchema, NinjaAPI, Schema
from ninja.pagination import CursorPagination, LimitOffsetPagination, PageNumberPagination
from ninja.pagination import paginate as ninja_paginate
from ninja_extra import ControllerBase, NinjaExtraAPI, api_controller, http_get
from ninja_extra.pagination import PageNumberPaginationExtra, PaginatedResponseSchema
from ninja_extra.pagination import paginate as extra_paginate
from pydantic import ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from django_matt import MattAPI
from django_matt.rows.engine import RenderedIterable, RowsTier
from django_matt.serialization.core_schemas import TierUnavailable
from django_matt.serialization.encoder import ValueMismatch
from django_matt.serialization.plan import ResponsePlan
from django_matt.tier_limits import Choice
from django_matt.tiers import Tiers
from tests.project.models import (
    Author,
    Blurb,
    Book,
    Colour,
    Everything,
    Keyed,
    Level,
    Owner,
    Pass,
    Pet,
    Receipt,
    Review,
    Seat,
    Tag,
    Ticket,
)
from tests.serialization.conftest import ENCODERS, in_order, judge, operation, parse, plan_of

pytestmark = pytest.mark.django_db
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
namespaces = (f"r{number}" for number in itertools.count())


def compare(schema, queryset, tier="rows", **export):
    """Hold the tier's answer against Ninja's; return it with the reason."""
    made = operation(list[schema], **export)  # type: ignore[valid-type]
    expected = parse(
        made._result_to_response(HttpRequest(), queryset.all(), HttpResponse()).content
    )
    for encoder in ENCODERS.values():
        plan = plan_of(made.response_models[200], encoder, **export)
        body, by, reason = Tiers(plan).encode(queryset.all())
        assert settled(json.loads(body), queryset) == settled(expected, queryset)
        assert tier in {None, by}, reason
        for slower in CLOSED:
            other, *_ = Tiers(
                plan if slower.tier == "instances" else closed_plan_of(plan, **export),
                limit=slower,
            ).encode(queryset.all())
            # The order of the lists inside is nobody's.
            if json.loads(other) == json.loads(body):
                assert other == body, slower
            assert settled(json.loads(other), queryset) == settled(expected, queryset)
    return expected, reason


CLOSED = (Choice("instances", "closed"), Choice("pydantic", "closed"))


@functools.lru_cache(1000)
def closed_plan_of(plan, **export):
    return ResponsePlan(plan.response_model, encoder=plan.encoder, limit="closed", **export)


class EverythingOut(ModelSchema):
    class Meta:
        model = Everything
        exclude = ["binary", "tags"]


class TagOut(Schema):
    name: str


class AuthorOut(Schema):
    id: int
    name: str


class BookOut(Schema):
    id: int
    title: str
    price: Decimal
    author: AuthorOut
    editor: AuthorOut | None
    tags: list[TagOut]


class Boss(Schema):
    name: str
    boss: AuthorOut | None


class Deep(Schema):
    title: str
    author: Boss
    editor: Boss | None


class Shelf(Schema):
    name: str
    boss: AuthorOut | None
    books: list[BookOut]


@pytest.fixture
def library():
    tags = [Tag.objects.create(name=f"t{index}") for index in range(3)]
    boss = Author.objects.create(name="Boss")
    for index in range(4):
        author = Author.objects.create(name=f"A{index}", boss=boss if index % 2 else None)
        for number in range(2):
            book = Book.objects.create(
                title=f"B{index}{number}",
                author=author,
                editor=author if number else None,
                price=Decimal(index) / 4,
            )
            book.tags.set(tags[:index])
            if number:
                Blurb.objects.create(book=book, text="well")


def books():
    return Book.objects.order_by("id")


text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
numbers = st.integers(-(2**31), 2**31 - 1)
plain = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | text
moments = st.datetimes(
    datetime.datetime(1, 1, 2), datetime.datetime(9999, 12, 30), timezones=st.just(datetime.UTC)
)
instances = st.builds(
    Everything,
    big=st.integers(-(2**63), 2**63 - 1),
    boolean=st.booleans(),
    maybe=st.none() | st.booleans(),
    char=text.map(lambda value: value[:50]),
    date=st.dates(),
    moment=moments | moments.map(lambda moment: moment.replace(microsecond=0)),
    decimal=st.decimals(allow_nan=False, allow_infinity=False, places=4).filter(
        lambda value: abs(value) < 10**8
    ),
    duration=st.timedeltas(datetime.timedelta(-(10**5)), datetime.timedelta(10**5)),
    file=st.sampled_from(["", "a b.txt", "é.png"]),
    image=st.sampled_from(["", "c.png"]),
    float=st.floats(allow_nan=False, allow_infinity=False),
    address=st.ip_addresses().map(str) | st.just("::ffff:1.2.3.4"),
    document=st.recursive(
        plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3)
    ).filter(lambda value: value is not None),
    integer=numbers,
    small=st.integers(-(2**15), 2**15 - 1),
    text=text,
    time=st.times(),
    uuid=st.uuids(),
    colour=st.sampled_from(Colour.values),
    level=st.sampled_from(Level.values),
)


@QUICK
@given(st.lists(instances, max_size=4), st.booleans(), st.booleans())
def test_every_field_type_is_answered_as_by_ninja(made, by_alias, exclude_none):
    with transaction.atomic():
        Everything.objects.all().delete()
        Everything.objects.bulk_create(made)
        compare(
            EverythingOut,
            Everything.objects.order_by("id"),
            by_alias=by_alias,
            exclude_none=exclude_none,
        )


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("big", [0, -1, 2**63 - 1, -(2**63), 2**53 + 1]),
        ("float", [0.0, -0.0, 1e22, 5e-324, 1.7976931348623157e308, 0.1 + 0.2, 1.0, 2.0**60]),
        (
            "decimal",
            [
                Decimal(value)
                for value in ("0", "-0", "-0.0001", "99999999.9999", "0.1", "1E+2", "12.3400")
            ],
        ),
        (
            "moment",
            [
                datetime.datetime(1, 1, 2, tzinfo=datetime.UTC),
                datetime.datetime(9999, 12, 30, 23, 59, 59, 999999, tzinfo=datetime.UTC),
                datetime.datetime(2024, 2, 29, 1, 2, 3, 999, tzinfo=datetime.UTC),
                datetime.datetime(2024, 2, 29, 1, 2, 3, 1000, tzinfo=datetime.UTC),
            ],
        ),
        ("date", [datetime.date.min, datetime.date.max]),
        ("time", [datetime.time.min, datetime.time.max, datetime.time(1, 2, 3, 4)]),
        ("duration", [datetime.timedelta(), datetime.timedelta(-1, 5, 7)]),
        ("uuid", [uuid.UUID(int=0), uuid.UUID(int=2**128 - 1)]),
        ("char", ["", "\u2028\u2029", "\x1f\x7f", '"\\/', "é😀", "</script>"]),
        (
            "document",
            [{}, [], "text", 0, 1.5, True, {"a": [None, 1.5e9, "é", {"b": 10**18}]}, None],
        ),
        ("document", [Value(None, models.JSONField())]),
        ("maybe", [None, True, False]),
        ("file", ["", "a/b c.txt"]),
        ("address", ["127.0.0.1", "::1", "::ffff:10.0.0.1"]),
    ],
)
def test_edge_values_are_answered_as_by_ninja(name, values):
    for value in values:
        Everything.objects.create(**{name: {} if value is None and name == "document" else value})
    compare(EverythingOut, Everything.objects.order_by("id"))


def test_an_endless_number_becomes_null_as_on_every_tier():
    Everything.objects.create(float=math.inf)

    class Out(Schema):
        float: float

    compare(Out, Everything.objects.all())


def test_a_number_past_64_bits_in_a_document_is_written_by_the_last_tier():
    Everything.objects.create(document={"a": 10**30})
    compare(EverythingOut, Everything.objects.all(), tier="pydantic")


@pytest.mark.parametrize("name", ["name", "id", "pk"])
def test_a_list_of_nothing(name):
    out = type("Out", (Schema,), {"__annotations__": {name: Any}})
    assert compare(out, Tag.objects.none())[0] == []
    assert compare(out, Tag.objects.filter(id__in=[]))[0] == []
    assert compare(out, Tag.objects.all())[0] == []


def test_relations_in_both_directions(library):
    compare(BookOut, books())
    compare(Deep, books())


def test_lists_of_objects_with_lists(library):
    class Out(Shelf):
        staff: list[AuthorOut]

    queryset = Author.objects.order_by("id")
    tiers = Tiers(plan_of(operation(list[Out]).response_models[200], ENCODERS["plain"]))
    with CaptureQueriesContext(connection) as queries:
        body, tier, reason = tiers.encode(queryset)
    assert tier == "rows", reason
    assert len(queries) == 4  # authors, their books, the tags of these, their staff
    expected = operation(list[Out])._result_to_response(HttpRequest(), queryset, HttpResponse())
    assert in_order(json.loads(body)) == in_order(json.loads(expected.content))


def settled(items, queryset):
    """Sort the lists inside items, but for those of a document, whose order counts."""
    return items if queryset.model is Everything else [in_order(item) for item in items]


def test_keys_of_a_model_schema_and_of_another_type(library):
    class Out(ModelSchema):
        class Meta:
            model = Book
            fields = ["title", "author", "editor", "tags"]

    class KeyedOut(ModelSchema):
        class Meta:
            model = Keyed
            fields = "__all__"

    compare(Out, books())
    Keyed.objects.create(note=None)
    Keyed.objects.create(note="x")
    compare(KeyedOut, Keyed.objects.order_by("note"))
    compare(KeyedOut, Keyed.objects.order_by("note"), exclude_none=True)


def test_a_reverse_one_to_one(library):
    class BlurbOut(Schema):
        text: str

    class Out(Schema):
        title: str
        blurb: BlurbOut

    compare(Out, books().filter(blurb__isnull=False))


@pytest.mark.parametrize("exclude_unset", [False, True])
@pytest.mark.parametrize("exclude_none", [False, True])
def test_a_missing_reverse_one_to_one_is_the_default(library, exclude_unset, exclude_none):
    class BlurbOut(Schema):
        text: str

    class Out(Schema):
        title: str
        blurb: BlurbOut | None = None

    class Filled(Schema):
        blurb: BlurbOut | None = BlurbOut(text="none")

    export = {"exclude_unset": exclude_unset, "exclude_none": exclude_none}
    answer, _ = compare(Out, books(), **export)
    assert answer[0].get("blurb") is None
    assert compare(Filled, books(), tier="pydantic", **export)[0][0] != answer[0]


def test_a_missing_reverse_one_to_one_without_a_default_is_the_error_of_ninja(library):
    class BlurbOut(Schema):
        text: str

    class Out(Schema):
        blurb: BlurbOut | None

    tiers = Tiers(plan_of(operation(list[Out]).response_models[200], ENCODERS["plain"]))
    with pytest.raises(ValidationError):
        tiers.encode(books())


@pytest.mark.parametrize(
    "queryset",
    [
        lambda: books().filter(tags__name="t0"),
        lambda: books().filter(tags__name__in=["t0", "t1"]).distinct(),
        lambda: books().exclude(author__name="A1").order_by("-author__name", "id"),
        lambda: books().filter(author__boss__isnull=True),
        lambda: books()[2:5],
        lambda: books().order_by("id").reverse()[:3],
        lambda: books().annotate(low=Lower("title")),
        lambda: books().select_related("author"),
        pytest.param(
            lambda: books().select_related(),
            # Deprecated in Django 6.1, and still a queryset that a view may return.
            marks=pytest.mark.filterwarnings("ignore:Calling select_related"),
        ),
        lambda: books().prefetch_related("tags"),
        lambda: books().alias(low=Lower("title")).order_by("low"),
        lambda: books().using("default"),
    ],
)
def test_querysets_that_the_tier_understands(library, queryset):
    compare(BookOut, queryset())


@pytest.mark.parametrize(
    ("queryset", "why"),
    [
        (lambda: books().annotate(many=Count("tags")), "grouped"),
        (lambda: books().only("title"), "only"),
        (lambda: books().defer("price"), "defer"),
        (lambda: books().extra(where=["1 = 1"]), "by hand"),
        (lambda: books().annotate(raw=RawSQL("1", ())), "by hand"),
        (lambda: Tag.objects.filter(id=1).union(Tag.objects.filter(id=2)), "combined"),
        (lambda: books().prefetch_related(Prefetch("tags", Tag.objects.all())), "Prefetch"),
        (lambda: books().annotate(low=Lower("tags__name")).distinct(), "distinct"),
        (
            lambda: (
                books().alias(place=Window(RowNumber(), "author", order_by="id")).filter(place=2)
            ),
            "window",
        ),
    ],
)
def test_querysets_that_are_left_to_the_instances(library, queryset, why):
    schema = BookOut if queryset().model is Book else TagOut
    assert why in compare(schema, queryset(), tier="instances")[1]


class Row(Schema):
    title: str
    price: Decimal
    author: int
    editor_id: int | None
    author__name: str


class Tagged(Schema):
    title: str
    tags: int | None
    low: str


@pytest.mark.parametrize(
    ("schema", "queryset"),
    [
        (Row, lambda: books().values("title", "price", "author", "editor_id", "author__name")),
        (Tagged, lambda: books().values("tags", "title", "price", low=Lower("title"))),
        (Tagged, lambda: books().annotate(low=Lower("title")).values("low", "tags", "title")[1:5]),
        (TagOut, lambda: Tag.objects.order_by("name").values()),
        (TagOut, lambda: Tag.objects.filter(books__price__gte=0).values("name").distinct()),
        (TagOut, lambda: Tag.objects.values("name", "books__title").order_by("id")),
    ],
)
@pytest.mark.parametrize("exclude_none", [False, True])
def test_dictionaries_of_values(library, schema, queryset, exclude_none):
    assert compare(schema, queryset(), exclude_none=exclude_none)[0]


def test_values_of_every_type():
    Everything.objects.create(file="a b.txt", image="c.png", float=0.5, document=[1, None])
    compare(EverythingOut, Everything.objects.values())
    names = ["date", "time", "boolean", "decimal", "uuid", "duration", "colour", "level", "moment"]

    class Some(ModelSchema):
        class Meta:
            model = Everything
            fields = names

    compare(Some, Everything.objects.values(*names).distinct())


@pytest.mark.parametrize(
    ("queryset", "why"),
    [
        (lambda: Tag.objects.values("id"), "does not return name"),
        (
            lambda: Tag.objects.values("name", "id").distinct(),
            "distinct by columns that the response does not show",
        ),
        (lambda: Tag.objects.values("name").annotate(many=Count("id")), "grouped"),
        (lambda: Tag.objects.values_list("name", named=True), "tuples"),
    ],
)
def test_values_that_are_left_to_the_next_tier(library, queryset, why):
    class Named(Schema):
        name: str = "none"

    reason = compare(Named, queryset(), tier=None)[1]
    assert reason is not None
    assert why in reason


@pytest.mark.parametrize("pagination", [LimitOffsetPagination, PageNumberPagination])
def test_pages_of_values(library, serve, settings, pagination):
    settings.DEBUG = True
    answers = []
    for cls in (MattAPI, NinjaAPI):
        api = cls(urls_namespace=next(namespaces))

        @api.get("/it", response=list[Row])
        @ninja_paginate(pagination)
        def view(request):
            return books().values("title", "price", "author", "editor_id", "author__name")

        answers.append(serve(api).get("/api/it"))
    assert answers[0].json() == answers[1].json()
    assert answers[0].headers["X-Matt-Tier"] == "rows"


def test_evaluated_querysets_are_left_alone(library):
    tiers = Tiers(plan_of(operation(list[TagOut]).response_models[200], ENCODERS["plain"]))
    tags = Tag.objects.all()
    len(tags)
    with CaptureQueriesContext(connection) as queries:
        assert tiers.encode(tags)[1:] == ("instances", "the queryset is already evaluated")
    assert not queries


def test_annotations_are_columns(library):
    class Out(Schema):
        low: str
        half: Decimal
        author_name: str

    compare(
        Out,
        books().annotate(low=Lower("title"), half=F("price") / 2, author_name=F("author__name")),
    )


def test_aliases_are_read_and_written(library):
    class Out(Schema):
        heading: str = Field(alias="title")
        writer: AuthorOut = Field(alias="author")

    compare(Out, books())
    compare(Out, books(), by_alias=True)


@pytest.mark.parametrize(
    ("annotation", "name", "field"),
    [
        (str, "title", Field(max_length=2)),
        (Decimal, "price", Field(max_digits=2, decimal_places=1)),
        (Decimal, "price", Field(lt=0)),
        (int, "id", Field(lt=0)),
        (int, "editor_id", ...),
        (int, "title", ...),
        (str, "id", ...),
    ],
)
def test_a_row_that_does_not_fit_is_the_error_of_ninja(library, serve, annotation, name, field):
    out = type("Out", (Schema,), {"__annotations__": {name: annotation}, name: field})
    response = list[out]  # type: ignore[valid-type]
    statuses = []
    for cls in (MattAPI, NinjaAPI):
        api = cls(urls_namespace=next(namespaces))
        api.get("/it", response=response)(lambda request: books())
        statuses.append(serve(api).get("/api/it").status_code)
    assert statuses == [500, 500]


def test_limits_that_rows_keep_are_no_hindrance(library):
    class Out(Schema):
        title: str = Field(max_length=3, min_length=1)
        price: Decimal = Field(max_digits=5, decimal_places=2, ge=0)
        id: int = Field(ge=0)

    compare(Out, books())


@pytest.mark.skipif(connection.vendor != "sqlite", reason="only SQLite stores anything anywhere")
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("moment", "'2024-01-01 10:00:00.5'"),
        ("moment", "'2024-01-01T10:00:00'"),
        ("moment", "'2024-01-01'"),
        ("date", "'20240101'"),
        ("boolean", "1.0"),
        ("decimal", "0.12345"),
        ("decimal", "12345678.00005"),
        ("decimal", "0.00005"),
        ("decimal", "7"),
        ("decimal", "1e7"),
        ("uuid", "'{000000000000000000000000000000FF}'"),
        ("float", "'9e999'"),
        ("float", "3"),
        ("char", "5"),
        ("document", "'1e400'"),
        ("document", '\'{"a": 1, "a": 2}\''),
    ],
)
def test_what_other_programs_stored_in_sqlite_is_answered_as_by_ninja(column, value):
    Everything.objects.create()
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE project_everything SET {column} = {value}")
    made = operation(list[EverythingOut])
    expected = made._result_to_response(HttpRequest(), Everything.objects.all(), HttpResponse())
    tiers = Tiers(plan_of(made.response_models[200], ENCODERS["plain"]))
    assert json.loads(tiers.encode(Everything.objects.all())[0]) == parse(expected.content)


def test_a_property_or_a_model_that_looks_at_itself_closes_the_tier(library, monkeypatch):
    class Out(Schema):
        shout: str

    assert "not a column" in compare(Out, Author.objects.order_by("id"), tier="instances")[1]

    @classmethod
    def from_db(cls, db, names, values, **more):
        made = super(Author, cls).from_db(db, names, values, **more)
        made.name = "changed"
        return made

    monkeypatch.setattr(Author, "from_db", from_db)
    answer, reason = compare(AuthorOut, Author.objects.order_by("id"), tier="instances")
    assert answer[0]["name"] == "changed"
    assert "creates its instances itself" in reason


def test_a_subclass_that_reads_a_column_or_a_relation_otherwise_is_left_alone(library):
    class Loud(Tag):
        class Meta:
            proxy = True
            app_label = "project"

        @property
        def name(self):
            return self.__dict__["name"].upper()

        name = name.setter(lambda self, value: self.__dict__.update(name=value))

    class Anonymous(Book):
        class Meta:
            proxy = True
            app_label = "project"

        author = property(lambda self: Author(id=0, name="nobody"))

    class Out(Schema):
        title: str
        author: AuthorOut

    try:
        answer, reason = compare(TagOut, Loud.objects.order_by("id"), tier="instances")
        assert answer[0]["name"] == "T0"
        assert "descriptor" in reason
        answer, reason = compare(Out, Anonymous.objects.order_by("id"), tier="instances")
        assert answer[0]["author"]["name"] == "nobody"
    finally:
        for name in ("loud", "anonymous"):
            apps.all_models["project"].pop(name)
        apps.clear_cache()


def test_a_proxy_is_its_model(library):
    class Same(Tag):
        class Meta:
            proxy = True
            app_label = "project"

    try:
        compare(TagOut, Same.objects.order_by("id"))
    finally:
        apps.all_models["project"].pop("same")
        apps.clear_cache()


def test_a_related_manager_keeps_the_instance_that_it_came_from(library):
    author = Author.objects.get(name="A1")
    author.name = "not saved"
    answer, reason = compare(BookOut, author.books.order_by("id"), tier="instances")
    assert answer[0]["author"]["name"] == "not saved"
    assert "kept" in reason


class Camel(Schema):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class AuthorCamel(Camel):
    boss_id: int | None


class BookCamel(Camel):
    title: str
    author_id: int
    author: AuthorCamel
    tags: list[TagOut]
    not_there: int = 5


@pytest.mark.parametrize("by_alias", [False, True])
@pytest.mark.parametrize("evaluated", [False, True])
def test_names_are_read_where_no_attribute_has_the_alias(library, by_alias, evaluated):
    made = operation(list[BookCamel], by_alias=by_alias)
    tiers = Tiers(plan_of(made.response_models[200], ENCODERS["plain"], by_alias=by_alias))
    with CaptureQueriesContext(connection) as queries:
        tiers.encode(books().all())
    assert len(queries) == 2
    given = list(books().select_related("author")) if evaluated else books()
    judge(list[BookCamel], given, tier="instances", by_alias=by_alias)


@pytest.mark.parametrize("by_alias", [False, True])
def test_names_are_columns_where_no_attribute_has_the_alias(library, by_alias):
    class Out(Camel):
        author_id: int
        author: AuthorCamel

    answer, _ = compare(Out, books(), by_alias=by_alias)
    assert set(answer[0]) == ({"authorId", "author"} if by_alias else {"author_id", "author"})
    annotated = books().annotate(authorId=Value(7))
    assert compare(Out, annotated)[0][0]["author_id"] == 7


def test_an_attribute_that_has_the_alias_is_read_first(library, monkeypatch):
    class Out(Camel):
        author_id: int

    monkeypatch.setattr(Book, "authorId", property(lambda book: -book.author_id), raising=False)
    answer, reason = compare(Out, books(), tier="instances")
    assert answer[0]["author_id"] < 0
    assert "authorId is not a column" in reason


def test_a_resolver_of_a_name_is_called_where_no_attribute_has_the_alias(library):
    class Out(Camel):
        author_id: int

        @staticmethod
        def resolve_author_id(book):
            return -1

    answer, reason = compare(Out, books(), tier="pydantic")
    assert answer[0] == {"author_id": -1}
    assert "resolve_author_id" in reason


def test_floats_of_decimals(library):
    class Out(Schema):
        price: float | None

    compare(Out, books())
    judge(list[Out], list(books()), tier="instances")
    judge(list[Out], [{"price": Decimal("NaN")}], tier="pydantic")


class ReceiptOut(ModelSchema):
    class Meta:
        model = Receipt
        exclude = ["loud"]


def test_columns_that_the_database_computes(db):
    for number in (0, 3, 7):
        Receipt.objects.create(number=number, price=Decimal("0.10"), text="é")
    answer, _ = compare(ReceiptOut, Receipt.objects.order_by("id"))
    assert [row["total"] for row in answer] == ["0.00", "0.30", "0.70"]


def test_a_computed_column_of_the_project_s_own_closes_the_tier(db):
    class Out(Schema):
        loud: str

    Receipt.objects.create()
    answer, reason = compare(Out, Receipt.objects.all(), tier="instances")
    assert answer == [{"loud": "TEN!"}]
    assert reason.startswith("loud: rows do not know")


def test_a_key_that_is_a_relation(db):
    class Out(Schema):
        pk: int
        code: str

    Pass.objects.create(owner=Owner.objects.create(name="o"), code="c")
    compare(Out, Pass.objects.all())


def test_rows_that_a_base_manager_hides_stay_hidden(db):
    class OwnerOut(Schema):
        name: str

    class Out(Schema):
        name: str
        owner: OwnerOut | None

    there, gone = (Owner.objects.create(name=f"{gone}", is_gone=gone) for gone in (False, True))
    for owner in (there, gone, None):
        Pet.objects.create(name="Rex", owner=owner)
    tiers = Tiers(plan_of(operation(list[Out]).response_models[200], ENCODERS["plain"]))
    body, tier, reason = tiers.encode(Pet.objects.order_by("id"))
    assert [row["owner"] for row in json.loads(body)] == [{"name": "False"}, None, None]
    assert (tier, reason) == ("instances", "owner is found by the base manager of Owner")


def test_relations_by_several_columns(db):
    class SeatOut(Schema):
        name: str

    class TicketOut(Schema):
        id: int
        seat: SeatOut

    class Keys(Schema):
        id: int
        row: int

    class Plain(Schema):
        number: int
        tickets: list[Keys]

    for number in (1, 2, 3):
        Seat.objects.create(row=1, number=number, name=f"s{number}")
        Ticket.objects.create(row=1, number=number % 2 + 1)
    for schema, queryset, why in (
        (TicketOut, Ticket.objects.order_by("id"), "seat is matched by several columns"),
        (Plain, Seat.objects.order_by("number"), "tickets is matched by a column other than"),
    ):
        with CaptureQueriesContext(connection) as queries:
            tiers = Tiers(plan_of(operation(list[schema]).response_models[200], ENCODERS["plain"]))  # type: ignore[valid-type] # made here
            tiers.encode(queryset.all())
        assert len(queries) <= 2
        _, reason = compare(schema, queryset, tier="instances")
        assert reason.startswith(why)


class ReviewOut(Schema):
    id: int
    pk: int
    text: str
    stars: int
    book: BookOut
    critic: AuthorOut | None
    readers: list[AuthorOut]


@pytest.fixture
def reviews(library):
    authors = [*Author.objects.order_by("id")]
    made = [
        Review.objects.create(book=book, text="fine", stars=index, critic=authors[index])
        for index, book in enumerate(books().filter(blurb=None))
    ]
    for index, review in enumerate(made):
        review.readers.set(authors[:index])


@pytest.mark.parametrize(
    "queryset",
    [
        lambda: Review.objects.order_by("id"),
        lambda: Review.objects.order_by("-book__title", "stars")[1:3],
        lambda: Review.objects.filter(text="fine", stars__gt=0).order_by("blurb_ptr"),
        lambda: Review.objects.filter(readers__name__gt="").distinct().order_by("pk"),
    ],
)
def test_columns_and_relations_of_a_parent_table(reviews, queryset):
    assert compare(ReviewOut, queryset())[0]


def test_objects_that_inherit_as_relations(reviews):
    class Short(Schema):
        text: str
        stars: int

    class Critic(Schema):
        name: str
        reviews: list[ReviewOut]
        read: list[Short]

    class Whole(Schema):
        text: str
        review: Short

    queryset = Author.objects.order_by("id")
    tiers = Tiers(plan_of(operation(list[Critic]).response_models[200], ENCODERS["plain"]))
    body, tier, reason = tiers.encode(queryset)
    assert tier == "rows", reason
    expected = operation(list[Critic])._result_to_response(HttpRequest(), queryset, HttpResponse())
    assert in_order(json.loads(body)) == in_order(json.loads(expected.content))
    compare(Whole, Blurb.objects.filter(review__isnull=False).order_by("id"))


def test_lists_inside_joined_objects(library):
    class Writer(Schema):
        name: str
        boss: AuthorOut | None
        books: list[BookOut]
        staff: list[AuthorOut]

    class Out(Schema):
        title: str
        author: Writer
        editor: Writer | None
        tags: list[TagOut]

    made = operation(list[Out])
    expected = made._result_to_response(HttpRequest(), books(), HttpResponse())
    for encoder in ENCODERS.values():
        tiers = Tiers(plan_of(made.response_models[200], encoder))
        with CaptureQueriesContext(connection) as queries:
            body, tier, reason = tiers.encode(books())
        assert tier == "rows", reason
        assert in_order(json.loads(body)) == in_order(json.loads(expected.content))
        # The books; of authors and editors their books, the tags of these, their staff; the tags.
        assert len(queries) == 8


def test_a_queryset_class_that_evaluates_itself_is_left_alone(library):
    class Loud(models.QuerySet):
        def __iter__(self):
            for each in super().__iter__():
                each.name = each.name.upper()
                yield each

    answer, reason = compare(TagOut, Loud(Tag).order_by("id"), tier="instances")
    assert answer[0]["name"] == "T0"
    assert "Loud" in reason


def test_one_query_and_only_the_columns_of_the_schema(library):
    class Out(Schema):
        title: str

    tiers = Tiers(plan_of(operation(list[Out]).response_models[200], ENCODERS["plain"]))
    with CaptureQueriesContext(connection) as queries:
        tiers.encode(books())
    assert len(queries) == 1
    assert "price" not in queries[0]["sql"]


def test_execute_wrappers_see_the_query(library):
    seen = []

    def watch(execute, sql, params, many, context):
        seen.append(sql)
        return execute(sql, params, many, context)

    tiers = Tiers(plan_of(operation(list[TagOut]).response_models[200], ENCODERS["plain"]))
    with connection.execute_wrapper(watch):
        tiers.encode(Tag.objects.all())
    assert len(seen) == 1


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    ("paginator", "query"),
    [
        (LimitOffsetPagination, "?limit=3&offset=2"),
        (LimitOffsetPagination, "?limit=3&offset=200"),
        (PageNumberPagination, "?page=2&page_size=3"),
        (CursorPagination, "?page_size=3"),
    ],
)
def test_pages_of_ninja(library, serve, settings, paginator, query, is_async):
    settings.DEBUG = True
    options = {"ordering": ("id",)} if paginator is CursorPagination else {}
    answers = []
    for cls in (MattAPI, NinjaAPI):
        api = cls(urls_namespace=next(namespaces))
        if is_async and cls is MattAPI:

            @api.get("/it", response=list[BookOut])
            @ninja_paginate(paginator, **options)
            async def view(request):
                return books()

        else:

            @api.get("/it", response=list[BookOut])
            @ninja_paginate(paginator, **options)
            def view(request):
                return books()

        answers.append(serve(api).get("/api/it" + query))
    assert answers[0].status_code == 200, answers[0].content
    assert answers[0].json() == answers[1].json()
    tier = "instances" if paginator is CursorPagination else "rows"
    assert answers[0].headers["X-Matt-Tier"].startswith(tier)


def test_pages_of_ninja_extra(library, serve, settings):
    settings.DEBUG = True

    @api_controller("/books")
    class Books(ControllerBase):
        @http_get("/it", response=PaginatedResponseSchema[BookOut])
        @extra_paginate(PageNumberPaginationExtra, page_size=3)
        def all(self):
            return books()

    answers = []
    for cls in (MattAPI, NinjaExtraAPI):
        api = cls(urls_namespace=next(namespaces))
        api.register_controllers(Books)
        answers.append(serve(api).get("/api/books/it?page=2"))
    assert answers[0].json() == answers[1].json()
    assert answers[0].headers["X-Matt-Tier"] == "rows"


@pytest.mark.parametrize(
    ("paginator", "queryset", "why"),
    [
        (CursorPagination, books, "instances; CursorPagination reads the items of its pages"),
        (LimitOffsetPagination, lambda: books().only("title"), "instances; the view chose columns"),
        (
            LimitOffsetPagination,
            lambda: books().annotate(n=Count("tags")),
            "instances; the query is",
        ),
    ],
)
def test_a_page_of_instances_says_why(library, serve, settings, paginator, queryset, why):
    settings.DEBUG = True
    api = MattAPI(urls_namespace=next(namespaces))
    more = {"ordering": ("id",)} if paginator is CursorPagination else {}

    @api.get("/books", response=list[BookOut])
    @ninja_paginate(paginator, **more)
    def it(request):
        return queryset()

    assert serve(api).get("/api/books").headers["X-Matt-Tier"].startswith(why)


def test_a_page_that_somebody_looks_into_holds_instances(library, serve):
    def titled(view):
        def wrapper(request, **kwargs):
            page = view(request, **kwargs)
            page["items"] = [book for book in page["items"] if book.title > "B1"]
            return page

        wrapper.__dict__.update(view.__dict__)
        return wrapper

    api = MattAPI(urls_namespace=next(namespaces))
    api.get("/it", response=list[BookOut])(titled(ninja_paginate(lambda request, **kw: books())))
    data = serve(api).get("/api/it").json()
    assert len(data["items"]) == 6


def test_pages_leave_no_class_behind(library, serve, settings):
    settings.DEBUG = True
    api = MattAPI(urls_namespace=next(namespaces))

    @api.get("/page", response=list[BookOut])
    @ninja_paginate(LimitOffsetPagination)
    def page(request):
        return books().prefetch_related("tags")

    client = serve(api)
    assert client.get("/api/page").headers["X-Matt-Tier"] == "rows"
    before = len(RenderedIterable.__subclasses__())
    for _ in range(3):
        assert client.get("/api/page").headers["X-Matt-Tier"] == "rows"
    assert len(RenderedIterable.__subclasses__()) == before


def test_a_page_with_a_row_that_rows_cannot_write_is_answered_by_instances(serve):
    Keyed.objects.create(note="x")

    class Out(Schema):
        note: Any
        key: str | uuid.UUID

    api = MattAPI(urls_namespace=next(namespaces))
    api.get("/it", response=list[Out])(ninja_paginate(lambda request, **kw: Keyed.objects.all()))
    assert serve(api).get("/api/it").json()["items"][0]["note"] == "x"


def test_the_tier_stands_in_a_header_only_in_debug(library, serve, settings):
    api = MattAPI(urls_namespace=next(namespaces))
    api.get("/it", response=list[TagOut])(lambda request: Tag.objects.only("name"))
    client = serve(api)
    assert "X-Matt-Tier" not in client.get("/api/it").headers
    settings.DEBUG = True
    header = client.get("/api/it").headers["X-Matt-Tier"]
    assert header == "instances; the view chose columns by only() or defer()"


@pytest.mark.parametrize(("use_tz", "zone"), [(False, None), (True, "Asia/Kathmandu")])
def test_moments_in_another_zone_are_answered_as_by_ninja(settings, use_tz, zone):
    Everything.objects.create(moment=datetime.datetime(2024, 2, 29, 1, 2, 3, 4000, datetime.UTC))
    Everything.objects.create(moment=datetime.datetime(2024, 2, 29, 1, 2, 3, tzinfo=datetime.UTC))

    class Out(Schema):
        moment: datetime.datetime

    before = connection.settings_dict["TIME_ZONE"]
    try:
        settings.USE_TZ = use_tz
        connection.settings_dict["TIME_ZONE"] = zone
        for name in ("timezone", "timezone_name"):
            vars(connection).pop(name, None)
        connection.ensure_timezone()
        compare(Out, Everything.objects.order_by("id"), tier=None)
    finally:
        connection.settings_dict["TIME_ZONE"] = before
        settings.USE_TZ = True
        for name in ("timezone", "timezone_name"):
            vars(connection).pop(name, None)
        connection.ensure_timezone()


def test_a_file_whose_storage_has_no_url_is_the_error_of_ninja(serve, monkeypatch):
    Everything.objects.create(file="a.txt")
    storage = Everything._meta.get_field("file").storage

    def url(name):
        raise ValueError("no URL")

    monkeypatch.setattr(storage, "url", url, raising=False)

    class Out(Schema):
        file: str

    statuses = []
    for cls in (MattAPI, NinjaAPI):
        api = cls(urls_namespace=next(namespaces))
        api.get("/it", response=list[Out])(lambda request: Everything.objects.all())
        statuses.append(serve(api).get("/api/it").status_code)
    assert statuses == [500, 500]


@pytest.mark.parametrize("exclude_unset", [False, True])
def test_what_was_never_set_does_not_exist_in_a_row(library, exclude_unset):
    compare(BookOut, books(), exclude_unset=exclude_unset)


def test_an_async_route_is_answered_by_rows_in_one_hop(library, serve, settings):
    settings.DEBUG = True
    api = MattAPI(urls_namespace=next(namespaces))

    @api.get("/it", response=list[BookOut])
    async def view(request):
        return books()

    answer = async_to_sync(serve(api).async_client.get)("/api/it")
    assert answer.headers["X-Matt-Tier"] == "rows"
    assert len(answer.json()) == 8


def test_the_status_of_an_error_beside_a_page_is_no_hindrance(library, serve, settings):
    settings.DEBUG = True

    class Problem(Schema):
        detail: str

    api = MattAPI(urls_namespace=next(namespaces))

    @api.get("/it", response={200: list[TagOut], 404: Problem})
    @ninja_paginate(LimitOffsetPagination)
    def view(request):
        return Tag.objects.order_by("id")

    answer = serve(api).get("/api/it?limit=1")
    assert answer.json() == {"items": [{"name": "t0"}], "count": 3}
    assert answer.headers["X-Matt-Tier"] == "rows"


@pytest.mark.parametrize("encoder", ENCODERS)
def test_one_object_of_a_queryset(library, encoder):
    made = operation(BookOut)
    plan = RowsTier(plan_of(made.response_models[200], ENCODERS[encoder]).node, ENCODERS[encoder])
    book = books()[3]
    expected = parse(made._result_to_response(HttpRequest(), book, HttpResponse()).content)
    with CaptureQueriesContext(connection) as queries:
        body = plan.encode_one(books().filter(id=book.id))
    assert len(queries) == 2  # the book, its tags
    assert body is not None
    assert in_order(json.loads(body)) == in_order(expected)
    assert plan.encode_one(books().filter(id=-1)) is None
    assert in_order(json.loads(plan.encode_one(books()[3:4]) or b"")) == in_order(expected)
    with pytest.raises(Book.MultipleObjectsReturned):
        plan.encode_one(books())
    with pytest.raises(TierUnavailable, match="not a list"):
        plan.encode(books())
    lists = plan_of(operation(list[BookOut]).response_models[200], ENCODERS[encoder])
    plan = RowsTier(lists.node, ENCODERS[encoder])
    with pytest.raises(TierUnavailable, match="not a schema"):
        plan.encode_one(books())


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize(
    ("annotation", "field"),
    [
        (int, models.IntegerField()),
        (float, models.FloatField()),
        (bool, models.BooleanField()),
        (str, models.TextField()),
        (uuid.UUID, models.UUIDField()),
    ],
)
def test_null_is_no_value_of_a_schema_that_knows_none(library, encoder, annotation, field):
    out = type("Out", (Schema,), {"__annotations__": {"it": annotation}})
    maybe = type("Maybe", (Schema,), {"__annotations__": {"it": annotation | None}})
    queryset = books().annotate(it=Value(None, output_field=field))
    for schema, fits in ((out, False), (maybe, True)):
        made = operation(list[schema])  # type: ignore[valid-type]
        node = plan_of(made.response_models[200], ENCODERS[encoder]).node
        plan = RowsTier(node, ENCODERS[encoder])
        if fits:
            assert json.loads(plan.encode(queryset))[0] == {"it": None}
        else:
            with pytest.raises(ValueMismatch):
                plan.encode(queryset)


def test_a_reverse_one_to_one_whose_key_is_several_columns(db):
    class SeatOut(Schema):
        name: str

    class Out(Schema):
        name: str
        seat: SeatOut

    Seat.objects.create(row=1, number=2, name="s", holder=Owner.objects.create(name="o"))
    answer, reason = compare(Out, Owner.objects.all(), tier="instances")
    assert answer == [{"name": "o", "seat": {"name": "s"}}]
    assert reason == "seat is matched by several columns"
