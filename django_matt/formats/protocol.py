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
    """A format without ``dump`` was asked to write JSON data."""


@dataclass(frozen=True)
class RenderContext:
    """The request for which ``Format.render`` or ``Format.render_error`` is called."""

    request: HttpRequest
    status: int
    """The status of the view's result, or of the error."""
    operation: Operation | None
    """Ninja's operation; ``None`` if no route matched."""
    read_data: Callable[[], Any]

    @cached_property
    def data(self) -> Any:
        """The data of the JSON response, validated by the response schema; for an error, the problem document."""
        return self.read_data()


class Format:
    """A format of responses and request bodies. Subclass it to add one.

    ``dump`` writes JSON data: ``dict`` with ``str`` keys, ``list``, ``str``, ``int``, ``float``, ``bool``, ``None``. If a format
    needs more than data, such as HTML, define ``render`` instead, which gets the view's return value and the request.
    A format is created once for each API and shared by threads, so do not store data of a request in it.

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
    """The media type in ``Content-Type`` and ``Accept``."""
    aliases: ClassVar[tuple[str, ...]] = ()
    """Other media types that requests may use for the same format."""
    charset: ClassVar[str | None] = "utf-8"
    """The encoding that ``dump`` uses; ``None`` for a binary format."""
    can_load: ClassVar[bool] = True
    """Whether it reads request bodies."""
    vary: ClassVar[tuple[str, ...]] = ()
    """The request headers, besides ``Accept``, on which it depends; they are added to ``Vary`` of all responses of a route."""
    variants: ClassVar[tuple[str, ...]] = ()
    """The values that ``variant`` may return besides the name."""
    dumps: ClassVar[bool] = False
    """Whether it writes JSON data: it has a ``dump``."""
    renders: ClassVar[bool] = False
    """Whether it renders the view's return value: it has a ``render``."""
    needs_result: bool = True
    """Whether ``render`` reads its first argument. If not, set it to False: the data of a page then comes from its rows."""
    renders_errors: ClassVar[bool] = False
    """Whether it renders errors: it has a ``render_error``."""
    only_lists: ClassVar[bool] = False
    """Whether it can only write lists of objects; ``dump`` then raises ``NotAcceptable`` for other data."""
    separator: ClassVar[bytes | None] = None
    """The separator between items of a long list for ``frame``; ``None`` if every list is written in one piece."""

    load_form: Callable[[Any, Any, Any], Any] | None = None
    """Returns the values of an HTML form from Ninja's parameter model, ``request.POST`` and ``request.FILES``.

    Without it, a form is an object of texts, whose repeated keys are lists.
    """

    def __init_subclass__(cls, **more: Any) -> None:
        """Write lists in one piece if a subclass defines ``dump`` but nothing for long lists."""
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

    def __copy__(self) -> Self:
        """Return the format itself, because several APIs may share it."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return the format itself, because a copy of an API may share it."""
        return self

    def dump(self, data: Any) -> bytes:
        """Write JSON data."""
        raise CannotDump(f"{self.media_type} is available only for the responses of views.")

    def render(self, result: Any, context: RenderContext) -> bytes | str | HttpResponse:
        """Render the view's return value, which the response schema has not validated; ``context.data`` is validated.

        A response is sent unchanged, with the headers and cookies that the view set. Strings and bytes get the status of
        the view. The method may query the database, because it runs in a thread on async routes too.
        """
        raise NotImplementedError

    def render_error(
        self, error: ErrorResponse, context: RenderContext
    ) -> bytes | str | HttpResponse | None:
        """Render an error; return ``None`` to send the error as if this format did not exist.

        A response is sent unchanged, with its own status. It must not query the database: the error may come from an
        async route, or the database may be down.
        """
        raise NotImplementedError

    def variant(self, request: HttpRequest) -> str:
        """Return the suffix of the response's ETag, one for each way to write the same data."""
        return self.name

    def describe(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return the Media Type Object of a response whose JSON has ``schema``, for the OpenAPI document."""
        return {"schema": schema}

    def load(self, body: bytes, charset: str | None = None) -> Any:
        """Read a body; raise ``BadRequest`` if it is malformed, and ``PayloadTooLarge`` if it is over a limit.

        ``charset`` is the charset that the client declared, in lower case, or ``None``.
        """
        raise NotImplementedError

    def frame(self, batches: Iterator[bytes], columns: Sequence[str]) -> Iterator[bytes]:
        """Write a list of objects with the keys ``columns`` in parts.

        Each batch is the JSON of one or more objects, joined by ``separator``. Together the parts must equal the
        ``dump`` of the whole list.
        """
        raise NotImplementedError

    def break_off(self, problem: bytes) -> bytes:
        """Return the end of a list that ``frame`` cannot complete. It must not make the list look complete.

        ``problem`` is a problem document in JSON.
        """
        return b""

    def __repr__(self) -> str:
        """Show the name."""
        return f"<Format {self.name}>"
