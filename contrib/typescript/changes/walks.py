"""The comparison of two schemas up to the references in them."""

import json
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from django_matt.contrib.typescript.changes.canonical import canonical
from django_matt.contrib.typescript.changes.keywords import (
    BOUNDS,
    PRESENT,
    SINGLE,
    compare_bounds,
    compare_types,
    compare_values,
    show,
)
from django_matt.contrib.typescript.changes.objects import compare_objects
from django_matt.contrib.typescript.changes.rules import UNCLASSIFIED
from django_matt.contrib.typescript.changes.schemas import (
    DOCUMENTATION,
    Core,
    Documents,
    find_references,
    name_of,
)
from django_matt.contrib.typescript.changes.unions import (
    compare_all_of,
    compare_discriminators,
    compare_unions,
)

__all__ = ["Direction", "Found", "Walk"]

Direction = Literal["request", "response"]


class Found(NamedTuple):
    """A difference of two schemas."""

    rule: str
    """The id of a rule, or with ``{}`` for the part of the document: ``{}-became-nullable``."""
    place: str
    """The path to the property, ``""`` for the whole schema."""
    text: str


class Walk:
    """Compares two schemas up to the references in them, which are ``children``: a place and two names."""

    def __init__(self, documents: Documents, direction: Direction, *, loose: bool) -> None:
        """``loose``: every value is sent as text, as in a URL or a form."""
        self.documents = documents
        self.direction = direction
        self.request = direction == "request"
        self.loose = loose
        self.found: list[Found] = []
        self.children: list[tuple[str, str, str]] = []
        self._open: set[tuple[int, int]] = set()

    def note(self, rule: str, place: str, text: str) -> None:
        """Note a difference."""
        self.found.append(Found(rule, place, text))

    def compare(self, before: Any, after: Any, place: str) -> None:
        """Compare two schemas, and note what differs."""
        if self.documents.same(before, after):
            return
        if before == after and self._lead_on(before, place):
            return
        pair = (id(before), id(after))
        if pair in self._open:
            return  # A reference that keywords beside it limit, inside of itself.
        self._open.add(pair)
        noted = len(self.found), len(self.children)
        self._compare(before, after, place)
        self._open.discard(pair)
        if noted == (len(self.found), len(self.children)) and canonical(before) != canonical(after):
            self.note("schema-rewritten", place, "is written differently, and means the same")

    def _lead_on(self, schema: Any, place: str) -> bool:
        """Note the references of a schema that is the same on both sides, but leads to one that differs."""
        core = self.documents.unwrap(schema, 0)
        if core.reference is not None:
            self.children.append((place, core.reference, core.reference))
            return True
        references = self.documents.differing & find_references(schema)
        names = [name_of(each) for each in sorted(references)]
        known = self.documents.schemas
        if any(name not in known[0] or name not in known[1] for name in names):
            return False
        self.children += [(f"{place}/", name, name) for name in names if name is not None]
        return True

    def _compare(self, before: Any, after: Any, place: str) -> None:
        one, two = self.documents.unwrap(before, 0), self.documents.unwrap(after, 1)
        self._around(one.around, two.around, place)
        if one.reference and two.reference:
            self.compare_null(one, two, place)
            if one.reference != two.reference:
                text = f"the schema {one.reference} is now named {two.reference}"
                self.note("schema-renamed", place, text)
            self.children.append((place, one.reference, two.reference))
            return
        if compare_unions(self, one, two, place):
            return
        one, two = self.documents.resolve(one, 0), self.documents.resolve(two, 1)
        self.compare_null(one, two, place)
        self._keywords(one.keywords, two.keywords, place)

    def compare_null(self, one: Core, two: Core, place: str) -> None:
        """Compare whether two schemas accept null, which a schema that accepts anything does."""
        anything = any(not core.reference and not core.keywords for core in (one, two))
        if one.nullable != two.nullable and not anything:
            name = "became-nullable" if two.nullable else "became-not-nullable"
            self.note(f"{{}}-{name}", place, "may be null" if two.nullable else "is never null")

    def _around(self, old: Mapping[str, Any], new: Mapping[str, Any], place: str) -> None:
        """Compare what does not change which values are valid."""
        was, now = old.get("default"), new.get("default")
        if (was is not None or now is not None) and json.dumps(was) != json.dumps(now):
            kind = "added" if was is None else "removed" if now is None else "changed"
            text = f"the default changed from {show(was)} to {show(now)}"
            self.note(f"{{}}-default-value-{kind}", place, text)
        if bool(old.get("deprecated")) != bool(new.get("deprecated")):
            name = "deprecated" if new.get("deprecated") else "reactivated"
            self.note(f"{{}}-{name}", place, f"is {name}")
        if any(old.get(key) != new.get(key) for key in DOCUMENTATION):
            self.note("documentation-changed", place, "the documentation changed")
        for key in sorted(old.keys() | new.keys()):
            if key.startswith("x-") and old.get(key) != new.get(key):
                self.note("extension-changed", place, f"{key} changed")

    # ---- keywords ----

    def _keywords(self, old: Mapping[str, Any], new: Mapping[str, Any], place: str) -> None:
        types = list(compare_types(old, new, request=self.request, loose=self.loose))
        for name, text in types:
            self.note(f"{{}}-{name}", place, text)
        before, after = old.get("type"), new.get("type")
        if types and before and after:
            both = {*before, *after}
            if len(both) == len(before) + len(after) and both != {"integer", "number"}:
                return  # Everything else is about another type.
        for rule, text in [*compare_values(old, new), *compare_bounds(old, new)]:
            self.note(f"{{}}-{rule}" if rule else UNCLASSIFIED, place, text)
        for keyword, (added, removed, changed) in SINGLE.items():
            was, now = old.get(keyword) or None, new.get(keyword) or None
            if was != now:
                rule = added if was is None else removed if now is None else changed
                if rule == "pattern-changed" and now == ".*":
                    rule = "pattern-generalized"
                text = f"{keyword} changed from {show(was)} to {show(now)}"
                self.note(f"{{}}-{rule}", place, text)
        compare_objects(self, old, new, place)
        self._arrays(old, new, place)
        self._applied(old, new, place)
        compare_all_of(self, old, new, place)
        compare_discriminators(self, old, new, place)
        self._rest(old, new, place)

    def _rest(self, old: Mapping[str, Any], new: Mapping[str, Any], place: str) -> None:
        """Note the keywords that no rule knows."""
        for keyword in sorted((old.keys() | new.keys()) - _KNOWN):
            if old.get(keyword) != new.get(keyword) or (keyword in old) != (keyword in new):
                self.note(
                    UNCLASSIFIED, place, f"no rule explains the change of {keyword or 'this'}"
                )

    def _arrays(self, old: Mapping[str, Any], new: Mapping[str, Any], place: str) -> None:
        if "items" in old or "items" in new:
            self.compare(old.get("items", {}), new.get("items", {}), f"{place}[]")
        before, after = old.get("prefixItems") or [], new.get("prefixItems") or []
        for number, (was, now) in enumerate(zip(before, after, strict=False)):
            self.compare(was, now, f"{place}[{number}]")
        if len(before) != len(after):
            rule = "added" if len(after) > len(before) else "removed"
            text = f"the tuple has {len(after)} items and had {len(before)}"
            self.note(f"{{}}-prefix-items-{rule}", place, text)

    def _applied(self, old: Mapping[str, Any], new: Mapping[str, Any], place: str) -> None:
        """Compare schemas that other keywords apply."""
        for keyword, rule in PRESENT.items():
            if keyword not in old and keyword not in new:
                continue
            if keyword not in old or keyword not in new:
                kind = "added" if keyword in new else "removed"
                self.note(f"{{}}-{rule}-{kind}", place, f"{keyword} was {kind}")
            elif keyword not in {"if", "unevaluatedItems", "unevaluatedProperties"}:
                self.compare(old[keyword], new[keyword], f"{place}({keyword})")
            elif not self.documents.same(old[keyword], new[keyword]):
                self.note(UNCLASSIFIED, place, f"no rule explains the change of {keyword}")
        for keyword, rule in (
            ("patternProperties", "pattern-property"),
            ("dependentSchemas", "dependent-schema"),
        ):
            before, after = old.get(keyword) or {}, new.get(keyword) or {}
            for name in sorted(before.keys() | after.keys()):
                if name in before and name in after:
                    self.compare(before[name], after[name], f"{place}({keyword}: {name})")
                else:
                    kind = "added" if name in after else "removed"
                    self.note(f"{{}}-{rule}-{kind}", place, f"{name} was {kind}")
        before, after = old.get("dependentRequired") or {}, new.get("dependentRequired") or {}
        for name in sorted(before.keys() | after.keys()):
            was, now = before.get(name), after.get(name)
            if sorted(was or ()) != sorted(now or ()) or (was is None) != (now is None):
                kind = "added" if was is None else "removed" if now is None else "changed"
                self.note(f"{{}}-dependent-required-{kind}", place, f"{name}: {kind}")


_KNOWN = {
    *BOUNDS,
    *PRESENT,
    *SINGLE,
    "additionalProperties",
    "allOf",
    "const",
    "dependentRequired",
    "dependentSchemas",
    "discriminator",
    "enum",
    "format",
    "items",
    "patternProperties",
    "prefixItems",
    "properties",
    "required",
    "type",
}
