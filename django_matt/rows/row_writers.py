"""Rows into JSON, step by step: the plain program, and which of the two serves."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from django_matt.serialization.encoder import ValueMismatch

__all__ = ["COMPILED", "RowWriter", "WriteStep", "row_writer_of"]


@dataclass(slots=True)
class WriteStep:
    """One step of a program.

    ``object`` and ``end`` write braces; ``joined`` begins an object, or goes on at ``end`` where its key is NULL; ``nested``
    writes the list that was found for a key; ``fragment`` writes JSON made beforehand. All other codes name the raw form
    of a column, and only the compiled program knows them.
    """

    code: str
    name: str = ""
    # The column of a row, and `,"key":`, which is nothing for a value that stands alone.
    column: int = 0
    prefix: bytes = b""
    nullable: bool = False
    # With exclude_none, what is NULL is not there.
    omit: bool = False
    end: int = 0
    least: int = 0
    most: int = -1
    # Writes a value that has not the form that ``code`` names.
    slow: Callable[[Any], bytes] | None = None
    known: dict[Any, bytes] = field(default_factory=dict)


class RowWriter:
    """What is written of each row, where nothing is compiled; columns are fragments here, whatever they hold."""

    def __init__(self, steps: list[WriteStep]) -> None:
        """Take the steps in their order."""
        self.steps = steps

    def write(self, rows: list[Any], extras: list[Any], between: bytes) -> bytes:
        """Return the rows, ``between`` between them; ``extras`` are what the steps take from beside the rows."""
        return between.join(self._written(rows, extras))

    def group(self, rows: list[Any], extras: list[Any]) -> dict[Any, list[bytes]]:
        """Return the rows of each first column, in their order."""
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
    """Return the program of steps."""
    return (_compiled.RowWriter if compiled else RowWriter)(steps)
