"""The variables of a class as data: their types in words, and their values as text in a file."""

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from pydantic import SecretBytes, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import to_json

from django_matt.contrib.environments.addresses import Kind
from django_matt.contrib.environments.environment import (
    DjangoEnvironment,
    GeneratedSecret,
    variable_of,
)

__all__ = ["MASK", "Variable", "masked", "text_of", "variables_of", "written"]

MASK = "********"
WORDS: dict[Any, str] = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    SecretStr: "secret",
    SecretBytes: "secret",
    Path: "path",
    dict: "JSON",
}
TELLING = re.compile(r"SECRET|TOKEN|PASSWORD|PASSWD|CREDENTIAL|(^|_)(KEY|PASS|DSN)$", re.I)
"""Names that suggest a secret, for variables whose type is text."""
GENERATED = get_args(GeneratedSecret)[1]


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable that a class reads."""

    name: str
    field: str
    words: str
    description: str
    required: bool
    default: str
    """The default as it is written in a file; empty if there is none."""
    secret: bool
    address: bool
    generated: bool

    def shown(self, text: str) -> str:
        """Return a value without secrets: a secret is masked, and so are the user, password and options of a URL."""
        if self.secret and text:
            return masked(text) if self.address else MASK
        # A URL in a text field may contain a password too.
        return masked(text) if "://" in text and "@" in text else text


def variables_of(environment: type[DjangoEnvironment]) -> Iterator[Variable]:
    """Yield the variables in the order of the class."""
    for name, field in environment.model_fields.items():
        kind = next((item for item in field.metadata if isinstance(item, Kind)), None)
        default = "" if field.is_required() else _default_of(field)
        words = kind.words if kind else _words(field.annotation)
        yield Variable(
            name=variable_of(environment, name),
            field=name,
            words=words,
            description=field.description or "",
            required=field.is_required(),
            default=text_of(default),
            secret=_is_secret(field.annotation)
            or ("text" in words and TELLING.search(name) is not None),
            address=kind is not None and kind != GENERATED,
            generated=kind == GENERATED,
        )


def written(value: Any) -> str:
    """Return the text for ``value`` in a file, which is read back as the same value.

    >>> written(["a", "b"]), written(["a, b"]), written(True), written(None)
    ('a,b', '["a, b"]', 'true', '')
    """
    match value:
        case None:
            return ""
        case SecretStr():
            return value.get_secret_value()
        case bool():
            return "true" if value else "false"
        case enum.Enum():
            return written(value.value)
        case str() | Path() | int() | float():
            return str(value)
        case list() | tuple() | set() | frozenset():
            items = [written(item) for item in value]
            joined = ",".join(items)
            simple = all(item and item == item.strip() and "," not in item for item in items)
            if simple and joined[:1] not in {"", "[", "{"}:
                return joined
            return to_json(items).decode()
        case _:
            return to_json(value).decode()


def text_of(value: Any) -> str:
    """Return the text for ``value`` to show, and to write as a default: an empty list is empty, not ``[]``."""
    return "" if value in ([], (), set(), frozenset(), {}) else written(value)


def masked(url: str) -> str:
    """Return a URL with its user, password and options masked.

    >>> masked("postgres://ada:secret@db:5432/shop?sslpassword=x")
    'postgres://********@db:5432/shop?********'
    """
    scheme, colon, rest = url.partition("://")
    base, question, options = rest.partition("?")
    netloc, slash, path = base.partition("/")
    # A password with an unescaped "#" or "/" ends the host early, and its rest would stay visible: mask everything.
    if not colon or "#" in url or "@" in path + options:
        return MASK
    user, at, host = netloc.rpartition("@")
    shown = f"{MASK if user else ''}{at}{host}{slash}{path}"
    return f"{scheme}://{shown}{question}{MASK if options else ''}"


def _default_of(field: FieldInfo) -> Any:
    if field.default_factory is None:
        return field.default
    try:
        return field.get_default(call_default_factory=True, validated_data={})
    except Exception:  # noqa: BLE001 - a factory that needs other values has no default to show
        return None


def _is_secret(annotation: Any) -> bool:
    return annotation in (SecretStr, SecretBytes) or any(map(_is_secret, get_args(annotation)))


def _words(annotation: Any) -> str:
    if annotation in WORDS:
        return WORDS[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return f"one of {', '.join(map(str, arguments))}"
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return f"one of {', '.join(str(member.value) for member in annotation)}"
    if origin in (list, tuple, set, frozenset) or annotation in (list, tuple, set, frozenset):
        inner = [argument for argument in arguments if argument is not ...]
        return f"list of {_words(inner[0])}, with commas" if inner else "list, with commas"
    inner = [argument for argument in arguments if argument is not NoneType]
    if origin is not None and inner and origin is not dict:
        return " or ".join(dict.fromkeys(map(_words, inner)))
    return "JSON" if origin is dict else getattr(annotation, "__name__", str(annotation))
