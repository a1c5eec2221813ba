"""The error of the app."""

from django.core.management.base import CommandError

__all__ = ["TypesError"]


class TypesError(CommandError):
    """Why ``manage.py matt_types`` stopped, and what to do next. Nothing was written."""
