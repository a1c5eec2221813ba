"""What is raised if an event cannot be published."""

from django_matt.errors.exceptions import MattError

__all__ = ["EventTooLarge", "NotInTransaction"]


class NotInTransaction(MattError):  # noqa: N818 - named after what is missing
    """``publish`` was called outside of a transaction, so the event could be stored without what it tells."""


class EventTooLarge(MattError, ValueError):  # noqa: N818 - named after what is wrong
    """The data of an event has more than 256 KiB as JSON. Store it elsewhere, and publish its key."""
