"""The state that the supervisor passes to each server process, and each process to the next one."""

import json
import os
import socket
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from hashlib import file_digest
from pathlib import Path
from typing import Any

from django.conf import settings

from django_matt.contrib.hot_reload.settings import get_settings
from django_matt.extensions import FileChange

__all__ = ["RESTART", "VARIABLE", "ProcessState", "environment", "offer", "take"]

RESTART = 3
"""The exit code that asks for a restart, as in Django's autoreloader."""

VARIABLE = "MATT_HOT_RELOAD_HANDOVER"
"""The environment variable with the state. ``launcher.py`` repeats the name, because it imports no module."""

_MAX_CHANGES = 500


@dataclass(slots=True, kw_only=True)
class ProcessState:
    """The listening socket, and the settings that a process needs even if the settings module cannot be imported."""

    fd: int
    state: str
    """The file with the changes that caused a restart; they are kept until a process starts successfully."""
    base: str
    watch: list[str]
    ignore: list[str]
    hosts: list[str]
    origins: list[str]
    script_name: str
    certificate: str
    key: str
    parent: int = field(default_factory=os.getpid)
    started: float = field(default_factory=time.time)
    _kept: dict[str, Any] = field(default_factory=dict)

    def open_socket(self) -> socket.socket:
        """Return the supervisor's listening socket. Closing it here does not close it for the next process."""
        given = socket.socket(fileno=self.fd)
        try:
            return given.dup()
        finally:
            given.detach()

    def keep(self, changes: Iterable[FileChange]) -> None:
        """Keep changes for the next process."""
        self._load()
        self._kept |= {str(change.path): (change.kind, digest(change.path)) for change in changes}
        latest = list(self._kept.items())[-_MAX_CHANGES:]
        with suppress(OSError):
            Path(self.state).write_text(json.dumps(latest))

    def collect(self) -> list[FileChange]:
        """Return the kept changes, which this process announces, and remove their file."""
        self._load()
        with suppress(OSError):
            Path(self.state).unlink()
        return [FileChange(Path(path), kind) for path, (kind, _) in self._kept.items()]

    def is_known(self, path: Path) -> bool:
        """Return whether a file is unchanged since it caused this restart. A project may write files while it loads."""
        self._load()
        kept = self._kept.get(str(path))
        return kept is not None and kept[1] == digest(path)

    def _load(self) -> None:
        if not self._kept:
            with suppress(OSError, ValueError, TypeError):
                self._kept.update(json.loads(Path(self.state).read_text()))


def digest(path: Path) -> str:
    """Return a hash of the content of a file; empty if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file_digest(file, "blake2b").hexdigest()
    except OSError:
        return ""


def offer(fd: int, state: str, certificate: str = "", key: str = "") -> ProcessState:
    """Return the state for a new process, from the project's settings."""
    given = get_settings()
    return ProcessState(
        fd=fd,
        state=state,
        base=str(getattr(settings, "BASE_DIR", None) or Path.cwd()),
        watch=[str(Path(path).absolute()) for path in given.WATCH],
        ignore=[
            *given.IGNORE,
            *(
                str(Path(root).absolute())
                for root in (settings.MEDIA_ROOT, settings.STATIC_ROOT)
                if root
            ),
        ],
        hosts=list(settings.ALLOWED_HOSTS),
        origins=list(settings.CSRF_TRUSTED_ORIGINS),
        script_name=settings.FORCE_SCRIPT_NAME or "",
        certificate=certificate,
        key=key,
    )


def environment(handover: ProcessState | None) -> dict[str, str]:
    """Return the environment of a process that gets the state now, or waits for it if ``handover`` is None."""
    # Projects use RUN_MAIN to find out whether they are in the process that serves.
    given = {VARIABLE: json.dumps(asdict(handover))} if handover else {}
    return {**os.environ, **given, "RUN_MAIN": "true"}


@lru_cache(maxsize=1)
def take() -> ProcessState | None:
    """Return the state of this process. It is removed from the environment, so that child processes do not use it."""
    given = os.environ.pop(VARIABLE, None)
    return ProcessState(**json.loads(given)) if given else None
