"""The JSON Schema of a form is shown by @rjsf itself, and accepts what the schema accepts."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from django_matt.forms import describe
from django_matt.forms.rjsf import to_json_schema, to_ui_schema

from ..node_tools import missing, run
from .test_descriptions import BookIn, EverythingIn, Hinted, Order, Person
from .test_values import Order as Values

pytestmark = pytest.mark.once

SCRIPT = Path(__file__).parent / "rjsf.mjs"


@pytest.fixture
def show(node_tools: Path) -> Callable[..., Any]:
    """Return ``show(schema, *instances)``: the HTML that @rjsf renders, and the errors of each instance."""
    node = shutil.which("node")
    if node is None:
        missing("there is no node")

    def ask(schema: Any, *instances: Any) -> tuple[str, list[list[Any]]]:
        form = describe(schema)
        given = {
            "schema": to_json_schema(form),
            "uiSchema": to_ui_schema(form),
            "instances": instances,
        }
        done = run(node, SCRIPT, node_tools, input=json.dumps(given))
        assert done.returncode == 0, done.stderr
        assert "Unsupported field" not in done.stdout, done.stdout
        # What it warns about, as a definition that is missing.
        assert not done.stderr.strip(), done.stderr
        found = json.loads(done.stdout)
        return found["html"], found["errors"]

    return ask


def test_a_form_is_shown(show):
    html, _errors = show(Order)
    for name in ("customer_email", "address_street", "total", "is_gift", "size"):
        assert f'id="root_{name}"' in html
    assert 'type="password"' in html
    assert "<textarea" in html
    assert "Extra large" in html
    assert "What a customer orders." in html


@pytest.mark.parametrize("schema", [BookIn, EverythingIn, Values, Person])
def test_every_kind_of_field_is_shown(show, schema):
    html, _errors = show(schema)
    for each in describe(schema).fields:
        assert f"root_{each.name}" in html


def instance(**changes: Any) -> Any:
    given = {
        "name": "a",
        "count": 1,
        "price": "1.50",
        "ratio": 1.5,
        "is_open": True,
        "day": "2024-02-29",
        "moment": "2024-02-29T10:00:00Z",
        "hour": "10:00:00Z",
        "span": "P1D",
        "key": "11111111-1111-4111-8111-111111111111",
        "kind": 1,
        "address": {"city": "Oslo"},
    }
    return given | changes


ACCEPTED: list[dict[str, Any]] = [
    {},
    {"nick": None, "limit": None, "is_known": None, "billing": None, "numbers": None},
    {"nick": "x", "limit": 3, "is_known": False, "billing": {"city": "x"}, "numbers": [1]},
    {"kind": "1", "flavour": 3, "flavours": ["sweet", 3], "tags": ["x"]},
    {"lines": [{"sku": "a"}, {"sku": "b", "quantity": 2, "is_gift": True}]},
    {"data": {"a": [1, None, "x"]}, "table": {"x": 1}, "mixed": "x"},
    {"data": [[1], {}]},
]
REFUSED: list[dict[str, Any]] = [
    {"name": None},
    {"count": "x"},
    {"price": "1,5"},
    {"is_open": "perhaps"},
    {"day": "yesterday"},
    {"kind": "c"},
    {"flavours": ["bitter"]},
    {"address": {}},
    {"lines": [{"quantity": 1}]},
    {"table": {"x": "y"}},
    {"mixed": []},
]


def test_it_accepts_what_the_schema_accepts(show):
    for changes in ACCEPTED:
        Values.model_validate(instance(**changes))
    _html, errors = show(Values, *(instance(**changes) for changes in ACCEPTED))
    assert errors == [[]] * len(ACCEPTED)


def test_it_refuses_what_the_schema_refuses(show):
    for changes in REFUSED:
        with pytest.raises(ValueError, match="validation error"):
            Values.model_validate(instance(**changes))
    _html, errors = show(Values, *(instance(**changes) for changes in REFUSED))
    assert all(errors), [c for c, found in zip(REFUSED, errors, strict=True) if not found]


def test_the_schema_of_a_field():
    properties = to_json_schema(describe(Values))["properties"]
    assert properties["limit"] == {"title": "Limit", "type": ["integer", "null"]}
    assert properties["flavour"] == {
        "title": "Flavour",
        "type": ["integer", "string"],
        "oneOf": [{"const": "sweet", "title": "Sweet"}, {"const": 3, "title": "Salty"}],
        "default": "sweet",
    }
    assert properties["nick"]["type"] == ["string", "null"]


def test_a_schema_that_contains_itself_has_definitions():
    schema = to_json_schema(describe(Person))
    assert list(schema["$defs"]) == ["Person"]
    assert "#/components" not in json.dumps(schema)


def test_the_hints_of_a_field():
    hints = to_ui_schema(describe(Hinted))
    assert hints["ui:order"] == ["c", "b", "a", "d", "e", "f", "g", "h"]
    assert hints["a"] == {
        "ui:widget": "textarea",
        "ui:placeholder": "abc",
        "ui:autocomplete": "given-name",
        "ui:options": {"rows": 3},
    }
    assert hints["e"] == {"ui:options": {"relation": {"model": "project.author", "value": "id"}}}
    assert to_ui_schema(describe(Order))["lines"]["items"]["ui:order"] == ["sku", "quantity"]
