"""``matt new``: a project from the template, asked for or given by flags."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from django_matt.cli import updates
from django_matt.cli.consoles import fail, out
from django_matt.cli.templates import (
    Source,
    find_source,
    make_project,
    objection,
    read_options,
)

__all__ = ["register"]


def new(
    name: Annotated[
        str | None, typer.Argument(help="Name of the project, such as lamp-shop or 'Lamp Shop'.")
    ] = None,
    *,
    project_slug: Annotated[
        str | None, typer.Option(help="Name of its folder; made of the project's name.")
    ] = None,
    database: Annotated[
        Literal["sqlite", "postgresql"] | None, typer.Option(help="A file, or a server.")
    ] = None,
    layout: Annotated[
        Literal["plain", "layered"] | None,
        typer.Option(help="Of the first app: controllers ask models, or services between them."),
    ] = None,
    mode: Annotated[
        Literal["sync", "async"] | None, typer.Option(help="Routes and server: WSGI, or ASGI.")
    ] = None,
    first_app: Annotated[
        Literal["example", "empty"] | None,
        typer.Option(help="Items to read and replace, or nothing yet."),
    ] = None,
    app_name: Annotated[str | None, typer.Option(help="Name of the first app.")] = None,
    into: Annotated[Path, typer.Option(help="The folder that the project's folder is made in.")] = (
        Path()
    ),
    source: Annotated[
        str, typer.Option(help="Where it installs Django Matt from: folder, wheel or URL.")
    ] = "",
    no_input: Annotated[
        bool, typer.Option("--no-input", help="Ask nothing: what no flag says is the default.")
    ] = False,
) -> None:
    """Make a project that runs: API, admin, health, tests, container, CI.

    What you do not say is asked. Nothing is installed before you run make in it.
    """
    given = {
        "project_name": _title(name),
        "project_slug": project_slug,
        "database": database,
        "layout": layout,
        "mode": mode,
        "first_app": first_app,
        "app_name": app_name,
    }
    answers = {option: value for option, value in given.items() if value is not None}
    asks = not no_input and sys.stdin.isatty()
    if "project_name" not in answers and not asks:
        fail("the project needs a name, and nobody is there to ask.", "matt new lamp-shop")
    into = into.expanduser().resolve()
    _refuse(answers, into)
    try:
        place = find_source(source)
    except FileNotFoundError as error:
        fail(f"there is no {error}: DJANGO_MATT_SOURCE or --source names it.")
    try:
        if asks:
            answers = _ask(answers, into)
        answers = _complete(answers)
        _refuse(answers, into)
        _write(answers, into / answers["project_slug"], place)
    except (KeyboardInterrupt, EOFError):
        fail("interrupted; nothing was made.", code=130)


def _title(name: str | None) -> str | None:
    """Return what people call a project that was given like a folder."""
    if name and name == name.lower() and " " not in name:
        return name.replace("-", " ").replace("_", " ").title()
    return name


def _complete(answers: Mapping[str, str]) -> dict[str, str]:
    """Add the defaults, as cookiecutter would."""
    from slugify import slugify

    options, _ = read_options()
    found = {
        name: str(value[0] if isinstance(value, list) else value)
        for name, value in options.items()
        if name != "django_matt_source"
    }
    found |= answers
    if "project_slug" not in answers:
        found["project_slug"] = slugify(found["project_name"])
    return found


def _refuse(answers: Mapping[str, str], into: Path) -> None:
    """Leave with a sentence for an answer that cannot be; before the questions, for what flags said."""
    for kind, name in (("title", "project_name"), ("slug", "project_slug"), ("app", "app_name")):
        if name in answers and (said := objection(kind, answers[name])):
            fail(said)
    if not into.is_dir():
        fail(f"there is no folder {into}: make it first.")
    if "project_slug" in answers and (said := _occupied(into / answers["project_slug"])):
        fail(said)


def _write(answers: Mapping[str, str], target: Path, source: Source) -> None:
    """Make the project, and say how it goes on."""
    from cookiecutter.exceptions import CookiecutterException

    try:
        make_project(answers, target, source)
    except CookiecutterException as error:
        fail(f"{target} cannot be made of the template: {error}; nothing was made.")
    except OSError as error:
        # shutil.Error holds a list of all that could not be copied.
        several = error.args[0] if error.args and isinstance(error.args[0], list) else None
        reason = several[0][-1] if several else error.strerror or error
        fail(f"{target} cannot be made: {reason}; nothing was made.")
    _report(answers, target, source)


def _occupied(target: Path) -> str:
    """Return why no project can be made there; empty if one can."""
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        return f"{target} exists already: take another name."
    if target.exists() and any(target.iterdir()):
        return f"{target} exists already and is not empty: take another name, or another folder by --into."
    return ""


def _report(answers: Mapping[str, str], target: Path, source: Source) -> None:
    if source.place:
        from_where = f"Django Matt comes from {source.place} (the Makefile says so; DJANGO_MATT_SOURCE overrides it)."
    else:
        from_where = "Django Matt comes from the package index, 1.0 or newer: set DJANGO_MATT_SOURCE until that is there."
    try:
        folder = target.relative_to(Path.cwd())
    except ValueError:
        folder = target
    lines = [f"Made {answers['project_name']} in {target}", from_where, "", f"  cd {folder}"]
    if answers["database"] == "postgresql":
        lines.append("  make database   # or name yours in .env")
    lines += [
        "  make dev        # install, migrate, serve on http://127.0.0.1:8000/",
        "  make test",
    ]
    for line in lines:
        out.print(line, soft_wrap=True, markup=False)


def _ask(answers: Mapping[str, str], into: Path) -> dict[str, str]:
    """Ask for what is not answered, in the template's order and words."""
    import questionary

    options, prompts = read_options()
    found = dict(answers)
    kinds = {"project_name": "title", "project_slug": "slug", "app_name": "app"}
    for name, default in options.items():
        if name in found or name == "django_matt_source":
            continue
        prompt: Any = prompts[name]
        if isinstance(default, list):
            choices = [questionary.Choice(prompt[value], value) for value in default]
            found[name] = questionary.select(prompt["__prompt__"], choices).unsafe_ask()
            continue
        proposed = _complete(found)[name] if name != "project_name" else ""
        check = _checked(kinds[name], into if name == "project_slug" else None)
        found[name] = questionary.text(prompt, default=proposed, validate=check).unsafe_ask()
    return found


def _checked(kind: str, into: Path | None) -> Callable[[str], bool | str]:
    def check(name: str) -> bool | str:
        return objection(kind, name) or (_occupied(into / name) if into else "") or True

    return check


def register(application: typer.Typer) -> None:
    """Add ``new`` and ``update``."""
    panel = "Make a project"
    application.command(rich_help_panel=panel)(new)
    application.command(rich_help_panel=panel)(updates.update)
