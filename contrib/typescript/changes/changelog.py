"""The changelog page of an API in Markdown: an entry for each base that it was compared with, the newest first."""

import re
from collections.abc import Mapping
from datetime import date
from hashlib import sha256
from typing import Any, Final

from django_matt.contrib.typescript.changes.canonical import canonical
from django_matt.contrib.typescript.changes.reports import Report, as_items
from django_matt.contrib.typescript.errors import TypesError
from django_matt.contrib.typescript.markdown import escape

__all__ = ["MARKER", "add_entry"]

MARKER: Final = "<!-- matt_types: entries -->"
"""The line below which entries are written."""
_ENTRY = re.compile(
    r"<!-- matt_types: since ([0-9a-f]{16}) -->\n(.*?)<!-- matt_types: end -->\n\n?", re.DOTALL
)
_SECTIONS: Final = (("error", "Breaking"), ("warning", "May break clients"), ("info", "Changed"))


def add_entry(page: str | None, report: Report, base: Mapping[str, Any], today: date) -> str:
    """Return the page with the report as its newest entry; ``page`` is None if there is none yet.

    An entry that was written for the same base is replaced, so a page does not change if nothing else did. Without changes,
    there is no entry. Raises ``TypesError`` for a page without the marker.
    """
    if page is None:
        page = f"# Changes of {escape(report.title)}\n\n{MARKER}\n"
    if MARKER not in page:
        raise TypesError(
            f"The changelog page has no line {MARKER}. Add it where entries should be written, or choose another file."
        )
    key = sha256(canonical(base).encode()).hexdigest()[:16]
    before, _, after = page.partition(MARKER)
    known = next((each for each in _ENTRY.finditer(after) if each[1] == key), None)
    written = _write(report, today)
    if known is not None:
        if _without_heading(known[2]) == _without_heading(written):
            return page
        after = after.replace(known[0], "", 1)
    entry = (
        f"<!-- matt_types: since {key} -->\n{written}<!-- matt_types: end -->\n\n"
        if written
        else ""
    )
    rest = after.lstrip("\n")
    return f"{before}{MARKER}\n\n{entry}{rest}".rstrip("\n") + "\n"


def _write(report: Report, today: date) -> str:
    lines: list[str] = []
    for severity, heading in _SECTIONS:
        items = as_items(
            (each for each in report.changes if each.id != "documentation-changed"), severity
        )
        lines += [f"### {heading}", ""] if items else []
        lines += [f"- {escape(operations)}: {escape(text)}" for operations, text, _ in items]
        lines += [""] if items else []
    if not lines:
        return ""
    return "\n".join([f"## {escape(report.version)}, {today.isoformat()}", "", *lines]) + "\n"


def _without_heading(entry: str) -> str:
    return entry.partition("\n")[2].strip()
