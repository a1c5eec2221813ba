"""Imports: writes the rows of a CSV or of JSON Lines while they are read from a request."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from pydantic import BaseModel

from django_matt.contrib.crud.errors import RowError, RowsRefused
from django_matt.contrib.crud.settings import get_settings
from django_matt.imported_rows import read_batches

__all__ = ["import_rows"]


def import_rows(
    request: HttpRequest, schema: type[BaseModel], write: Callable[[list[Any]], Any]
) -> int:
    """Read the rows of a request and pass them to ``write``, at most a thousand or 8 MiB at once; return their number.

    Call it in a transaction. Raises ``RowsRefused`` or Ninja's ``ValidationError`` for the first batch that has refused
    rows, with their positions in the whole body, and ``PayloadTooLarge`` for more than ``MAX_IMPORT_ROWS``.
    """
    options, done = get_settings(), 0
    for start, rows in read_batches(
        request, schema, most=options.MAX_IMPORT_ROWS, size=options.MAX_BULK_ROWS
    ):
        done = start + len(rows)
        try:
            write(rows)
        except RowsRefused as refused:
            errors = [
                RowError(start + each.index, each.status, each.code, each.message, each.name)
                for each in refused.errors
            ]
            # As many as were read: nobody knows how many there are.
            raise RowsRefused(range(done), errors) from refused
    return done
