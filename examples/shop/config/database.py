"""``DATABASE_URL`` as Django's dictionary: SQLite by default, PostgreSQL by an address."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

__all__ = ["read_database_url"]


def read_database_url(url: str, default: Path) -> dict[str, Any]:
    """Read ``sqlite:///path`` or ``postgres://user:password@host:port/name``; an empty url means ``default``.

    A ``host`` in the query is the folder of a Unix socket, as libpq writes it:
    ``postgres://postgres@/postgres?host=/run/postgresql``.
    """
    parts = urlsplit(url)
    if not url or parts.scheme in {"sqlite", "sqlite3"}:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": unquote(parts.path[1:]) if url else str(default),
            # A transaction that reads and then writes needs the write lock from its start: without
            # IMMEDIATE two of them end in "database is locked", however long the timeout.
            "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20},
        }
    if parts.scheme in {"postgres", "postgresql"}:
        query = dict(parse_qsl(parts.query))
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.lstrip("/")) or "postgres",
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": query.pop("host", parts.hostname or ""),
            "PORT": str(parts.port or ""),
            # Under ASGI a kept connection belongs to a thread that no later request has: they would pile up.
            "CONN_MAX_AGE": 0,
            "CONN_HEALTH_CHECKS": True,
        }
    raise ValueError(f"DATABASE_URL: {parts.scheme!r} is neither sqlite nor postgres")
