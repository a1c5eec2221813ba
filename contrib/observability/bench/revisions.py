"""An earlier revision of a project in a folder of its own, with the same databases."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

__all__ = ["RevisionError", "check_out"]


class RevisionError(Exception):
    """There is no such revision, or no repository."""


@contextmanager
def check_out(project: Path, revision: str) -> Iterator[Path]:
    """Yield the project's folder as it was at ``revision`` of its git repository; raise ``RevisionError``.

    ``.env`` and the databases of SQLite in the folder are linked there, because git does not know them.
    """
    root = Path(_git(project, "rev-parse", "--show-toplevel"))
    commit = _git(project, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}")
    with tempfile.TemporaryDirectory(prefix="matt-bench-") as folder:
        tree = Path(folder) / root.name
        _git(root, "worktree", "add", "--quiet", "--detach", str(tree), commit)
        try:
            before = tree / project.relative_to(root)
            for path in [project / ".env", *_databases(project)]:
                linked = before / path.relative_to(project)
                if path.exists() and linked.parent.is_dir() and not linked.exists():
                    linked.symlink_to(path)
            yield before
        finally:
            _git(root, "worktree", "remove", "--force", str(tree))


def _databases(project: Path) -> list[Path]:
    named = [
        Path(str(each["NAME"])).resolve()
        for each in settings.DATABASES.values()
        if each.get("ENGINE", "").endswith("sqlite3")
    ]
    return [each for each in named if each.is_relative_to(project)]


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - no shell
            ["git", *arguments],  # noqa: S607 - the git of the user's PATH
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    except FileNotFoundError:
        raise RevisionError("git is not installed.") from None
    if done.returncode:
        raise RevisionError(done.stderr.strip() or f"git {arguments[0]} failed.")
    return done.stdout.strip()
