"""Statements that are kept: never another one than Django would compile now."""

import datetime
import json
import uuid
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.db.models import Exists, F, ForeignKey, Manager, Q, Value
from django.db.models.functions import Lower
from django.db.models.lookups import Exact
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ninja import ModelSchema, Schema

from django_matt.rows import nested_lists as lists
from django_matt.rows import select as selections
from django_matt.rows.engine import RowsTier
from django_matt.rows.query_shapes import shape_of
from django_matt.rows.sql_cache import compiled
from django_matt.serialization.encoder import ValueMismatch
from tests.project.models import (
    Author,
    Book,
    Colour,
    Everything,
    Keyed,
    Land,
    Note,
    Photo,
    Tag,
    Town,
)
from tests.rows.test_rows import BookOut, compare, library
from tests.serialization.conftest import ENCODERS, operation, plan_of

__all__ = ["library"]

pytestmark = pytest.mark.django_db
QUICK = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
ENCODER = list(ENCODERS.values())[-1]


class EverythingOut(ModelSchema):
    class Meta:
        model = Everything
        fields = ["id", "char", "moment"]


class Titled(Schema):
    title: str


def plan(schema):
    node = plan_of(operation(list[schema]).response_models[200], ENCODER).node  # type: ignore[valid-type]
    return RowsTier(node, ENCODER)


# Shared by all examples: what one of them keeps, another one may be given.
PLANS = {Book: plan(BookOut), Everything: plan(EverythingOut)}

