"""``Format``: the shape that every format has; subclass it to add one."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Self

__all__ = ["Format"]


class Format:
    """One way to write JSON data as bytes, and to read it back.

    The data is what JSON knows: ``dict`` with ``str`` keys, ``list``, ``str``, ``int``, ``float``, ``bool``, ``None``.
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
    only_lists: ClassVar[bool] = False
    """Whether it carries lists of records only; then ``dump`` raises ``NotAcceptable`` for other data."""
    separator: ClassVar[bytes | None] = None
    """What the items of a long list are joined by for ``frame``; ``None`` where every list is written as a whole."""

    def __init_subclass__(cls, **more: Any) -> None:
        """Write lists as a whole where a subclass has a ``dump`` of its own, and says nothing of long ones."""
        super().__init_subclass__(**more)
        if "dump" in vars(cls) and "separator" not in vars(cls):
            cls.separator = None

    def __init__(self) -> None:
        """Raise ``MissingExtra`` here if a library that the format needs is not installed."""
        self.content_type = (
            f"{self.media_type}; charset={self.charset}" if self.charset else self.media_type
        )

    def __copy__(self) -> Self:
        """Return the format itself, which several APIs may share."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return the format itself: a copy of an API needs no other."""
        return self

    def dump(self, data: Any) -> bytes:
        """Write JSON data."""
        raise NotImplementedError

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
