"""``matt new``: makes a project from the template. Flags set its options; it asks for the others."""

import inspect
import sys
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Literal, Optional

import typer

from django_matt.cli import updates
from django_matt.cli.consoles import fail, out
from django_matt.cli.single import make_single
from django_matt.cli.templates import (
    Source,
    conflict,
    find_source,
    make_project,
    objection,
    read_options,
)

__all__ = ["register"]


SOURCE = "django_matt_source"
"""The template's option that ``--source`` sets. ``matt new`` does not ask for it."""
FLAGS = {SOURCE: "source"}
KINDS = {"project_name": "title", "project_slug": "slug", "app_name": "app"}
"""The kind of name that the template's hook checks for each option. Other text options accept any text."""


def new(
    name: Annotated[
        str | None, typer.Argument(help="Name of the project, such as lamp-shop or 'Lamp Shop'.")
    ] = None,
    *,
    into: Annotated[
        Path, typer.Option(help="The folder in which the project's folder is made.")
    ] = (Path()),
    source: Annotated[
        str,
        typer.Option(
            help="Where the project installs Django Matt from: a folder, a wheel or a URL."
        ),
    ] = "",
    no_input: Annotated[
        bool,
        typer.Option(
            "--no-input", help="Ask nothing; use the default of each option without a flag."
        ),
    ] = False,
    single: Annotated[
        bool,
        typer.Option("--single", help="Make a project in one file, NAME.py, that runs at once."),
    ] = False,
    **chosen: str | None,
) -> None:
    """Make a project with an API, an admin, health checks, tests, a container and CI.

    It asks for what you do not set with a flag. Nothing is installed until you run make in the project.
    """
    if single:
        flags = [option for option, value in {**chosen, SOURCE: source}.items() if value]
        if flags:
            named = ", ".join(f"--{FLAGS.get(flag, flag.replace('_', '-'))}" for flag in flags)
            fail(f"a project in one file has no option {named}.", code=2)
        make_single(name or "app", into.expanduser().resolve())
        return
    given = {"project_name": _title(name), **chosen}
    answers = {option: value for option, value in given.items() if value is not None}
    asks = not no_input and sys.stdin.isatty()
    if "project_name" not in answers and not asks:
        fail("the project needs a name:", "matt new lamp-shop")
    into = into.expanduser().resolve()
    _refuse(answers, into)
    try:
        place = find_source(source)
    except FileNotFoundError as error:
        fail(f"{error} does not exist; --source or DJANGO_MATT_SOURCE names it.")
    try:
        if asks:
            answers = _ask(answers, into)
        answers = _complete(answers)
        _refuse(answers, into)
        _write(answers, into / answers["project_slug"], place)
    except (KeyboardInterrupt, EOFError):
        fail("interrupted; nothing was made.", code=130)


def _with_flags(command: Callable[..., None]) -> Callable[..., None]:
    """Give the command a flag for each option of the template.

    Their names, choices and help texts come from cookiecutter.json. Typer reads the signature of a function, so the
    flags are put into it instead of ``**chosen``.
    """
    try:
        options, prompts = read_options()
    except OSError:
        # Without the template, `matt new` fails when it is called; the other commands work.
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
    # The flags follow the name: in the help, they come before --into and --source.
    parameters = [fixed[0], *flags, *fixed[1:]]

    @wraps(command)
    def flagged(**given: Any) -> None:
        command(**given)

    flagged.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return flagged


def _type_of(default: Any) -> Any:
    """Return the type of a flag: its choices, or any text."""
    return Optional[Literal[tuple(default)] if isinstance(default, list) else str]  # noqa: UP045 - made at run time


def _help(prompt: Any) -> str:
    """Return the help text of a flag: what it sets, and what its choices mean."""
    if isinstance(prompt, str):
        return f"{prompt}."
    choices = {choice: meaning for choice, meaning in prompt.items() if choice != "__prompt__"}
    if all(choice == meaning for choice, meaning in choices.items()):
        return f"{prompt['__prompt__']}: {' or '.join(choices)}."
    meanings = [
        meaning if meaning.lower().startswith(choice) else f"{choice}: {meaning}"
        for choice, meaning in choices.items()
    ]
    return f"{prompt['__prompt__']}. {'; '.join(meanings)}."


def _title(name: str | None) -> str | None:
    """Return the title of a project: ``Lamp Shop`` for ``lamp-shop``, any other name unchanged."""
    if name and name == name.lower() and " " not in name:
        return name.replace("-", " ").replace("_", " ").title()
    return name


def _complete(answers: Mapping[str, str]) -> dict[str, str]:
    """Return the answers with the defaults of all other options, as cookiecutter sets them."""
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
    """Exit with an error if an answer cannot be used. It runs before the questions too, for the flags."""
    for name, kind in KINDS.items():
        if name in answers and (said := objection(kind, answers[name])):
            fail(said)
    if said := conflict(answers):
        fail(said)
    if not into.is_dir():
        fail(f"the folder {into} does not exist; make it first.")
    if "project_slug" in answers and (said := _occupied(into / answers["project_slug"])):
        fail(said)


def _write(answers: Mapping[str, str], target: Path, source: Source) -> None:
    """Make the project, and print the next steps."""
    from cookiecutter.exceptions import CookiecutterException

    try:
        make_project(answers, target, source)
    except CookiecutterException as error:
        fail(f"{target} cannot be made from the template: {error}; nothing was made.")
    except OSError as error:
        # shutil.Error has a list of all files that could not be copied.
        several = error.args[0] if error.args and isinstance(error.args[0], list) else None
        reason = several[0][-1] if several else error.strerror or error
        fail(f"{target} cannot be made: {reason}; nothing was made.")
    _report(answers, target, source)


def _occupied(target: Path) -> str:
    """Return why no project can be made in ``target``; empty if one can be made."""
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        return f"{target} exists already: choose another name."
    if target.exists() and any(target.iterdir()):
        return f"{target} exists already and is not empty: choose another name, or another folder with --into."
    return ""


def _report(answers: Mapping[str, str], target: Path, source: Source) -> None:
    if source.place:
        where = "local.mk" if (target / "local.mk").exists() else "Makefile"
        from_where = f"It installs Django Matt from {source.place}, as its {where} says; DJANGO_MATT_SOURCE overrides it."
    else:
        from_where = "It installs Django Matt 1.0 or newer from the package index; until that is released, set DJANGO_MATT_SOURCE."
    try:
        folder = target.relative_to(Path.cwd())
    except ValueError:
        folder = target
    lines = [f"Made {answers['project_name']} in {target}", from_where, "", f"  cd {folder}"]
    if answers.get("database") == "postgresql":
        lines.append("  make database   # or set DATABASE_URL in .env")
    lines += [
        "  make dev        # install, migrate, serve on http://127.0.0.1:8000/",
        "  make test",
    ]
    for line in lines:
        out.print(line, soft_wrap=True, markup=False)


def _ask(answers: Mapping[str, str], into: Path) -> dict[str, str]:
    """Ask for each option that has no answer yet, in the order and with the prompts of the template."""
    import questionary

    options, prompts = read_options()
    found = dict(answers)
    for name, default in options.items():
        if name in found or name == SOURCE:
            continue
        prompt: Any = prompts[name]
        if isinstance(default, list):
            fitting = [value for value in default if not conflict({**found, name: value})]
            choices = [questionary.Choice(prompt[value], value) for value in fitting]
            # What only one choice fits to is not a question.
            found[name] = (
                questionary.select(prompt["__prompt__"], choices).unsafe_ask()
                if len(fitting) > 1
                else fitting[0]
            )
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
