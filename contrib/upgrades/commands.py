"""The commands ``matt upgrade`` and ``matt adopt``, which the entry points ``django_matt.commands`` add."""

import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from django_matt import __version__
from django_matt.cli.consoles import err, fail, out
from django_matt.cli.managing import find_project
from django_matt.cli.repositories import need_clean
from django_matt.installation import install_line

if TYPE_CHECKING:
    from django_matt.contrib.upgrades.sources import Change, Note

__all__ = ["adopt", "upgrade"]

Paths = Annotated[
    list[Path] | None,
    typer.Argument(
        help="Files and folders. Default: the project.", exists=True, show_default=False
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the changes without making them.")]
NoInput = Annotated[bool, typer.Option("--no-input", help="Ask nothing.")]


def upgrade(
    paths: Paths = None,
    code_of: Annotated[
        str, typer.Option("--from", help="The release that the code ran on, such as 1.0.")
    ] = "",
    dry_run: DryRun = False,
    no_input: NoInput = False,
) -> None:
    """Bring the code of this project to this release of Django Matt: a diff first, then the change.

    It replaces what was deprecated or removed. Nothing is committed: git diff shows the change, and git restore undoes it.
    """
    _need_libcst()
    from django_matt.contrib.upgrades.codemods import codemods_from
    from django_matt.contrib.upgrades.sources import find_files, read

    try:
        codemods = codemods_from(code_of)
    except ValueError:
        fail(f"--from {code_of} is not a release, such as 1.0.", code=2)
    root, places = _places(paths, dry_run, "upgrade")
    sources, notes = read(find_files(places), {w for each in codemods for w in each.words})
    for codemod in codemods:
        had = [source.text for source in sources]
        notes += codemod.run(sources, root)
        count = sum(text != each.text for text, each in zip(had, sources, strict=True))
        if count:
            err.print(f"{codemod.name} ({count} files): {codemod.summary}", soft_wrap=True)
    notes += [note for source in sources for note in source.notes]
    changes = [change for source in sources if (change := source.change)]
    _finish(changes, notes, root, dry_run=dry_run, no_input=no_input)
    if not changes:
        out.print(f"Nothing to change for Django Matt {__version__}.")


def adopt(paths: Paths = None, dry_run: DryRun = False, no_input: NoInput = False) -> None:
    """Move this project from Ninja, Ninja Extra or Django REST framework to Django Matt: a diff first, then the change.

    NinjaAPI and NinjaExtraAPI become MattAPI. For REST framework, drafts of schemas and controllers are written beside your
    files (views_draft.py), which stay as they are.
    """
    _need_libcst()
    from django_matt.contrib.upgrades import adoptions
    from django_matt.contrib.upgrades.drafts import projects as drafts
    from django_matt.contrib.upgrades.sources import find_files, read

    root, places = _places(paths, dry_run, "adoption")
    sources, notes = read(find_files(places), [*adoptions.WORDS, *drafts.WORDS])
    drafted, left = drafts.draft(sources, root)
    notes += adoptions.adopt(sources, root)
    notes += [note for source in sources for note in source.notes] + left
    changes = [change for source in sources if (change := source.change)] + drafted
    _finish(changes, notes, root, dry_run=dry_run, no_input=no_input)
    if not changes:
        out.print("Nothing to adopt: no NinjaAPI, NinjaExtraAPI or view of REST framework.")
    elif not dry_run:
        out.print("Read docs/migrating.md, “After the swap”, and run your tests.", soft_wrap=True)


def _need_libcst() -> None:
    if find_spec("libcst") is None:
        fail("libcst is not installed. Install what this command needs:", install_line("upgrade"))


def _places(paths: list[Path] | None, dry_run: bool, what: str) -> tuple[Path, list[Path]]:
    """Return the folder of the project, and what to read in it.

    Exits if the project has changes that could not be told from those of the command.
    """
    project = find_project()
    root = (project.folder if project else Path.cwd()).resolve()
    places = [path.resolve() for path in paths or [root]]
    for path in places:
        if not path.is_relative_to(root):
            fail(f"{path} is not in the project {root}.", code=2)
    if not dry_run:
        need_clean(root, what)
    return root, places


def _is_asked(no_input: bool) -> bool:
    """Return whether a person at a terminal is asked."""
    return not no_input and sys.stdin.isatty()


def _finish(
    changes: "Sequence[Change]",
    notes: "Sequence[Note]",
    root: Path,
    *,
    dry_run: bool,
    no_input: bool,
) -> None:
    """Show the changes, ask, write them, and print what is left to a person."""
    from django_matt.contrib.upgrades import diffs
    from django_matt.contrib.upgrades.sources import write

    diffs.show(changes, root)
    if notes:
        err.print("To look at:", style="bold")
    for note in notes:
        name = note.path.relative_to(root) if note.path.is_relative_to(root) else note.path
        place = f"{name}:{note.line}" if note.line else f"{name}"
        err.print(f"  {place}: {note.text}", markup=False, soft_wrap=True)
    if not changes or dry_run:
        return
    if _is_asked(no_input) and not typer.confirm("Make these changes?", True):
        fail("nothing was changed.")
    try:
        write(changes)
    except OSError as error:
        fail(f"a file cannot be written: {error}. To undo what was changed:", "git restore .")
    out.print(f"Changed {len(changes)} files. To undo it:", style="bold")
    out.print("    git restore . && git clean --interactive", markup=False)
