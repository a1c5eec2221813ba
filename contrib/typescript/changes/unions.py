"""Unions: which parts belong together, and which were added or removed."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from django_matt.contrib.typescript.changes.canonical import canonical
from django_matt.contrib.typescript.changes.keywords import show
from django_matt.contrib.typescript.changes.schemas import Core, Documents, name_of

if TYPE_CHECKING:
    from django_matt.contrib.typescript.changes.walks import Walk

__all__ = [
    "compare_all_of",
    "compare_discriminators",
    "compare_unions",
    "is_simple",
    "label_of",
    "match_parts",
]

_UNIONS: Final = ("anyOf", "oneOf")

Parts = list[Any]


def label_of(part: Any) -> str:
    """Return how a part of a union is called: its component, its title, its type."""
    if not isinstance(part, Mapping):
        return str(part)
    kind = part.get("type")
    if isinstance(kind, list):
        kind = " or ".join(map(str, kind))
    return str(name_of(part.get("$ref")) or part.get("title") or part.get("const") or kind or "any")


def is_simple(part: Any) -> bool:
    """Tell whether a part is one type that is no object with properties."""
    if not isinstance(part, Mapping):
        return False
    kind = part.get("type")
    one = isinstance(kind, str) or (isinstance(kind, list) and len(kind) == 1)
    return one and not part.keys() & {
        "$ref",
        "allOf",
        "anyOf",
        "oneOf",
        "not",
        "properties",
        "const",
    }


def match_parts(
    documents: Documents, before: Parts, after: Parts
) -> tuple[list[tuple[Any, Any]], Parts, Parts]:
    """Return the pairs that differ, what was removed, and what was added.

    Parts belong together if they are equal, have the same component, title or constant, or are the only ones of a type.
    """
    old, new = list(before), list(after)
    for part in before:
        equal = next((each for each in new if documents.same(part, each)), None)
        if equal is None:
            written = canonical(part)
            candidates = (each for each in new if canonical(each) == written)
            equal = next((each for each in candidates if documents.same(each, each)), None)
        if equal is not None:
            _drop(old, part)
            _drop(new, equal)
    matched: list[tuple[Any, Any]] = []
    for key in (_component, _title, _constant, _type):
        for part, other in _pairs(old, new, key):
            matched.append((part, other))
            _drop(old, part)
            _drop(new, other)
    return matched, old, new


def _drop(parts: Parts, part: Any) -> None:
    for number, each in enumerate(parts):
        if each is part:
            del parts[number]
            return


def _pairs(
    old: Parts, new: Parts, key: Callable[[Mapping[str, Any]], Hashable]
) -> list[tuple[Any, Any]]:
    """Return the pairs of which each is the only one with its key."""
    sides = []
    for parts in (old, new):
        keyed: dict[Hashable, list[Any]] = {}
        for part in parts:
            found = key(part) if isinstance(part, Mapping) else None
            if found is not None:
                keyed.setdefault(found, []).append(part)
        sides.append({name: each[0] for name, each in keyed.items() if len(each) == 1})
    return [(part, sides[1][name]) for name, part in sides[0].items() if name in sides[1]]


def _component(part: Mapping[str, Any]) -> Hashable:
    return name_of(part.get("$ref"))


def _title(part: Mapping[str, Any]) -> Hashable:
    title = part.get("title")
    return title if isinstance(title, str) else None


def _constant(part: Mapping[str, Any]) -> Hashable:
    return canonical(part["const"]) if "const" in part else None


def _type(part: Mapping[str, Any]) -> Hashable:
    kind = part.get("type")
    if "$ref" in part or kind is None:
        return None
    return canonical(kind if isinstance(kind, list) else [kind])


def compare_unions(walk: "Walk", one: Core, two: Core, place: str) -> bool:
    """Compare unions with each other, or a union with a single schema; tell whether that was everything."""
    old, new = _union_of(one), _union_of(two)
    if old is None and new is None:
        return False
    before, after = _parts(one, old), _parts(two, new)
    if before is None or after is None:
        return False
    walk.compare_null(one, two, place)
    if old is None and new == "oneOf" and place == "" and "properties" in one.keywords:
        walk.note("{}-wrapped-in-one-of", place, f"is now one of {len(after)} schemas")
        return True
    if old and new:
        compare_discriminators(walk, one.keywords, two.keywords, place)
    if old and new and old != new:
        walk.note("{}-union-kind-changed", place, f"{old} became {new}")
    matched, removed, added = match_parts(walk.documents, before, after)
    for was, now in matched:
        walk.compare(was, now, f"{place}({label_of(now)})")
    if removed or added:
        simple = all(map(is_simple, [*before, *after]))
        _parts_changed(walk, place, removed, added, simple=simple, exclusive="oneOf" in (old, new))
    return True


def _parts_changed(
    walk: "Walk", place: str, removed: list[Any], added: list[Any], *, simple: bool, exclusive: bool
) -> None:
    gone, come = (", ".join(map(label_of, each)) for each in (removed, added))
    if simple:
        narrowed = bool(removed) if walk.request else not added
        text = "; ".join(
            f"{word} {names}" for word, names in (("added", come), ("removed", gone)) if names
        )
        rule = "narrowed" if narrowed else "widened"
        walk.note(f"{{}}-list-of-types-{rule}", place, text)
        return
    kind = "one-of" if exclusive else "any-of"
    if removed:
        walk.note(f"{{}}-{kind}-removed", place, f"removed {gone}")
    if added:
        walk.note(f"{{}}-{kind}-added", place, f"added {come}")
        if kind == "any-of" and not walk.request:
            walk.note("{}-any-of-widened", place, f"may now be {come}")


def compare_all_of(
    walk: "Walk", old: Mapping[str, Any], new: Mapping[str, Any], place: str
) -> None:
    """Compare the schemas that all have to match."""
    if "allOf" not in old and "allOf" not in new:
        return
    before, after = old.get("allOf") or [], new.get("allOf") or []
    matched, removed, added = match_parts(walk.documents, before, after)
    for was, now in matched:
        walk.compare(was, now, f"{place}({label_of(now)})")
    if removed:
        names = ", ".join(map(label_of, removed))
        walk.note("{}-all-of-removed", place, f"removed {names}")
    if added:
        walk.note("{}-all-of-added", place, f"added {', '.join(map(label_of, added))}")


def compare_discriminators(
    walk: "Walk", old: Mapping[str, Any], new: Mapping[str, Any], place: str
) -> None:
    """Compare what tells the schemas of a union apart."""
    was, now = old.get("discriminator"), new.get("discriminator")
    if was == now:
        return
    if not isinstance(was, Mapping) or not isinstance(now, Mapping):
        kind = "added" if now else "removed"
        walk.note(f"{{}}-discriminator-{kind}", place, f"the discriminator was {kind}")
        return
    if was.get("propertyName") != now.get("propertyName"):
        text = f"from {show(was.get('propertyName'))} to {show(now.get('propertyName'))}"
        walk.note("{}-discriminator-property-name-changed", place, text)
    before, after = was.get("mapping") or {}, now.get("mapping") or {}
    for kind, names in (
        ("added", after.keys() - before.keys()),
        ("deleted", before.keys() - after.keys()),
        ("changed", {each for each in before if each in after and before[each] != after[each]}),
    ):
        if names:
            walk.note(f"{{}}-discriminator-mapping-{kind}", place, ", ".join(sorted(names)))


def _union_of(core: Core) -> str | None:
    return next((kind for kind in _UNIONS if kind in core.keywords), None)


def _parts(core: Core, kind: str | None) -> list[Any] | None:
    """Return the parts of a union, or a schema as the only part; None if there is more than the union."""
    if core.reference is not None:
        name = core.reference.replace("~", "~0").replace("/", "~1")
        return [{"$ref": f"#/components/schemas/{name}"}]
    if kind is None:
        types = core.keywords.get("type")
        one = types[0] if isinstance(types, list) and len(types) == 1 else None
        return [{**core.keywords, "type": one} if one else core.keywords]
    rest: Iterable[str] = core.keywords.keys() - {kind, "discriminator"}
    parts = core.keywords[kind]
    return parts if not rest and isinstance(parts, list) else None
