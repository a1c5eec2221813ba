"""A value as a short, redacted text: bounded in length, depth and time, whatever its ``__repr__`` does."""

import dataclasses
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from types import FrameType, SimpleNamespace
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.views.debug import SafeExceptionReporterFilter
from pydantic import BaseModel, ValidationError

__all__ = ["Values", "printable"]

_MAX_ITEMS = 20
_MAX_DEPTH = 4
_MAX_BITS = 4_096
_HIDDEN = "********"
_QUERYSET_TEXT = QuerySet.__repr__.__code__
_HEADERS = {"cookie", "set-cookie"}


class _TooSlowError(BaseException):
    """Not an ``Exception``, so that a ``__repr__`` that swallows those ends too."""


class _NeedsQueryError(BaseException):
    """The text of a value contains a queryset that is not evaluated; its own text would run the query."""


class Values:
    """Show values, hiding what ``cleanser`` calls sensitive by its name.

    All the texts of one instance together may take ``seconds``; ``max_text`` is the length of each.

    >>> Values(SafeExceptionReporterFilter()).show({"user": "ann", "password": "x"})
    "{'user': 'ann', 'password': ********}"
    """

    def __init__(
        self, cleanser: SafeExceptionReporterFilter, *, max_text: int = 400, seconds: float = 1.0
    ) -> None:
        """Start the clock."""
        self._cleanser = cleanser
        self._max_text = max_text
        self._end = time.monotonic() + seconds

    def is_hidden(self, name: Any) -> bool:
        """Tell whether a value of that name is not to be shown."""
        text = name.decode("latin-1") if isinstance(name, bytes) else str(name)
        # Django hides HTTP_COOKIE of META, and not the header by its name.
        return text.lower() in _HEADERS or self._cleanser.cleanse_setting(text, "") != ""

    def named(self, name: Any, value: Any) -> str:
        """Return the text of a value with a name."""
        return _HIDDEN if self.is_hidden(name) or _is_hidden_already(value) else self.show(value)

    def show(self, value: Any) -> str:
        """Return the text of a value."""
        text = self._guarded(lambda: self._text(value, _MAX_DEPTH), value)
        return printable(self._cut(text))

    def message(self, exc: BaseException) -> str:
        """Return what an exception says."""
        is_mismatch = isinstance(exc, ValidationError)
        said = self._guarded(lambda: self._mismatch(exc) if is_mismatch else str(exc), exc)
        return said[:4_000]

    def _mismatch(self, exc: Any) -> str:
        """Return what pydantic says of wrong values, which quotes them."""
        count = exc.error_count()
        lines = [f"{count} validation error{'s' * (count != 1)} for {exc.title}"]
        for error in exc.errors(include_url=False, include_context=False)[:_MAX_ITEMS]:
            value, is_secret = error["input"], any(map(self.is_hidden, error["loc"]))
            shown = _HIDDEN if is_secret else self._cut(self._text(value, _MAX_DEPTH))
            about = f"type={error['type']}, input_value={shown}, input_type={type(value).__name__}"
            lines += [".".join(map(str, error["loc"])), f"  {error['msg']} [{about}]"]
        return "\n".join(lines)

    def _cut(self, text: str) -> str:
        left_out = len(text) - self._max_text
        return text if left_out <= 0 else f"{text[: self._max_text]}… ({left_out} more)"

    def _guarded(self, function: Callable[[], str], value: Any) -> str:
        """Run code of others under a clock: a trace function sees every line of Python it runs."""
        end = self._end
        if time.monotonic() > end:
            return f"<{type(value).__name__}, not shown: the traceback took too long>"

        def watch(frame: FrameType, _event: str, _arg: Any) -> Any:
            if time.monotonic() > end:
                raise _TooSlowError
            if frame.f_code is _QUERYSET_TEXT and frame.f_locals["self"]._result_cache is None:
                raise _NeedsQueryError
            return watch

        before = sys.gettrace()
        sys.settrace(watch)
        try:
            return function()
        except _TooSlowError:
            return f"<{type(value).__name__}, whose text takes too long>"
        except _NeedsQueryError:
            return f"<{type(value).__name__}, whose text needs a query>"
        except (Exception, SystemExit, GeneratorExit) as error:  # noqa: BLE001 - that is the hostile case
            return f"<{type(value).__name__}, whose text raises {type(error).__name__}>"
        finally:
            sys.settrace(before)

    def _text(self, value: Any, depth: int) -> str:
        kind = type(value)
        if kind is int:
            return (
                repr(value)
                if value.bit_length() <= _MAX_BITS
                else f"<int of {value.bit_length()} bits>"
            )
        if kind in {str, bytes, bytearray}:
            left_out = len(value) - self._max_text
            return (
                repr(value) if left_out <= 0 else f"{value[: self._max_text]!r}… ({left_out} more)"
            )
        if isinstance(value, HttpRequest):
            # Its own text contains the query string, and so any secret in it.
            return f"<{kind.__name__}: {value.method} {value.path!r}>"
        if isinstance(value, QuerySet):
            return self._queryset(value, depth)
        if depth == 0 and isinstance(value, Mapping | list | tuple | set | frozenset | BaseModel):
            return "…"
        if isinstance(value, QueryDict):
            return (
                f"<QueryDict: {self._pairs(dict(value.lists()).items(), ': ', depth, '{}', repr)}>"
            )
        if isinstance(value, Mapping):
            return self._pairs(
                value.items(), ": ", depth, "{}", lambda key: self._text(key, depth - 1)
            )
        if kind is tuple and len(value) == 2 and isinstance(value[0], str | bytes):
            # A header, or another item of a mapping.
            return self._pairs([value], ", ", depth, "()", repr)
        names = getattr(kind, "_fields", None)
        if isinstance(value, tuple) and names is not None:
            named = zip(names, value, strict=False)
            return kind.__name__ + self._pairs(named, "=", depth, "()", str)
        if kind is SimpleNamespace:
            return "namespace" + self._pairs(vars(value).items(), "=", depth, "()", str)
        if kind in {list, tuple, set, frozenset}:
            return self._items(
                value, depth, "[]" if kind is list else "()" if kind is tuple else "{}"
            )
        if isinstance(value, BaseModel):
            return kind.__name__ + self._pairs(value.__dict__.items(), "=", depth, "()", str)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            shown = (
                (f.name, getattr(value, f.name, "…")) for f in dataclasses.fields(value) if f.repr
            )
            return kind.__name__ + self._pairs(shown, "=", depth, "()", str)
        return repr(value)

    def _pairs(
        self,
        pairs: Iterable[tuple[Any, Any]],
        between: str,
        depth: int,
        brackets: str,
        name: Callable[[Any], str],
    ) -> str:
        parts = [
            name(key) + between + (_HIDDEN if self.is_hidden(key) else self._text(item, depth - 1))
            for key, item in islice(pairs, _MAX_ITEMS + 1)
        ]
        return _joined(parts, brackets)

    def _items(self, values: Iterable[Any], depth: int, brackets: str) -> str:
        return _joined([self._text(v, depth - 1) for v in islice(values, _MAX_ITEMS + 1)], brackets)

    def _queryset(self, value: QuerySet[Any], depth: int) -> str:
        # Its own text runs the query, in the middle of an error, perhaps inside an event loop.
        cache = value._result_cache
        name = value.model._meta.label
        if cache is None:
            return f"<QuerySet of {name}, not evaluated>"
        return f"<QuerySet of {name}: {self._items(cache, depth, '[]')}>"


def _joined(parts: list[str], brackets: str) -> str:
    if len(parts) > _MAX_ITEMS:
        parts[_MAX_ITEMS:] = ["…"]
    return f"{brackets[0]}{', '.join(parts)}{brackets[1]}"


def _is_hidden_already(value: Any) -> bool:
    return type(value) is str and value == SafeExceptionReporterFilter.cleansed_substitute


def printable(text: str) -> str:
    """Return ``text`` with control characters escaped, so that no value steers a terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)
