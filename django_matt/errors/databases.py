"""Reads database exceptions: which rule was violated, and whether the database is down."""

import re
from dataclasses import dataclass
from typing import Any, Literal

from django.db import IntegrityError

__all__ = ["BrokenRuleError", "Violation", "came_from_adapter", "is_away", "violation_of"]

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
    """The rule that a write violated, as far as the database reports it. Its names must not be shown to clients."""

    kind: Kind
    table: str | None = None
    columns: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    """The values of ``columns`` as text, where the database repeats them."""
    rule: str | None = None
    """The constraint's name, or what SQLite says instead."""


class BrokenRuleError(IntegrityError):
    """An ``IntegrityError`` with information that the database does not report."""

    def __init__(self, message: str, violation: Violation) -> None:
        """Take the message for the log, and the rule."""
        super().__init__(message)
        self.violation = violation


# In any language of the server: Key (author_id)=(4711) is not present in table "author".
_KEY = re.compile(r"[^(]*\((.*?)\)=\((.*)\)", re.DOTALL)


def violation_of(exc: BaseException) -> Violation:
    """Return which rule an ``IntegrityError`` of Django's is about."""
    if isinstance(exc, BrokenRuleError):
        return exc.violation
    cause: Any = exc.__cause__ or exc
    state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    if state:
        return _postgresql(_SQLSTATES.get(state, "other"), getattr(cause, "diag", None))
    code = str(getattr(cause, "sqlite_errorname", "")).removeprefix("SQLITE_CONSTRAINT_")
    if code in _SQLITE:
        return _sqlite(_SQLITE[code], str(cause).partition("constraint failed: ")[2])
    number = cause.args[0] if cause.args else None
    if isinstance(number, int) and number in _MYSQL:
        return _mysql(_MYSQL[number], str(cause.args[1] if len(cause.args) > 1 else ""))
    return Violation("other")


def _postgresql(kind: Kind, diagnosis: Any) -> Violation:
    column = getattr(diagnosis, "column_name", None)
    key = _KEY.match(str(getattr(diagnosis, "message_detail", None) or ""))
    columns: tuple[str, ...] = (column,) if column else ()
    values: tuple[str, ...] = ()
    if key:
        columns, values = tuple(map(_bare, key[1].split(", "))), tuple(key[2].split(", "))
        if len(values) != len(columns):
            # A comma in a value.
            values = ()
    return Violation(
        kind,
        table=getattr(diagnosis, "table_name", None),
        columns=columns,
        values=values,
        rule=getattr(diagnosis, "constraint_name", None),
    )


def _sqlite(kind: Kind, text: str) -> Violation:
    if kind == "check" or text.startswith("index "):
        return Violation(kind, rule=_bare(text))
    parts = [part.rpartition(".") for part in text.split(", ") if part]
    return Violation(
        kind,
        table=_bare(parts[0][0]) if parts else None,
        columns=tuple(_bare(column) for _, _, column in parts),
    )


def _mysql(kind: Kind, text: str) -> Violation:
    if kind == "not_null":
        found = re.search(r"'([^']+)'", text)
        return Violation(kind, columns=(found[1],) if found else ())
    if kind == "foreign_key":
        found = re.search(r"`([^`]+)`, CONSTRAINT `[^`]+` FOREIGN KEY \(`([^`]+)`\)", text)
        return Violation(kind, table=found[1], columns=(found[2],)) if found else Violation(kind)
    found = re.search(r"(?:for key|constraint) '([^']+)'", text, re.IGNORECASE)
    table, _, rule = found[1].rpartition(".") if found else ("", "", "")
    # The index of `unique=True` has its column's name.
    columns = (rule,) if kind == "unique" and rule else ()
    return Violation(kind, table=table or None, columns=columns, rule=rule or None)


def _bare(name: str) -> str:
    return name.removeprefix("index ").strip("\"'` ")


def is_away(exc: BaseException) -> bool:
    """Tell whether the database cannot be reached, or asks for another try; never for a broken query."""
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
    """Tell whether the innermost frame of an exception is a database adapter's, not the project's code."""
    traceback = exc.__traceback__
    if traceback is None:
        return False
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    return str(traceback.tb_frame.f_globals.get("__name__", "")).startswith(_ADAPTERS)
