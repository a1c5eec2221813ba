"""Export in rows that are streamed, and import that writes all rows of a file or none."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson
from django import forms
from django.db import DatabaseError, router, transaction
from django.db.models import QuerySet
from django.forms.models import modelform_factory
from django.http import HttpRequest

from django_matt.errors.exceptions import Problem
from django_matt.formats import Format
from django_matt.formats.csv import CSV
from django_matt.formats.jsonl import JSONLines

__all__ = ["FORMATS", "BadRow", "import_rows", "read_rows", "stream_rows"]

FORMATS: dict[str, type[Format]] = {"csv": CSV, "jsonl": JSONLines}
MAX_ROWS = 10_000
_BATCH = 1_000
_MAX_SHOWN = 50

BadRow = tuple[int, str, str]
"""The number of a row from 1 (0 for the file), a column or an empty string, and what is wrong."""


def stream_rows(name: str, queryset: QuerySet[Any], fields: Sequence[str]) -> Iterator[bytes]:
    """Yield the rows of a queryset in a format, a batch at a time."""
    chosen = FORMATS[name]()
    rows = queryset.values_list(*fields).iterator(chunk_size=_BATCH)
    return chosen.frame(_batches(rows, fields, chosen.separator or b""), list(fields))


def _batches(
    rows: Iterable[tuple[Any, ...]], fields: Sequence[str], separator: bytes
) -> Iterator[bytes]:
    batch: list[bytes] = []
    for row in rows:
        batch.append(orjson.dumps(dict(zip(fields, row, strict=True)), default=str))
        if len(batch) == _BATCH:
            yield separator.join(batch)
            batch = []
    # The header of a CSV file comes with its first batch.
    yield separator.join(batch)


def read_rows(name: str, body: bytes) -> list[dict[str, Any]]:
    """Return the rows of an uploaded file; raise ``ValueError`` with what is wrong with it."""
    try:
        if name == "csv":
            rows: list[dict[str, Any]] = CSV().load(body)
        else:
            lines = body.decode("utf-8-sig").split("\n")
            rows = [json.loads(line) for line in lines if line.strip()]
    except Problem as error:
        reason = error.members.get("reason") or error.detail
        raise ValueError(f"The file cannot be read: {reason}.") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"The file cannot be read: {error}.") from None
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError("Each line must be a JSON object.")
    if not rows:
        raise ValueError("The file has no rows.")
    if len(rows) > MAX_ROWS:
        raise ValueError(f"The file has {len(rows):,} rows; {MAX_ROWS:,} are accepted at once.")
    return rows


def import_rows(admin: Any, request: HttpRequest, rows: Sequence[dict[str, Any]]) -> list[BadRow]:
    """Write the rows through the ``ModelAdmin`` and return an empty list, or write nothing and return what is wrong."""
    bad: list[BadRow] = []
    using = router.db_for_write(admin.model)
    offered = _offered(admin, request)
    with transaction.atomic(using=using):
        for number, row in enumerate(rows, 1):
            try:
                with transaction.atomic(using=using):
                    bad += [(number, *each) for each in _import_row(admin, request, row, offered)]
            except DatabaseError as error:
                bad.append((number, "", str(error).splitlines()[0]))
            if len(bad) >= _MAX_SHOWN:
                break
        if bad:
            transaction.set_rollback(True, using=using)
    return bad


def _import_row(
    admin: Any, request: HttpRequest, row: dict[str, Any], offered: dict[str, QuerySet[Any]]
) -> list[tuple[str, str]]:
    key = admin.model._meta.pk.name
    writable = set(admin.transfer_fields) - {key} - set(admin.get_readonly_fields(request))
    if unknown := sorted(set(row) - writable - {key}):
        return [(unknown[0], "This column is not known or not editable.")]
    instance = None
    if row.get(key) not in (None, ""):
        try:
            instance = admin.get_queryset(request).filter(pk=row[key]).first()
        except (ValueError, TypeError, forms.ValidationError):
            instance = None
        if instance is None:
            return [(key, "There is no such row. Leave the column empty to add one.")]
    is_allowed = (
        admin.has_change_permission(request, instance)
        if instance
        else admin.has_add_permission(request)
    )
    if not is_allowed:
        return [("", f"You may not {'change' if instance else 'add'} this row.")]
    # A row that is changed keeps what has no column.
    names = sorted(writable & set(row)) if instance else sorted(writable)
    form = modelform_factory(admin.model, fields=names)(_text_of(row), instance=instance)
    for name in set(names) & set(offered):
        form.fields[name].queryset = offered[name]  # type: ignore[attr-defined]  # of a field with objects
    problems = _booleans(form, row)
    if problems or not form.is_valid():
        found = [(name, each) for name, texts in form.errors.items() for each in texts]
        return problems or [(name if name != "__all__" else "", str(each)) for name, each in found]
    made = form.save(commit=False)
    admin.save_model(request, made, form, change=instance is not None)
    form.save_m2m()
    log = admin.log_change if instance else admin.log_addition
    log(request, made, "Imported")
    return []


def _text_of(row: dict[str, Any]) -> dict[str, Any]:
    """Return the values as a form gets them; null is an empty input."""
    return {
        name: "" if value is None else json.dumps(value) if isinstance(value, dict) else value
        for name, value in row.items()
    }


def _offered(admin: Any, request: HttpRequest) -> dict[str, QuerySet[Any]]:
    """Return the objects that the form of the admin offers for each relation; an import accepts no others."""
    fields = [admin.model._meta.get_field(name) for name in admin.transfer_fields]
    relations = [field for field in fields if field.is_relation]
    shown = {each.name: admin.formfield_for_dbfield(each, request=request) for each in relations}
    return {name: field.queryset for name, field in shown.items() if field is not None}


def _booleans(form: "forms.ModelForm[Any]", row: dict[str, Any]) -> list[tuple[str, str]]:
    """Refuse what a checkbox would read as yes: any other text than ``true`` and ``false``."""
    known = {"true", "false", "1", "0", ""}
    return [
        (name, "This must be true or false.")
        for name, field in form.fields.items()
        if isinstance(field, forms.BooleanField) and str(row.get(name, "")).lower() not in known
    ]
