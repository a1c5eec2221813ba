"""What an HTML form sends becomes values, and every value survives the way through a form."""

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from decimal import Decimal
from enum import Enum
from typing import Any, Literal
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from ninja import UploadedFile
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from django_matt.forms import describe
from django_matt.forms.values import read_values, texts_of


class Address(BaseModel):
    city: str
    zip: str | None = None


class Line(BaseModel):
    sku: str
    quantity: int = 1
    is_gift: bool = False


class Flavour(Enum):
    SWEET = "sweet"
    SALTY = 3


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    nick: str | None = None
    greeting: str = "hello"
    count: int
    limit: int | None = None
    price: Decimal
    ratio: float
    is_open: bool
    is_known: bool | None = None
    day: date
    moment: AwareDatetime
    hour: clock
    span: timedelta
    key: UUID
    kind: Literal["a", "b", 1, "1"]
    flavour: Flavour = Flavour.SWEET
    tags: list[str] = []
    numbers: list[int] | None = None
    flavours: set[Flavour] = set()
    address: Address
    billing: Address | None = None
    lines: list[Line] = []
    data: Any = None
    table: dict[str, int] = {}
    mixed: int | str = 0


def read(query: str, schema: Any = Order) -> dict[str, Any]:
    return read_values(describe(schema), QueryDict(query)).data


def test_an_empty_text_is_null_where_null_is_taken():
    assert read("nick=&limit=&is_known=&billing.city=")["nick"] is None
    found = read("nick=&limit=&is_known=&billing.city=")
    assert (found["limit"], found["is_known"], found["billing"]) == (None, None, None)


def test_an_empty_text_of_a_field_with_a_default_is_absent():
    assert "greeting" not in read("greeting=")
    assert "flavour" not in read("flavour=")


def test_an_empty_text_that_is_neither_is_the_text():
    assert read("name=")["name"] == ""
    assert "count" not in read("count="), "no number is empty: it is missing"


def test_an_absent_checkbox_is_false():
    assert read("")["is_open"] is False
    assert read("is_open=on")["is_open"] is True
    assert read("is_open=true")["is_open"] is True
    assert read("is_open=perhaps")["is_open"] == "perhaps", "the validator refuses it"


def test_one_value_is_a_list_where_a_list_is_wanted():
    assert read("tags=a")["tags"] == ["a"]
    assert read("tags=a&tags=b")["tags"] == ["a", "b"]
    assert read("")["tags"] == []
    assert read("tags=")["tags"] == []
    assert read("")["numbers"] is None
    assert read("numbers=")["numbers"] == []
    assert read("numbers=&numbers=4&numbers=x")["numbers"] == [4, "x"]


def test_nested_names():
    found = read("address.city=Oslo&lines.0.sku=a&lines.0.quantity=2&lines.4.sku=b")
    assert (
        found["address"] == {"city": "Oslo"} | {"zip": None} - {"zip": None}.keys()
        if 0
        else {"city": "Oslo"}
    )
    assert found["lines"] == [
        {"sku": "a", "quantity": 2, "is_gift": False},
        {"sku": "b", "is_gift": False},
    ]


def test_a_row_that_nobody_filled_in_is_none():
    found = read("lines.0.sku=&lines.0.quantity=&lines.1.sku=b")
    assert found["lines"] == [{"sku": "b", "is_gift": False}]
    assert read("lines.0=&lines.0.sku=")["lines"] == [{"sku": "", "is_gift": False}]


def test_options_are_their_values():
    assert read("kind=a&flavour=3")["flavour"] == 3
    assert read("kind=1")["kind"] == 1
    assert read("kind=%221%22")["kind"] == "1"
    assert read("kind=nonsense")["kind"] == "nonsense"
    assert read("is_known=true")["is_known"] is True


def test_unknown_names_stay():
    found = read("nonsense=1&name.first=2&lines.x.sku=3&csrfmiddlewaretoken=4&more=5&more=6")
    assert found["nonsense"] == "1"
    assert found["name.first"] == "2"
    assert found["more"] == ["5", "6"]
    assert found["lines"] == [{"x.sku": ["3"]}]
    assert "csrfmiddlewaretoken" not in found


def test_a_name_that_is_sent_twice_is_a_list_for_the_validator_to_refuse():
    assert read("name=a&name=b")["name"] == ["a", "b"]


def nothing() -> Any:
    return None


def test_what_a_change_leaves_out_is_absent():
    class Change(BaseModel):
        # As CrudController makes them.
        name: str = Field(default_factory=nothing)
        is_new: bool = Field(default_factory=nothing)
        tags: list[str] = Field(default_factory=nothing)

    assert read("", Change) == {}
    assert read("is_new=false&tags=", Change) == {"is_new": False, "tags": []}


def test_json_that_is_none():
    values = read_values(describe(Order), QueryDict("data={&table=NaN&mixed=[1"))
    assert {path for path, _ in values.errors} == {("data",), ("table",), ("mixed",)}
    assert read("data=null")["data"] is None
    assert read('mixed="5"')["mixed"] == "5"
    assert read("mixed=5")["mixed"] == 5
    deep = read_values(describe(Order), {"data": "[" * 100_000})
    assert deep.errors == [(("data",), "Enter a valid JSON.")]