scalars = st.one_of(
    st.sampled_from([0, 1, -1, 2**40, 2**70, True, False, None, 1.0, 0.0, -0.0, 2.5, "1", "", "x"]),
    st.sampled_from([Decimal("1"), Decimal("1.0"), Decimal("1E+1"), Colour.RED, "red", "%", "_"]),
    st.sampled_from([datetime.date(2024, 2, 29), datetime.time(1, 2), datetime.timedelta(1)]),
    st.builds(
        lambda zone, fold: datetime.datetime(2024, 10, 27, 2, 30, tzinfo=zone, fold=fold),
        st.sampled_from([datetime.UTC, ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu")]),
        st.sampled_from([0, 1]),
    ),
    st.sampled_from([uuid.UUID(int=0), uuid.UUID(int=1)]),
    st.integers(),
    st.text(max_size=300),
)
operators = st.sampled_from(
    [
        "exact",
        "iexact",
        "gt",
        "gte",
        "lt",
        "lte",
        "in",
        "range",
        "isnull",
        "contains",
        "icontains",
        "startswith",
        "regex",
    ]
)
paths = {
    Book: [
        "id",
        "pk",
        "title",
        "price",
        "author",
        "author_id",
        "author__name",
        "author__boss",
        "editor__boss__name",
        "tags",
        "tags__name",
    ],
    Everything: [
        "id",
        "big",
        "boolean",
        "maybe",
        "char",
        "date",
        "moment",
        "decimal",
        "duration",
        "file",
        "float",
        "address",
        "integer",
        "time",
        "uuid",
        "colour",
        "level",
        "author",
        "author__name",
        "tags",
        "date__year",
        "moment__date",
    ],
}


@st.composite
def conditions(draw, model):
    operator = draw(operators)
    if operator == "in":
        value = draw(st.lists(scalars, max_size=3) | st.lists(scalars, max_size=3).map(tuple))
    elif operator == "range":
        value = [draw(scalars), draw(scalars)]
    elif operator == "isnull":
        value = draw(st.booleans())
    else:
        value = draw(scalars | st.sampled_from([F("id"), Value(1), Lower("id")]))
    path = draw(st.sampled_from(paths[model]))
    # Django grows a lookup in the text of a UUID each time that it compiles it.
    condition = Q(**{f"{path}__{'exact' if path == 'uuid' else operator}": value})
    return ~condition if draw(st.booleans()) else condition


@st.composite
def querysets(draw):
    """Return querysets that differ in one thing each; none where Django itself refuses them."""
    model = draw(st.sampled_from([Book, Everything]))
    filters = draw(st.lists(st.tuples(conditions(model), conditions(model)), max_size=2))
    join = draw(st.sampled_from(["AND", "OR", "XOR", "one"]))
    orders = [f"{sign}{path}" for path in paths[model] for sign in ("", "-")]
    order = draw(
        st.none()
        | st.lists(st.sampled_from([*orders, "?", F("id").desc(), Lower("id")]), max_size=2)
    )
    start, stop = draw(st.sampled_from([0, 1, 2])), draw(st.sampled_from([None, 3, 4]))

    def make(exclude=False, reverse=False, distinct=False, join=join, joined=False, stop=stop):
        queryset = model._default_manager.all()
        for first, second in filters:
            both = {"AND": first & second, "OR": first | second, "XOR": first ^ second}
            chosen = both.get(join, first)
            queryset = queryset.exclude(chosen) if exclude else queryset.filter(chosen)
        queryset = queryset if order is None else queryset.order_by(*order)
        queryset = queryset.reverse() if reverse else queryset
        queryset = queryset.distinct() if distinct else queryset
        queryset = queryset.select_related("author") if joined else queryset
        str(queryset.query)
        return queryset[start:stop]

    found = []
    for changes in (
        {},
        {"exclude": True},
        {"reverse": True},
        {"distinct": True},
        {"join": "one"},
        {"joined": True},
        {"stop": 5},
    ):
        try:
            found.append(make(**changes))
        except Exception:
            continue
    return found


def typed(statement):
    if statement is None:
        return None
    return statement.sql, [(type(each), repr(each)) for each in statement.params]


@QUICK
@given(querysets(), st.sampled_from([None, 1, 1000]))
def test_a_kept_statement_is_the_one_that_would_be_compiled(querysets, most):
    # Twice: the second one is kept, if any is.
    for queryset in [*querysets, *querysets]:
        row_plan = PLANS[queryset.model].row_plan(queryset)
        values = row_plan.select(queryset)
        if most is not None:
            values.query.set_limits(high=most + 1)
        assert typed(row_plan.statement(queryset, most)) == typed(compiled(values, "default"))


@pytest.mark.parametrize(
    "queryset",
    [
        Book.objects.all,
        lambda: Book.objects.order_by("-author__name", "pk"),
        lambda: Book.objects.filter(author__name="x", tags__in=[1, 2]).distinct(),
        lambda: Book.objects.exclude(Q(price__gt=1) | Q(editor__isnull=True)).select_related(),
        lambda: Author(id=7).books.using("default"),
    ],
)
@pytest.mark.filterwarnings("ignore:Calling select_related")
def test_one_is_kept_for_the_same_query_made_again(queryset):
    first, again = queryset(), queryset()
    assert shape_of(first.query, "default") == shape_of(again.query, "default") is not None
    row_plan = plan(Titled).row_plan(Book.objects.all())
    assert row_plan.statement(first).sql is row_plan.statement(again).sql


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"id": 1}, {"id": 2}),
        ({"title": "x"}, {"title": "x" * 10_000}),
        ({"title": "red"}, {"title": Colour.RED}),
        ({"price": 1}, {"price": Decimal("2.50")}),
        ({"author": 1}, {"author": Author(id=2)}),
        ({"id__in": [1, 2]}, {"id__in": (3, None, 4, 3)}),
        ({"id__range": [1, 2]}, {"id__range": (3, 4)}),
        ({"title__icontains": "50%"}, {"title__icontains": "a_b"}),
        ({"author__name": "a", "tags__in": [1]}, {"author__name": "b", "tags__in": [2]}),
    ],
)
def test_queries_of_one_shape_share_their_sql(first, second, monkeypatch):
    row_plan = plan(Titled).row_plan(Book.objects.all())
    kept = row_plan.statement(Book.objects.filter(**first))
    expected = compiled(row_plan.select(Book.objects.filter(**second)), "default")
    monkeypatch.setattr(selections, "compiled", None)
    monkeypatch.setattr(selections, "compile_shape", None)
    again = row_plan.statement(Book.objects.filter(**second))
    assert again.sql is kept.sql
    assert typed(again) == typed(expected)


