"""What a statement of PostgreSQL that changes a schema locks, and for how long (its documentation, chapter 13.3)."""

import re
from dataclasses import dataclass
from typing import Literal

__all__ = ["Duration", "Lock", "lock_of"]

Duration = Literal["brief", "scan", "index", "rewrite", "unknown"]
"""``brief``: only the catalogue changes. The others grow with the table: it is read, an index is built, it is written again."""

_READS_STOP = "ACCESS EXCLUSIVE"
_WRITES_STOP = "SHARE"
_FOREIGN = "SHARE ROW EXCLUSIVE"
_HARMLESS = "SHARE UPDATE EXCLUSIVE"
_VOLATILE = re.compile(
    r"\b(gen_random_uuid|uuid_generate_v\d|random|clock_timestamp|nextval)\s*\(", re.I
)


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
        """What waits meanwhile: ``reads and writes``, ``writes`` or nothing."""
        if self.mode == _READS_STOP:
            return "reads and writes"
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
_RULES: tuple[tuple[str, Lock], ...] = (
    (r"^(--|$)", Lock("", "brief")),
    (r"^CREATE TABLE", Lock("", "brief")),
    (r"^CREATE (UNIQUE )?INDEX CONCURRENTLY", Lock(_HARMLESS, "index")),
    (r"^CREATE (UNIQUE )?INDEX", Lock(_WRITES_STOP, "index", _CONCURRENTLY)),
    (r"^DROP INDEX CONCURRENTLY", Lock(_HARMLESS, "brief")),
    (r"^DROP INDEX", Lock(_READS_STOP, "brief", _REMOVE_CONCURRENTLY)),
    (r"^DROP TABLE", Lock(_READS_STOP, "brief")),
    (r"VALIDATE CONSTRAINT", Lock(_HARMLESS, "scan")),
    (r"ADD CONSTRAINT .* NOT VALID", Lock(_READS_STOP, "brief")),
    (r"ADD CONSTRAINT .* FOREIGN KEY", Lock(_FOREIGN, "scan", "Add it with NOT VALID by RunSQL, and validate it in the next migration.")),
    (r"ADD CONSTRAINT .* CHECK", Lock(_READS_STOP, "scan", _NOT_VALID)),
    (r"ADD CONSTRAINT .* (UNIQUE|PRIMARY KEY) USING INDEX", Lock(_READS_STOP, "brief")),
    (r"ADD CONSTRAINT .* (UNIQUE|PRIMARY KEY|EXCLUDE)", Lock(_READS_STOP, "index", "Build a unique index concurrently first, and add the constraint USING INDEX by RunSQL.")),
    (r"ADD COLUMN .* GENERATED ALWAYS AS .* STORED", Lock(_READS_STOP, "rewrite", _NEW_COLUMN)),
    (r"ADD COLUMN .* GENERATED .* AS IDENTITY", Lock(_READS_STOP, "rewrite", _NEW_COLUMN)),
    (r"ADD COLUMN .*\b(serial|bigserial)\b", Lock(_READS_STOP, "rewrite", _NEW_COLUMN)),
    (r"ADD COLUMN .* (UNIQUE|PRIMARY KEY)", Lock(_READS_STOP, "index", "Add the column first, and its unique index concurrently.")),
    (r"ADD COLUMN", Lock(_READS_STOP, "brief")),
    (r"ALTER COLUMN .* TYPE", Lock(_READS_STOP, "rewrite", _NEW_COLUMN)),
    (r"ALTER COLUMN .* SET NOT NULL", Lock(_READS_STOP, "scan", "Add a CheckConstraint that it is not NULL with NOT VALID, and validate it: SET NOT NULL then reads no row.")),
    (r"^ALTER TABLE", Lock(_READS_STOP, "brief")),
    (r"^(UPDATE|DELETE|INSERT)", Lock("ROW EXCLUSIVE", "unknown")),
    (r"^(SET CONSTRAINTS|COMMENT|CREATE SEQUENCE|ALTER SEQUENCE|CREATE EXTENSION|CREATE TYPE)", Lock("", "brief")),
)  # fmt: skip
_COMPILED = tuple((re.compile(pattern, re.I | re.S), lock) for pattern, lock in _RULES)


def lock_of(statement: str) -> Lock:
    """Return what a statement locks. One that is not known may do anything.

    >>> lock_of('CREATE INDEX "x" ON "t" ("a")').stops
    'writes'
    """
    text = statement.strip()
    for pattern, lock in _COMPILED:
        if pattern.search(text):
            if lock.duration == "brief" and "ADD COLUMN" in text and _VOLATILE.search(text):
                return Lock(_READS_STOP, "rewrite", _NEW_COLUMN)
            return lock
    return Lock(_READS_STOP, "unknown", "Look at this statement yourself.")
