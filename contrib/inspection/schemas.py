"""What an inspection finds: tables with their indexes, and findings."""

from dataclasses import dataclass, field
from typing import Literal, get_args

__all__ = ["LEVELS", "Finding", "Index", "Level", "Query", "Report", "Table"]

Level = Literal["error", "warning", "info"]
"""``error``: models and database differ. ``warning``: it costs time or space. ``info``: worth knowing."""
LEVELS: tuple[Level, ...] = get_args(Level)
"""The levels, the worst first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An index of a table."""

    name: str
    columns: list[str]
    unique: bool
    primary: bool = False
    bytes: int | None = None
    scans: int | None = None
    """How often it was used since the statistics were reset; PostgreSQL only."""


@dataclass(slots=True, kw_only=True)
class Table:
    """A table of the database."""

    name: str
    model: str | None
    """The label of its model; None for a table that no installed model has."""
    rows: int
    exact: bool
    """Whether the rows were counted; PostgreSQL estimates them."""
    bytes: int | None = None
    index_bytes: int | None = None
    dead_rows: int | None = None
    """Rows that were updated or deleted and take space until the next vacuum; PostgreSQL only."""
    indexes: list[Index] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something to look at. ``id`` names the kind, ``hint`` says what to do."""

    id: str
    level: Level
    table: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A statement that took much time, from pg_stat_statements."""

    sql: str
    calls: int
    mean_ms: float
    total_ms: float


@dataclass(slots=True, kw_only=True)
class Report:
    """Everything that was found in one database."""

    database: str
    vendor: str
    tables: list[Table]
    findings: list[Finding]
    queries: list[Query] | None = None
    """The slowest statements; None if the database does not record them."""
