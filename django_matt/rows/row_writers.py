"""Row writers: they run the steps of a row plan for each row. This one is plain Python; ``_rows_c.pyx`` is compiled."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from django_matt.serialization.encoder import ValueMismatch

__all__ = ["COMPILED", "RowWriter", "WriteStep", "row_writer_of"]


@dataclass(slots=True)
class WriteStep:
    """One step of a row writer.

    ``object`` and ``end`` write braces. ``fragment`` writes JSON that was prepared. ``joined`` begins a joined object,
    or jumps to the step ``end`` if its key is NULL. ``nested`` writes the items that were read for the key in its column.
    Every other code names a raw encoding, which only the compiled writer knows.
    """

    code: str
    name: str = ""
    # The index of the column, and `,"key":` in JSON; no prefix for a value without a key. The writer drops the comma of an
    # object's first field.
    column: int = 0
    prefix: bytes = b""
    nullable: bool = False
    # Leave the field out where it is NULL (exclude_none).
    omit: bool = False
    end: int = 0
    # Limits of a raw encoding. What they limit depends on the code; see ``Step`` in _rows_c.pyx.
    least: int = 0
    most: int = -1
    # Writes a value that is not encoded as ``code`` expects; without one, the value raises ``ValueMismatch``.
    slow: Callable[[Any], bytes] | None = None
    # The JSON of the values of a choice field, by the raw value.
    known: dict[Any, bytes] = field(default_factory=dict)


class RowWriter:
    """Writes rows in Python. Without the compiled writer no column has a raw encoding: all of them are fragments."""

    def __init__(self, steps: list[WriteStep]) -> None:
        """Take the steps in their order."""
        self.steps = steps

    def write(self, rows: list[Any], extras: list[Any], between: bytes) -> bytes:
        """Return the rows as JSON, joined by ``between``.

        ``extras`` has an entry for each step: a fragment for each row, or the items of a nested list by key.
        """
        return between.join(self._written(rows, extras))

    def group(self, rows: list[Any], extras: list[Any]) -> dict[Any, list[bytes]]:
        """Return the rows as lists of JSON by the value in their first column, each list in the order of the rows."""
        found: dict[Any, list[bytes]] = {}
        for row, written in zip(rows, self._written(rows, extras), strict=True):
            found.setdefault(row[0], []).append(written)
        return found

    def _written(self, rows: list[Any], extras: list[Any]) -> Iterator[bytes]:
        for index, row in enumerate(rows):
            parts: list[bytes] = []
            at = 0
            while at < len(self.steps):
                step, extra = self.steps[at], extras[at]
                at += 1
                if step.code in ("object", "end"):
                    parts.append(b"{" if step.code == "object" else b"}")
                    continue
                value = extra[index] if step.code == "fragment" else row[step.column]
                if value is None and not step.nullable:
                    raise ValueMismatch(step.name)
                if value is None and step.code == "joined":
                    at = step.end
                if value is None and step.omit:
                    continue
                first = bool(parts) and parts[-1] == b"{"
                parts.append(step.prefix[1:] if first else step.prefix)
                if value is None:
                    parts.append(b"null")
                elif step.code == "joined":
                    parts.append(b"{")
                elif step.code == "nested":
                    parts.append(b"[%b]" % b",".join(extra.get(value, ())))
                else:
                    parts.append(value)
            yield b"".join(parts)


try:
    _compiled: Any = import_module("django_matt.rows._rows_c")
except ImportError:
    _compiled = None

COMPILED: bool = _compiled is not None


def row_writer_of(steps: list[WriteStep], *, compiled: bool) -> Any:
    """Return the writer of these steps."""
    return (_compiled.RowWriter if compiled else RowWriter)(steps)
