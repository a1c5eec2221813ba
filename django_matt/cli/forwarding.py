"""The commands that ``matt`` finds: ``manage.py matt_*`` of the project, and entry points of installed packages."""

from collections.abc import Iterator
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from subprocess import TimeoutExpired
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from django_matt.cli.consoles import fail, interruptible
from django_matt.cli.managing import find_project, need_project

__all__ = ["GROUP", "CommandGroup", "forward_command", "register"]

GROUP = "django_matt.commands"
"""The group of entry points that add commands: functions with typer's parameters, or a ``typer.Typer``."""


class CommandGroup(TyperGroup):
    """The commands of ``matt`` itself, then those of entry points, then the project's ``manage.py matt_*``."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Read the command line; Ctrl-C ends it with one line."""
        with interruptible():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; Ctrl-C ends it with one line."""
        with interruptible():
            return super().invoke(ctx)

    def get_params(self, ctx: Any) -> Any:
        """Return the options; the help shows no type for flags, because they take no value."""
        return _without_types(super().get_params(ctx))

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands, with those of the project."""
        own = list(self.commands)
        found = sorted({entry.name for entry in _entries()} | set(_names_in_project()))
        return own + [name for name in found if name not in own]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command with that name, or None."""
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            _without_types(own.get_params(ctx))
            return own
        for entry in _entries():
            if entry.name == cmd_name:
                return _load(entry)
        if cmd_name in _names_in_project():
            application = typer.Typer(add_completion=False)
            forward_command(
                application, cmd_name, f"manage.py matt_{cmd_name}", "Commands of this project"
            )
            return get_command(application)
        return None


def forward_command(application: typer.Typer, name: str, summary: str, panel: str) -> None:
    """Add the command ``name``, which passes its arguments, and ``--help``, to ``manage.py matt_<name>``."""

    def enter(context: typer.Context) -> None:
        need_project().become(f"matt_{name}", *context.args)

    application.command(
        name,
        help=summary,
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
        add_help_option=False,
        rich_help_panel=panel,
    )(enter)


def register(application: typer.Typer) -> None:
    """Add ``env`` and ``plan``, which every project can use."""
    panel = "Work on a project"
    forward_command(
        application,
        "env",
        "Write, check and show .env, and rotate SECRET_KEY: manage.py matt_env.",
        panel,
    )
    forward_command(
        application, "plan", "Show what each response is built from: manage.py matt_plan.", panel
    )


def _without_types(options: list[Any]) -> list[Any]:
    """Return the options without the text ``<bool>`` behind flags."""
    for option in options:
        if getattr(option, "is_flag", False) and option.metavar is None:
            option.metavar = ""
    return options


def _entries() -> Iterator[EntryPoint]:
    yield from entry_points(group=GROUP)


def _load(entry: EntryPoint) -> Any:
    try:
        found = entry.load()
        application = found if isinstance(found, typer.Typer) else typer.Typer(add_completion=False)
        if application is not found:
            application.command()(found)
        command: Any = get_command(application)
    except Exception as error:  # noqa: BLE001 - one broken package must not break `matt`
        fault = f"the command {entry.name!r} ({entry.value}) cannot be loaded: {error!r}."
        application = typer.Typer(add_completion=False)
        application.command(help=f"Broken: {fault}")(lambda: fail(fault))
        command = get_command(application)
    command.name = entry.name
    command.rich_help_panel = command.rich_help_panel or "Commands of other packages"
    return command


@lru_cache(maxsize=1)
def _names_in_project() -> tuple[str, ...]:
    """Return the names of the project's ``matt_*`` commands, without that prefix; none if it does not start."""
    project = find_project()
    if project is None:
        return ()
    try:
        said = project.ask(str(project.manage), "help", "--commands", timeout=20)
    except (OSError, TimeoutExpired):
        return ()
    return tuple(
        line.removeprefix("matt_") for line in said.stdout.split() if line.startswith("matt_")
    )
