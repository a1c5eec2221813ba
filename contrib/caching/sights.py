"""What the view sees of a request: all that the key contains; whatever else it reads is noted."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.http import QueryDict
from django.http.request import HttpHeaders
from django.utils.functional import SimpleLazyObject

__all__ = ["CONDITIONS", "Sight", "header_of", "watch"]

CONDITIONS = (
    "HTTP_IF_NONE_MATCH",
    "HTTP_IF_MODIFIED_SINCE",
    "HTTP_IF_MATCH",
    "HTTP_IF_UNMODIFIED_SINCE",
)
"""The response does not depend on them: they are evaluated when it is there."""
# Of the scheme, the host and the format, which every key contains.
_KNOWN = frozenset(
    {*CONDITIONS, "HTTP_ACCEPT", "HTTP_HOST", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PORT"}
)
_CLIENTS = ("HTTP_", "REMOTE_", "SSL_")
_REPLACED = ("META", "environ", "COOKIES", "headers")


def header_of(name: str) -> str:
    """Return the name of a header in ``META``."""
    return f"HTTP_{name.upper().replace('-', '_')}"


class Sight:
    """What was read that the key does not contain."""

    __slots__ = ("_known", "unknown")

    def __init__(self, known: frozenset[str]) -> None:
        """Begin with nothing. ``known`` are headers as in ``META``, and cookies as ``cookie name``."""
        proxy = settings.SECURE_PROXY_SSL_HEADER
        self._known = known | _KNOWN | ({proxy[0]} if proxy else set())
        self.unknown: set[str] = set()

    def note(self, name: str) -> None:
        """Note that something of the client was read."""
        if name not in self._known:
            self.unknown.add(name)

    def note_header(self, name: str = "HTTP_*") -> None:
        """Note that a name of ``META`` was read, or all: the server's own values do not differ."""
        if name.startswith(_CLIENTS):
            self.note(name)

    def note_cookie(self, name: str = "*") -> None:
        """Note that a cookie was read, or all."""
        self.note(f"cookie {name}")


class _Noted(dict[Any, Any]):
    """``META`` or ``COOKIES``: it tells which names are read, and ``None`` for all."""

    def __init__(self, values: Any, note: Any) -> None:
        super().__init__(values)
        self.note = note


def _noting(name: str) -> Any:
    read = getattr(dict, name)

    def method(self: _Noted, *arguments: Any) -> Any:
        self.note(*(each for each in arguments[:1] if isinstance(each, str)))
        return read(self, *arguments)

    return method


for _name in (
    *("__getitem__", "get", "__contains__", "pop", "__iter__"),
    *("keys", "values", "items", "copy", "__or__"),
):
    setattr(_Noted, _name, _noting(_name))


class _Headers(HttpHeaders):
    def __init__(self, meta: Any, sight: Sight) -> None:
        super().__init__(meta)
        self._sight = sight

    def __getitem__(self, name: str) -> Any:
        self._sight.note_header(header_of(name))
        return super().__getitem__(name)

    def __iter__(self) -> Iterator[str]:
        self._sight.note_header()
        return super().__iter__()


@contextmanager
def watch(
    request: Any, sight: Sight, *, names: tuple[str, ...] | None = None, is_secret: bool = False
) -> Iterator[None]:
    """Note what is read. ``names`` are the query parameters to show; with ``is_secret``, also the user is noted.

    Unknown parameters could end up in the links of a page, so they are not shown.
    """
    marks, meta = request.__dict__, request.META
    before = {name: marks[name] for name in (*_REPLACED, "GET") if name in marks}
    shown = {name: value for name, value in meta.items() if name not in CONDITIONS}
    if shown.get("QUERY_STRING") and names is not None:
        known = QueryDict(mutable=True)
        for name in names:
            if name in request.GET:
                known.setlist(name, request.GET.getlist(name))
        if len(known) != len(request.GET):
            shown["QUERY_STRING"] = known.urlencode()
            marks["GET"] = QueryDict(shown["QUERY_STRING"])
    cookies = request.COOKIES
    noted = _Noted(shown, sight.note_header)
    marks["COOKIES"] = _Noted(cookies, sight.note_cookie)
    marks["META"] = noted
    if "environ" in marks:
        marks["environ"] = noted
    marks["headers"] = _Headers(shown, sight)
    session, user = getattr(request, "session", None), marks.get("user")
    lazy: Any = None
    if is_secret and isinstance(user, SimpleLazyObject):

        def tell() -> Any:
            sight.note("the user")
            return user

        lazy = marks["user"] = SimpleLazyObject(tell)
    accessed = getattr(session, "accessed", False)
    if session is not None:
        session.accessed = False
    try:
        yield
    finally:
        if session is not None:
            if session.accessed:
                sight.note("the session")
            session.accessed = accessed or session.accessed
        if lazy is not None and marks.get("user") is lazy:
            marks["user"] = user
        for name in (*_REPLACED, "GET"):
            marks.pop(name, None)
        marks.update(before)
        # What the view has set itself, such as that its form needs a cookie.
        changed = {name: value for name, value in dict.items(noted) if shown.get(name) is not value}
        meta.update(changed)
