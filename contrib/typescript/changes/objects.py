"""Properties: added, removed, required, and sent in one direction only."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django_matt.contrib.typescript.changes.walks import Walk

__all__ = ["compare_objects"]


def compare_objects(
    walk: "Walk", old: Mapping[str, Any], new: Mapping[str, Any], place: str
) -> None:
    """Compare the properties of two objects, and what else they may have."""
    before, after = old.get("properties") or {}, new.get("properties") or {}
    was, now = set(old.get("required") or ()), set(new.get("required") or ())
    for name in sorted(before.keys() | after.keys() | (was ^ now)):
        at = f"{place}/{name}"
        if name in before and name not in after:
            _removed(walk, before[name], at, required=name in was)
        elif name in after and name not in before:
            _added(walk, after[name], at, required=name in now)
        elif name not in before or not _is_hidden(walk, before[name], after[name], at):
            _required(walk, name in was, name in now, after.get(name), at)
            if name in before:
                walk.compare(before[name], after[name], at)
    _additional(walk, old, new, place)


def _required(walk: "Walk", was: bool, now: bool, schema: Any, at: str) -> None:
    if was == now:
        return
    rule = f"{walk.direction}-property-became-{'required' if now else 'optional'}"
    if walk.request and now and _default(walk, schema, 1) is not None:
        rule = f"{rule}-with-default"
    walk.note(rule, at, "became required" if now else "became optional")


def _default(walk: "Walk", schema: Any, side: int) -> Any:
    core = walk.documents.resolve(walk.documents.unwrap(schema, side), side)
    return core.around.get("default")


def _removed(walk: "Walk", schema: Any, at: str, *, required: bool) -> None:
    if _flag(walk, schema, 0):
        walk.note(_hidden_rule(walk), at, "was removed")
    elif walk.request:
        walk.note("request-property-removed", at, "was removed")
    else:
        kind = "required" if required else "optional"
        walk.note(f"response-{kind}-property-removed", at, "was removed")


def _added(walk: "Walk", schema: Any, at: str, *, required: bool) -> None:
    kind = "required" if required else "optional"
    if _flag(walk, schema, 1):
        walk.note(_hidden_rule(walk), at, "was added")
    elif not walk.request:
        walk.note(f"response-{kind}-property-added", at, "was added")
    elif required and _default(walk, schema, 1) is not None:
        walk.note("new-required-request-property-with-default", at, "was added, required")
    else:
        text = "was added, required" if required else "was added, optional"
        walk.note(f"new-{kind}-request-property", at, text)


def _hidden_rule(walk: "Walk") -> str:
    mode = "request-read-only" if walk.request else "response-write-only"
    return f"{mode}-property-changed"


def _flag(walk: "Walk", schema: Any, side: int, name: str | None = None) -> bool:
    """Tell whether clients do not send, or not receive, a property."""
    if not walk.documents.one_way:
        return False
    name = name or ("readOnly" if walk.request else "writeOnly")
    core = walk.documents.unwrap(schema, side)
    return bool(walk.documents.resolve(core, side).around.get(name))


def _is_hidden(walk: "Walk", before: Any, after: Any, at: str) -> bool:
    """Note a change of ``readOnly`` and ``writeOnly``; tell whether nothing else matters in this direction."""
    if not walk.documents.one_way:
        return False
    if walk.documents.same(before, after):
        return _flag(walk, before, 0)
    for name, mode in (("readOnly", "read-only"), ("writeOnly", "write-only")):
        was, now = _flag(walk, before, 0, name), _flag(walk, after, 1, name)
        if was != now:
            word = "became" if now else "became-not"
            rule = f"{walk.direction}-optional-property-{word}-{mode}"
            walk.note(rule, at, rule.partition("property-")[2].replace("-", " "))
    if _flag(walk, before, 0) and _flag(walk, after, 1):
        walk.note(_hidden_rule(walk), at, "changed")
        return True
    return False


def _additional(walk: "Walk", old: Mapping[str, Any], new: Mapping[str, Any], place: str) -> None:
    before, after = old.get("additionalProperties", True), new.get("additionalProperties", True)
    if before == after and isinstance(before, bool):
        return
    if before is False:
        text = "properties without a name of their own are allowed"
        walk.note("{}-additional-properties-allowed", place, text)
    elif after is False:
        text = "properties without a name of their own are forbidden"
        walk.note("{}-additional-properties-forbidden", place, text)
    else:
        walk.compare(before, after, f"{place}/*")
