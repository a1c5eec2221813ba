"""Python → TypeScript → Python, and TypeScript → Python → TypeScript: what comes back is what went in."""

import datetime
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field, create_model

from django_matt import Schema
from django_matt.contrib.typescript.comments import schema_comment
from django_matt.contrib.typescript.settings import TypeScriptSettings
from django_matt.contrib.typescript.types import TypeWriter

from .pulls import Project, without_titles

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.timeout(300)]

REF = "#/components/schemas/"
COUNT = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
NAMES = st.sampled_from(
    [
        "id",
        "sku",
        "categoryId",
        "class",
        "content-type",
        "largeName",
        "größe",
        "__proto__",
        "json",
        "a_b",
        "list",
        "x1",
    ]
)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=8)
#: What a type says without a comment, anywhere in another one.
PLAIN: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from([str, float, bool, int]),
    st.lists(TEXTS, min_size=1, max_size=3, unique=True).map(lambda values: Literal[tuple(values)]),
    st.lists(st.integers(-9, 9), min_size=1, max_size=3, unique=True).map(
        lambda values: Literal[tuple(values)]
    ),
)
#: What the comment of a property, or of a type inside of another one, says too.
SCALARS: st.SearchStrategy[Any] = st.one_of(
    PLAIN,
    st.builds(
        lambda least, most, step: Annotated[int, Field(ge=least, lt=most, multiple_of=step)],
        st.integers(-9, 0),
        st.integers(1, 9),
        st.sampled_from([None, 2, 3]),
    ),
    st.sampled_from([datetime.datetime, datetime.date, datetime.time, datetime.timedelta, UUID]),
    st.builds(
        lambda least, more: Annotated[str, Field(min_length=least, max_length=least + more)],
        st.integers(0, 3),
        st.integers(0, 9),
    ),
    st.builds(
        lambda least, most: Annotated[float, Field(ge=least, lt=most)],
        st.integers(-9, 0),
        st.integers(1, 9),
    ),
)


def types(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        inner.map(lambda each: list[each]),  # type: ignore[valid-type] # a type of this run
        inner.map(lambda each: dict[str, each]),  # type: ignore[valid-type] # a type of this run
        inner.map(lambda each: each | None),
        st.tuples(inner, inner).map(lambda pair: tuple[pair]),  # type: ignore[valid-type] # a type of this run
    )


def bounded(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(
        lambda each, least: Annotated[list[each], Field(min_length=least)],  # type: ignore[valid-type] # a type of this run
        inner,
        st.integers(0, 3),
    )


TYPES = st.one_of(
    SCALARS,
    SCALARS.map(lambda each: each | None),
    st.recursive(st.one_of(SCALARS, bounded(SCALARS)), types, max_leaves=3),
    bounded(SCALARS),
)


@st.composite
def modules(draw: st.DrawFn) -> dict[str, type[Schema]]:
    """Return schemas of which each may have fields of those before it."""
    made: dict[str, type[Schema]] = {}
    for name in ("Alpha", "Beta", "Gamma"):
        fields: Any = {}
        for number, alias in enumerate(draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))):
            known = st.sampled_from(list(made.values())) if made else SCALARS
            of = draw(st.one_of(TYPES, types(known) if made else TYPES))
            options: dict[str, Any] = {"alias": alias}
            if draw(st.booleans()):
                options["description"] = draw(
                    st.sampled_from(["A name.", 'With "quotes" and */.', "Two\nlines."])
                )
            default = draw(st.sampled_from(["required", "optional", "default"]))
            if default == "optional":
                of, options["default"] = of | None, None
            elif default == "default" and of in (str, float, bool, int):
                options["default"] = {str: "x", float: 1.5, bool: True, int: 2}[of]
            fields[f"field_{number}"] = (of, Field(**options))
        made[name] = create_model(name, __base__=Schema, **fields)
    return made


def typescript_of(schemas: dict[str, Any]) -> str:
    """Return what `matt_types write` declares for these components."""
    writer = TypeWriter(schemas, lambda name, _: name, TypeScriptSettings())
    return "\n".join(
        f"{schema_comment(schema, '')}export type {name} = {writer.write(schema, 'in').lstrip()};"
        for name, schema in schemas.items()
    )


def components(found: Any) -> dict[str, Any]:
    """Return the JSON schemas of classes of a module and of what they refer to, without what has no meaning in them."""
    schemas: dict[str, Any] = {}
    for each in found:
        schema = each.model_json_schema(ref_template=f"{REF}{{model}}")
        schemas |= schema.pop("$defs", {})
        schemas[each.__name__] = schema
    return {name: normal(without_titles(schema)) for name, schema in sorted(schemas.items())}


def normal(schema: Any) -> Any:
    """Return a schema without a default of null, which says no more than that the property is not required."""
    if isinstance(schema, list):
        return [normal(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: normal(value) for key, value in schema.items()}
    if found.get("default", ...) is None:
        del found["default"]
    return found


@COUNT
@given(made=modules())
def test_schemas_come_back_from_typescript(made: dict[str, type[Schema]]):
    with tempfile.TemporaryDirectory() as folder:
        wanted = components(made.values())
        text = typescript_of(wanted)
        found = pulled(Path(folder), text)
        assert components(vars(found)[name] for name in made) == wanted, text


@COUNT
@given(made=modules())
def test_typescript_comes_back_from_schemas(made: dict[str, type[Schema]]):
    text = typescript_of(components(made.values()))
    with tempfile.TemporaryDirectory() as folder:
        found = pulled(Path(folder), text)
        assert typescript_of(components(vars(found)[name] for name in made)) == text


def pulled(folder: Path, text: str) -> Any:
    from django.test import override_settings

    with override_settings(BASE_DIR=folder):
        return Project(folder).of(text)


def test_decimals_and_integers_come_back(project: Project):
    class Price(Schema):
        amount: Decimal = Field(max_digits=8, decimal_places=2)
        count: int

    text = typescript_of(components([Price]))
    found = project.of(text)
    assert set(found.Price.model_fields) == {"amount", "count"}
    assert found.Price.model_fields["count"].annotation is int