def test_pages_share_their_sql(library, monkeypatch):
    tier = plan(Titled)
    books = Book.objects.order_by("id")
    expected = [list(books.values("title")[start : start + 3]) for start in (1, 3, 6)]
    tier.encode(books[0:3])
    monkeypatch.setattr(selections, "compile_shape", None)
    found = [json.loads(tier.encode(books[start : start + 3])) for start in (1, 3, 6)]
    assert found == expected


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"boolean": True}, {"boolean": False}),
        ({"maybe": True}, {"maybe__isnull": True}),
        ({"maybe__isnull": True}, {"maybe__isnull": False}),
        ({"id__in": [1, 2]}, {"id__in": [1, 2, 3]}),
        ({"id__in": [1]}, {"id__in": [None]}),
        ({"id": 1}, {"id": None}),
        ({"id": 1}, {"id": 2**70}),
        ({"id": 1}, {"id": F("big")}),
        ({"char": "x"}, {"char__iexact": "x"}),
        ({"id": 1}, {"big": 1}),
    ],
)
def test_a_value_that_is_part_of_the_sql_is_part_of_the_shape(first, second):
    row_plan = plan(EverythingOut).row_plan(Everything.objects.all())
    for chosen in (first, second, first, second):
        queryset = Everything.objects.filter(**chosen)
        assert as_kept(row_plan, queryset) == as_compiled(row_plan, queryset)


def test_a_field_of_the_project_prepares_each_value(monkeypatch):
    field, row_plan = Book._meta.get_field("title"), plan(Titled).row_plan(Book.objects.all())
    for prepare in (str.upper, str.lower, str.title):
        monkeypatch.setattr(field, "get_db_prep_value", lambda v, *_, by=prepare, **__: by(v))
        kept = row_plan.statement(Book.objects.filter(title="dune messiah"))
        assert kept.params == (prepare("dune messiah"),)
    assert len(row_plan.cached_sql) == 1


def test_a_join_that_gets_a_condition_of_its_own_is_compiled(monkeypatch):
    row_plan = plan(Titled).row_plan(Book.objects.all())
    books = Book.objects.filter(author__name="x")
    assert row_plan.statement(books) is not None
    for name in ("a", "b"):

        def restrict(self, alias, remote, name=name):
            return Exact(self.related_model._meta.get_field("name").get_col(alias), name)

        monkeypatch.setattr(ForeignKey, "get_extra_restriction", restrict)
        assert as_kept(row_plan, books) == as_compiled(row_plan, books)
        assert name in row_plan.statement(books).params


def answer(make, *arguments):
    """Return what a function returns, or the exception that it raises."""
    try:
        return make(*arguments)
    except Exception as error:
        return type(error), str(error)


def as_kept(row_plan, queryset):
    return typed(row_plan.statement(queryset))


def as_compiled(row_plan, queryset):
    return typed(compiled(row_plan.select(queryset), "default"))


@st.composite
def structures(draw):
    """Return a model and a function that draws values and makes a queryset of them: all of these are alike but for the values."""
    model = draw(st.sampled_from([Book, Everything]))
    nodes = st.tuples(st.sampled_from(paths[model]), operators, st.booleans())
    trees = st.recursive(nodes, lambda below: st.tuples(st.sampled_from("&|^"), below, below))
    tree = draw(trees)
    joined = {"&": Q.__and__, "|": Q.__or__, "^": Q.__xor__}
    direct = scalars.filter(lambda value: value is not None)

    def condition(node):
        if node[0] in joined:
            return joined[node[0]](condition(node[1]), condition(node[2]))
        path, operator, negated = node
        value = draw(
            {
                "in": st.lists(scalars, min_size=2, max_size=2),
                "range": st.lists(direct, min_size=2, max_size=2),
                "isnull": st.booleans(),
            }.get(operator, direct)
        )
        found = Q(**{f"{path}__{'exact' if path == 'uuid' else operator}": value})
        return ~found if negated else found

    return model, lambda: model._default_manager.filter(condition(tree))


