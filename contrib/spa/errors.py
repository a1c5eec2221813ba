"""The errors of the app."""

from django.core.management.base import CommandError

__all__ = ["NotBuiltError", "SpaError"]


class SpaError(CommandError):
    """Why a command did not run, and what to do next."""


class NotBuiltError(Exception):
    """There is no build of the front end, and no development server."""
