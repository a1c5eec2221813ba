"""Schemas of events, and the registry of topics."""

import re
from typing import Any, ClassVar

from django.core.exceptions import ImproperlyConfigured
from ninja import Schema

__all__ = ["EventSchema", "find_schema", "registered"]

registered: "dict[str, type[EventSchema]]" = {}
"""The schemas of the project by topic, in the order in which they were defined."""

_TOPIC = re.compile(r"[a-zA-Z0-9_-]+(\.[a-zA-Z0-9_-]+)*", re.ASCII)


class EventSchema(Schema):
    """The data of one kind of event. Subclass it with a topic, and with a version once the data has changed.

    >>> class OrderShipped(EventSchema, topic="docs.order.shipped"):
    ...     order: int
    >>> OrderShipped.topic, OrderShipped.version
    ('docs.order.shipped', 1)

    A topic belongs to one class: ``ImproperlyConfigured`` is raised if a second one takes it.
    """

    topic: ClassVar[str] = ""
    version: ClassVar[int] = 1

    def __init_subclass__(cls, topic: str = "", version: int = 1, **options: Any) -> None:
        """Take the keyword arguments of the class, which ``type`` refuses."""
        super().__init_subclass__(**options)

    @classmethod
    def __pydantic_init_subclass__(cls, topic: str = "", version: int = 1, **options: Any) -> None:
        """Register the class."""
        super().__pydantic_init_subclass__(**options)
        if not topic:
            return
        if len(topic) > 200 or not _TOPIC.fullmatch(topic):
            raise ImproperlyConfigured(
                f"{cls.__name__} has the topic {topic!r}. Write up to 200 letters, digits, - and _, with single dots between."
            )
        if version < 1:
            raise ImproperlyConfigured(f"{cls.__name__} has the version {version}; begin with 1.")
        other = registered.get(topic)
        # Hot reload defines a module's classes again.
        if other is not None and _place(other) != _place(cls):
            raise ImproperlyConfigured(
                f"{_place(cls)} and {_place(other)} have the same topic {topic!r}."
            )
        cls.topic, cls.version = topic, version
        registered[topic] = cls

    @classmethod
    def upgrade(cls, data: dict[str, Any], version: int) -> dict[str, Any]:
        """Return stored data of an older version in the form of this one. Override it if you raise ``version``."""
        return data

    @classmethod
    def read(cls, data: dict[str, Any], version: int) -> "EventSchema":
        """Return the event that was stored; raise ``ValueError`` if this class is too old or cannot read it."""
        if version > cls.version:
            raise ValueError(
                f"{cls.__name__} has the version {cls.version}, and the event {version}."
            )
        # JSON has no dates, so a strict class would not read its own data.
        return cls.model_validate(
            data if version == cls.version else cls.upgrade(dict(data), version), strict=False
        )


def _place(schema: type[EventSchema]) -> str:
    return f"{schema.__module__}.{schema.__qualname__}"


def find_schema(topic: str) -> type[EventSchema] | None:
    """Return the schema of a topic; ``None`` if no class has it."""
    return registered.get(topic)
