"""Taking DjangoGetter out of a core schema changes who reads the input and nothing else."""

from typing import Literal

import pytest
from ninja import Field, Schema
from pydantic import ValidationError
from pydantic_core import SchemaValidator

from django_matt.serialization.getters import is_getter, models_in, without_getter


class Inner(Schema):
    title: str


class Tree(Schema):
    value: int
    kids: "list[Tree]" = []


class Outer(Schema):
    inner: Inner
    again: Inner | None = None
    tree: Tree
    default: Inner = Field(
        default={"type": "function-wrap", "function": {"function": None}},  # type: ignore[assignment]
        validate_default=False,
    )
    metadata: list[Inner] = []


class Cat(Schema):
    default: Literal["default"]
    inner: Inner


class Dog(Schema):
    default: Literal["metadata"]


class Owner(Schema):
    pet: Cat | Dog = Field(discriminator="default")


def stripped(model):
    return SchemaValidator(without_getter(model.__pydantic_core_schema__), _use_prebuilt=False)


def has_getter(node):
    if is_getter(node):
        return True
    if isinstance(node, dict):
        return any(has_getter(value) for value in node.values())
    return isinstance(node, (list, tuple)) and any(has_getter(item) for item in node)


@pytest.mark.parametrize("model", [Inner, Tree, Outer, Owner])
def test_no_getter_is_left(model):
    assert has_getter(model.__pydantic_core_schema__)
    assert not has_getter(without_getter(model.__pydantic_core_schema__))


def test_the_schema_of_the_model_is_not_touched():
    before = repr(Outer.__pydantic_core_schema__)
    without_getter(Outer.__pydantic_core_schema__)
    assert repr(Outer.__pydantic_core_schema__) == before


def test_a_string_is_no_longer_taken_for_an_object_with_a_title():
    assert Outer.model_validate({"inner": "hello", "tree": {"value": 1}}).inner.title == "Hello"
    with pytest.raises(ValidationError):
        stripped(Outer).validate_python({"inner": "hello", "tree": {"value": 1}})


def test_recursive_nested_and_tagged_models_validate():
    data = {
        "inner": {"title": "a"},
        "tree": {"value": 1, "kids": [{"value": 2}]},
        "metadata": [{"title": "b"}],
    }
    assert stripped(Outer).validate_python(data) == Outer.model_validate(data)
    pet = {"pet": {"default": "default", "inner": {"title": "x"}}}
    assert stripped(Owner).validate_python(pet) == Owner.model_validate(pet)


def test_every_model_is_found():
    assert set(models_in(Outer.__pydantic_core_schema__)) == {Outer, Inner, Tree}
    assert set(models_in(Owner.__pydantic_core_schema__)) == {Owner, Cat, Dog, Inner}
