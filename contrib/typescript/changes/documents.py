"""The comparison of two OpenAPI 3.1 documents: paths, components, and what the whole document says."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

from django.utils import timezone

from django_matt.contrib.typescript.changes.canonical import canonical
from django_matt.contrib.typescript.changes.comparison import Comparison
from django_matt.contrib.typescript.changes.operations import OperationComparison
from django_matt.contrib.typescript.changes.rules import UNCLASSIFIED, Change, severity_of
from django_matt.contrib.typescript.changes.schemas import DOCUMENTATION, Documents
from django_matt.contrib.typescript.changes.security import compare_schemes
from django_matt.contrib.typescript.changes.sunsets import removal
from django_matt.contrib.typescript.changes.versions import is_older_version

__all__ = ["METHODS", "compare"]

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_PARAMETER = re.compile(r"\{([^{}]*)\}")


def compare(
    base: Mapping[str, Any], revision: Mapping[str, Any], *, today: date | None = None
) -> list[Change]:
    """Return what changed from ``base`` to ``revision``, two OpenAPI 3.1 documents, sorted by path.

    ``today`` decides whether a route that was removed had passed its sunset.
    """
    found = sorted(set(_Comparison(base, revision, today or timezone.localdate()).run()))
    if not found and canonical(base) != canonical(revision):
        text = "the documents differ, and no rule explains how"
        found.append(Change((), "", UNCLASSIFIED, "error", text))
    return found


class _Comparison:
    def __init__(self, base: Mapping[str, Any], revision: Mapping[str, Any], today: date) -> None:
        self.base, self.revision, self.today = base, revision, today
        self.documents = Documents(base, revision)
        self.comparison = Comparison(self.documents)
        self.found: list[Change] = []
        schemes = [each.get("securitySchemes") for each in self.documents.components]
        self.same_security = (
            base.get("security") == revision.get("security") and schemes[0] == schemes[1]
        )

    def note(self, rule: str, text: str, place: str = "", *operations: str) -> None:
        severity = severity_of(rule)
        if severity is None:
            rule, severity, text = UNCLASSIFIED, "error", f"{text} ({rule})"
        self.found.append(Change(operations, place, rule, severity, text))

    def run(self) -> list[Change]:
        self._paths()
        for (rule, place, text), operations in self.comparison.find_shared():
            # Once for a component, not for each property.
            at = place.partition("/")[0] if rule == "documentation-changed" else place
            self.note(rule, text, at, *operations)
        self._components()
        self._document()
        return self.found

    # ---- paths ----

    def _paths(self) -> None:
        before, after = (
            {_shape(path): (path, item) for path, item in (each.get("paths") or {}).items()}
            for each in (self.base, self.revision)
        )
        for shape in before.keys() | after.keys():
            if shape not in after:
                self._removed_path(*before[shape])
            elif shape not in before:
                path, item = after[shape]
                for method, _ in _methods(self.documents.follow(item, 1)):
                    self.note("endpoint-added", "was added", "", f"{method.upper()} {path}")
            else:
                self._path(*before[shape], *after[shape])

    def _removed_path(self, path: str, item: Any) -> None:
        for method, operation in _methods(self.documents.follow(item, 0)):
            self._removed(path, method, operation, "api-path")

    def _removed(self, path: str, method: str, operation: Mapping[str, Any], prefix: str) -> None:
        rule, text = removal(operation, prefix, self.today)
        self.note(rule, text, "", f"{method.upper()} {path}")

    def _path(self, old_path: str, old: Any, path: str, new: Any) -> None:
        old, new = self.documents.follow(old, 0), self.documents.follow(new, 1)
        if old_path == path and self.same_security and self.documents.same(old, new):
            return
        before, after = dict(_methods(old)), dict(_methods(new))
        renamed = dict(zip(_PARAMETER.findall(path), _PARAMETER.findall(old_path), strict=True))
        for method in before.keys() | after.keys():
            if method not in after:
                self._removed(path, method, before[method], "api")
            elif method not in before:
                self.note("endpoint-added", "was added", "", f"{method.upper()} {path}")
            else:
                name = self.comparison.operation = f"{method.upper()} {path}"
                each = OperationComparison(
                    self.comparison, (self.base, self.revision), self.today, renamed
                )
                each.compare(_shared(old, before[method]), _shared(new, after[method]))
                for place, rule, text in each.found:
                    self.note(rule, text, place, name)
        known = {*METHODS, "parameters", "summary", "description"}
        for key in (old.keys() | new.keys()) - known:
            if old.get(key) != new.get(key):
                rule = "extension-changed" if key.startswith("x-") else UNCLASSIFIED
                self.note(
                    "api-servers-changed" if key == "servers" else rule, f"{key} changed", path
                )
        if any(old.get(key) != new.get(key) for key in ("summary", "description")):
            self.note("documentation-changed", "the documentation changed", path)

    # ---- everything else ----

    def _components(self) -> None:
        old, new = self.documents.components
        visited = self.comparison.visited
        for kind in sorted(old.keys() | new.keys()):
            before, after = old.get(kind) or {}, new.get(kind) or {}
            if kind == "securitySchemes":
                for rule, text in compare_schemes(before, after):
                    self.note(rule, text)
                continue
            for name in sorted(before.keys() | after.keys()):
                self._component(kind, name, before, after, visited)

    def _component(
        self,
        kind: str,
        name: str,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        visited: set[str],
    ) -> None:
        schema = kind == "schemas"
        if name not in before or name not in after:
            word = "added" if name in after else "removed"
            rule = f"api-schema-{word}" if schema else "api-component-changed"
            self.note(rule, f"{name} was {word} ({kind})")
        elif name in visited and schema:
            pass  # Its differences are those of the operations that use it.
        elif before[name] != after[name] and canonical(before[name]) != canonical(after[name]):
            rule = "api-schema-changed" if schema else "api-component-changed"
            self.note(rule, f"{name} changed ({kind})")

    def _document(self) -> None:
        old, new = dict(self.base.get("info") or {}), dict(self.revision.get("info") or {})
        if old.pop("version", None) != new.pop("version", None):
            before, after = (
                str((each.get("info") or {}).get("version")) for each in (self.base, self.revision)
            )
            rule = (
                "api-version-decreased"
                if is_older_version(before, after)
                else "api-version-changed"
            )
            self.note(rule, f"from {before} to {after}")
        if old != new:
            self.note("documentation-changed", "the title or the description changed")
        for key in sorted(self.base.keys() | self.revision.keys()):
            was, now = self.base.get(key), self.revision.get(key)
            if key in {"info", "paths", "components"} or canonical(was) == canonical(now):
                continue
            if key == "openapi":
                self.note("api-openapi-version-changed", f"from {was} to {now}")
            elif key == "security":
                self._global_security(was or [], now or [])
            elif key == "webhooks":
                self._webhooks(was or {}, now or {})
            elif key in {"servers", "tags"}:
                self.note(f"api-{key}-changed", f"the {key} of the document changed")
            elif key in DOCUMENTATION:
                self.note("documentation-changed", f"{key} changed")
            elif key.startswith("x-"):
                self.note("extension-changed", f"{key} changed")
            else:
                self.note(UNCLASSIFIED, f"no rule explains the change of {key}")

    def _global_security(self, was: list[Any], now: list[Any]) -> None:
        before, after = set(map(canonical, was)), set(map(canonical, now))
        for each in sorted(before - after):
            self.note("api-global-security-removed", f"{each} was removed")
        for each in sorted(after - before):
            self.note("api-global-security-added", f"{each} was added")

    def _webhooks(self, was: Mapping[str, Any], now: Mapping[str, Any]) -> None:
        for name in sorted(was.keys() | now.keys()):
            if name not in now:
                self.note("webhook-removed", f"{name} was removed")
            elif name not in was:
                self.note("webhook-added", f"{name} was added")
            elif not self.documents.same(was[name], now[name]):
                self.note(UNCLASSIFIED, f"no rule explains the change of the webhook {name}")


def _shape(path: str) -> str:
    """Return a path without the names of its parameters, which no request contains."""
    return _PARAMETER.sub("{}", path)


def _methods(item: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for method in METHODS:
        if isinstance(item, Mapping) and isinstance(item.get(method), Mapping):
            yield method, item[method]


def _shared(item: Mapping[str, Any], operation: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an operation with the parameters of its path."""
    shared = item.get("parameters")
    return (
        {**operation, "parameters": [*shared, *(operation.get("parameters") or [])]}
        if shared
        else operation
    )
