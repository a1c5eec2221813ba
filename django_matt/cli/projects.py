"""``matt new`` and ``matt update``: a project from the template, and a newer template for it."""

import typer

__all__ = ["register"]


def register(application: typer.Typer) -> None:
    """Add the commands that make and update projects."""
