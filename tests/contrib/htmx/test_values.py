"""What a template gets equals what the schema has."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any
from uuid import UUID

from django.template import Context, Engine
from django.utils.translation import gettext_lazy, override
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ninja import Field, ModelSchema, Schema

from django_matt.contrib.htmx.values import reader_of
from tests.project.models import Everything


class Stop(Schema):
    at: datetime
    took: timedelta
    next: "Stop | None" = None


class Journey(Schema):
    number: UUID
    day: date
    begins: time | None
    price: Annotated[Decimal, Field(max_digits=12)]
    stops: list[Stop]
    prices: dict[str, Decimal]
    name: str = Field(serialization_alias="title")
    note: str
    count: int
    either: datetime | int


moments = st.datetimes(min_value=datetime(1900, 1, 1), timezones=st.just(UTC))
prices = st.decimals(min_value=-(10**6), max_value=10**6, places=2)
stops = st.deferred(
    lambda: st.builds(
        Stop, at=moments, took=st.timedeltas(timedelta(0), timedelta(days=400)), next=st.none()
    )
)
journeys = st.builds(
    Journey,
    number=st.uuids(),
    day=st.dates(min_value=date(1900, 1, 1)),
    begins=st.none() | st.times(),
    price=prices,
    stops=st.lists(
        st.builds(Stop, at=moments, took=st.just(timedelta(hours=30)), next=stops), max_size=3
    ),
    prices=st.dictionaries(st.text(max_size=5), prices, max_size=3),
    name=st.text(max_size=9),
    note=st.sampled_from(["2024-01-01", "1.50", "12:00"]),
    count=st.integers(0, 100),
    either=st.integers(0, 9),
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(journeys)
def test_the_data_of_a_template_has_the_values_of_the_schema(journey: Journey):
    read = reader_of(list[Journey])
    assert read is not None
    (found,) = read([journey.model_dump(mode="json", by_alias=True)])
    assert found == journey.model_dump(by_alias=True)


def test_data_that_needs_no_change_has_no_reader():
    class Plain(Schema):
        name: str
        tags: list[str]
        parent: "Plain | None" = None

    assert reader_of(list[str]) is None
    assert reader_of(str | None) is None
    assert reader_of(int | str) is None
    assert reader_of(tuple[int, str]) is None


def test_a_text_of_another_form_stays_as_it_is():
    read: Any = reader_of(Journey)
    broken = {"day": "soon", "price": "dear", "begins": 3, "stops": "none", "prices": [1]}
    assert read(dict(broken)) == broken
    assert read(None) is None


class Size(Enum):
    VERY_LARGE = "xl"
    NONE = 0


class Labelled(ModelSchema):
    size: Size
    sizes: list[Size] = []

    class Meta:
        model = Everything
        fields = ["colour", "level", "date"]


def test_a_choice_is_what_is_stored_and_has_a_label():
    read: Any = reader_of(Labelled)
    data = {"colour": "blue", "level": 2, "size": "xl", "sizes": [0, "xl"], "date": "2024-02-29"}
    found = read(dict(data))
    assert found == {**data, "date": date(2024, 2, 29)}
    shown = Engine().from_string(
        "{{ d.colour }} {{ d.colour.label }} {{ d.level }} {{ d.level.label }} {{ d.size.label }}"
        "{% for each in d.sizes %} {{ each.label }}{% endfor %}"
    )
    assert shown.render(Context({"d": found})) == "blue Blue 2 High Very large None Very large"


def test_what_is_no_choice_any_more_is_its_own_label():
    read: Any = reader_of(Labelled)
    found = read({"colour": "<mauve>", "level": 7, "size": None})
    assert found == {"colour": "<mauve>", "level": 7, "size": None}
    assert (found["colour"].label, found["level"].label) == ("<mauve>", 7)
    # Nor is JSON's true the number 1.
    assert read({"level": True})["level"] is True


def test_a_label_is_in_the_language_of_the_page():
    class Answer(Enum):
        YES = "yes"

        @property
        def label(self) -> Any:
            return gettext_lazy("Yes")

    read: Any = reader_of(Answer)
    found = read("yes").label
    with override("de"):
        assert str(found) == "Ja"
    assert str(found) == "Yes"
