"""The version of an SQLite file, which every commit of any process changes (``PRAGMA data_version``)."""

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from threading import Lock
from typing import Any

from django.db import connections

__all__ = ["change_version", "is_in_memory", "read_versions", "sqlite_files"]


def sqlite_files() -> dict[str, str] | None:
    """Return the file of each database by alias; ``None`` if one is not a file of SQLite."""
    if any(connections[alias].vendor != "sqlite" or is_in_memory(alias) for alias in connections):
        return None
    return {alias: str(connections[alias].settings_dict["NAME"]) for alias in connections}


def is_in_memory(alias: str) -> bool:
    """Tell whether a database is in the memory of this process, so that no other one can write it."""
    connection = connections[alias]
    name = str(connection.settings_dict["NAME"])
    return connection.vendor == "sqlite" and (":memory:" in name or "mode=memory" in name)


class _Watcher:
    """A connection that only reads the version. It must not write: it would not notice its own commits."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self._cursor: Any = None
        self._opened: Any = None
        self._nonce = ""

    def read(self) -> str | None:
        """Return the version; ``None`` while a commit is being written, or without a file."""
        with self._lock:
            try:
                found = os.stat(self._name)  # noqa: PTH116 - a third of the time of Path.stat()
                # After a fork, or if the file was replaced, the numbers of another connection count.
                opened = (os.getpid(), found.st_dev, found.st_ino)
                if self._connection is None or opened != self._opened:
                    self._open(opened)
                version = self._cursor.execute("PRAGMA data_version").fetchone()[0]
            except (OSError, sqlite3.Error):
                return None
            return f"{self._nonce}:{version}"

    def _open(self, opened: Any) -> None:
        if self._connection is not None and self._opened[0] == opened[0]:
            self._connection.close()
        uri = f"{Path(self._name).resolve().as_uri()}?mode=ro"
        self._connection = sqlite3.connect(
            uri, uri=True, timeout=0, isolation_level=None, check_same_thread=False
        )
        self._cursor = self._connection.cursor()
        self._opened, self._nonce = opened, token_hex(8)

    def close(self) -> None:
        """Close the connection; the next reading opens another one."""
        with self._lock, suppress(sqlite3.Error):
            if self._connection is not None:
                self._connection.close()
            self._connection = None


_watchers: dict[str, _Watcher] = {}


def read_versions(files: dict[str, str]) -> str | None:
    """Return the versions of the files as one text; ``None`` if one cannot be read now."""
    found = []
    for name in files.values():
        watcher = _watchers.get(name)
        if watcher is None:
            watcher = _watchers.setdefault(name, _Watcher(name))
        version = watcher.read()
        if version is None:
            return None
        found.append(version)
    return ",".join(found)


def change_version(alias: str) -> None:
    """Change the version of a database as a commit does. In a transaction, its commit does."""
    with connections[alias].cursor() as cursor:
        cursor.execute("PRAGMA user_version")
        cursor.execute(f"PRAGMA user_version = {int(cursor.fetchone()[0])}")
