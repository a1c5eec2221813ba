"""Reports of changes: text for a terminal, Markdown for a pull request, JSON for programs."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from django_matt.contrib.typescript.changes.model_changes import ModelChange
from django_matt.contrib.typescript.changes.rules import UNCLASSIFIED, Change
from django_matt.contrib.typescript.markdown import escape

__all__ = ["FORMATS", "Report", "as_items", "fails"]

_HEADINGS: Final = (
    ("error", "Breaking"),
    ("warning", "May break clients"),
    ("info", "Other changes"),
)


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that one run of ``matt_types diff`` found."""

    title: str
    """The title of the API."""
    old_version: str
    version: str
    base: str
    """Where the base was found: ``main:openapi.json``."""
    changes: Sequence[Change]
    models: Sequence[ModelChange]
    new_version: bool = False
    """Whether the version is a new one, in which breaking changes are allowed."""

    def count(self, severity: str) -> int:
        """Return how many changes have a severity."""
        return sum(each.severity == severity for each in self.changes)

    @property
    def headline(self) -> str:
        """The numbers in one line."""
        if not self.changes and not self.models:
            return "No changes."
        parts = [
            _plural(self.count("error"), "breaking change"),
            _plural(self.count("warning"), "warning"),
            f"{self.count('info')} info",
        ]
        if self.models:
            parts.append(_plural(len(self.models), "change of models", "changes of models"))
        return f"{', '.join(parts)}."

    @property
    def allowed(self) -> str:
        """Why breaking changes do not fail, or an empty text."""
        if self.new_version and self.count("error"):
            return f"Version {self.version} is new, so breaking changes are allowed (before: {self.old_version})."
        return ""

    def as_text(self) -> str:
        """Return the report for a terminal."""
        lines = [f"{self.title}: {self.base} ({self.old_version}) → now ({self.version})"]
        for severity, heading in _HEADINGS:
            items = as_items(self.changes, severity)
            lines += ["", heading] if items else []
            lines += [f"  {operations}\n    {text} [{rule}]" for operations, text, rule in items]
        if self.models:
            lines += ["", "Models"]
            lines += [
                f"  {each.app}: {each.text} ({each.migration or f'no migration yet: {each.next_step}'})"
                for each in self.models
            ]
        lines += ["", *filter(None, [self.headline, self.allowed])]
        return "\n".join(lines) + "\n"

    def as_markdown(self) -> str:
        """Return the report for a pull request, or for ``$GITHUB_STEP_SUMMARY``."""
        versions = (
            self.version
            if self.version == self.old_version
            else f"{self.old_version} → {self.version}"
        )
        lines = [
            f"## {escape(self.title)} {escape(versions)}: {self.headline.rstrip('.').lower()}",
            "",
        ]
        if self.allowed:
            lines += [escape(self.allowed), ""]
        for severity, heading in _HEADINGS:
            items = as_items(self.changes, severity)
            if items:
                lines += [f"### {heading}", "", "| operation | change | rule |", "|---|---|---|"]
                lines += [
                    f"| {escape(operations)} | {escape(text)} | `{rule}` |"
                    for operations, text, rule in items
                ]
                lines += [""]
        if self.models:
            lines += ["### Models", "", "| app | change | migration |", "|---|---|---|"]
            for each in self.models:
                migration = (
                    f"`{each.migration}`" if each.migration else f"none yet: `{each.next_step}`"
                )
                lines.append(f"| {escape(each.app)} | {escape(each.text)} | {migration} |")
            lines += [""]
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """Return the report for JSON."""
        return {
            "title": self.title,
            "base": {"source": self.base, "version": self.old_version},
            "version": self.version,
            "new_version": self.new_version,
            "counts": {each: self.count(each) for each, _ in _HEADINGS},
            "changes": [each.as_dict() for each in self.changes],
            "models": [asdict(each) for each in self.models],
        }

    def as_json(self) -> str:
        """Return the report as JSON."""
        return json.dumps(self.as_dict(), indent=2, ensure_ascii=False) + "\n"


FORMATS: Final = {
    "text": Report.as_text,
    "json": Report.as_json,
    "markdown": Report.as_markdown,
}


def as_items(changes: Iterable[Change], severity: str) -> list[tuple[str, str, str]]:
    """Return operations, text and rule of the changes of one severity; the same change of several operations once."""
    grouped: dict[tuple[str, str, str], list[str]] = {}
    for each in changes:
        if each.severity == severity:
            grouped.setdefault((each.place, each.text, each.id), []).extend(each.operations)
    return [
        (_shorten(operations), f"{place}: {text}" if place else text, rule)
        for (place, text, rule), operations in grouped.items()
    ]


def _shorten(operations: list[str]) -> str:
    if len(operations) <= 3:
        return ", ".join(operations) or "the document"
    return f"{', '.join(operations[:2])} and {len(operations) - 2} more"


def _plural(number: int, one: str, several: str | None = None) -> str:
    return f"{number} {one if number == 1 else several or f'{one}s'}"


def fails(report: Report, fail_on: str) -> bool:
    """Tell whether a report fails: ``breaking`` (also what is unclassified), ``warning`` or ``any``."""
    severities = {each.severity for each in report.changes}
    if any(each.id == UNCLASSIFIED for each in report.changes):
        return True
    if fail_on == "any":
        return bool(report.changes or report.models)
    if fail_on == "warning" and "warning" in severities:
        return True
    return "error" in severities and not report.new_version
