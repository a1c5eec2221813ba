"""The comparison of one operation: its parameters, bodies, responses, authentication and lifecycle."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from django_matt.contrib.typescript.changes.canonical import canonical
from django_matt.contrib.typescript.changes.comparison import Comparison, Direction
from django_matt.contrib.typescript.changes.rules import UNCLASSIFIED
from django_matt.contrib.typescript.changes.schemas import DOCUMENTATION
from django_matt.contrib.typescript.changes.security import compare_requirements
from django_matt.contrib.typescript.changes.sunsets import compare_deprecation

__all__ = ["OperationComparison"]

Part = Mapping[str, Any]

_LIFECYCLE: Final = {"deprecated", "x-sunset"}
_PARTS: Final = {
    "operationId",
    "parameters",
    "requestBody",
    "responses",
    "security",
    "servers",
    "tags",
    *DOCUMENTATION,
    *_LIFECYCLE,
}
_MEDIA_TYPE: Final = {"schema", "encoding", *DOCUMENTATION}


class OperationComparison:
    """Compares two operations of the same method and path."""

    def __init__(
        self,
        comparison: Comparison,
        sides: tuple[Part, Part],
        today: date,
        renamed: Mapping[str, str],
    ) -> None:
        """``renamed`` are the old names of the path's parameters by the new ones."""
        self.comparison = comparison
        self.documents = comparison.documents
        self.sides, self.today, self.renamed = sides, today, renamed
        self.found: list[tuple[str, str, str]] = []
        """Place, rule and text of each difference."""

    def note(self, rule: str, place: str, text: str) -> None:
        """Note a difference; texts and extensions are reported once for an operation."""
        if rule == "documentation-changed":
            place, text = "", "descriptions, titles or examples changed"
        self.found.append((place, rule, text))

    def compare(self, old: Part, new: Part) -> None:
        """Compare everything that the operations say."""
        self._parameters(old.get("parameters") or [], new.get("parameters") or [])
        self._request_body(old.get("requestBody"), new.get("requestBody"))
        self._responses(old.get("responses") or {}, new.get("responses") or {})
        self._security(old, new)
        for rule, text in compare_deprecation(old, new, self.today):
            self.note(rule, "", text)
        self._names(old, new)
        self._rest(old, new, _PARTS, "")

    def _names(self, old: Part, new: Part) -> None:
        was, now = old.get("operationId"), new.get("operationId")
        if was != now:
            rule = "api-operation-id-removed" if was else "api-operation-id-added"
            self.note(rule, "", f"the operation id changed from {was} to {now}")
        before, after = set(old.get("tags") or ()), set(new.get("tags") or ())
        for tag in sorted(before - after):
            self.note("api-tag-removed", "", f"the tag {tag} was removed")
        for tag in sorted(after - before):
            self.note("api-tag-added", "", f"the tag {tag} was added")
        if old.get("servers") != new.get("servers"):
            self.note("api-servers-changed", "", "the servers of the operation changed")

    def _rest(self, old: Part, new: Part, known: set[str], place: str) -> None:
        """Note what differs of the texts, the extensions, and what no rule knows."""
        for key in sorted(old.keys() | new.keys()):
            if key in known - DOCUMENTATION or old.get(key) == new.get(key):
                continue
            if key in DOCUMENTATION:
                self.note("documentation-changed", place, key)
            elif key.startswith("x-"):
                self.note("extension-changed", place, f"{key} changed")
            else:
                self.note(UNCLASSIFIED, place, f"no rule explains the change of {key}")

    def _security(self, old: Part, new: Part) -> None:
        asked: list[Any] = []
        for side, operation in enumerate((old, new)):
            own = operation.get("security")
            asked.append(self.sides[side].get("security") or [] if own is None else own)
        was, now = (each.get("securitySchemes") or {} for each in self.documents.components)
        for rule, text in compare_requirements(asked[0], asked[1], (was, now)):
            self.note(rule, "", text)

    # ---- parameters ----

    def _parameters(self, old: list[Any], new: list[Any]) -> None:
        before, after = self._by_name(old, 0), self._by_name(new, 1)
        for key in sorted(before.keys() | after.keys()):
            where, name = key
            place = f"{where} parameter {name}"
            if key not in after:
                gone = "-with-deprecation" if before[key].get("deprecated") else ""
                self.note(f"request-parameter-removed{gone}", place, "was removed")
            elif key not in before:
                self._added(after[key], where, place)
            elif not self.documents.same(before[key], after[key]):
                self._parameter(before[key], after[key], place)

    def _by_name(self, parameters: list[Any], side: int) -> dict[tuple[str, str], Part]:
        found: dict[tuple[str, str], Part] = {}
        for each in parameters:
            parameter = self.documents.follow(each, side)
            where, name = str(parameter.get("in")), str(parameter.get("name"))
            if where == "header":
                name = name.lower()
            if where == "path" and side == 1 and self.renamed.get(name, name) != name:
                old = self.renamed[name]
                text = f"{old} is now named {name}; the address stays the same"
                self.note("request-path-parameter-renamed", f"path parameter {name}", text)
                parameter, name = {**parameter, "name": old}, old
            found[where, name] = parameter
        return found

    def _added(self, parameter: Part, where: str, place: str) -> None:
        if where == "path":
            self.note("new-request-path-parameter", place, "was added")
        elif parameter.get("required"):
            self.note("new-required-request-parameter", place, "was added, required")
        else:
            self.note("new-optional-request-parameter", place, "was added, optional")

    def _parameter(self, old: Part, new: Part, place: str) -> None:
        was, now = bool(old.get("required")), bool(new.get("required"))
        if was != now:
            word = "required" if now else "optional"
            self.note(f"request-parameter-became-{word}", place, f"became {word}")
        if bool(old.get("deprecated")) != bool(new.get("deprecated")):
            word = "deprecated" if new.get("deprecated") else "reactivated"
            self.note(f"request-parameter-{word}", place, f"is {word}")
        style = ("style", "explode", "allowReserved", "allowEmptyValue")
        if any(old.get(key) != new.get(key) for key in style):
            self.note(
                "request-parameter-style-changed", place, "is written differently in the request"
            )
        if "content" in old or "content" in new:
            before, after = _first(old.get("content")), _first(new.get("content"))
            if before[0] != after[0]:
                self.note(
                    UNCLASSIFIED, place, f"the media type changed from {before[0]} to {after[0]}"
                )
            self._schemas(before[1], after[1], "request-parameter", place)
        loose = "content" not in old and "content" not in new
        self._schemas(old, new, "request-parameter", place, loose=loose)
        known = {
            "name",
            "in",
            "required",
            "deprecated",
            "schema",
            "content",
            *style,
            *DOCUMENTATION,
        }
        self._rest(old, new, known, place)

    # ---- bodies ----

    def _schemas(
        self, old: Part, new: Part, subject: str, place: str, *, loose: bool = False
    ) -> None:
        """Compare the schemas of two media types, parameters or headers."""
        before, after = old.get("schema", {}), new.get("schema", {})
        for rule, at, text in self.comparison.find(before, after, subject, loose=loose):
            self.note(rule, f"{place}: {at}" if at else place, text)

    def _request_body(self, old: Any, new: Any) -> None:
        old, new = self.documents.follow(old, 0), self.documents.follow(new, 1)
        if self.documents.same(old, new):
            return
        place = "request body"
        if not old or not new:
            if new:
                word = "required" if new.get("required") else "optional"
                self.note(f"request-body-added-{word}", place, f"was added, {word}")
            elif old:
                self.note("request-body-removed", place, "was removed")
            return
        was, now = bool(old.get("required")), bool(new.get("required"))
        if was != now:
            word = "required" if now else "optional"
            self.note(f"request-body-became-{word}", place, f"became {word}")
        self._content(old.get("content") or {}, new.get("content") or {}, "request", place)
        self._rest(old, new, {"content", "required", *DOCUMENTATION}, place)

    def _content(self, old: Part, new: Part, direction: Direction, place: str) -> None:
        """Compare a body by its media types."""
        prefix = "request-body" if direction == "request" else "response"
        for name in sorted(old.keys() | new.keys()):
            if name not in old or name not in new:
                word = "added" if name in new else "removed"
                self.note(f"{prefix}-media-type-{word}", place, f"{name} was {word}")
                continue
            was, now = old[name], new[name]
            if self.documents.same(was, now):
                continue
            if ("schema" in was) != ("schema" in now):
                word = "added" if "schema" in now else "removed"
                self.note(
                    f"{direction}-body-media-type-schema-{word}",
                    place,
                    f"the schema of {name} was {word}",
                )
            else:
                at = place if name == "application/json" else f"{place} ({name})"
                json = name == "application/json" or name.endswith("+json")
                self._schemas(was, now, f"{direction}-body", at, loose=not json)
            if canonical(was.get("encoding")) != canonical(now.get("encoding")):
                self.note("request-body-encoding-changed", place, f"the encoding of {name} changed")
            self._rest(was, now, _MEDIA_TYPE, place)

    # ---- responses ----

    def _responses(self, old: Part, new: Part) -> None:
        for status in sorted(old.keys() | new.keys()):
            kind = "success" if str(status).startswith("2") else "non-success"
            place = f"response {status}"
            if status not in old or status not in new:
                word = "added" if status in new else "removed"
                self.note(f"response-{kind}-status-{word}", place, f"was {word}")
                continue
            if self.documents.same(old[status], new[status]):
                continue
            was = self.documents.follow(old[status], 0)
            now = self.documents.follow(new[status], 1)
            self._content(was.get("content") or {}, now.get("content") or {}, "response", place)
            self._headers(was.get("headers") or {}, now.get("headers") or {}, place)
            if canonical(was.get("links")) != canonical(now.get("links")):
                self.note("response-links-changed", place, "the links changed")
            self._rest(was, now, {"content", "headers", "links", *DOCUMENTATION}, place)

    def _headers(self, old: Part, new: Part, place: str) -> None:
        before, after = (
            {name.lower(): self.documents.follow(header, side) for name, header in headers.items()}
            for side, headers in enumerate((old, new))
        )
        for name in sorted(before.keys() | after.keys()):
            at = f"{place}, header {name}"
            was, now = before.get(name), after.get(name)
            if was is None:
                self.note("response-header-added", at, "was added")
            elif now is None:
                kind = "required" if was.get("required") else "optional"
                self.note(f"{kind}-response-header-removed", at, "was removed")
            elif not self.documents.same(was, now):
                if bool(was.get("required")) != bool(now.get("required")):
                    word = "required" if now.get("required") else "optional"
                    self.note(f"response-header-became-{word}", at, f"became {word}")
                self._schemas(was, now, "response-header", at, loose=True)
                self._rest(was, now, {"required", "schema", *DOCUMENTATION}, at)


def _first(content: Part | None) -> tuple[str, Part]:
    """Return the media type of a parameter, which has one; nothing if it has a schema instead."""
    return next(iter((content or {}).items()), ("", {}))
