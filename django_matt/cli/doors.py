"""Commands that ``matt`` finds: ``manage.py matt_*`` of the project, and entry points of installed packages."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from subprocess import TimeoutExpired
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from django_matt.cli.consoles import fail
from django_matt.cli.managing import find_project, need_project

__all__ = ["GROUP", "Doors", "open_door"]

GROUP = "django_matt.commands"
"""The entry points that add a command: a function with typer's parameters, or a ``typer.Typer``."""

PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


class Doors(TyperGroup):
    """The commands of ``matt`` itself, then those of entry points, then the project's ``manage.py matt_*``."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Name every command; the project is asked for its own."""
        own = list(self.commands)
        found = sorted({entry.name for entry in _entries()} | set(_names_in_project()))
        return own + [name for name in found if name not in own]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command of that name, or nothing."""
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        for entry in _entries():
            if entry.name == cmd_name:
                return _load(entry)
        if cmd_name in _names_in_project():
            return open_door(cmd_name)
        return None


def open_door(name: str, summary: str = "") -> Any:
    """Return the command ``name`` that hands its arguments, ``--help`` too, to ``manage.py matt_<name>``."""

    def enter(context: typer.Context) -> None:
        need_project().become(f"matt_{name}", *context.args)

    return _command(name, enter, help=summary or f"manage.py matt_{name}")


def _command(name: str, function: Callable[..., Any], **options: Any) -> Any:
    application = typer.Typer(add_completion=False)
    panel = "Commands of this project"
    application.command(
        name,
        context_settings=PASS_ON,
        add_help_option=False,
        **{"rich_help_panel": panel, **options},
    )(function)
    return get_command(application)


def _entries() -> Iterator[EntryPoint]:
    yield from entry_points(group=GROUP)


def _load(entry: EntryPoint) -> Any:
    try:
        found = entry.load()
        application = found if isinstance(found, typer.Typer) else typer.Typer(add_completion=False)
        if application is not found:
            application.command(entry.name)(found)
        return get_command(application)
    except Exception as error:  # noqa: BLE001 - a package of others must not take `matt` along
        fault = f"the command {entry.name!r} of {entry.value} cannot be loaded: {error!r}."

        def broken(context: typer.Context) -> None:
            fail(fault, f"pip install --force-reinstall {entry.dist.name if entry.dist else ''}")

        return _command(entry.name, broken, help=fault)


@lru_cache(maxsize=1)
def _names_in_project() -> tuple[str, ...]:
    """Return what ``manage.py matt_*`` there is, without the prefix; nothing where the project does not start."""
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
