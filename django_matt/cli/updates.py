"""``matt update``: brings a project to a newer template with cruft, without committing the changes."""

import contextlib
import io
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from django_matt.cli.consoles import err, fail, out
from django_matt.cli.managing import need_project
from django_matt.cli.repositories import need_clean, run_git
from django_matt.cli.templates import DIRECTORY, find_source

__all__ = ["read_state", "report_rejected", "update"]


def update(
    to: Annotated[
        str | None, typer.Option("--to", help="A branch, tag or commit of the template.")
    ] = None,
    source: Annotated[
        str,
        typer.Option(help="The template's repository, if it has moved."),
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the changes without making them.")
    ] = False,
    no_input: Annotated[bool, typer.Option("--no-input", help="Ask nothing.")] = False,
) -> None:
    """Bring this project to a newer template, and show what changes.

    Your own changes are kept. Nothing is committed: git diff shows the update, and git restore undoes it.
    """
    project = need_project().folder
    state = read_state(project)
    need_clean(project, "update")
    template = _repository(source, state)
    top = Path((run_git(project, "rev-parse", "--show-toplevel") or "").strip())
    try:
        with tempfile.TemporaryDirectory(prefix="matt-update-") as made:
            clone = Path(made) / "project"
            run_git(top, "clone", "--quiet", str(top), str(clone))
            rehearsal = clone / project.resolve().relative_to(top.resolve())
            if not _apply(rehearsal, template, to):
                out.print("The project has the newest template.")
                return
            diff = _changes(rehearsal)
        sys.stdout.write(diff)
        if dry_run:
            return
        if not no_input and sys.stdin.isatty() and not typer.confirm("Make these changes?", True):
            fail("nothing was changed.")
        _apply(project, template, to)
    except KeyboardInterrupt:
        fail(
            "interrupted. `git status` shows whether something was changed; this undoes it:",
            "git restore .",
        )
    _report(project)


def read_state(project: Path) -> dict[str, Any]:
    """Return ``.cruft.json``: which template the project was made from, and with which answers."""
    path = project / ".cruft.json"
    try:
        state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        fail(
            f"{path} is missing. It says which template the project was made from. Write it once with",
            f"cruft link <repository of django-matt> --directory {DIRECTORY}",
        )
    except ValueError as error:
        fail(f"{path} is not JSON: {error}.", "git restore .cruft.json")
    if not (isinstance(state, dict) and state.get("template") and state.get("commit")):
        fail(f"{path} does not name a template and a commit.", "git restore .cruft.json")
    return state


def _repository(given: str, state: dict[str, Any]) -> str:
    """Return the repository to clone: ``given``, else ``DJANGO_MATT_SOURCE`` if it is one, else the recorded one."""
    try:
        found = find_source(given)
    except FileNotFoundError as error:
        fail(f"{error} does not exist; --source or DJANGO_MATT_SOURCE names it.")
    named = given or os.environ.get("DJANGO_MATT_SOURCE", "")
    if named and found.repository:
        return found.repository
    if given:
        if "://" not in given:
            fail(f"{given} is not a git repository with a folder {DIRECTORY}/.")
        return given.removeprefix("git+")
    return str(state["template"])


def _apply(project: Path, template: str, to: str | None) -> bool:
    """Update the project with cruft; return whether the template was newer."""
    from cruft import update as update_by_cruft
    from cruft.exceptions import CruftError
    from git.exc import GitError

    record = project / ".cruft.json"
    before = record.read_bytes()
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            done = update_by_cruft(
                project_dir=project,
                # cruft converts it to text, and a Path would turn the two slashes of a URL into one.
                template_path=cast("Path", template),
                checkout=to,
                skip_apply_ask=True,
                allow_untracked_files=True,
            )
    except (CruftError, GitError, OSError) as error:
        fail(
            f"the template cannot be read from {template}: {_last_line(error)}",
            "matt update --source <folder or URL>",
        )
    if not done:
        fail(f"cruft did not update the project: {said.getvalue().strip()}")
    return record.read_bytes() != before


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else repr(error)


def _changes(project: Path) -> str:
    """Return all changes of the update as one diff, without that of ``.cruft.json``."""
    run_git(project, "add", "--intent-to-add", "--all")
    color = "--color" if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else "--no-color"
    return run_git(project, "diff", "HEAD", color, "--", ".", ":!.cruft.json") or ""


def report_rejected(project: Path) -> None:
    """Exit with an error that lists the files in which the template and the project have changed the same lines."""
    conflicts = (
        run_git(project, "diff", "--name-only", "--diff-filter=U", "--relative") or ""
    ).split()
    rejected = [str(path.relative_to(project)) for path in project.rglob("*.rej")]
    if conflicts or rejected:
        for name in [*conflicts, *rejected]:
            err.print(f"  {name}", markup=False)
        fail(
            "these files changed in the template and in the project. Resolve each conflict, then commit. To undo all of it:",
            "git reset --hard",
        )


def _report(project: Path) -> None:
    report_rejected(project)
    out.print(
        "Updated. Look at the changes, run make check and make test, then commit.", soft_wrap=True
    )
