"""The error of the app."""

from django.core.management.base import CommandError

__all__ = ["TailwindError"]


class TailwindError(CommandError):
    """Why no stylesheet was built, and what to do next. Nothing was written."""
