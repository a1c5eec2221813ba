"""The typer application: what ``matt`` offers, in the order in which a newcomer needs it."""

import sys
from typing import Annotated

import typer

from django_matt import __version__
from django_matt.cli import development, doctor, projects
from django_matt.cli import forwarding as doors
from django_matt.cli.consoles import out
from django_matt.cli.forwarding import CommandGroup

__all__ = ["application", "run"]

application = typer.Typer(
    name="matt",
    cls=CommandGroup,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="In a project every [b]manage.py matt_something[/] is [b]matt something[/].",
)


def _version(wanted: bool) -> None:
    if wanted:
        out.print(f"Django Matt {__version__}")
        raise typer.Exit


@application.callback()
def matt(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """Make a Django Matt project, work on it, and find out what is wrong with it."""


for module in (projects, development, doctor, doors):
    module.register(application)


def run() -> None:
    """Run the application with this process's arguments."""
    for stream in (sys.stdout, sys.stderr):
        # Frames and marks in an encoding that lacks them are no reason to fail.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    application(prog_name="matt")
