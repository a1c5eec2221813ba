"""What the driver alone needs: the rows of a case fetched by SQL written by hand, and nothing made of their values."""

from collections.abc import Callable
from typing import Any

from django.db import connection

from benchmarks.data import COLUMNS
from benchmarks.measuring import Run

__all__ = ["driver_runs"]

_FLAT = [f"SELECT {', '.join(COLUMNS)} FROM benchmarks_row ORDER BY id"]
_NESTED = [
    "SELECT b.id, b.title, b.pages, a.id, a.name, a.email FROM benchmarks_book b"
    " JOIN benchmarks_author a ON a.id = b.author_id ORDER BY b.id",
    "SELECT l.book_id, t.id, t.name FROM benchmarks_book_tags l"
    " JOIN benchmarks_tag t ON t.id = l.tag_id WHERE l.book_id IN ({keys}) ORDER BY t.id",
]
_DEEP = [
    "SELECT id, name FROM benchmarks_publisher ORDER BY id",
    "SELECT id, name, publisher_id FROM benchmarks_author WHERE publisher_id IN ({keys}) ORDER BY id",
    "SELECT id, title, author_id FROM benchmarks_book WHERE author_id IN ({keys}) ORDER BY id",
    "SELECT id, title, book_id FROM benchmarks_chapter WHERE book_id IN ({keys}) ORDER BY id",
]
# What psycopg would make Python's objects of; their text costs least.
_OBJECTS = ("bool", "int4", "int8", "float8", "numeric", "uuid", "date", "timestamptz")


def driver_runs() -> dict[str, dict[str, Run]]:
    """Return, by case, what fetches its rows through a connection of the driver's own."""
    cursor = _connect()
    return {
        case: {"driver": _fetching(cursor, queries)}
        for case, queries in {"flat": _FLAT, "nested": _NESTED, "deep": _DEEP}.items()
    }


def _fetching(cursor: Any, queries: list[str]) -> Callable[[int], None]:
    def run(times: int) -> None:
        for _ in range(times):
            keys = ""
            for query in queries:
                rows = cursor.execute(query.format(keys=keys)).fetchall()
                keys = ", ".join(str(row[0]) for row in rows)

    return run


def _connect() -> Any:
    if connection.vendor == "sqlite":
        import sqlite3

        return sqlite3.connect(connection.settings_dict["NAME"], check_same_thread=False).cursor()
    import psycopg
    from psycopg.types.string import TextLoader

    options = connection.settings_dict
    made = psycopg.connect(
        host=options["HOST"], user=options["USER"], dbname=options["NAME"], autocommit=True
    )
    for name in _OBJECTS:
        made.adapters.register_loader(name, TextLoader)
    return made.cursor()
