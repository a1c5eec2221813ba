"""Turns what an HTML form sends into values for a schema, and values into the texts of a form.

Names tell where a value belongs: ``address.city`` is a member of an object, ``lines.0.quantity`` one of a row. The
description decides what a text is; what it cannot decide is left as it is, so that the validator refuses it.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.forms.utils import from_current_timezone
from django.utils.datastructures import MultiValueDict
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_aware, is_naive, localtime
from django.utils.translation import gettext as _
from pydantic import BaseModel, SecretBytes, SecretStr
from pydantic_core import to_jsonable_python

from django_matt.forms.descriptions import FieldDescription, FormDescription

__all__ = ["Entries", "Values", "entries_of", "read_values", "text_of", "texts_of", "write_texts"]

Entries = Mapping[str, Sequence[Any]]
"""What a form sends: for each name, each of its texts or files."""
_IGNORED = frozenset({"csrfmiddlewaretoken"})
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)
_INTEGER = re.compile(r"[+-]?[0-9]{1,400}", re.ASCII)
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
_TRUE, _FALSE = frozenset({"on", "true", "1"}), frozenset({"off", "false", "0"})
_LONGEST_NUMBER = 400
_MISSING: Any = object()


@dataclass(frozen=True, slots=True)
class Values:
    """What was read: ``data`` is for the schema, ``errors`` are texts that are not even JSON or a time."""

    data: dict[str, Any]
    errors: list[tuple[tuple[str | int, ...], str]] = field(default_factory=list)


def read_values(
    form: FormDescription, data: Mapping[str, Any], files: Mapping[str, Any] | None = None
) -> Values:
    """Return the values of a form from ``request.POST`` and ``request.FILES``.

    An empty text is null where null is accepted, is left out where the field has a default, and else is the text. A
    checkbox that was not sent is false, and a list that was not sent is empty. Names that the form does not have stay,
    so that a schema with ``extra="forbid"`` refuses them.

    >>> read_values(describe(Order), QueryDict("address.city=Oslo&lines.0.sku=a")).data    # doctest: +SKIP
    {'address': {'city': 'Oslo'}, 'lines': [{'sku': 'a'}]}
    """
    entries = dict(entries_of(data))
    for name, sent in entries_of(files or {}).items():
        entries[name] = [*entries.get(name, ()), *sent]
    reader = _Reader()
    found = reader.read(form, {k: v for k, v in entries.items() if k not in _IGNORED}, ())
    return Values(found, reader.errors)


def entries_of(data: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return each name with all of its values, of a ``QueryDict`` or of a dictionary."""
    if isinstance(data, MultiValueDict):
        return {name: data.getlist(name) for name in data}
    return {
        name: list(value) if isinstance(value, list | tuple) else [value]
        for name, value in data.items()
    }


def split(form: FormDescription, entries: Entries) -> tuple[dict[str, dict[str, Any]], Entries]:
    """Return the entries of each field, by the rest of their names, and those of no field."""
    fields = {each.name: each for each in form.fields}
    known: dict[str, dict[str, Any]] = {}
    unknown: dict[str, Sequence[Any]] = {}
    for name, sent in entries.items():
        if name in fields:
            known.setdefault(name, {})[""] = sent
            continue
        head, _dot, rest = name.partition(".")
        if head in fields and rest and fields[head].kind == "object":
            known.setdefault(head, {})[rest] = sent
        else:
            unknown[name] = sent
    return known, unknown


def split_rows(entries: Entries) -> tuple[list[dict[str, Any]], Entries]:
    """Return the entries of each row that is not blank, in order, and those that have no index.

    A row whose texts are all empty is one that nobody filled in. One that is sent under its own name, ``lines.0``, stays.
    """
    rows: dict[int, dict[str, Any]] = {}
    unknown: dict[str, Sequence[Any]] = {}
    for name, sent in entries.items():
        index, _dot, rest = name.partition(".")
        if name and _INDEX.fullmatch(index):
            rows.setdefault(int(index), {})[rest] = sent
        elif name:
            unknown[name] = sent
    return [row for _, row in sorted(rows.items()) if "" in row or not is_blank(row)], unknown


def is_blank(entries: Entries) -> bool:
    """Whether nothing was filled in."""
    return all(value == "" for sent in entries.values() for value in sent)