@QUICK
@given(st.data())
def test_values_of_one_structure_become_the_parameters_that_django_gives_them(data):
    model, make = data.draw(structures())
    row_plan = plan({Book: BookOut, Everything: EverythingOut}[model]).row_plan(model.objects.all())
    for _ in range(4):
        queryset = answer(make)
        if isinstance(queryset, tuple):
            continue  # Django refuses the value
        assert answer(as_kept, row_plan, queryset) == answer(as_compiled, row_plan, queryset)


@pytest.mark.parametrize(
    "queryset",
    [
        lambda: Book.objects.order_by("author"),  # as authors are ordered
        lambda: Book.objects.order_by(F("id")),
        lambda: Book.objects.annotate(low=Lower("title")),
        lambda: Book.objects.filter(id=F("author_id")),
        lambda: Book.objects.filter(author__in=Author.objects.all()),
        lambda: Book.objects.exclude(tags__name="x"),
        lambda: Everything.objects.filter(moment__date="2024-01-01"),  # the current time zone's
        lambda: Everything.objects.filter(document={}),
        lambda: Book.objects.filter(id__in=range(300)),
        lambda: Book.objects.filter(id__in=[]),
        lambda: Book.objects.filter(id=2**70),  # no row can have it
        lambda: Book.objects.filter(id__lt=2**70),  # every row has it
        lambda: Book.objects.filter(Exists(Author.objects.all())),
        lambda: Book.objects.extra(where=["1 = 1"]),
        lambda: Everything.objects.filter(uuid__contains="0"),  # each compilation changes it
        lambda: Photo.objects.filter(remarks__text="x"),  # joined by the content type too
    ],
)
def test_none_is_kept_where_more_than_the_query_may_matter(queryset):
    assert shape_of(queryset().query, "default") is None


def test_a_change_of_the_order_of_a_model_is_seen(library, monkeypatch):
    class Out(Schema):
        title: str

    made = plan(Out)
    for ordering in (["title"], ["-title"], ["author"], [F("price").desc(), "title"], []):
        monkeypatch.setattr(Book._meta, "ordering", ordering)
        expected = list(Book.objects.values_list("title", flat=True))
        for _ in range(2):
            got = made.encode(Book.objects.all()).decode()
            assert [part.split('"')[3] for part in got[1:-1].split(",")] == expected


def test_a_manager_that_thinks_anew_is_asked_anew(library, monkeypatch):
    class Some(Manager):
        wanted = "t0"

        def get_queryset(self):
            return super().get_queryset().filter(name=self.wanted)

    manager = Some()
    manager.model = Tag
    manager.name = "some"
    monkeypatch.setattr(Tag._meta, "default_manager", manager)
    made = plan(BookOut)
    for Some.wanted in ("t0", "t1", "t1", "t0"):
        found = json.loads(made.encode(Book.objects.filter(title="B30")))
        assert found[0]["tags"] == [{"name": Some.wanted}]


