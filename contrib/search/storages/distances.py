"""``vec_distance_cosine`` in SQLite: of sqlite-vec, or of numpy where Python cannot load extensions."""

import sqlite3
from typing import Any

from django_matt.errors.exceptions import MissingExtra

__all__ = ["can_load_extensions", "install_distance"]

_INSTALLED = "SELECT 1 FROM pragma_function_list WHERE name = 'vec_distance_cosine'"


def can_load_extensions() -> bool:
    """Tell whether this Python was built to load extensions of SQLite."""
    return hasattr(sqlite3.Connection, "enable_load_extension")


def install_distance(connection: Any) -> None:
    """Give a connection the function, if it does not have it yet.

    sqlite-vec takes about half the time of numpy, which is called for each row.
    """
    connection.ensure_connection()
    raw = connection.connection
    if raw.execute(_INSTALLED).fetchone() is not None:
        return
    if can_load_extensions():
        try:
            import sqlite_vec  # type: ignore[import-untyped]
        except ImportError as error:
            raise MissingExtra("sqlite-vec", "vectors") from error
        raw.enable_load_extension(True)
        try:
            sqlite_vec.load(raw)
        finally:
            raw.enable_load_extension(False)
    else:
        raw.create_function("vec_distance_cosine", 2, _distance(), deterministic=True)


def _distance() -> Any:
    try:
        from numpy import dot, frombuffer
    except ImportError as error:
        raise MissingExtra("numpy", "vectors") from error

    def distance(first: bytes, second: bytes) -> float:
        # Both are normalised when they are stored and asked for.
        return 1.0 - float(dot(frombuffer(first, "<f4"), frombuffer(second, "<f4")))

    return distance
