"""Doc comments: the description of a schema or operation, and what its type cannot say as JSDoc tags."""

import json
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["doc_comment", "inline_comment", "schema_comment"]

TAGS = (
    "format",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "default",
)
"""The keywords of JSON Schema that become tags of the same name."""
SAFE = 2**53 - 1
"""The largest integer that a number of JavaScript represents exactly (ECMA-262, Number.MAX_SAFE_INTEGER)."""
INT64 = (-(2**63), 2**63 - 1)
"""The bounds of every integer in a request that the schema does not bound itself; a tag for them says nothing."""
UNSAFE = "May be beyond 2^53 - 1, where a number of JavaScript loses digits."
LINE_BREAKS = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")


def schema_comment(schema: Any, indent: str) -> str:
    """Return the comment of a schema with its line break, or "" if there is nothing to say."""
    if not isinstance(schema, dict):
        return ""
    lines = _description(schema)
    values = _values(schema)
    if _is_unsafe(values):
        lines.append(UNSAFE)
    if values.get("deprecated"):
        lines.append("@deprecated")
    return doc_comment(lines + _tags(schema, values), indent)


def inline_comment(schema: Any) -> str:
    """Return the tags of a type inside another one, as the comment before it with its space: ``/** @minimum 1 */ ``."""
    if not isinstance(schema, dict) or "$ref" in schema:
        return ""
    tags = [tag for tag in _tags(schema, _values(schema)) if not tag.startswith("@default ")]
    # A text with a tag in it would be read as two.
    if not tags or any(" @" in tag for tag in tags):
        return ""
    return f"/** {' '.join(tags).replace('*/', '*' + chr(92) + '/')} */ "


def _values(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a schema with the keywords of its only branch other than null: ``int | None`` has the bounds of ``int``."""
    branches = schema.get("anyOf") or ()
    left = [each for each in branches if isinstance(each, dict) and each.get("type") != "null"]
    if len(left) != 1 or "$ref" in left[0]:
        return schema
    return {**left[0], **schema}


def _tags(schema: Mapping[str, Any], values: Mapping[str, Any]) -> list[str]:
    lines = []
    kind = values.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    if "integer" in kinds and not values.keys() & {"enum", "const"}:
        # With `@asType integer`, generators of JSON Schema refuse null.
        if kinds is kind or values is not schema:
            if "multipleOf" not in values:
                lines.append("@multipleOf 1")
        else:
            lines.append("@asType integer")
    for tag in TAGS:
        if values.get(tag) in INT64 and tag in ("minimum", "maximum"):
            continue
        if tag in values and (tag != "pattern" or isinstance(values[tag], str)):
            value = values[tag]
            # `null` says no more than `?` does.
            if tag == "default" and value is None:
                continue
            text = (
                value
                if isinstance(value, str) and tag != "default"
                else json.dumps(value, ensure_ascii=False)
            )
            if len(text) <= 200:
                lines.append(f"@{tag} {LINE_BREAKS.sub(' ', text)}")
    return lines


def doc_comment(lines: list[str], indent: str) -> str:
    """Return lines as a doc comment with its line break, or "" if there are none; ``*/`` is escaped."""
    if not lines:
        return ""
    escaped = [line.replace("*/", "*\\/").rstrip() for line in lines]
    if len(escaped) == 1 and len(escaped[0]) + len(indent) < 110:
        return f"{indent}/** {escaped[0]} */\n"
    body = "".join(f"{indent} * {line}".rstrip() + "\n" for line in escaped)
    return f"{indent}/**\n{body}{indent} */\n"


def text_lines(text: Any) -> list[str]:
    """Return the lines of a description; one that would begin with a tag is escaped."""
    if not isinstance(text, str) or not text.strip():
        return []
    lines = LINE_BREAKS.split(text.strip())
    return [f"\\{line}" if line.startswith("@") else line for line in lines]


def _description(schema: Mapping[str, Any]) -> list[str]:
    return text_lines(schema.get("description"))


def _is_unsafe(schema: Mapping[str, Any]) -> bool:
    if schema.get("type") != "integer":
        return False
    bounds = [schema.get("minimum", 0), schema.get("maximum", 0)]
    declared = [abs(bound) for bound in bounds if bound not in INT64]
    return schema.get("format") == "int64" or any(bound > SAFE for bound in declared)
