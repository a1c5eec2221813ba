"""The watcher: watches the directories of the project, and reports changes of files in small batches."""

import os
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

from django_matt.contrib.hot_reload.process_state import digest
from django_matt.extensions import FileChange

__all__ = ["Watcher", "find_directories", "is_ignored", "roots_of"]

MAX_DIRECTORIES = 20_000
_KINDS: dict[int, Any] = {1: "added", 2: "modified", 3: "deleted"}
_IGNORED = {"node_modules", "__pycache__", "site-packages", "bower_components"}
# Databases, logs, byte code, and the temporary files of editors.
_SUFFIXES = (
    *("~", ".tmp", ".temp", ".bak", ".orig", ".part", ".crdownload", ".pyc", ".pyo", ".so", ".o"),
    *(
        ".sqlite3",
        ".sqlite3-journal",
        ".sqlite3-wal",
        ".sqlite3-shm",
        ".db",
        ".log",
        ".pid",
        ".lock",
    ),
    *("___jb_tmp___", "___jb_old___"),
)
# A batch ends after one step without changes. The step is most of the time between an edit and its event.
_STEP_MS, _BATCH_MS, _TIMEOUT_MS = 25, 400, 2_000
# As long as a server waits for its directories to be watched: a large project on a slow disk.
_OPEN_SECONDS = 5.0


def is_ignored(path: Path) -> bool:
    """Return whether a file is not source code: hidden (except ``.env``), a database, a log, or temporary."""
    name = path.name
    if name.startswith("."):
        return name != ".env"
    return name.endswith(_SUFFIXES) or (name[:1] == name[-1:] == "#") or name == "4913"


def roots_of(base: str, more: Iterable[str]) -> list[Path]:
    """Return the directories to watch: the project, other folders of ``sys.path`` and of the settings; no libraries."""
    libraries = [Path(path) for path in {*sysconfig.get_paths().values()}]
    found: list[Path] = []
    for given in [base, *more, *(path or "." for path in sys.path)]:
        path = Path(given).absolute()
        with suppress(OSError):
            path = path.resolve()
        is_library = any(path == library or library in path.parents for library in libraries)
        if not path.is_dir() or is_library or "site-packages" in path.parts:
            continue
        # The root and the home folder are too large to watch, unless one of them is the project.
        if path in (Path(path.anchor), Path.home()) and str(path) != base:
            continue
        if not any(root == path or root in path.parents for root in found):
            found = [root for root in found if path not in root.parents] + [path]
    return found


def find_directories(roots: Iterable[Path], ignore: Iterable[str] = ()) -> Iterator[Path]:
    """Yield the roots and the directories below, except links, hidden or ignored ones and virtual environments."""
    ignored = {*_IGNORED, *ignore}
    waiting = [Path(root) for root in roots]
    count = 0
    while waiting and count < MAX_DIRECTORIES:
        directory = waiting.pop()
        count += 1
        yield directory
        try:
            with os.scandir(directory) as entries:
                below = [
                    Path(entry.path)
                    for entry in entries
                    if entry.is_dir(follow_symlinks=False)
                    and not entry.name.startswith(".")
                    and entry.name not in ignored
                    and entry.path not in ignored
                ]
        except OSError:
            continue
        waiting += [path for path in below if not (path / "pyvenv.cfg").exists()]


