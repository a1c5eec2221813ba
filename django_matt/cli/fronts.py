"""``matt front add``: gives a project of ``matt new`` the front end that it could have had from the start."""

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from django_matt.cli.consoles import fail, out
from django_matt.cli.managing import need_project
from django_matt.cli.repositories import need_clean, run_git
from django_matt.cli.templates import Source, conflict, make_project, read_options
from django_matt.cli.updates import read_state, report_rejected

__all__ = ["register"]

# As `matt update`: these differ between any two projects.
_OWN = (".env", "local.mk", ".cruft.json")


def add(
    kind: Annotated[
        Literal["react", "astro", "svelte", "next", "react-router"],
        typer.Argument(help="The starter."),
    ],
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the changes without making them.")
    ] = False,
) -> None:
    """Add a front end to this project: its folder, and what it needs in the settings, URLs, Makefile, image and CI.

    The changes are the difference between two new projects with your options, one with the front end and one without. Where you have
    changed the same lines, the rest is applied, and a .rej file has what you must add. Nothing is committed.
    """
    project = need_project().folder
    state = read_state(project)
    answers = _answers(state)
    if answers.get("front", "none") != "none":
        fail(f"this project has a front end already: front/, by {answers['front']}.")
    answers["front"] = kind
    if said := conflict(answers):
        fail(f"{said} This project has other options, as .cruft.json records.")
    if (project / "front").exists():
        fail(f"{project / 'front'} exists already. Move it, or give it another name.")
    need_clean(project, "change")
    with tempfile.TemporaryDirectory(prefix="matt-front-") as made:
        patch = Path(made) / "front.patch"
        patch.write_text(_difference(Path(made), answers), encoding="utf-8")
        if dry_run:
            sys.stdout.write(patch.read_text(encoding="utf-8"))
            return
        # `-p2` for the folder of the rendered project; less context, because the lines around may be the user's.
        # In a folder of a repository, git would ignore what is outside of it: paths begin at the top.
        top = Path((run_git(project, "rev-parse", "--show-toplevel") or "").strip())
        folder = project.resolve().relative_to(top.resolve()).as_posix()
        apply = ["apply", "-p2", "-C1", "--whitespace=nowarn"]
        if folder != ".":
            apply.append(f"--directory={folder}")
        if run_git(top, *apply, "--check", str(patch), check=False) is None:
            run_git(top, *apply, "--reject", str(patch), check=False)
        else:
            run_git(top, *apply, str(patch))
    state["context"]["cookiecutter"]["front"] = kind
    (project / ".cruft.json").write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")
    report_rejected(project)
    out.print(
        "Added front/. Look at the changes, run make install and make dev, then commit.",
        soft_wrap=True,
    )


def _answers(state: dict[str, Any]) -> dict[str, str]:
    """Return the options that the project was made with; an option that is newer than it has its default."""
    recorded = state.get("context", {}).get("cookiecutter", {})
    options, _ = read_options()
    return {name: str(recorded[name]) for name in options if name in recorded}


def _difference(folder: Path, answers: dict[str, str]) -> str:
    """Return what the front end changes in a new project with these answers, as a patch."""
    source = Source(answers.get("django_matt_source", ""))
    for name, front in (("without", "none"), ("with", answers["front"])):
        target = folder / name
        make_project({**answers, "front": front}, target, source)
        for own in _OWN:
            (target / own).unlink(missing_ok=True)
        shutil.rmtree(target / ".git", ignore_errors=True)
    compared = ("diff", "--no-index", "--no-color", "--no-ext-diff", "without", "with")
    return run_git(folder, *compared, success=1) or ""


def register(application: typer.Typer) -> None:
    """Add ``front``."""
    front = typer.Typer(no_args_is_help=True, help="Add a front end to a project of matt new.")
    # A command of its own, and not the group itself: `matt front add react`.
    front.callback()(lambda: None)
    front.command()(add)
    application.add_typer(front, name="front", rich_help_panel="Make a project")
