"""``enums.ts``: the values of enums and of ``choices`` as constant objects, beside the unions in ``schema.d.ts``."""

import sys
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from django.db.models import Choices, Field
from pydantic import BaseModel

from django_matt.contrib.typescript.comments import schema_comment
from django_matt.contrib.typescript.declarations import refer
from django_matt.contrib.typescript.documents import Document
from django_matt.contrib.typescript.names import Names, identifier, pascal
from django_matt.contrib.typescript.settings import TypeScriptSettings
from django_matt.contrib.typescript.types import literal, object_key
from django_matt.openapi.columns import columns_of

__all__ = ["emit"]


def emit(document: Document, options: TypeScriptSettings) -> dict[str, str]:
    """Return ``enums.ts``, or nothing if the document has no enums."""
    names = Names()
    known: dict[tuple[str, tuple[Any, ...]], None] = {}
    texts: list[str] = []
    for wanted, members, comment in _enums(document, refer(document, options).names):
        key = wanted, tuple(members.items())
        if not members or key in known:
            continue
        known[key] = None
        name = names.add(wanted)
        lines = "".join(
            f"  {object_key(member)}: {literal(value)},\n" for member, value in members.items()
        )
        texts.append(
            f"{comment}export const {name} = {{\n{lines}}} as const;\n"
            f"export type {name} = (typeof {name})[keyof typeof {name}];\n"
        )
    return {"enums.ts": "\n".join(texts)} if texts else {}


def _enums(
    document: Document, names: Mapping[str, str]
) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield the name, the members and the comment of each enum."""
    for component, schema in document.schemas.items():
        cls = document.classes.get(component)
        if "enum" in schema:
            yield names[component], _members(schema["enum"], cls), schema_comment(schema, "")
        columns = dict(columns_of(cls)) if cls is not None and issubclass(cls, BaseModel) else {}
        for name, each in schema.get("properties", {}).items():
            values = _values(each)
            if not values:
                continue
            named = _choices(columns.get(name))
            if named is None:
                wanted = f"{names[component]}{pascal(name)}"
                yield wanted, _members(values, None, _labels(columns.get(name))), ""
            else:
                yield named[0], _members(values, named[1]), ""


def _values(schema: Any) -> list[Any]:
    """Return the values of a property that is an enum, a nullable one, or a list of one."""
    if not isinstance(schema, dict):
        return []
    if "enum" in schema:
        return list(schema["enum"])
    branches = [schema.get("items"), *schema.get("anyOf", ())]
    found = [values for each in branches if (values := _values(each))]
    return found[0] if len(found) == 1 else []


def _choices(field: Any) -> tuple[str, type[Choices]] | None:
    """Return the class that a field's ``choices`` are from, with its name: ``OrderStatus`` for ``Order.Status``."""
    if not isinstance(field, Field):
        return None
    model = field.model
    # Inside of the model or of an abstract one, else beside it.
    places: list[tuple[str, Mapping[str, Any]]]
    places = [(model.__name__, vars(cls)) for cls in model.__mro__]
    places.append(("", vars(sys.modules[model.__module__])))
    for prefix, names in places:
        for each in names.values():
            if (
                isinstance(each, type)
                and issubclass(each, Choices)
                and each.choices == field.choices
            ):
                return identifier(f"{prefix}{each.__name__}"), each
    return None


def _labels(field: Any) -> dict[Any, str]:
    return {value: str(label) for value, label in getattr(field, "flatchoices", None) or ()}


def _members(
    values: list[Any], cls: type | None, labels: Mapping[Any, str] | None = None
) -> dict[str, Any]:
    """Return the values by name: of the enum, else the text itself, else its label. A number without one is left out."""
    named = {}
    if cls is not None and issubclass(cls, Enum):
        named = {member.value: name for name, member in cls.__members__.items()}
    found: dict[str, Any] = {}
    for value in values:
        label = (labels or {}).get(value)
        name = named.get(value) or (value if isinstance(value, str) else label and pascal(label))
        # The empty choice of blank=True has no name.
        if name and isinstance(value, (str, int)) and name not in found:
            found[name] = value
    return found