class Watcher(threading.Thread):
    """A thread that calls ``tell`` with each batch of changes, until ``stop`` is called.

    The first batch has the files that were written after ``since``, except those for which ``is_known`` returns True.
    """

    def __init__(
        self,
        roots: Iterable[Path],
        tell: Callable[[list[FileChange]], None],
        *,
        ignore: Iterable[str] = (),
        since: float | None = None,
        is_known: Callable[[Path], bool] = lambda path: False,
        parent: int | None = None,
    ) -> None:
        """Prepare the thread; ``start()`` returns once the directories are watched."""
        super().__init__(name="matt-hot-reload", daemon=True)
        self._roots = list(roots)
        self._tell = tell
        self._ignore = tuple(ignore)
        self._since = since
        self._is_known = is_known
        # On Windows, the launcher of a virtual environment is a process between the supervisor and this one.
        self._parent = parent if parent and os.name == "posix" else os.getppid()
        self._opened, self._stopping = threading.Event(), threading.Event()
        self._directories: set[Path] = set()
        self._early: dict[Path, str] = {}

    def start(self) -> None:
        """Begin to watch: a file that is deleted after this is noticed, and before it cannot be."""
        super().start()
        self._opened.wait(_OPEN_SECONDS)

    def stop(self) -> None:
        """End the thread at its next step."""
        self._stopping.set()

    def run(self) -> None:
        """Watch until the thread is stopped or the supervisor has ended."""
        try:
            notify = self._open()
        finally:
            self._opened.set()
        if self._since is not None:
            early = [
                FileChange(change.path, "modified")
                for change in self._files(self._directories)
                if self._is_late(change)
            ]
            if early:
                self._early = {change.path: digest(change.path) for change in early}
                self._tell(early)
        while not self._stopping.is_set():
            raw = notify.watch(_BATCH_MS, _STEP_MS, _TIMEOUT_MS, self._stopping)
            if raw in {"stop", "signal"}:
                break
            if os.getppid() != self._parent:
                # The supervisor has ended, and nothing else would stop this process.
                os._exit(1)
            if not isinstance(raw, set):
                continue
            changes = self._changes(raw)
            if self._is_outdated(raw):
                before, known = notify, self._directories
                notify = self._open()
                last = before.watch(1, 1, 1, None)
                before.close()
                changes += self._changes(last) if isinstance(last, set) else []
                changes += list(self._files(self._directories - known))
            net = {change.path: change for change in changes if not self._is_told(change.path)}
            if net:
                self._tell(list(net.values()))

    def _open(self) -> RustNotify:
        # On Linux, watch each directory: inotify is not recursive, and watchfiles would enter node_modules and links.
        self._directories = self._find()
        while True:
            notify, before = self._notify(), self._directories
            self._directories = self._find()
            # A directory made between listing and watching causes no event: list again until none is new.
            if self._directories <= before:
                return notify
            notify.close()

    def _find(self) -> set[Path]:
        if sys.platform == "linux":
            return set(find_directories(self._roots, self._ignore))
        return set(self._roots)

    def _notify(self) -> RustNotify:
        recursive = sys.platform != "linux"
        if len(self._directories) >= MAX_DIRECTORIES:
            sys.stderr.write(
                f"Hot reload watches only {MAX_DIRECTORIES} directories. Add directories that it need not watch to "
                "MATT_HOT_RELOAD['IGNORE'].\n"
            )
        paths = [str(path) for path in self._directories if path.is_dir()]
        polling = os.environ.get("WATCHFILES_FORCE_POLLING", "") not in {
            "",
            "false",
            "disable",
            "0",
        }
        try:
            return RustNotify(paths, False, polling, 300, recursive, True)
        except (OSError, WatchfilesRustInternalError) as error:
            sys.stderr.write(
                f"Hot reload polls for changes, because the system does not report them: {error}\n"
            )
            return RustNotify(paths, False, True, 300, recursive, True)

    def _is_outdated(self, raw: set[tuple[int, str]]) -> bool:
        return sys.platform == "linux" and any(
            kind == 1 and Path(path).is_dir() and not Path(path).is_symlink() for kind, path in raw
        )

    def _changes(self, raw: set[tuple[int, str]]) -> list[FileChange]:
        """Return one change for each file: a file that was removed and written again is modified."""
        found: dict[Path, set[int]] = {}
        for kind, name in raw:
            path = Path(name)
            if not is_ignored(path) and not self._is_below_ignored(path):
                found.setdefault(path, set()).add(kind)
        changes = []
        for path, kinds in found.items():
            if path.is_dir():
                continue
            if not path.exists():
                if kinds != {1, 3}:
                    changes.append(FileChange(path, "deleted"))
            else:
                kind = _KINDS[1] if kinds <= {1, 2} and 1 in kinds else _KINDS[2]
                changes.append(FileChange(path, kind))
        return changes

    def _is_below_ignored(self, path: Path) -> bool:
        if sys.platform == "linux":
            return False
        ignored = {*_IGNORED, *self._ignore}
        root = next((root for root in self._roots if root in path.parents), None)
        parts = path.parent.relative_to(root).parts if root else ()
        return any(part in ignored or part.startswith(".") for part in parts) or any(
            str(parent) in ignored for parent in path.parents
        )

    def _files(self, directories: Iterable[Path]) -> Iterator[FileChange]:
        for directory in directories:
            with suppress(OSError), os.scandir(directory) as entries:
                for entry in entries:
                    path = Path(entry.path)
                    if entry.is_file(follow_symlinks=False) and not is_ignored(path):
                        yield FileChange(path, "added")

    def _is_told(self, path: Path) -> bool:
        """Return whether this event belongs to a write that was reported in the first batch."""
        told = self._early.pop(path, "")
        return told != "" and told == digest(path)

    def _is_late(self, change: FileChange) -> bool:
        """Return whether a file was written while this process started, before it watched."""
        try:
            written = change.path.stat().st_mtime
            return written > (self._since or time.time()) and not self._is_known(change.path)
        except OSError:
            return False