class _Reader:
    def __init__(self) -> None:
        self.errors: list[tuple[tuple[str | int, ...], str]] = []

    def read(
        self, form: FormDescription, entries: Entries, path: tuple[str | int, ...]
    ) -> dict[str, Any]:
        known, unknown = split(form, entries)
        found: dict[str, Any] = {}
        for each in form.fields:
            value = self._field(each, known.get(each.name, {}), (*path, each.name))
            if value is not _MISSING:
                found[each.name] = value
        for name, sent in unknown.items():
            found.setdefault(name, sent[0] if len(sent) == 1 else list(sent))
        return found

    def _field(
        self, each: FieldDescription, entries: dict[str, Any], path: tuple[str | int, ...]
    ) -> Any:
        if each.kind == "object" and each.form is not None:
            read: Callable[..., Any] = self._rows if each.many else self._group
            return read(each, each.form, entries, path)
        sent = entries.get("")
        if each.many:
            if sent is None:
                return _no_list(each)
            return [self._scalar(each, value, path) for value in sent if value != ""]
        if each.widget == "checkbox":
            return _checkbox(sent)
        if sent is None:
            return _MISSING
        if len(sent) != 1:
            # Which of them is meant? The validator refuses a list.
            return list(sent)
        (value,) = sent
        if value == "":
            return _empty(each)
        return self._scalar(each, value, path)

    def _group(
        self,
        each: FieldDescription,
        form: FormDescription,
        entries: dict[str, Any],
        path: tuple[str | int, ...],
    ) -> Any:
        is_there = "" in entries
        inner = {name: sent for name, sent in entries.items() if name}
        if not is_there and is_blank(inner):
            if each.nullable:
                return None
            if not each.required:
                return _MISSING
        return self.read(form, inner, path)

    def _rows(
        self,
        each: FieldDescription,
        form: FormDescription,
        entries: dict[str, Any],
        path: tuple[str | int, ...],
    ) -> Any:
        rows, unknown = split_rows(entries)
        found: list[Any] = [
            self.read(form, {k: v for k, v in row.items() if k}, (*path, at))
            for at, row in enumerate(rows)
        ]
        # What is no row is refused, as a row that is no object.
        found.extend({name: list(sent)} for name, sent in unknown.items())
        return found if found or "" in entries else _no_list(each)

    def _scalar(self, each: FieldDescription, value: Any, path: tuple[str | int, ...]) -> Any:
        if not isinstance(value, str):
            return value
        if each.options:
            return next((v for v, text in option_texts(each) if text == value), value)
        if each.kind == "json":
            return self._json(value, path)
        if each.kind == "datetime":
            return self._time(each, value, path)
        if each.kind == "integer" and _INTEGER.fullmatch(value.strip()):
            return int(value)
        is_number = len(value) < _LONGEST_NUMBER and _NUMBER.fullmatch(value.strip())
        if each.kind == "number" and is_number:
            return float(value)
        if each.kind == "boolean":
            return True if value in _TRUE else False if value in _FALSE else value
        return value

    def _json(self, value: str, path: tuple[str | int, ...]) -> Any:
        try:
            return json.loads(value, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            self.errors.append((path, _("Enter a valid JSON.")))
            return None

    def _time(self, each: FieldDescription, value: str, path: tuple[str | int, ...]) -> Any:
        """Read a time without a zone in that of the project, as Django's forms do."""
        if not settings.USE_TZ or each.extra.get("naive"):
            return value
        try:
            found = parse_datetime(value.strip())
        except ValueError:
            return value
        if found is None or is_aware(found):
            return value
        try:
            return _with_zone(from_current_timezone(found))
        except ValidationError as error:
            self.errors.append((path, " ".join(error.messages)))
        except OverflowError:
            return value
        return None


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _no_list(each: FieldDescription) -> Any:
    """Return what a list is of which nothing was sent: a change leaves it as it is."""
    if each.nullable:
        return None
    return [] if each.required or each.has_default else _MISSING


def _checkbox(sent: Sequence[Any] | None) -> Any:
    if sent is None:
        return False
    if any(value not in _TRUE | _FALSE | {""} for value in sent if isinstance(value, str)):
        return sent[0] if len(sent) == 1 else list(sent)
    return any(value in _TRUE for value in sent)


def _empty(each: FieldDescription) -> Any:
    if each.nullable:
        return None
    if each.has_default or not each.required:
        return _MISSING
    # Any other kind has no empty text: the value is missing.
    return "" if each.kind == "text" else _MISSING


# ---- values to texts ----------------------------------------------------------------------------------------------------


def option_texts(each: FieldDescription) -> list[tuple[Any, str]]:
    """Return each option with the text that a form sends for it; texts differ where the values do."""
    found: list[tuple[Any, str]] = []
    taken: set[str] = set()
    for value, _label in each.options:
        text = value if isinstance(value, str) else json.dumps(value)
        if text in taken:
            text = json.dumps(value)
        taken.add(text)
        found.append((value, text))
    return found


def texts_of(form: FormDescription, values: Any) -> dict[str, list[str]]:
    """Return the texts of a form that shows values: of an instance of the schema, of a model, or of a dictionary."""
    found: dict[str, list[str]] = {}
    write_texts(form, values, "", found)
    return found


def write_texts(
    form: FormDescription, values: Any, prefix: str, found: dict[str, list[str]]
) -> None:
    """Add the texts of an object to ``found``, under names that begin with ``prefix``."""
    for each in form.fields:
        value = _member(values, each)
        if value is _MISSING:
            continue
        name = f"{prefix}{each.name}"
        if each.kind == "object" and each.form is not None:
            if each.many and value is not None:
                _write_rows(each.form, value, name, found)
            elif value is not None:
                _write_group(each.form, value, name, found)
        elif each.many:
            if value is not None:
                # The empty text says that there is a list, which may have nothing in it.
                found[name] = ["", *(text_of(each, item) for item in value)]
        elif each.widget == "checkbox":
            if value is True:
                found[name] = ["true"]
        elif each.kind != "file":
            found[name] = [text_of(each, value)]


def _write_rows(form: FormDescription, values: Any, name: str, found: dict[str, list[str]]) -> None:
    count = 0
    for at, value in enumerate(values):
        _write_group(form, value, f"{name}.{at}", found)
        count += 1
    if count == 0:
        found[name] = [""]


def _write_group(form: FormDescription, value: Any, name: str, found: dict[str, list[str]]) -> None:
    inner: dict[str, list[str]] = {}
    write_texts(form, value, f"{name}.", inner)
    if is_blank(inner):
        # The name of the object itself tells it from one that nobody filled in.
        inner[name] = [""]
    found |= inner


def text_of(each: FieldDescription, value: Any) -> str:
    """Return the text that a field shows for a value, which ``read_values`` reads as the same value."""
    if isinstance(value, SecretStr | SecretBytes):
        value = value.get_secret_value()
    if each.kind == "json":
        if value is None and each.nullable:
            return ""
        return json.dumps(to_jsonable_python(value, by_alias=True), ensure_ascii=False, indent=2)
    if value is None:
        return ""
    if isinstance(value, datetime):
        return _local(value)
    if isinstance(value, time):
        return _brief(value)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    plain = to_jsonable_python(value)
    for option, text in option_texts(each):
        if option == plain and type(option) is type(plain):
            return text
    return plain if isinstance(plain, str) else json.dumps(plain)


def _local(value: datetime) -> str:
    """Return a time in the current zone without the zone, where it can be told from every other time."""
    if not settings.USE_TZ or is_naive(value):
        return _brief(value)
    try:
        shown = localtime(value).replace(tzinfo=None, fold=0)
        if from_current_timezone(shown) == value:
            return _brief(shown)
        return _with_zone(value)
    except (ValidationError, OverflowError):
        return _with_zone(value)


def _with_zone(value: datetime) -> str:
    """Return a time with its zone; in UTC where the zone has seconds, as those before 1920 had, which pydantic does not read."""
    offset = value.utcoffset()
    if offset is not None and offset.total_seconds() % 60:
        value = value.astimezone(UTC)
    return value.isoformat()


def _brief(value: datetime | time) -> str:
    """Return a time as the inputs of browsers have it, which know milliseconds, where nothing is lost."""
    in_milliseconds = value.microsecond and value.microsecond % 1000 == 0
    return value.isoformat(timespec="milliseconds" if in_milliseconds else "auto")


def _member(values: Any, each: FieldDescription) -> Any:
    """Return one value: from a schema by the name of the JSON or of the field, from a model by that of the attribute."""
    if isinstance(values, Mapping):
        return values.get(each.name, _MISSING)
    name = each.name
    if isinstance(values, BaseModel):
        for python_name, info in type(values).model_fields.items():
            if each.name in (info.alias, info.validation_alias, python_name):
                name = python_name
                break
    try:
        found = getattr(values, name)
    except (AttributeError, ValueError):
        # A model that is not saved has no many-to-many objects yet.
        return _MISSING
    if hasattr(found, "all") and not isinstance(found, Iterable):
        objects = found.all()
        return (
            list(objects) if each.kind == "object" else list(objects.values_list("pk", flat=True))
        )
    return found
