"""Writes several files: all of them or none."""

import errno
import os
from collections.abc import Mapping
from pathlib import Path

from django.core.management.base import CommandError

__all__ = ["restore", "write_all"]


def write_all(texts: Mapping[Path, str]) -> dict[Path, bytes | None]:
    """Write texts, each beside its file first, and put them in place after the last one succeeded.

    Returns what the files had before, for ``restore``. Raises ``CommandError``, and then nothing has changed.
    """
    before: dict[Path, bytes | None] = {}
    ready: list[tuple[Path, Path]] = []
    try:
        for path, text in texts.items():
            before[path] = path.read_bytes() if path.exists() else None
            if before[path] == text.encode():
                continue
            ready.append((_write_beside(path, text), path))
        for temporary, path in ready:
            temporary.replace(path)
    except OSError as error:
        for temporary, path in ready:
            if temporary.exists():
                temporary.unlink()
            else:
                restore({path: before[path]})
        raise CommandError(f"Nothing was written: {_reason(error)}") from None
    return before


def restore(before: Mapping[Path, bytes | None]) -> None:
    """Put back what files had before."""
    for path, content in before.items():
        if content is None:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(content)


def _write_beside(path: Path, text: str) -> Path:
    # Not mkstemp, whose files only their owner can read: these are source code.
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("xb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            temporary.chmod(path.stat().st_mode & 0o777)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _reason(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "the disk is full. Free some space and run the command again."
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        name = Path(error.filename or "").parent
        return f"{name} cannot be written ({error.strerror}). Check its permissions."
    return f"{error.filename}: {error.strerror or error}."
