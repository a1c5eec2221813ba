"""What an SQL statement reads and writes, as far as its text says."""

import re
from functools import lru_cache
from typing import Any, NamedTuple

from django_matt.contrib.caching.tables import (
    cascade_from,
    known_tables,
    odd_tables,
    on_tables_changed,
)

__all__ = ["Statement", "read_statement", "unknown_in"]

# A name in quotes is not a keyword. In a string it is taken for one, which only makes an entry invalid too early.
_WRITES = re.compile(
    r'(?<!["\w.])(?:INSERT|(?<!\bFOR )(?<!\bKEY )UPDATE|DELETE|MERGE|REPLACE(?!\s*\()|TRUNCATE|COPY|'
    r'REFRESH|ALTER|DROP|CREATE|INTO)(?!["\w])',
    re.IGNORECASE,
)
_DELETES = re.compile(r"\b(?:DELETE|REPLACE|DROP)\b", re.IGNORECASE)
# What such a statement writes is stored in the database, and not in its text.
_ANYTHING = re.compile(
    r"^\s*(?:CALL|DO|EXECUTE|EXEC)\b|\bTRUNCATE\b.*\bCASCADE\b", re.IGNORECASE | re.DOTALL
)
_NOISE = re.compile(r"""("[^"]*"|`[^`]*`)|'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/""", re.DOTALL)
_NAME = r'(?:"[^"]*"|`[^`]*`|[\w$]+)'
_TOKEN = re.compile(rf"{_NAME}(?:\s*\.\s*{_NAME})*|[(),;]")
_CTE = re.compile(
    rf"({_NAME})\s*(?:\([^()]*\)\s*)?\bAS\s+(?:(?:NOT\s+)?MATERIALIZED\s+)?\(", re.IGNORECASE
)
_ENDS = frozenset(
    {"where", "group", "having", "order", "window", "limit", "union", "select", "set"}
)
_WORD = re.compile(r"[\w$]+")
_LONGEST_KEPT = 8_000


class Statement(NamedTuple):
    """The tables that a statement names, and what it does."""

    tables: frozenset[str]
    writes: bool
    anything: bool
    """Whether it may write any table."""


def read_statement(sql: Any) -> Statement:
    """Return what a statement does. The texts of the ORM contain no values, so the same text comes again."""
    sql = _text_of(sql)
    return _parse(sql) if len(sql) <= _LONGEST_KEPT else _parse.__wrapped__(sql)


@lru_cache(maxsize=2_048)
def _parse(sql: str) -> Statement:
    small = sql.lower()
    tables = known_tables() & {*_WORD.findall(small)}
    tables |= {table for table in odd_tables() if table in small}
    anything = _ANYTHING.search(_without_noise(sql)) is not None
    writes = anything or _WRITES.search(sql) is not None
    if writes and _DELETES.search(sql):
        tables = cascade_from(tables)
    return Statement(frozenset(tables), writes, anything)


def _text_of(sql: Any) -> str:
    if isinstance(sql, bytes):
        return sql.decode("utf-8", "replace")
    # Of an object of psycopg, the representation contains its keywords and its identifiers.
    return sql if sql.__class__ is str else str(sql)


def _without_noise(sql: str) -> str:
    """Return a statement without its strings and comments."""
    return _NOISE.sub(lambda found: found[1] or " ", sql)


def unknown_in(sql: Any) -> str | None:
    """Return the first name that a statement reads from and that is not a known table; ``None`` without one."""
    if not isinstance(sql, str | bytes):
        try:
            sql = sql.as_string(None)
        except Exception:  # noqa: BLE001 - psycopg2 needs a connection
            return "something"
    sql = _text_of(sql)
    return _find_unknown(sql) if len(sql) <= _LONGEST_KEPT else _find_unknown.__wrapped__(sql)


@lru_cache(maxsize=2_048)
def _find_unknown(sql: str) -> str | None:
    small = _without_noise(sql).lower()
    known = {*known_tables(), *odd_tables(), *(_bare(name) for name in _CTE.findall(small))}
    wants, before, lists = False, "", [False]
    within: list[str] = [""]  # before each parenthesis that is open
    for word in _TOKEN.findall(small):
        if word == "(":
            within.append(before)
            lists.append(False)
        elif word == ")" and len(lists) > 1:
            wants = False
            within.pop(), lists.pop()
        elif word == ",":
            wants = lists[-1]
        elif word in ("from", "join", "table"):
            # EXTRACT(year FROM x) and IS DISTINCT FROM x read no table.
            wants = before != "distinct" and within[-1] not in ("extract", "trim", "substring")
            lists[-1] |= wants
        elif word in _ENDS:
            wants = lists[-1] = False
        elif wants and word not in ("only", "lateral"):
            wants = False
            if not known & {_bare(word), _bare(word.rpartition(".")[2].strip())}:
                return str(word)
        before = word
    return None


def _bare(name: str) -> str:
    return name.strip('"`')


on_tables_changed(_parse.cache_clear)
on_tables_changed(_find_unknown.cache_clear)
