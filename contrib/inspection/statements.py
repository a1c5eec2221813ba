"""What a statement of PostgreSQL that changes a schema locks, and for how long (its documentation, chapter 13.3)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import sqlparse

__all__ = ["Duration", "Lock", "lock_of"]

Duration = Literal["brief", "scan", "index", "rewrite", "unknown"]
"""``brief``: only the catalogue changes. The others grow with the table: it is read, an index is built, it is written again."""

_READS_STOP = "ACCESS EXCLUSIVE"
_WRITES_STOP = "SHARE"
_FOREIGN = "SHARE ROW EXCLUSIVE"
_HARMLESS = "SHARE UPDATE EXCLUSIVE"
_ROWS = "ROW EXCLUSIVE"
_MODES = ("", _ROWS, _HARMLESS, _WRITES_STOP, _FOREIGN, _READS_STOP)
_DURATIONS = ("brief", "index", "scan", "rewrite", "unknown")


@dataclass(frozen=True, slots=True)
class Lock:
    """The lock of a statement."""

    mode: str
    """PostgreSQL's name; empty if it locks no table that others use."""
    duration: Duration
    hint: str = ""
    """How to do the same without waiting."""

    @property
    def stops(self) -> str:
        """What waits meanwhile: ``reads and writes``, ``writes``, ``writes to the same rows`` or nothing."""
        if self.mode == _READS_STOP:
            return "reads and writes"
        if self.mode == _ROWS:
            return "writes to the same rows"
        return "writes" if self.mode in {_WRITES_STOP, _FOREIGN} else ""

    @property
    def is_safe(self) -> bool:
        """Whether nothing waits for longer than the catalogue takes."""
        return self.duration == "brief" or not self.stops


_CONCURRENTLY = "Use AddIndexConcurrently of django.contrib.postgres.operations, in a migration with `atomic = False`."
_REMOVE_CONCURRENTLY = (
    "RemoveIndexConcurrently of django.contrib.postgres.operations does not wait for readers."
)
_NOT_VALID = "Use AddConstraintNotValid and, in the next migration, ValidateConstraint of django.contrib.postgres.operations."
_NEW_COLUMN = "Add a new column, copy the values in batches, and switch to it in a later release."
_BATCHES = (
    "Do it in batches, in a command or a migration with `atomic = False`, if there are many rows."
)
_UNKNOWN = Lock(_READS_STOP, "unknown", "Look at this statement yourself.")
_RULES: tuple[tuple[str, Lock], ...] = (
    (r"$", Lock("", "brief")),
    (r"CREATE TABLE", Lock("", "brief")),
    (r"CREATE (UNIQUE )?INDEX CONCURRENTLY", Lock(_HARMLESS, "index")),
    (r"CREATE (UNIQUE )?INDEX", Lock(_WRITES_STOP, "index", _CONCURRENTLY)),
    (r"DROP INDEX CONCURRENTLY", Lock(_HARMLESS, "brief")),
    (r"DROP INDEX", Lock(_READS_STOP, "brief", _REMOVE_CONCURRENTLY)),
    (r"DROP TABLE", Lock(_READS_STOP, "brief")),
    (r"ALTER INDEX .* RENAME TO", Lock(_HARMLESS, "brief")),
    (r"(UPDATE|DELETE)\b", Lock(_ROWS, "unknown", _BATCHES)),
    (r"INSERT\b", Lock("", "unknown")),
    (r"(SET CONSTRAINTS|COMMENT|CREATE SEQUENCE|ALTER SEQUENCE|CREATE EXTENSION|CREATE TYPE)", Lock("", "brief")),
)  # fmt: skip
_NAME = r'(?:"[^"]*"|[^\s"])+ '
_TABLE = re.compile(rf"ALTER TABLE (IF EXISTS )?(ONLY )?{_NAME}", re.I)
_ADD = rf"ADD (CONSTRAINT {_NAME})?"
_VOLATILE = (
    r"\b(gen_random_uuid|uuid_generate_v\w+|uuidv[47]|random|clock_timestamp|timeofday|nextval) ?\("
)
_TYPE = rf"ALTER (COLUMN )?{_NAME}(SET DATA )?TYPE "
_ACTIONS: tuple[tuple[str, Lock], ...] = (
    (r"VALIDATE CONSTRAINT", Lock(_HARMLESS, "scan")),
    (_ADD + r"FOREIGN KEY.* NOT VALID", Lock(_FOREIGN, "brief")),
    (_ADD + r"FOREIGN KEY", Lock(_FOREIGN, "scan", "Add it with NOT VALID by RunSQL, and validate it in the next migration.")),
    (_ADD + r"CHECK.* NOT VALID", Lock(_READS_STOP, "brief")),
    (_ADD + r"CHECK", Lock(_READS_STOP, "scan", _NOT_VALID)),
    (_ADD + r"(UNIQUE|PRIMARY KEY) USING INDEX", Lock(_READS_STOP, "brief")),
    (_ADD + r"(UNIQUE|PRIMARY KEY|EXCLUDE)\b", Lock(_READS_STOP, "index", "Build a unique index concurrently first, and add the constraint USING INDEX by RunSQL.")),
    (r"ADD CONSTRAINT", _UNKNOWN),
    (r"ADD .* GENERATED ALWAYS AS .* STORED", Lock(_READS_STOP, "rewrite", _NEW_COLUMN)),
    (r"ADD .* GENERATED .* AS IDENTITY", Lock(_READS_STOP, "rewrite", _NEW_COLUMN)),
    (r"ADD .* (small|big)?serial\b", Lock(_READS_STOP, "rewrite", _NEW_COLUMN)),
    (r"ADD .* DEFAULT .*" + _VOLATILE, Lock(_READS_STOP, "rewrite", _NEW_COLUMN)),
    (r"ADD .* (UNIQUE|PRIMARY KEY)\b", Lock(_READS_STOP, "index", "Add the column first, and its unique index concurrently.")),
    # PostgreSQL skips the rows only if a column with a foreign key has no default. It always reads them for a check.
    (r"ADD .* DEFAULT .* REFERENCES ", Lock(_READS_STOP, "scan", "Add the column without a default first.")),
    (r"ADD .* CHECK ?\(", Lock(_READS_STOP, "scan", "Add the column without its check first, then the check with NOT VALID, and validate it.")),
    (r"ADD ", Lock(_READS_STOP, "brief")),
    (_TYPE, Lock(_READS_STOP, "rewrite", _NEW_COLUMN)),
    (rf"ALTER (COLUMN )?{_NAME}SET NOT NULL", Lock(_READS_STOP, "scan", "Add a CheckConstraint that it is not NULL with NOT VALID, and validate it: SET NOT NULL then reads no row.")),
    (rf"ALTER (COLUMN )?{_NAME}(SET DEFAULT|SET GENERATED|ADD GENERATED|DROP)\b", Lock(_READS_STOP, "brief")),
    (r"(RENAME|DROP|OWNER TO|SET SCHEMA|ALTER CONSTRAINT)\b", Lock(_READS_STOP, "brief")),
)  # fmt: skip
_COMPILED = tuple((re.compile(pattern, re.I), lock) for pattern, lock in _RULES)
_COMPILED_ACTIONS = tuple((re.compile(pattern, re.I), lock) for pattern, lock in _ACTIONS)


