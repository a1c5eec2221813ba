"""The database of settings that several connections and processes share: SQLite in a file, and not in memory."""

import os
import tempfile
from typing import Any

__all__ = ["share_database"]


def share_database(database: dict[str, Any], variable: str, mode: str = "IMMEDIATE") -> None:
    """Let the environment variable name the database; without it, SQLite gets a file of its own.

    ``mode`` is how transactions of SQLite begin.
    """
    name = os.environ.get(variable)
    if database["ENGINE"].endswith("sqlite3"):
        name = name or f"{tempfile.mkdtemp(prefix='matt-tests-')}/db.sqlite3"
        database |= {
            "NAME": name,
            "TEST": {"NAME": name},
            "OPTIONS": {
                "transaction_mode": mode,
                "timeout": 60,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
            },
        }
    elif name:
        database["NAME"] = name
