"""The streams, live lists and sockets of an API as channels, for its AsyncAPI document."""

from collections.abc import Iterator
from typing import Any, Generic, TypeVar, get_args

from ninja.streaming import SSE
from pydantic import BaseModel

from django_matt.decorators import get_metadata
from django_matt.event_log import Channel

__all__ = ["Removed", "Upserted", "channels_of"]

Row = TypeVar("Row")


class Upserted(BaseModel, Generic[Row]):
    """The event ``upsert`` of a live list: a row that is new or has changed."""

    key: int | str
    item: Row


class Removed(BaseModel):
    """The event ``remove`` of a live list: the key of a row that is no longer in it."""

    key: int | str


def channels_of(api: Any) -> Iterator[Channel]:
    """Yield the channels of the documented routes that stream events, and of the sockets of ``@socket``."""
    for operation in api.operations(path_prefix=""):
        if not operation.documented:
            continue
        stream = operation.stream
        about = operation.description or operation.summary
        if get_metadata("live", operation.operation.view_func) is not None:
            rows = operation.response_schemas.get(200, Any)
            row = next(iter(get_args(rows)), Any)
            sends = (rows, Upserted[row], Removed)  # type: ignore[valid-type]
            yield Channel(path=operation.path, sends=sends, description=about)
        elif stream is not None and issubclass(stream.format, SSE):
            yield Channel(path=operation.path, sends=(stream.item,), description=about)
    for socket in api.sockets:
        messages = getattr(socket.consumer, "messages", None)
        if messages is not None:
            takes, gives = messages
            yield Channel(
                path=f"/{socket.path.lstrip('/')}",
                sends=(gives,),
                receives=(takes,),
                description=socket.consumer.__doc__ or "",
            )
