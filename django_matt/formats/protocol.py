"""``Format``: the shape that every format has; subclass it to add one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

from django.http import HttpRequest, HttpResponse
from ninja.operation import Operation

from django_matt.errors.exceptions import NotAcceptable
from django_matt.errors.problems import ErrorResponse

__all__ = ["CannotDump", "Format", "RenderContext"]


class CannotDump(NotAcceptable):
    """A format that only renders is asked to write JSON data."""


@dataclass(frozen=True)
class RenderContext:
    """What ``Format.render`` and ``Format.render_error`` may know of the request that they answer."""

    request: HttpRequest
    status: int
    """The status that the view, or the error, has."""
    operation: Operation | None
    """The operation of Ninja's that answers; ``None`` where no route was reached."""
    read_data: Callable[[], Any]

    @cached_property
    def data(self) -> Any:
        """The JSON data of the answer, as the response schema says; of an error the problem document."""
        return self.read_data()


class Format:
    """One way to write answers, and to read request bodies.

    ``dump`` writes JSON data: ``dict`` with ``str`` keys, ``list``, ``str``, ``int``, ``float``, ``bool``, ``None``. A format that
    needs more than data, as HTML does, has ``render`` instead, which gets what the view returned and the request.
    A format is made once for each API and shared by threads: keep nothing of a request in it.

    >>> class Text(Format):
    ...     name = "text"
    ...     media_type = "text/plain"
    ...     can_load = False
    ...     def dump(self, data):
    ...         return str(data).encode()
    >>> Text().content_type
    'text/plain; charset=utf-8'
    """

    name: ClassVar[str]
    """The short name: in ``formats=[…]``, in ``?format=`` and as the suffix of ``application/…+name``."""
    media_type: ClassVar[str]
    """What ``Content-Type`` says and ``Accept`` asks for."""
    aliases: ClassVar[tuple[str, ...]] = ()
    """Other media types that mean the same, in requests."""
    charset: ClassVar[str | None] = "utf-8"
    """What ``dump`` encodes text in; ``None`` for a binary format."""
    can_load: ClassVar[bool] = True
    """Whether request bodies are read in it."""
    vary: ClassVar[tuple[str, ...]] = ()
    """The request headers besides ``Accept`` that its answers depend on; they are named in ``Vary``."""
    variants: ClassVar[tuple[str, ...]] = ()
    """What ``variant`` may return besides the name."""
    dumps: ClassVar[bool] = False
    """Whether it writes JSON data: it has a ``dump``."""
    renders: ClassVar[bool] = False
    """Whether it writes what the view returned: it has a ``render``."""
    renders_errors: ClassVar[bool] = False
    """Whether it answers errors: it has a ``render_error``."""
    only_lists: ClassVar[bool] = False
    """Whether it carries lists of records only; then ``dump`` raises ``NotAcceptable`` for other data."""
    separator: ClassVar[bytes | None] = None
    """What the items of a long list are joined by for ``frame``; ``None`` where every list is written as a whole."""

    def __init_subclass__(cls, **more: Any) -> None:
        """Write lists as a whole where a subclass has a ``dump`` of its own, and says nothing of long ones."""
        super().__init_subclass__(**more)
        if "dump" in vars(cls) and "separator" not in vars(cls):
            cls.separator = None
        if cls.load is Format.load:
            cls.can_load = False
        cls.dumps = cls.dump is not Format.dump
        cls.renders = cls.render is not Format.render
        cls.renders_errors = cls.render_error is not Format.render_error

    def __init__(self) -> None:
        """Raise ``MissingExtra`` here if a library that the format needs is not installed."""
        self.content_type = (
            f"{self.media_type}; charset={self.charset}" if self.charset else self.media_type
        )
        self.vary_header = ("Vary", ", ".join(("Accept", *self.vary)))

    def __copy__(self) -> Self:
        """Return the format itself, which several APIs may share."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return the format itself: a copy of an API needs no other."""
        return self

    def dump(self, data: Any) -> bytes:
        """Write JSON data."""
        raise CannotDump(f"{self.media_type} is offered for the answers of views only.")

    def render(self, result: Any, context: RenderContext) -> bytes | str | HttpResponse:
        """Write what the view returned, before its response schema has seen it; ``context.data`` is what that makes of it.

        A response is sent as it is, with the headers and cookies that the view set. Text and bytes get the status of
        the view. It runs in a thread where the database may be asked, also for an async route.
        """
        raise NotImplementedError

    def render_error(
        self, error: ErrorResponse, context: RenderContext
    ) -> bytes | str | HttpResponse | None:
        """Answer an error; ``None`` for the answer that the error has without this format.

        A response is sent as it is, with its own status. It must not ask the database: the error may come from an
        async route, or be that the database is away.
        """
        raise NotImplementedError

    def variant(self, request: HttpRequest) -> str:
        """Return what the ETag of an answer ends in: another one for each way to write the same thing."""
        return self.name

    def describe(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return the media type object of the OpenAPI document for an answer whose JSON has ``schema``."""
        return {"schema": schema}

    def load(self, body: bytes, charset: str | None = None) -> Any:
        """Read a body; raise ``BadRequest`` where it is malformed, ``PayloadTooLarge`` past a limit.

        ``charset`` is what the client named, in lower case, or ``None``.
        """
        raise NotImplementedError

    def frame(self, batches: Iterator[bytes], columns: Sequence[str]) -> Iterator[bytes]:
        """Write a list of objects with the keys ``columns`` piece by piece.

        Each batch is the JSON of at least one object, several joined by ``separator``. The pieces are those of
        ``dump`` of the whole list.
        """
        raise NotImplementedError

    def break_off(self, problem: bytes) -> bytes:
        """Return the end of what ``frame`` cannot go on with: never one that makes the pieces look complete.

        ``problem`` is a problem document in JSON.
        """
        return b""

    def __repr__(self) -> str:
        """Show the name."""
        return f"<Format {self.name}>"
