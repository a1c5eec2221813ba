"""From the XML parser's events to JSON data, with no tree between: depth and number are checked on the way."""

import binascii
import math
import re
from base64 import b64decode
from collections.abc import Callable
from typing import Any

from django_matt.formats.limits import MAX_VALUES, refuse, refuse_nesting, refuse_size
from django_matt.settings import get_settings

__all__ = ["ElementReader"]

_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")


class _Element:
    __slots__ = ("children", "encoding", "key", "kind", "text")

    def __init__(self, key: str, kind: str | None, encoding: str | None) -> None:
        self.key = key
        self.kind = kind
        self.encoding = encoding
        self.text: list[str] = []
        self.children: list[tuple[str, Any]] = []


class ElementReader:
    """The target of an ``XMLParser``; ``close`` returns the data."""

    def __init__(self, key_of: Callable[[str], str]) -> None:
        """Take the function that turns an element's name into a key."""
        self._key_of = key_of
        self._stack: list[_Element] = []
        self._values = 0
        self._max_nesting = get_settings().MAX_NESTING
        self._data: Any = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Open an element; a namespace is dropped, attributes but ``type`` and ``encoding`` are ignored."""
        self._values += 1
        if self._values > MAX_VALUES:
            refuse_size()
        if len(self._stack) > self._max_nesting:
            refuse_nesting()
        try:
            key = self._key_of(tag.rpartition("}")[2])
        except (ValueError, OverflowError):
            refuse("XML: an escape in a name is not a character")
        if any(char == "\0" or "\ud800" <= char <= "\udfff" for char in key):
            refuse("XML: an escape in a name is not a character")
        self._stack.append(_Element(key, attributes.get("type"), attributes.get("encoding")))

    def data(self, text: str) -> None:
        """Collect text."""
        self._stack[-1].text.append(text)

    def end(self, _tag: str) -> None:
        """Close an element and give its value to its parent."""
        element = self._stack.pop()
        value = _value(element)
        if self._stack:
            self._stack[-1].children.append((element.key, value))
        else:
            self._data = value

    def close(self) -> Any:
        """Return the root's value."""
        return self._data


def _value(element: _Element) -> Any:
    text = "".join(element.text)
    kind, children = element.kind, element.children
    if children:
        if text.strip():
            refuse("XML: text and elements are mixed")
        if kind == "array" or (kind is None and all(key == "item" for key, _ in children)):
            return [value for _, value in children]
        if kind not in (None, "object"):
            refuse(f"XML: an element of type {kind[:40]!r} contains elements")
        return _object(children)
    if kind is None or kind == "string":
        return text if element.encoding is None else _decoded(text, element.encoding)
    return _typed(kind, text.strip())


def _object(children: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    repeated: set[str] = set()
    for key, value in children:
        if key not in found:
            found[key] = value
        elif key in repeated:
            found[key].append(value)
        else:
            found[key] = [found[key], value]
            repeated.add(key)
    return found


def _typed(kind: str, text: str) -> Any:
    try:
        if kind == "integer" and _INTEGER.match(text):
            return int(text)
        if kind == "number" and _NUMBER.match(text) and math.isfinite(number := float(text)):
            return number
    except ValueError:
        refuse("XML: number out of range")
    if kind == "boolean" and text in ("true", "false", "1", "0"):
        return text in ("true", "1")
    empty: dict[str, Any] = {"null": None, "array": [], "object": {}}
    if kind in empty and not text:
        return empty[kind]
    return refuse(f"XML: {text[:40]!r} is not of type {kind[:40]!r}")


def _decoded(text: str, encoding: str) -> str:
    try:
        if encoding == "base64":
            decoded = b64decode(text.strip(), validate=True).decode()
            if "\0" in decoded:
                refuse("a string contains a NUL character")
            return decoded
    except (binascii.Error, ValueError):
        pass
    return refuse(f"XML: not text in {encoding[:40]!r}")
