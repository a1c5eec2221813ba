"""The git repository of a project: what the commands that change its files ask of it first."""

import subprocess
from pathlib import Path

from django_matt.cli.consoles import fail

__all__ = ["need_clean", "run_git"]


def need_clean(folder: Path, what: str) -> None:
    """Exit with an error if ``folder`` is not in a git repository, or has changes that are not committed.

    ``what`` is what the command does, such as ``"update"``.
    """
    said = run_git(folder, "status", "--porcelain", "--", ".", check=False)
    if said is None:
        fail(
            f"{folder} is not a git repository, so you could not undo the {what}.",
            "git init && git add --all && git commit --message 'Begin'",
        )
    if said:
        fail(
            f"the project has uncommitted changes. Commit or stash them, so that you can tell the {what} from them.",
            "git stash --include-untracked",
        )


def run_git(folder: Path, *arguments: str, check: bool = True, success: int = 0) -> str | None:
    """Return what git prints in ``folder`` if it exits with 0 or ``success``; else exit with its message, or return None if not ``check``."""
    try:
        said = subprocess.run(  # noqa: S603 - the arguments are ours
            ["git", *arguments],  # noqa: S607 - the user's git
            cwd=folder,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except FileNotFoundError:
        fail("git is not installed; this command needs it.")
    if said.returncode not in (0, success):
        if not check:
            return None
        fail(f"git {arguments[0]}: {said.stderr.strip() or said.stdout.strip()}")
    return said.stdout
