"""The values that tests of a whole API send are valid for their schemas."""

import datetime
import enum
import uuid
from decimal import Decimal
from typing import Annotated, Any, Literal

import pydantic
import pytest
from pydantic import AnyUrl, Field

from django_matt.testing.samples import Samples


class Colour(enum.Enum):
    RED = "red"


class Inner(pydantic.BaseModel):
    name: Annotated[str, Field(min_length=8, max_length=9)]


class Tree(pydantic.BaseModel):
    children: list["Tree"] = []
    parent: "Tree | None"


class Cat(pydantic.BaseModel):
    kind: Literal["cat"]


class Dog(pydantic.BaseModel):
    kind: Literal["dog"]


class Everything(pydantic.BaseModel):
    text: str
    short: Annotated[str, Field(max_length=2)]
    code: Annotated[str, Field(pattern=r"^\d+$")]
    email: Annotated[str, Field(json_schema_extra={"format": "email"})]
    url: AnyUrl
    number: int
    big: Annotated[int, Field(ge=10, le=20, multiple_of=7)]
    above: Annotated[int, Field(gt=5)]
    below: Annotated[float, Field(lt=0)]
    price: Decimal
    flag: bool
    day: datetime.date
    time: datetime.datetime
    clock: datetime.time
    length: datetime.timedelta
    key: uuid.UUID
    colour: Colour
    pair: tuple[int, str]
    items: Annotated[list[Inner], Field(min_length=2)]
    maybe: int | None
    either: Annotated[Cat | Dog, Field(discriminator="kind")]
    extra: Annotated[dict[str, int], Field(min_length=1)]
    tree: Tree
    nothing: None
    optional: str = "left out"
    anything: Any


def test_every_kind_of_field_gets_a_valid_value():
    schema = Everything.model_json_schema()
    made = Samples(schema, {}).value(schema)
    assert "optional" not in made
    Everything.model_validate(made)


def test_known_values_are_used_by_name_also_where_they_are_optional():
    class Order(pydantic.BaseModel):
        book_id: int
        shelf_ids: list[int]
        author_id: int | None = None
        other: int | None = None

    schema = Order.model_json_schema()
    samples = Samples(schema, {"book_id": 7, "shelf_ids": 8, "author_id": 9, "unused": 1})
    assert samples.value(schema) == {"book_id": 7, "shelf_ids": [8], "author_id": 9}
    assert samples.used == {"book_id", "shelf_ids", "author_id"}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({}, "word"),
        (True, "word"),
        ({"enum": ["b", "a"]}, "b"),
        ({"type": ["null", "integer"]}, 1),
        ({"type": "integer", "maximum": -3}, -3),
        ({"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1}, 1),
        ({"type": "string", "default": "d"}, "d"),
        ({"type": "string", "examples": ["e"]}, "e"),
        ({"type": "string", "format": "binary"}, "word"),
        ({"allOf": [{"properties": {"a": {"const": 1}}, "required": ["a"]}]}, {"a": 1}),
        ({"type": "array", "items": {"type": "integer"}, "maxItems": 0}, []),
    ],
)
def test_schemas_of_other_tools(schema: Any, value: Any):
    assert Samples({}, {}).value(schema) == value