def test_statements_are_few():
    row_plan = plan(Titled).row_plan(Book.objects.all())
    for number in range(3 * selections._MAX_STATEMENTS):
        row_plan.statement(Book.objects.filter(id__in=range(number % 200), author=number // 200))
        row_plan.statement(Book.objects.filter(title__in=[str(each) for each in range(number)]))
    assert len(row_plan.cached_sql) == selections._MAX_STATEMENTS


class TestListsInside:
    def test_their_statement_is_compiled_once(self, library, monkeypatch):
        made = plan(BookOut)
        first = made.encode(Book.objects.order_by("id"))
        monkeypatch.setattr(lists, "compiled", None)
        monkeypatch.setattr(selections, "compiled", None)
        assert made.encode(Book.objects.order_by("id")) == first

    def test_keys_of_any_type_find_their_lists(self):
        class NoteOut(Schema):
            text: str

        class Out(Schema):
            key: uuid.UUID
            notes: list[NoteOut]

        for number in range(3):
            keyed = Keyed.objects.create(note=str(number))
            for text in range(number):
                Note.objects.create(keyed=keyed, text=str(text))
        answer, _ = compare(Out, Keyed.objects.order_by("note"))
        assert [len(each["notes"]) for each in answer] == [0, 1, 2]

    def test_text_of_any_kind_is_a_key(self):
        class TownOut(Schema):
            name: str

        class Out(Schema):
            code: str
            towns: list[TownOut]

        codes = ['"', "'", "a,b", "{}", "\\", "%s", "\U0001f600", "007", "7", "NULL", ""]
        for code in codes:
            Town.objects.create(land=Land.objects.create(code=code), name=f"of {code}")
        answer, _ = compare(Out, Land.objects.order_by("code"))
        assert all(each["towns"] == [{"name": f"of {each['code']}"}] for each in answer)

    @pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL holds no NUL, nor bytes")
    @pytest.mark.parametrize("code", ["a\0b", b"a"])
    def test_a_key_that_no_parameter_can_name_is_left_to_the_instances(self, code):
        class TownOut(Schema):
            name: str

        class Out(Schema):
            towns: list[TownOut]

        Land.objects.create(code="a")
        with connection.cursor() as cursor:
            cursor.execute("UPDATE project_land SET code = %s", [code])
        with pytest.raises(ValueMismatch, match="a key"):
            plan(Out).encode(Land.objects.all())

    def test_their_statement_is_the_same_for_any_number_of_keys(self, library):
        made, asked = plan(BookOut), []

        def note(execute, sql, params, many, context):
            asked.append(sql)
            return execute(sql, params, many, context)

        with connection.execute_wrapper(note):
            made.encode(Book.objects.order_by("id"))
            made.encode(Book.objects.filter(title="B30"))
        assert len(asked) == 4
        assert asked[1] == asked[3]

    def test_a_change_of_the_order_of_their_model_is_seen(self, library, monkeypatch):
        made = plan(BookOut)
        for ordering in (["name"], ["-name"], [F("name").asc()], [F("name").desc()], ["name"]):
            monkeypatch.setattr(Tag._meta, "ordering", ordering)
            compare(BookOut, Book.objects.order_by("id"))
            found = json.loads(made.encode(Book.objects.order_by("id")))
            orders = [[tag["name"] for tag in each["tags"]] for each in found]
            descends = "-" in str(ordering) or "descending=True" in str(ordering)
            assert orders == [sorted(names, reverse=descends) for names in orders]
            assert max(map(len, orders)) > 1

    def test_many_keys_are_asked_for_in_parts(self, library, monkeypatch):
        monkeypatch.setattr(lists, "_KEYS", 3)
        with CaptureQueriesContext(connection) as queries:
            plan(BookOut).encode(Book.objects.order_by("id"))
        assert len(queries) == 1 + 3  # of eight books
        compare(BookOut, Book.objects.order_by("id"))

    def test_nothing_is_asked_where_there_is_no_key(self):
        with CaptureQueriesContext(connection) as queries:
            assert plan(BookOut).encode(Book.objects.all()) == b"[]"
        assert len(queries) == 1


def test_a_condition_in_many_levels_is_looked_at_once():
    # Whatever looks at a level twice looks at the last one 2**60 times.
    condition = Q(title="A")
    for level in range(30):
        condition = Q(condition | Q(price=level)) & Q(id__lt=1000 + level)
    queryset = Book.objects.filter(condition)
    assert PLANS[Book].reason(queryset) is None
    assert json.loads(PLANS[Book].encode(queryset)) == []
