"""Requests for an operation, valid ones and broken ones, made of its document by a seeded generator."""

import base64
import string
from collections.abc import Iterator, Mapping
from copy import deepcopy
from random import Random
from typing import Any

__all__ = ["requests_for"]

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
BAD = [
    None,
    "",
    "x" * 5_000,
    "\0",
    -1,
    0,
    1e300,
    2**62,
    True,
    [],
    {},
    [1],
    {"a": {}},
    "é\U0001f600",
    "2026-13-45",
]


def requests_for(
    openapi: Mapping[str, Any],
    details: Mapping[str, Any],
    shared: list[Any],
    random: Random,
    count: int,
) -> Iterator[dict[str, Any]]:
    """Yield the options of ``count`` calls; a third of them is broken in one place."""
    made = _Samples(openapi, random)
    for number in range(count):
        options: dict[str, Any] = {}
        for parameter in map(made.resolve, [*shared, *details.get("parameters", ())]):
            source = parameter["in"]
            if source not in ("path", "query"):
                continue
            if source == "path" or parameter.get("required") or random.random() < 0.4:
                value = made.value(parameter["schema"])
                if source == "path" and isinstance(value, int):
                    value = random.choice([1, 2, 3, 5, 8, random.randint(9, 45), 4_000])
                options.setdefault(source, {})[parameter["name"]] = value
        content = details.get("requestBody", {}).get("content", {})
        media = next(
            (each for each in ("application/json", "multipart/form-data") if each in content), None
        )
        if media:
            options["body"] = made.value(content[media]["schema"], form=media != "application/json")
        if number % 3 == 2:
            _break(options, random)
        yield options


def _break(options: dict[str, Any], random: Random) -> None:
    """Put a wrong value into one place of the query or the body."""
    parts = [name for name in ("query", "body") if options.get(name)]
    if not parts:
        return
    part = random.choice(parts)
    target = options[part]
    if part == "query":
        # The client sends text: what is no text would be a mistake of the caller's.
        target[random.choice(list(target))] = random.choice(
            [each for each in BAD if isinstance(each, (str, int))]
        )
        return
    while isinstance(target, (dict, list)) and target:
        key: Any = (
            random.choice(list(target))
            if isinstance(target, dict)
            else random.randrange(len(target))
        )
        if (
            isinstance(target[key], (dict, list))
            and target[key]
            and "$file" not in target[key]
            and random.random() < 0.6
        ):
            target = target[key]
            continue
        if isinstance(target, dict) and random.random() < 0.3:
            del target[key]
        else:
            # A copy: the next break may go into it.
            target[key] = deepcopy(random.choice(BAD))
        return
    options[part] = deepcopy(random.choice([each for each in BAD if each is not None]))


class _Samples:
    def __init__(self, openapi: Mapping[str, Any], random: Random) -> None:
        self._openapi, self._random = openapi, random

    def resolve(self, part: Any) -> Any:
        while "$ref" in part:
            found: Any = self._openapi
            for key in part["$ref"].split("/")[1:]:
                found = found[key]
            part = found
        return part

    def value(self, schema: Any, *, form: bool = False) -> Any:
        random, schema = self._random, self.resolve(schema)
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                return self.value(random.choice(schema[keyword]), form=form)
        if "allOf" in schema:
            return self.value(schema["allOf"][0], form=form)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return random.choice(schema["enum"])
        if schema.get("examples") and random.random() < 0.5:
            return random.choice(schema["examples"])
        kind = schema.get("type")
        if kind == "object":
            return self._object(schema, form)
        if kind == "array":
            least = schema.get("minItems", 0)
            return [
                self.value(schema["items"], form=form)
                for _ in range(random.randint(least, least + 2))
            ]
        if kind == "string":
            return self._text(schema, form)
        if kind in ("integer", "number"):
            least = max(schema.get("minimum", schema.get("exclusiveMinimum", 0)), -1_000)
            most = min(schema.get("maximum", least + 100), least + 100)
            number = random.randint(int(least), int(most))
            return number if kind == "integer" else number + 0.5
        return {"boolean": random.random() < 0.5, "null": None}.get(str(kind), "any")

    def _object(self, schema: Any, form: bool) -> dict[str, Any]:
        random = self._random
        required = schema.get("required", ())
        found = {
            # A key of a row that exists, most of the time.
            name: random.randint(1, 8) if name.endswith("_id") else self.value(each, form=form)
            for name, each in schema.get("properties", {}).items()
            if name in required or random.random() < 0.6
        }
        if not schema.get("properties") and isinstance(schema.get("additionalProperties"), dict):
            for _ in range(random.randint(0, 2)):
                found[self._word(1, 8)] = self.value(schema["additionalProperties"], form=form)
        return found

    def _text(self, schema: Any, form: bool) -> Any:
        shape = schema.get("format")
        if shape == "binary" and form:
            return {
                "$file": base64.b64encode(
                    PNG if self._random.random() < 0.7 else b"no picture"
                ).decode()
            }
        if shape == "date-time":
            return "2026-05-04T09:30:00Z"
        if shape == "date":
            return "2026-05-04"
        least = schema.get("minLength", 0)
        return self._word(least, min(schema.get("maxLength", least + 12), least + 12))

    def _word(self, least: int, most: int) -> str:
        size = self._random.randint(least, most)
        return "".join(
            self._random.choice(string.ascii_lowercase + string.digits + "-") for _ in range(size)
        )
