"""What a database's exception says: which rule was broken, whether the database is away, who could not hold a value."""

import re
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Violation", "came_from_adapter", "is_away", "violation_of"]

Kind = Literal["unique", "foreign_key", "not_null", "check", "other"]

# https://www.postgresql.org/docs/current/errcodes-appendix.html, class 23
_SQLSTATES: dict[str, Kind] = {
    "23505": "unique",
    "23P01": "unique",
    "23503": "foreign_key",
    "23001": "foreign_key",
    "23502": "not_null",
    "23514": "check",
}
# https://www.sqlite.org/rescode.html, and the first words of its message where the code is not known
_SQLITE: dict[str, Kind] = {
    "UNIQUE": "unique",
    "PRIMARYKEY": "unique",
    "ROWID": "unique",
    "FOREIGNKEY": "foreign_key",
    "NOTNULL": "not_null",
    "CHECK": "check",
    "DATATYPE": "check",
}
_MYSQL: dict[int, Kind] = {
    1062: "unique",
    1216: "foreign_key",
    1217: "foreign_key",
    1451: "foreign_key",
    1452: "foreign_key",
    1048: "not_null",
    1364: "not_null",
    3819: "check",
    4025: "check",
}
# Connections (08), too many of them, shutdown and start-up, lost races that a second try wins.
_AWAY = ("08", "53300", "57P01", "57P02", "57P03", "40001", "40P01", "55P03")
_MYSQL_AWAY = {1040, 1205, 1213, 2002, 2003, 2006, 2013, 2055}
_ADAPTERS = ("django.db.backends.", "psycopg", "sqlite3", "MySQLdb", "oracledb")


@dataclass(frozen=True, slots=True)
class Violation:
    """The kind of rule that a write broke, and the columns (or the constraint) it is about, where known."""

    kind: Kind
    names: list[str]


def violation_of(exc: BaseException) -> Violation:
    """Return which rule an ``IntegrityError`` of Django's is about."""
    cause: Any = exc.__cause__ or exc
    state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    if state:
        diagnosis = getattr(cause, "diag", None)
        key = re.match(r"Key \(([^)]*)\)=", str(getattr(diagnosis, "message_detail", None) or ""))
        name = getattr(diagnosis, "column_name", None) or getattr(
            diagnosis, "constraint_name", None
        )
        names = key[1].split(", ") if key else [str(name)] if name else []
        return Violation(_SQLSTATES.get(state, "other"), [_bare(name) for name in names])
    code = str(getattr(cause, "sqlite_errorname", "")).removeprefix("SQLITE_CONSTRAINT_")
    if code in _SQLITE:
        text = str(cause).partition("constraint failed: ")[2]
        names = [_bare(part.rpartition(".")[2]) for part in text.split(", ") if part]
        return Violation(_SQLITE[code], names)
    number = cause.args[0] if cause.args else None
    return Violation(_MYSQL.get(number, "other") if isinstance(number, int) else "other", [])


def _bare(name: str) -> str:
    return name.removeprefix("index ").strip("\"'` ")[:100]


def is_away(exc: BaseException) -> bool:
    """Say whether the database cannot be reached, or asks for another try; never for a broken query."""
    cause: Any = exc.__cause__ or exc
    module = type(cause).__module__
    text = str(cause).lower()
    if module.startswith("psycopg"):
        state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
        if state:
            return str(state).startswith(_AWAY)
        # Without a code it never came from the server's executor: refused, closed, timed out.
        return type(cause).__name__ != "InterfaceError" or "clos" in text or "connection" in text
    if module.startswith("sqlite3"):
        return "is locked" in text
    number = cause.args[0] if cause.args else None
    return (
        isinstance(number, int) and number in _MYSQL_AWAY
    ) or "connection already closed" in text


def came_from_adapter(exc: BaseException) -> bool:
    """Say whether the innermost frame of an exception is a database adapter's, not the project's code."""
    traceback = exc.__traceback__
    if traceback is None:
        return False
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    return str(traceback.tb_frame.f_globals.get("__name__", "")).startswith(_ADAPTERS)
