"""SQL as text without values: what identifies a statement, and what it reads."""

import re
from typing import Any

__all__ = ["fingerprint", "is_read", "is_write"]

_VALUES = re.compile(
    r"""
    (?P<kept>"(?:[^"]|"")*"|`[^`]*`|\[[A-Za-z_]\w*\])  # the name of a table or a column
    |(?P<comment>--[^\n]*|/\*(?:.*?\*/|.*\Z))
    |(?P<escape>\bESCAPE\s+'(?:[^']|'')*')
    # What is not closed is a value to its end: the statement was cut there.
    |(?P<text>\b[Ee]'(?:[^'\\]|\\.|'')*(?:'|\Z)|\b[BbXxNn]?'(?:[^']|'')*(?:'|\Z)|'(?:[^']|'')*(?:'|\Z)
      |\$(?P<tag>(?:[A-Za-z_]\w*)?)\$(?:.*?\$(?P=tag)\$|.*\Z))
    |(?P<number>(?<![\w."$])\d[\w.]*(?:[eE][+-]?\d+)?)
    |(?P<placeholder>%s|%\(\w+\)s)
    |(?P<percent>%%?)
    """,
    re.VERBOSE | re.DOTALL,
)
_READS = re.compile(r"\s*\(*\s*(?:SELECT|WITH|VALUES)\b", re.IGNORECASE)
_WRITES = re.compile(
    r"\b(?:INSERT|UPDATE|DELETE|MERGE|REPLACE|CREATE|ALTER|DROP|TRUNCATE|GRANT|REVOKE|INTO|CALL|DO|COPY|VACUUM|ANALYZE"
    r"|REINDEX|LOCK|EXECUTE|PREPARE|SET|RESET|PRAGMA|ATTACH|DETACH|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|SHARE)\b",
    re.IGNORECASE,
)
_BEGINS_WITH_WRITE = re.compile(r"\s*(?:INSERT|UPDATE|DELETE|MERGE|REPLACE)\b", re.IGNORECASE)
_QUOTED = re.compile(r'"(?:[^"]|"")*"|`[^`]*`|\[[A-Za-z_]\w*\]|\'(?:[^\']|\'\')*\'')
_LONGEST = 20_000


def fingerprint(sql: Any, *, has_parameters: bool) -> str:
    """Return a statement with ``%s`` for each value: for its parameters, and for texts and numbers that are written in it.

    Comments are left out, because values may be in them as well. The same statement with other values has the same
    fingerprint. It is at most 20,000 characters long.
    """
    if isinstance(sql, bytes):
        sql = sql.decode("utf-8", "replace")
    elif not isinstance(sql, str):
        # psycopg's composed statements.
        as_string = getattr(sql, "as_string", None)
        sql = type(sql).__name__ if as_string is None else str(as_string(None))

    def replace(match: re.Match[str]) -> str:
        kind = match.lastgroup
        if kind in ("kept", "escape"):
            return match[0]
        if kind == "comment":
            return " "
        if kind == "percent" or (kind == "placeholder" and not has_parameters):
            return match[0] if has_parameters and match[0] == "%%" else match[0].replace("%", "%%")
        return "%s"

    return " ".join(_VALUES.sub(replace, sql[:_LONGEST]).split())[:_LONGEST]


def is_write(text: str) -> bool:
    """Return whether a statement inserts, changes or deletes rows."""
    return _BEGINS_WITH_WRITE.match(text) is not None


def is_read(text: str) -> bool:
    """Return whether a statement can only read. False is the answer in doubt."""
    if not _READS.match(text) or ";" in text:
        return False
    return _WRITES.search(_QUOTED.sub("", text)) is None
