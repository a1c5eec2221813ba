"""The typer application: what ``matt`` offers, in the order in which a newcomer needs it."""

import typer

from django_matt.cli import development, projects
from django_matt.cli.doors import Doors

__all__ = ["application", "run"]

application = typer.Typer(
    name="matt",
    cls=Doors,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="In a project every [b]manage.py matt_something[/] is [b]matt something[/].",
)


@application.callback()
def matt() -> None:
    """Make a Django Matt project, work on it, and find out what is wrong with it."""


for module in (projects, development):
    module.register(application)


def run() -> None:
    """Run the application with this process's arguments."""
    application(prog_name="matt")
