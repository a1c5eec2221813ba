"""``matt new``: a project from the template, whose options are asked for or given by flags."""

import inspect
import sys
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Literal, Optional

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


SOURCE = "django_matt_source"
"""The option that ``--source`` answers, and that nobody is asked for."""
KINDS = {"project_name": "title", "project_slug": "slug", "app_name": "app"}
"""What the template's hook knows a name as; a text option that is not here may be anything."""


def new(
    name: Annotated[
        str | None, typer.Argument(help="Name of the project, such as lamp-shop or 'Lamp Shop'.")
    ] = None,
    *,
    into: Annotated[Path, typer.Option(help="The folder that the project's folder is made in.")] = (
        Path()
    ),
    source: Annotated[
        str, typer.Option(help="Where it installs Django Matt from: folder, wheel or URL.")
    ] = "",
    no_input: Annotated[
        bool, typer.Option("--no-input", help="Ask nothing: what no flag says is the default.")
    ] = False,
    **chosen: str | None,
) -> None:
    """Make a project that runs: API, admin, health, tests, container, CI.

    What you do not say is asked. Nothing is installed before you run make in it.
    """
    given = {"project_name": _title(name), **chosen}
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


def _with_flags(command: Callable[..., None]) -> Callable[..., None]:
    """Give the command a flag for each option of the template, whose names, choices and help stand in cookiecutter.json.

    Typer reads a function's signature: the flags take the place of its ``**chosen``.
    """
    try:
        options, prompts = read_options()
    except OSError:
        # Without the template this command fails, and the others do not.
        options, prompts = {}, {}
    signature = inspect.signature(command)
    *fixed, _ = signature.parameters.values()
    flags = [
        inspect.Parameter(
            option,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[_type_of(default), typer.Option(help=_help(prompts[option]))],
        )
        for option, default in options.items()
        if option not in {"project_name", SOURCE}
    ]
    # Behind the name: what the project is comes before where it is put.
    parameters = [fixed[0], *flags, *fixed[1:]]

    @wraps(command)
    def flagged(**given: Any) -> None:
        command(**given)

    flagged.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return flagged


def _type_of(default: Any) -> Any:
    """Return the type of a flag: one of the choices, or a text."""
    return Optional[Literal[tuple(default)] if isinstance(default, list) else str]  # noqa: UP045 - made at run time


def _help(prompt: Any) -> str:
    """Say what an option asks for, and what its choices mean."""
    if isinstance(prompt, str):
        return f"{prompt}."
    meanings = [
        meaning if meaning.startswith(choice) else f"{choice}: {meaning}"
        for choice, meaning in prompt.items()
        if choice != "__prompt__"
    ]
    return f"{prompt['__prompt__']}. {'; '.join(meanings)}."


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
        if name != SOURCE
    }
    found |= answers
    if "project_slug" not in answers:
        found["project_slug"] = slugify(found["project_name"])
    return found


def _refuse(answers: Mapping[str, str], into: Path) -> None:
    """Leave with a sentence for an answer that cannot be; before the questions, for what flags said."""
    for name, kind in KINDS.items():
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
    if answers.get("database") == "postgresql":
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
    for name, default in options.items():
        if name in found or name == SOURCE:
            continue
        prompt: Any = prompts[name]
        if isinstance(default, list):
            choices = [questionary.Choice(prompt[value], value) for value in default]
            found[name] = questionary.select(prompt["__prompt__"], choices).unsafe_ask()
            continue
        proposed = _complete(found)[name] if name != "project_name" else ""
        check = _checked(KINDS.get(name), into if name == "project_slug" else None)
        found[name] = questionary.text(prompt, default=proposed, validate=check).unsafe_ask()
    return found


def _checked(kind: str | None, into: Path | None) -> Callable[[str], bool | str]:
    def check(name: str) -> bool | str:
        refused = objection(kind, name) if kind else ""
        return refused or (_occupied(into / name) if into else "") or True

    return check


def register(application: typer.Typer) -> None:
    """Add ``new`` and ``update``."""
    panel = "Make a project"
    application.command(rich_help_panel=panel)(_with_flags(new))
    application.command(rich_help_panel=panel)(updates.update)
