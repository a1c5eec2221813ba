"""What cannot be seeded."""

from django_matt.errors.missing_extra import MattError

__all__ = ["SeedingError"]


class SeedingError(MattError):
    """A model or a field for which no value can be made. The message says what to do."""
