"""The typer application: the commands of ``matt``, in the order in which a newcomer needs them."""

import sys
from typing import Annotated

import typer

from django_matt import __version__
from django_matt.cli import development, doctor, forwarding, fronts, projects
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
    epilog="In a project, [b]matt something[/] runs [b]manage.py matt_something[/].",
)


def _version(wanted: bool) -> None:
    if wanted:
        out.print(f"Django Matt {__version__}")
        raise typer.Exit


@application.callback()
def matt(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Make a Django Matt project, work on it, and find out what is wrong with it."""


for module in (projects, fronts, development, doctor, forwarding):
    module.register(application)


def run() -> None:
    """Run the application with the arguments of this process."""
    for stream in (sys.stdout, sys.stderr):
        # If the encoding of the terminal lacks a character, print another one instead of failing.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    application(prog_name="matt")