def lock_of(statement: str, *, keeps_rows: bool = False) -> Lock:
    """Return what a statement locks. One that is not known may do anything.

    With ``keeps_rows``, a change of type is known to leave the rows as they are.

    >>> lock_of('CREATE INDEX "x" ON "t" ("a")').stops
    'writes'
    """
    text = sqlparse.format(statement, strip_comments=True)
    # The words of a text are no keywords.
    text = " ".join(re.sub(r"'(?:[^']|'')*'", "''", text).split()).rstrip("; ")
    table = _TABLE.match(text)
    if table is None:
        return _first(_COMPILED, text)
    locks = [
        Lock(_READS_STOP, "brief")
        if keeps_rows and re.match(_TYPE, action, re.I)
        else _first(_COMPILED_ACTIONS, action)
        for action in _split(text[table.end() :])
    ]
    # The table is locked as the strictest action asks, until the longest one is done.
    longest = max(locks, key=lambda each: _DURATIONS.index(each.duration))
    mode = max((each.mode for each in locks), key=_MODES.index)
    return Lock(mode, longest.duration, longest.hint)


def _first(rules: tuple[tuple[re.Pattern[str], Lock], ...], text: str) -> Lock:
    return next((lock for pattern, lock in rules if pattern.match(text)), _UNKNOWN)


def _split(actions: str) -> Iterator[str]:
    """Yield the actions of ALTER TABLE, which have commas between them, outside of brackets and quoted names."""
    depth, start, quoted = 0, 0, False
    for at, letter in enumerate(actions):
        if letter == '"':
            quoted = not quoted
        elif not quoted and letter in "()[]":
            depth += 1 if letter in "([" else -1
        elif not quoted and letter == "," and depth == 0:
            yield actions[start:at].strip()
            start = at + 1
    yield actions[start:].strip()
