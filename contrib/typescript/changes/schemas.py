"""Schemas without the ways in which one type can be written differently: references, ``null``, unions of one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["DOCUMENTATION", "Core", "Documents", "find_references", "name_of"]

DOCUMENTATION: Final = frozenset(
    {"title", "description", "summary", "example", "examples", "externalDocs", "$comment"}
)
"""Keywords for readers."""

_AROUND: Final = DOCUMENTATION | {"default", "deprecated", "readOnly", "writeOnly"}
"""Keywords that may be next to a reference or a union without changing which values are valid."""

_SCHEMAS: Final = "#/components/schemas/"


@dataclass(frozen=True, slots=True)
class Core:
    """A schema, and whether it also accepts ``null``."""

    nullable: bool
    reference: str | None
    """The name of a component, if the schema is a reference to it; ``keywords`` is then empty."""
    keywords: Mapping[str, Any]
    around: Mapping[str, Any]
    """The keywords next to the reference: the default, the description …"""


class Documents:
    """Both documents, and which of their components differ."""

    def __init__(self, base: Mapping[str, Any], revision: Mapping[str, Any]) -> None:
        """Compare the components of two documents by their names."""
        self.sides = (base, revision)
        self.components = [each.get("components") or {} for each in self.sides]
        self.schemas = [each.get("schemas") or {} for each in self.components]
        self.differing = _find_differing(*self.components)
        """References whose target differs, or refers to one that does."""
        # Parts live as long as the documents, so their ids are keys. What is made of parts is not kept.
        self._leads: dict[int, bool] = {}
        self.one_way = False
        """Whether something is sent in one direction only, which is rare."""
        self._cores: dict[tuple[int, int], Core] = {}
        for each in self.sides:
            self._note_leads(each)

    def _note_leads(self, part: Any) -> bool:
        """Note for each object and list of a document whether it leads to a component that differs."""
        values = part.values() if isinstance(part, dict) else part
        inner = [self._note_leads(each) for each in values if isinstance(each, (dict, list))]
        reference = None
        if isinstance(part, dict):
            reference = part.get("$ref")
            self.one_way = self.one_way or "readOnly" in part or "writeOnly" in part
        found = any(inner) or (isinstance(reference, str) and reference in self.differing)
        self._leads[id(part)] = found
        return found

    def same(self, before: Any, after: Any) -> bool:
        """Tell whether two parts are equal, with everything that they refer to."""
        if before is not after and before != after:
            return False
        leads = self._leads.get(id(before))
        if leads is None:
            leads = not self.differing.isdisjoint(find_references(before))
        return not leads

    def is_part(self, part: Any) -> bool:
        """Tell whether an object or a list is in one of the documents."""
        return id(part) in self._leads

    def follow(self, part: Any, side: int) -> Any:
        """Return what a part refers to, if it is a reference to any component but a schema."""
        for _ in range(10):
            reference = part.get("$ref") if isinstance(part, Mapping) else None
            if not isinstance(reference, str) or not reference.startswith("#/components/"):
                return part
            kind, _, name = reference.removeprefix("#/components/").partition("/")
            part = (self.components[side].get(kind) or {}).get(name, {})
        return part

    def unwrap(self, schema: Any, side: int) -> Core:
        """Return a schema without the union with ``null``, and without unions of one."""
        key = (id(schema), side)
        if key not in self._cores:
            found = self._unwrap(schema, side)
            if not self.is_part(schema):
                return found
            self._cores[key] = found
        return self._cores[key]

    def _unwrap(self, schema: Any, side: int) -> Core:
        nullable, around = False, dict[str, Any]()
        while True:
            if schema is True:
                schema = {}
            if schema is False:
                schema = {"not": {}}
            if not isinstance(schema, Mapping):
                return Core(nullable, None, {"": schema}, around)
            name = name_of(schema.get("$ref"))
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            if name is not None and name in self.schemas[side]:
                if all(map(_is_around, beside)):
                    return Core(nullable, name, {}, {**beside, **around})
                target = self.schemas[side][name]
                schema = {**target, **beside} if isinstance(target, Mapping) else beside
                continue
            inner = _only_part(schema)
            if inner is None:
                return _without_null(schema, nullable, around)
            part, with_null, keyword = inner
            nullable = nullable or with_null
            around = {
                **{key: value for key, value in schema.items() if key != keyword},
                **around,
            }
            schema = part

    def resolve(self, core: Core, side: int) -> Core:
        """Return a core that is no reference."""
        seen: set[str] = set()
        while core.reference is not None and core.reference not in seen:
            seen.add(core.reference)
            found = self.unwrap(self.schemas[side][core.reference], side)
            around = {**found.around, **core.around}
            core = Core(core.nullable or found.nullable, found.reference, found.keywords, around)
        return core if core.reference is None else Core(core.nullable, None, {}, core.around)


def name_of(reference: Any) -> str | None:
    """Return the name of the schema that ``#/components/schemas/Name`` refers to; None for anything else."""
    if isinstance(reference, str) and reference.startswith(_SCHEMAS):
        return reference.removeprefix(_SCHEMAS).replace("~1", "/").replace("~0", "~")
    return None