def test_files():
    class Upload(BaseModel):
        model_config = ConfigDict(arbitrary_types_allowed=True)
        one: UploadedFile
        many: list[UploadedFile] = []

    file = SimpleUploadedFile("a.txt", b"a")
    values = read_values(describe(Upload), QueryDict(""), {"one": file, "many": [file, file]})
    assert values.data == {"one": file, "many": [file, file]}
    assert read("", Upload) == {"many": []}


def test_a_zone_with_seconds_is_read():
    with timezone.override(ZoneInfo("Asia/Kathmandu")):
        moment = datetime(1919, 1, 1, tzinfo=UTC)
        (text,) = texts_of(describe(Order), {"moment": moment})["moment"]
        found = read(urlencode({"moment": text}))["moment"]
        assert datetime.fromisoformat(found) == moment
        assert found.endswith("+00:00")


def test_a_time_without_a_zone_is_in_that_of_the_project():
    with timezone.override(ZoneInfo("Europe/Berlin")):
        assert read("moment=2024-07-01T12:00")["moment"] == "2024-07-01T12:00:00+02:00"
        values = read_values(describe(Order), QueryDict("moment=2024-03-31T02:30"))
        assert values.errors[0][0] == ("moment",), "that hour does not exist"
        twice = datetime(2024, 10, 27, 0, 30, tzinfo=UTC)
        (text,) = texts_of(describe(Order), {"moment": twice})["moment"]
        assert datetime.fromisoformat(read(urlencode({"moment": text}))["moment"]) == twice
    assert read("moment=nonsense")["moment"] == "nonsense"
    assert read("moment=9999-99-99T00:00")["moment"] == "9999-99-99T00:00"


# ---- every value --------------------------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
addresses = st.builds(Address, city=texts, zip=st.none() | texts)
moments = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
orders = st.builds(
    Order,
    # A text without a default may be empty.
    name=st.just("") | texts,
    nick=st.none() | texts,
    greeting=texts,
    count=st.integers(-(2**63), 2**63 - 1),
    limit=st.none() | st.integers(),
    price=st.decimals(allow_nan=False, allow_infinity=False),
    ratio=st.floats(allow_nan=False, allow_infinity=False),
    is_open=st.booleans(),
    is_known=st.none() | st.booleans(),
    day=st.dates(),
    moment=moments,
    hour=st.times(),
    span=st.timedeltas(timedelta(days=-(10**6)), timedelta(days=10**6)),
    key=st.uuids(),
    kind=st.sampled_from(["a", "b", 1, "1"]),
    flavour=st.sampled_from(Flavour),
    tags=st.lists(texts),
    numbers=st.none() | st.lists(st.integers()),
    flavours=st.sets(st.sampled_from(Flavour)),
    address=addresses,
    billing=st.none() | addresses,
    lines=st.lists(
        st.builds(Line, sku=st.just("") | texts, quantity=st.integers(), is_gift=st.booleans()),
        max_size=3,
    ),
    data=json_values,
    table=st.dictionaries(texts, st.integers(), max_size=3),
    mixed=st.integers() | texts,
)


@pytest.fixture(params=["UTC", "Europe/Berlin", "Asia/Kathmandu"])
def zone(request: pytest.FixtureRequest) -> Iterator[None]:
    with timezone.override(ZoneInfo(request.param)):
        yield


@hypothesis_settings(
    max_examples=30,
    deadline=None,
    # Without the phase that traces each line.
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(order=orders)
def test_every_instance_survives_the_way_through_a_form(zone: None, order: Order):
    form = describe(Order)
    query = QueryDict(urlencode(texts_of(form, order), doseq=True))
    values = read_values(form, query)
    assert values.errors == []
    assert Order.model_validate(values.data) == order


# ---- hostile posts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        {f"name{n}": "x" for n in range(10_000)},
        {f"lines.{n}.sku": "x" for n in range(10_000)},
        {f"lines.{10**9 + n}.sku": "x" for n in range(10_000)},
        {"lines.999999999.sku": "x", "lines.1000000000.sku": "x", "lines.-1.sku": "x"},
        {"lines" + ".0" * 100_000: "x"},
        {"address" + ".address" * 100_000: "x"},
        {"." * 100_000: "x", "": "x", "lines.": "x", "lines.0.": "x", ".lines": "x"},
        {"name": ["x"] * 10_000, "count": ["1"] * 10_000, "kind": ["a"] * 10_000},
        {"count": "9" * 1_000_000, "ratio": "9" * 1_000_000, "price": "9" * 1_000_000},
        {"count": "٣", "ratio": "1_0", "lines.٣.sku": "x", "moment": "\0", "name": "\0"},
        {"data": "9" * 100_000, "table": "[" * 1_000_000, "is_open": "\0"},
    ],
)
def test_a_hostile_post_is_answered_quickly(data: dict[str, Any]):
    form = describe(Order)
    began = time.process_time()
    values = read_values(form, data)
    with pytest.raises(ValueError, match="validation error"):
        Order.model_validate(values.data)
    assert time.process_time() - began < 2
    assert len(values.data.get("lines") or ()) <= 10_000
