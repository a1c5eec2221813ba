"""What the tags of a comment say about a type: its format, its limits, its default, its description."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import SchemaError, SchemaValidator, core_schema

from django_matt.contrib.typescript.comments import UNSAFE
from django_matt.contrib.typescript.pulling.definitions import (
    AliasDefinition,
    Definitions,
    EnumDefinition,
    without_null,
)
from django_matt.contrib.typescript.pulling.syntax import (
    Array,
    Comment,
    Commented,
    Constant,
    Keyword,
    Mapping,
    Named,
    Tuple,
    Type,
    Union,
)

__all__ = ["MISSING", "Refined", "refine"]

#: There is no default.
MISSING: Any = object()

#: Formats of JSON Schema that are types in Python.
TEXT_FORMATS = {
    "email": "email",
    "uuid": "uuid",
    "date": "date",
    "date-time": "Date",
    "time": "time",
    "duration": "duration",
    "decimal": "decimal",
    "uri": "URL",
    "url": "URL",
    "ipv4": "ipv4",
    "ipv6": "ipv6",
}
NUMBER_FORMATS = {
    "int32": "int",
    "int64": "int",
    "integer": "int",
    "int": "int",
    "decimal": "decimal",
    "float": "number",
    "double": "number",
}
#: Tags of ts-json-schema-generator and typescript-json-schema that say that a number is an integer.
INTEGER_TAGS = {"integer": "", "asType": "integer", "TJS-type": "integer", "type": "integer"}
NUMBERS = {"number", "int", "bigint", "decimal"}
#: A tag, pydantic's name for it, the kinds of types that it applies to.
LIMITS: dict[str, tuple[str, set[str]]] = {
    "minLength": ("min_length", {"string", "email"}),
    "maxLength": ("max_length", {"string", "email"}),
    "pattern": ("pattern", {"string"}),
    "minimum": ("ge", NUMBERS),
    "maximum": ("le", NUMBERS),
    "exclusiveMinimum": ("gt", NUMBERS),
    "exclusiveMaximum": ("lt", NUMBERS),
    "multipleOf": ("multiple_of", NUMBERS),
    "maxDigits": ("max_digits", {"decimal"}),
    "decimalPlaces": ("decimal_places", {"decimal"}),
    "minItems": ("min_length", {"list"}),
    "maxItems": ("max_length", {"list"}),
    "minProperties": ("min_length", {"object"}),
    "maxProperties": ("max_length", {"object"}),
}
COUNTS = {"min_length", "max_length", "max_digits", "decimal_places"}
#: Tags with a meaning of their own below.
KNOWN = {
    *LIMITS,
    *INTEGER_TAGS,
    "format",
    "default",
    "deprecated",
    "title",
    "description",
    "example",
    "examples",
    "uniqueItems",
    "unique",
}


@dataclass(slots=True)
class Refined:
    """A type with what its comment adds. ``limits`` has the names of pydantic's ``Field``."""

    type: Type
    limits: dict[str, Any] = field(default_factory=dict)
    default: Any = MISSING
    description: str = ""
    title: str = ""
    deprecated: bool = False
    examples: list[Any] = field(default_factory=list)
    format: str = ""


def refine(
    of: Type, comment: Comment, definitions: Definitions, note: Callable[[str], None]
) -> Refined:
    """Return the type with what its comment adds; ``note`` is called with what cannot be carried over."""
    bare, nullable = without_null(of)
    kind = _kind(bare, definitions)
    # What `matt_types write` says of an integer follows from its type.
    lines = [line for line in comment.text.splitlines() if line != UNSAFE]
    text = "\n\n".join(
        each for each in ("\n".join(lines), comment.tag("description") or "") if each
    )
    unknown = [f"@{name} {value}".rstrip() for name, value in comment.tags if name not in KNOWN]
    refined = Refined(of, description="\n".join([*filter(None, [text]), *unknown]))
    refined.title = comment.tag("title") or ""
    refined.deprecated = comment.tag("deprecated") is not None
    if refined.deprecated and (why := comment.tag("deprecated")):
        refined.description = "\n".join(filter(None, [refined.description, f"Deprecated: {why}"]))
    bare, kind = _formatted(refined, bare, kind, comment, note)
    refined.type = (
        Union((bare, Keyword("null")))
        if nullable and not isinstance(bare, Union)
        else of
        if nullable
        else bare
    )
    for name, value in comment.tags:
        if isinstance(bare, Tuple) and (name, value) in _sizes(bare):
            continue
        if kind in {"int", "bigint"} and (name, value) == ("multipleOf", "1"):
            continue
        if name in LIMITS:
            _add_limit(refined, kind, name, value, note)
        elif name in {"example", "examples"} and value:
            refined.examples.append(_json(value))
    written = comment.tag("default")
    if written is not None:
        refined.default = _default(written, bare, nullable, definitions)
        if refined.default is MISSING:
            note(f"@default {written[:40]} is not a value of this type: not carried over")
    return refined


def _sizes(of: Tuple) -> set[tuple[str, str]]:
    """Return the tags that say of a tuple what its type says already."""
    least = sum(not each.optional for each in of.items)
    return {("minItems", str(least)), ("maxItems", str(len(of.items)))}


