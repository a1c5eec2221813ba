"""YAML 1.2 with JSON's values only, built from PyYAML's events: no tags, anchors or aliases exist for it."""

import math
import re
from typing import Any

from django_matt.errors.exceptions import MissingExtra
from django_matt.formats.limits import (
    MAX_VALUES,
    decode,
    refuse,
    refuse_duplicate,
    refuse_nesting,
    refuse_size,
)
from django_matt.formats.protocol import Format
from django_matt.settings import get_settings

__all__ = ["YAML"]

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# The core schema of YAML 1.2.2, 10.3.2: dates, `yes` and sexagesimals stay text.
_INTEGER = re.compile(r"[-+]?[0-9]+\Z|0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")


class YAML(Format):
    """For people: block style, keys in their order, Unicode as it is."""

    name = "yaml"
    media_type = "application/yaml"
    aliases = ("application/x-yaml", "text/yaml", "text/x-yaml", "text/vnd.yaml")

    def __init__(self) -> None:
        """Raise ``MissingExtra`` without PyYAML."""
        super().__init__()
        try:
            import yaml
        except ImportError:
            raise MissingExtra("pyyaml", "formats") from None
        self._yaml = yaml
        self._loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

        class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
            """Quotes what either YAML 1.1 or 1.2 would read as something other than text."""

            def ignore_aliases(self, data: Any) -> bool:
                return True

        for pattern in (_INTEGER, _NUMBER):
            Dumper.add_implicit_resolver("tag:yaml.org,2002:float", pattern, list("-+.0123456789"))
        # 1.1's resolver would tag our integers `int`; with both patterns they must still go out plain.
        Dumper.add_representer(float, _represent_float)
        Dumper.add_representer(int, _represent_int)
        self._dumper = Dumper

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle no library: it is imported again."""
        return type(self), ()

    def dump(self, data: Any) -> bytes:
        """Write YAML that readers of 1.1 and of 1.2 understand alike."""
        text: str = self._yaml.dump(
            data,
            Dumper=self._dumper,
            allow_unicode=True,
            sort_keys=False,
            default_flow_style=False,
            width=2**30,
        )
        return text.encode()

    def load(self, body: bytes, charset: str | None = None) -> Any:
        """Read one YAML document."""
        text = decode(body, charset)
        try:
            return self._build(text)
        except self._yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            reason = (
                f"YAML: {getattr(error, 'problem', None) or getattr(error, 'reason', 'malformed')}"
            )
            if mark is None:
                refuse(reason)
            refuse(reason, line=mark.line + 1, column=mark.column + 1)

    def _build(self, text: str) -> Any:
        yaml: Any = self._yaml  # types-PyYAML does not know NodeEvent.tag
        max_nesting = get_settings().MAX_NESTING
        done: list[Any] = []
        stack: list[tuple[Any, list[Any]]] = []
        values = documents = 0
        for event in yaml.parse(text, Loader=self._loader):
            if isinstance(event, yaml.AliasEvent):
                _refuse_at(event, "aliases are not supported")
            elif isinstance(event, yaml.NodeEvent):
                values += 1
                if values > MAX_VALUES:
                    refuse_size()
                if event.anchor is not None:
                    _refuse_at(event, "anchors are not supported")
                if event.tag is not None:
                    _refuse_at(event, "tags are not supported")
                key = bool(stack) and stack[-1][0] is dict and len(stack[-1][1]) % 2 == 0
                if isinstance(event, yaml.ScalarEvent):
                    value = _scalar(event, key=key)
                    (stack[-1][1] if stack else done).append(value)
                elif key:
                    _refuse_at(event, "a key is not a string")
                elif len(stack) >= max_nesting:
                    refuse_nesting()
                else:
                    stack.append((list if isinstance(event, yaml.SequenceStartEvent) else dict, []))
            elif isinstance(event, yaml.CollectionEndEvent):
                kind, parts = stack.pop()
                value = parts if kind is list else _mapping(event, parts)
                (stack[-1][1] if stack else done).append(value)
            elif isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    _refuse_at(event, "more than one document")
        return done[0] if done else None


def _scalar(event: Any, *, key: bool) -> Any:
    text: str = event.value
    if "\0" in text:
        _refuse_at(event, "a string contains a NUL character")
    if event.style == '"' and not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            _refuse_at(event, "half of a surrogate pair")
    if key or not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    try:
        if _INTEGER.match(text):
            return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    except ValueError:
        _refuse_at(event, "number out of range")
    if _NUMBER.match(text):
        number = float(text)
        if math.isfinite(number):
            return number
        _refuse_at(event, "a number is not finite")
    if _NOT_FINITE.match(text):
        _refuse_at(event, "a number is not finite")
    return text


def _mapping(event: Any, parts: list[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in zip(parts[::2], parts[1::2], strict=True):
        if key in found:
            refuse_duplicate(key, line=event.start_mark.line + 1)
        found[key] = value
    return found


def _refuse_at(event: Any, reason: str) -> None:
    refuse(f"YAML: {reason}", line=event.start_mark.line + 1, column=event.start_mark.column + 1)


def _represent_float(dumper: Any, value: float) -> Any:
    text = repr(value)
    if not math.isfinite(value):
        text = ".nan" if value != value else ".inf" if value > 0 else "-.inf"  # noqa: PLR0124
    elif "." not in text and "e" in text:
        text = text.replace("e", ".0e")  # what YAML 1.1 asks of a float
    return dumper.represent_scalar("tag:yaml.org,2002:float", text)


def _represent_int(dumper: Any, value: int) -> Any:
    return dumper.represent_scalar("tag:yaml.org,2002:int", str(value))