def find_references(part: Any) -> set[str]:
    """Return all references in a part of a document."""
    found: set[str] = set()
    waiting = [part]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            reference = each.get("$ref")
            if isinstance(reference, str):
                found.add(reference)
            waiting += [value for value in each.values() if isinstance(value, (dict, list))]
        elif isinstance(each, list):
            waiting += [value for value in each if isinstance(value, (dict, list))]
    return found


def _find_differing(base: Mapping[str, Any], revision: Mapping[str, Any]) -> frozenset[str]:
    used_by: dict[str, set[str]] = {}
    waiting: list[str] = []
    for kind in {**base, **revision}:
        before, after = base.get(kind) or {}, revision.get(kind) or {}
        for name in {**before, **after}:
            here = f"#/components/{kind}/{name.replace('~', '~0').replace('/', '~1')}"
            if before.get(name) != after.get(name):
                waiting.append(here)
            for each in find_references(after.get(name)) | find_references(before.get(name)):
                used_by.setdefault(each, set()).add(here)
    found: set[str] = set()
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += used_by.get(each, ())
    return frozenset(found)


def _only_part(schema: Mapping[str, Any]) -> tuple[Any, bool, str] | None:
    """Return the one part of a union or of an ``allOf`` besides ``null``, if nothing else limits the values."""
    for keyword in ("anyOf", "oneOf", "allOf"):
        parts = schema.get(keyword)
        if not isinstance(parts, list) or not all(map(_is_around, schema.keys() - {keyword})):
            continue
        others = parts if keyword == "allOf" else [part for part in parts if not _is_null(part)]
        if len(others) == 1:
            return others[0], len(others) < len(parts), keyword
    return None


def _is_around(keyword: str) -> bool:
    return keyword in _AROUND or keyword.startswith("x-")


def _is_null(part: Any) -> bool:
    return isinstance(part, Mapping) and part.get("type") == "null"


def _without_null(schema: Mapping[str, Any], nullable: bool, around: Mapping[str, Any]) -> Core:
    """Take ``null`` out of the types, the values and the parts of a schema."""
    keywords = dict(schema)
    types = keywords.get("type")
    if isinstance(types, str):
        types = [types]
    if isinstance(types, list):
        rest = sorted({each for each in types if each != "null"})
        if rest:
            nullable = nullable or len(rest) < len(set(types))
            keywords["type"] = rest
        else:
            keywords["type"] = ["null"]
    for keyword in ("anyOf", "oneOf"):
        parts = keywords.get(keyword)
        if isinstance(parts, list) and any(map(_is_null, parts)):
            nullable = True
            keywords[keyword] = [part for part in parts if not _is_null(part)]
    values = keywords.get("enum")
    if isinstance(values, list) and None in values and len(values) > 1:
        nullable = nullable or types is None
        keywords["enum"] = [each for each in values if each is not None]
    inside = {key: value for key, value in keywords.items() if _is_around(key)}
    return Core(
        nullable,
        None,
        {key: value for key, value in keywords.items() if not _is_around(key)},
        {**inside, **around},
    )
