"""``matt dev``: the development server."""

import typer

from django_matt.cli.managing import need_project

__all__ = ["register"]


def dev(context: typer.Context) -> None:
    """Serve the project while you work on it: manage.py runserver.

    Arguments are passed on to runserver: matt dev 8001, matt dev 0.0.0.0:8000. If an app of the project has a runserver
    of its own, as the hot reload app does, that one runs.
    """
    need_project().become("runserver", *context.args)


def register(application: typer.Typer) -> None:
    """Add ``dev``."""
    application.command(
        rich_help_panel="Work on a project",
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
        add_help_option=True,
    )(dev)