def _kind(of: Type, definitions: Definitions) -> str:
    """Return what sort of type this is, for the limits that apply to it."""
    for alias in definitions.aliases(of):
        if isinstance(alias.type, Keyword) and alias.type.name in {"string", "number"}:
            return refine(alias.type, alias.comment, definitions, lambda _: None).type.name  # type: ignore[union-attr]
        of = alias.type
    match of:
        case Keyword(name):
            return name
        case Array():
            return "list"
        case Mapping():
            return "object"
    return ""


def _formatted(
    refined: Refined, bare: Type, kind: str, comment: Comment, note: Callable[[str], None]
) -> tuple[Type, str]:
    """Return the type that a format makes of text or a number."""
    given = (comment.tag("format") or "").strip()
    integer = any(
        (comment.tag(name) or "").strip("{} ") == value and comment.tag(name) is not None
        for name, value in INTEGER_TAGS.items()
    )
    # JSON Schema's own words for an integer, which `matt_types write` uses where null is allowed too.
    step = _json(comment.tag("multipleOf") or "")
    integer = integer or (type(step) is int and step > 0)
    if kind == "number" and isinstance(bare, Keyword):
        if given and given not in NUMBER_FORMATS:
            refined.format = given
        name = "int" if integer else NUMBER_FORMATS.get(given, "number")
        return Keyword(name), name
    if isinstance(bare, Array) and comment.tag("uniqueItems") == "true":
        return Array(bare.item, unique=True), kind
    if not given:
        return bare, kind
    if kind == "string":
        name = TEXT_FORMATS.get(given, "string")
        if name == "string":
            refined.format = given
            return bare, name
        return Keyword(name), name
    if TEXT_FORMATS.get(given) != kind and NUMBER_FORMATS.get(given) != kind:
        note(f"@format {given} does not apply to this type: not carried over")
    return bare, kind


def _add_limit(
    refined: Refined, kind: str, tag: str, text: str, note: Callable[[str], None]
) -> None:
    name, kinds = LIMITS[tag]
    if kind not in kinds:
        note(f"@{tag} does not apply to this type: not carried over")
        return
    value: Any = text
    if name == "pattern":
        try:
            SchemaValidator(core_schema.str_schema(pattern=text))
        except SchemaError:
            note(f"@pattern {text[:40]} is not a pattern that pydantic reads: not carried over")
            return
    else:
        value = _json(text)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or (name in COUNTS and (not isinstance(value, int) or value < 0)):
            note(f"@{tag} {text[:40]} is not a number that fits: not carried over")
            return
        if kind in {"int", "bigint"} and isinstance(value, float) and value.is_integer():
            value = int(value)
    refined.limits[name] = value


def _json(text: str) -> Any:
    """Return the value that a tag has, as JSON; other text is itself."""
    try:
        value = json.loads(re.sub(r"^'([^'\"\\]*)'$", r'"\1"', text.strip()))
    except (ValueError, RecursionError):
        return text
    # Python's json reads NaN and Infinity, which no JSON has.
    return text if isinstance(value, float) and not abs(value) < float("inf") else value


def _default(text: str, of: Type, nullable: bool, definitions: Definitions) -> Any:
    """Return the default if it is a value of the type, otherwise ``MISSING``."""
    value = _json(text)
    if value is None:
        return None if nullable else MISSING
    for each in of.members if isinstance(of, Union) else (of,):
        found = _fitting(value, text, each, definitions)
        if found is not MISSING:
            return found
    return MISSING


def _fitting(value: Any, text: str, of: Type, definitions: Definitions) -> Any:
    seen: set[str] = set()
    while isinstance(of, Named) and of.name not in seen:
        seen.add(of.name)
        found = definitions.found.get(of.name)
        if isinstance(found, EnumDefinition):
            return value if value in [each for _, each in found.members] else MISSING
        if not isinstance(found, AliasDefinition):
            return MISSING
        return _default(text, found.type, nullable=False, definitions=definitions)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(of, Commented):
        of = refine(of.type, of.comment, definitions, lambda _: None).type
    match of:
        case Keyword("string"):
            return value if isinstance(value, str) else text
        case Keyword("any"):
            return value
        case Keyword("number"):
            return value if number else MISSING
        case Keyword("int" | "bigint"):
            return value if number and isinstance(value, int) else MISSING
        case Keyword("decimal"):
            # As it is written: 1.50 has more places than 1.5.
            plain = text.strip().strip("\"'")
            return plain if _is_decimal(plain) else MISSING
        case Keyword("boolean"):
            return value if isinstance(value, bool) else MISSING
        case Keyword("object") | Mapping():
            return value if value == {} else MISSING
        case Array(item):
            fits = isinstance(value, list) and all(
                _fitting(each, str(each), item, definitions) is each for each in value
            )
            return value if fits else MISSING
        case Constant(constant):
            return value if constant == value and type(constant) is type(value) else MISSING
    return MISSING


def _is_decimal(text: str) -> bool:
    return re.fullmatch(r"[+-]?\d+(\.\d+)?", text, re.ASCII) is not None
