"""CSV (RFC 4180) for lists of records, safe to open in a spreadsheet."""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from typing import Any

from django_matt.errors.exceptions import NotAcceptable
from django_matt.formats.jsonl import items_of
from django_matt.formats.limits import MAX_VALUES, decode, refuse, refuse_size
from django_matt.formats.protocol import Format

__all__ = ["CSV", "read_rows"]

# What makes spreadsheets run a cell as a formula (OWASP, CSV injection), behind any number of our own quotes.
_FORMULA = re.compile("'*[=+\\-@\t\r\n\ufeff\uff1d\uff0b\uff0d\uff20]")
_STARTS = frozenset("'=+-@\t\r\n\ufeff\uff1d\uff0b\uff0d\uff20")
_QUOTED = re.compile("'+[=+\\-@\t\r\n\ufeff\uff1d\uff0b\uff0d\uff20]")
_nested = json.JSONEncoder(ensure_ascii=False).encode


class CSV(Format):
    """A header row, then a row for each object; nested values are JSON text, null is an empty cell.

    A page (``{"items": […]}`` or ``{"results": […]}``) gives its rows. Text that a spreadsheet would run as a
    formula gets a ``'`` in front, which reading takes off again.
    """

    name = "csv"
    media_type = "text/csv"
    aliases = ("application/csv",)
    only_lists = True
    separator = b","

    def dump(self, data: Any) -> bytes:
        """Write the rows; raise ``NotAcceptable`` for data that has none."""
        rows = _rows(data)
        names = list(dict.fromkeys(name for row in rows for name in row))
        return (_written([names]) + _written(_cells(rows, names))) if names else b""

    def frame(self, batches: Iterator[bytes], columns: Sequence[str]) -> Iterator[bytes]:
        """Write one header, of every column that the schema has, and the rows of each batch."""
        header = _written([columns])
        for batch in batches:
            yield header + _written(_cells(json.loads(b"[%b]" % batch), columns))
            header = b""

    def break_off(self, problem: bytes) -> bytes:
        """End in a quoted cell that is never closed: no strict reader takes the rows for all."""
        return b'"' + problem.replace(b'"', b"'")

    def load(self, body: bytes, charset: str | None = None) -> list[dict[str, str]]:
        """Read a header and rows into objects of text."""
        text = decode(body, charset)
        if "\0" in text:
            refuse("a string contains a NUL character")
        rows: list[dict[str, str]] = []
        for row in read_rows(StringIO(text, newline="")):
            if len(rows) * len(row) >= MAX_VALUES:
                refuse_size()
            rows.append(row)
        return rows


def read_rows(lines: Iterable[str]) -> Iterator[dict[str, str]]:
    """Yield the rows of a CSV as objects of text while its lines are read; raise ``BadRequest`` for what is no CSV."""
    reader = csv.reader(lines, strict=True)
    try:
        names = [_text(name) for name in next(reader, [])]
        if len(set(names)) != len(names):
            refuse("CSV: two columns have the same name", line=1)
        for row in reader:
            if not row:
                continue
            if len(row) != len(names):
                refuse(f"CSV: {len(row)} cells under {len(names)} columns", line=reader.line_num)
            yield dict(zip(names, map(_text, row), strict=True))
    except csv.Error as error:
        refuse(f"CSV: {error}", line=reader.line_num)


def _rows(data: Any) -> list[dict[str, Any]]:
    items = items_of(data)
    if isinstance(items, list) and all(isinstance(row, dict) for row in items):
        return items
    raise NotAcceptable("CSV is available only for lists of objects.", code="not_a_list")


def _cells(rows: list[dict[str, Any]], names: Sequence[str]) -> Iterator[list[Any]]:
    return ([row.get(name) for name in names] for row in rows)


def _written(rows: Iterable[Sequence[Any]]) -> bytes:
    out = StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        # Nearly no text needs the pattern.
        risky = value and value[0] in _STARTS and _FORMULA.match(value)
        return "'" + value if risky else value
    if isinstance(value, bool):
        return "true" if value else "false"
    return _nested(value) if isinstance(value, (dict, list)) else value


def _text(cell: str) -> str:
    return cell[1:] if _QUOTED.match(cell) else cell
