"""Whatever a schema and a value: the same JSON as Ninja's after parsing, the same bytes from both encoders."""

# A schema made in a test stands in `list[schema]`, which mypy takes for an annotation.
# mypy: disable-error-code="valid-type"

import datetime
import enum
import math
import uuid
from decimal import Decimal
from typing import Any, Generic, Literal, TypeVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ninja import Field, ModelSchema, Schema

from tests.project.models import Colour, Everything, Keyed, Level
from tests.serialization.conftest import judge

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


class Plain(enum.Enum):
    A = "a"
    B = 2


class Word(str, enum.Enum):  # noqa: UP042 - StrEnum writes itself otherwise
    X = "x"
    Y = "y"


EDGES: dict[type[Any], list[Any]] = {
    str: ["", "\u2028\u2029", "\x00\x1f\x7f", '"\\/', "é😀", "\ud800", "</script>", "x" * 60],
    int: [0, -1, 2**53 + 1, 2**63 - 1, -(2**63), 2**64, 10**30, True],
    float: [
        0.0,
        -0.0,
        1e22,
        5e-324,
        1.7976931348623157e308,
        math.nan,
        math.inf,
        -math.inf,
        1,
        2**60,
    ],
    bool: [True, False, 1, "yes"],
    Decimal: [
        Decimal("0E-10"),
        Decimal("-0"),
        Decimal("1E+5"),
        Decimal("NaN"),
        Decimal("12.3400"),
        1,
        "2.5",
    ],
    datetime.datetime: [
        datetime.datetime.min,
        datetime.datetime.max,
        datetime.datetime(2024, 2, 29, 1, 2, 3, 999),
        datetime.datetime(1, 1, 1, tzinfo=datetime.UTC),
        datetime.datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=datetime.UTC),
        datetime.datetime(
            2024,
            1,
            1,
            2,
            3,
            4,
            5,
            tzinfo=datetime.timezone(datetime.timedelta(hours=5, minutes=30)),
        ),
        datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(seconds=61))),
        datetime.datetime(
            2024, 1, 1, 1, 1, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(0), "x")
        ),
        datetime.date(2024, 1, 1),
    ],
    datetime.date: [
        datetime.date.min,
        datetime.date.max,
        datetime.datetime(2024, 1, 1),
        "2024-01-01",
    ],
    datetime.time: [
        datetime.time.min,
        datetime.time.max,
        datetime.time(1, 2, 3, 4),
        datetime.time(1, tzinfo=datetime.UTC),
    ],
    datetime.timedelta: [
        datetime.timedelta(),
        datetime.timedelta.max,
        datetime.timedelta(-1, 1, 1),
        5,
    ],
    uuid.UUID: [uuid.UUID(int=0), uuid.UUID(int=2**128 - 1), str(uuid.UUID(int=7))],
}
PLAIN = {
    str: st.text(),
    int: st.integers(),
    float: st.floats(),
    bool: st.booleans(),
    Decimal: st.decimals(),
    datetime.datetime: st.datetimes(timezones=st.none() | st.just(datetime.UTC) | st.timezones()),
    datetime.date: st.dates(),
    datetime.time: st.times(),
    datetime.timedelta: st.timedeltas(),
    uuid.UUID: st.uuids(),
}
data = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.datetimes()
    | st.decimals(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def typed(draw, depth=2):
    """A type and a strategy of values, most of which fit it."""
    if depth and draw(st.booleans()):
        inner, values = draw(typed(depth=depth - 1))
        return draw(
            st.sampled_from(
                [
                    (list[inner], st.lists(values, max_size=3)),
                    (dict[str, inner], st.dictionaries(st.text(max_size=3), values, max_size=3)),
                    (inner | None, st.none() | values),
                    (tuple[inner, ...], st.lists(values, max_size=3).map(tuple)),
                ]
            )
        )
    kind = draw(st.sampled_from([*PLAIN, Any, Plain, Word, Level, Literal["a", 1]]))
    if kind is Any:
        return kind, data
    if kind in PLAIN:
        return kind, PLAIN[kind] | st.sampled_from(EDGES[kind])
    if kind == Literal["a", 1]:
        return kind, st.sampled_from(["a", 1, True, "b"])
    return kind, st.sampled_from([*kind, *(member.value for member in kind)])


class Thing:
    """An object that is neither a dict nor a model."""

    def __init__(self, **values):
        self.__dict__.update(values)


@QUICK
@given(st.data())
def test_any_schema_of_any_shape(drawn):
    types = drawn.draw(st.lists(typed(), min_size=1, max_size=4))
    names = [f"f{index}" for index in range(len(types))]
    namespace: dict[str, Any] = {
        "__annotations__": {name: kind for name, (kind, _) in zip(names, types, strict=True)}
    }
    for name, (_, values) in zip(names, types, strict=True):
        how = drawn.draw(st.sampled_from(["required", "alias", "default", "serialized"]))
        if how == "alias":
            namespace[name] = Field(..., alias=name + "_x")
        elif how == "default":
            namespace[name] = Field(drawn.draw(st.none() | values))
        elif how == "serialized":
            namespace[name] = Field(..., serialization_alias=name + '"s')
    schema = type("Made", (Schema,), namespace)
    row = {}
    for name, (_, values) in zip(names, types, strict=True):
        key = schema.model_fields[name].alias or name
        if drawn.draw(st.integers(0, 9)):
            row[key if key.isidentifier() else name] = drawn.draw(values)
    form = drawn.draw(st.sampled_from([dict, Thing]))
    export = drawn.draw(
        st.fixed_dictionaries(
            {name: st.booleans() for name in ("by_alias", "exclude_unset", "exclude_none")}
        )
    )
    export["exclude_defaults"] = drawn.draw(st.sampled_from([False, False, False, True]))
    judge(list[schema], [form(**row), form(**row)], **export)
    judge(schema, form(**row), **export)


for _kind, _values in EDGES.items():

    def _test(kind=_kind, values=_values):
        for value in values:
            judge(kind, value)
            judge(list[kind | None], [None, value])
            judge(type("Edge", (Schema,), {"__annotations__": {"x": kind}}), {"x": value})
            judge(Any, value)

    globals()[f"test_edge_values_of_{_kind.__name__}"] = _test


@QUICK
@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=None)
    | st.sampled_from(EDGES[Decimal][:5]),
    st.none() | st.integers(1, 8),
    st.none() | st.integers(0, 6),
)
def test_decimal_digits_are_counted_as_pydantic_counts_them(value, digits, places):
    made = type(
        "Money",
        (Schema,),
        {"__annotations__": {"x": Decimal}, "x": Field(max_digits=digits, decimal_places=places)},
    )
    judge(made, {"x": value})


@QUICK
@given(
    st.text(max_size=6), st.integers(-5, 5), st.floats(-5, 5), st.lists(st.integers(), max_size=4)
)
def test_constraints_hold_as_in_pydantic(text, number, real, items):
    class Bounded(Schema):
        text: str = Field(min_length=1, max_length=4)
        number: int = Field(ge=-3, lt=4)
        real: float = Field(gt=-4, le=4, allow_inf_nan=False)
        items: list[int] = Field(min_length=1, max_length=3)

    judge(Bounded, {"text": text, "number": number, "real": real, "items": items})


class EverythingOut(ModelSchema):
    class Meta:
        model = Everything
        exclude = ["tags", "binary"]


instances = st.builds(
    Everything,
    id=st.integers(1, 2**63 - 1),
    big=st.integers(-(2**63), 2**63 - 1),
    boolean=st.booleans(),
    maybe=st.none() | st.booleans(),
    char=st.text(max_size=52),
    date=st.dates(),
    moment=st.datetimes(timezones=st.just(datetime.UTC)),
    decimal=st.decimals(
        allow_nan=False, allow_infinity=False, places=4, max_value=10**8, min_value=-(10**8)
    ),
    duration=st.timedeltas(),
    file=st.sampled_from(["", "a b.txt", "é.png"]),
    float=st.floats(),
    address=st.ip_addresses().map(str)
    | st.sampled_from(["::ffff:1.2.3.4", "2001:DB8::1", "nonsense"]),
    document=data,
    text=st.text(),
    time=st.times(),
    uuid=st.uuids(),
    colour=st.sampled_from([*Colour, *Colour.values]),
    level=st.sampled_from([*Level, *Level.values]),
    author_id=st.none() | st.integers(1, 5),
)


@QUICK
@given(instances, st.booleans())
def test_every_field_type_through_a_model_schema(instance, by_alias):
    judge(EverythingOut, instance, by_alias=by_alias)
    judge(list[EverythingOut], [instance, instance], by_alias=by_alias)


def test_every_field_type_but_binary_is_served_by_the_encoder():
    judge(EverythingOut, Everything(id=1, colour="red", level=1), tier="instances")


def test_binary_that_is_no_text_is_no_json_for_us_either():
    class Out(ModelSchema):
        class Meta:
            model = Everything
            fields = ["binary"]

    assert judge(Out, Everything(binary=b"\xff"))[0] == "TypeError"
    assert judge(Out, Everything(binary=b"text"))[0] == "answer"


@QUICK
@given(st.none() | st.text(), st.uuids())
def test_a_key_that_is_no_integer(note, key):
    class Out(ModelSchema):
        class Meta:
            model = Keyed
            fields = "__all__"

    judge(
        Out, Keyed(key=key, note=note), tier="instances" if not note or note.isprintable() else None
    )


class Tree(Schema):
    value: int
    kids: "list[Tree]" = []
    parent: "Tree | None" = None


T = TypeVar("T")


class Page(Schema, Generic[T]):
    items: list[T]
    total: int


trees = st.recursive(
    st.fixed_dictionaries({"value": st.integers()}),
    lambda inner: st.fixed_dictionaries(
        {"value": st.integers(), "kids": st.lists(inner, max_size=3)},
        optional={"parent": st.none() | inner},
    ),
)


@QUICK
@given(trees)
def test_recursive_and_generic_schemas(tree):
    judge(
        Tree,
        tree,
        tier="instances" if -(2**63) < tree["value"] < 2**63 and len(tree) == 1 else None,
    )
    judge(Page[Tree], {"items": [tree], "total": 1})
    judge(Page[int | None], {"items": [1, None], "total": 1})
    judge(Page[dict[str, Tree]], {"items": [{"a": tree}], "total": 1})


def test_a_value_that_holds_itself_is_refused_as_by_ninja():
    tree: dict[str, Any] = {"value": 1}
    tree["parent"] = tree
    assert judge(Tree, tree)[0] != "answer"


def test_deep_values_are_written_or_refused_as_by_ninja():
    tree: dict[str, Any] = {"value": 1}
    for _ in range(60):
        tree = {"value": 1, "kids": [tree]}
    judge(Tree, tree)
    nested: Any = []
    for _ in range(240):
        nested = [nested]
    judge(list, nested)
