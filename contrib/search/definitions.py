"""What an index consists of, independent of the database: its tables, columns, language and dimensions."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db.models import CharField, IntegerField, Model, TextField, UUIDField

__all__ = ["MAX_DIMENSIONS", "WEIGHTS", "Definition", "define"]

WEIGHTS = "ABCD"
"""The weights of words, as PostgreSQL names them: 1.0, 0.4, 0.2 and 0.1."""

MAX_DIMENSIONS = 4_000
"""What pgvector's HNSW index accepts of ``halfvec``; the same limit on SQLite, so that a project can change."""

_RESERVED = frozenset({"rank", "rowid"})
_OWN = frozenset({"id", "object_id", "document", "names", "embedder", "digest", "embedding"})
_LANGUAGE = re.compile(r"[a-z][a-z_]{0,40}")


@dataclass(frozen=True)
class Definition:
    """An index of one model, with the names of its columns.

    ``words`` are pairs of a column and its weight. ``filters`` are the columns whose values the index has as well.
    ``dimensions`` is the length of the vectors; 0 if there are none.
    """

    model: type[Model]
    words: tuple[tuple[str, str], ...]
    language: str
    filters: tuple[str, ...]
    dimensions: int

    @property
    def table(self) -> str:
        """The table of the model."""
        return self.model._meta.db_table

    @property
    def key(self) -> str:
        """The column of the primary key."""
        return str(self.model._meta.pk.column)

    @property
    def label(self) -> str:
        """The name of the index in messages: that of its model."""
        return self.model._meta.label

    @property
    def names(self) -> tuple[str, ...]:
        """The columns with the highest weight that there is: suggestions are made of these."""
        highest = min(weight for _, weight in self.words)
        return tuple(column for column, weight in self.words if weight == highest)

    @property
    def digest(self) -> str:
        """A short name of this definition. The triggers have it in their names, so a changed definition is noticed."""
        parts = (self.table, self.key, self.words, self.language, self.filters, self.dimensions)
        return sha256(repr(parts).encode()).hexdigest()[:8]

    def column_type(self, column: str, connection: Any) -> str:
        """Return the type of a column of the model, for a column that refers to it."""
        field: Any = next(each for each in self.model._meta.local_fields if each.column == column)
        found: str = (
            field.rel_db_type(connection) if field.primary_key else field.db_type(connection)
        )
        return found


def define(
    model: type[Model],
    words: Mapping[str, str],
    language: str = "english",
    filters: Sequence[str] = (),
    dimensions: int = 0,
) -> Definition:
    """Return the definition of an index; raise ``ImproperlyConfigured`` with what is wrong with it."""
    label = model._meta.label
    if not words:
        raise ImproperlyConfigured(f"The search index of {label} has no words.")
    if not isinstance(language, str) or not _LANGUAGE.fullmatch(language):
        raise ImproperlyConfigured(f"The search index of {label}: {language!r} is not a language.")
    if not isinstance(dimensions, int) or not 0 <= dimensions <= MAX_DIMENSIONS:
        raise ImproperlyConfigured(
            f"The search index of {label}: vectors have from 1 to {MAX_DIMENSIONS} dimensions."
        )
    if model._meta.pk.column is None:
        raise ImproperlyConfigured(f"{label} has a composite key, and cannot have a search index.")
    key: Any = model._meta.pk
    while key.remote_field:
        key = key.target_field
    if not isinstance(key, IntegerField | CharField | TextField | UUIDField):
        raise ImproperlyConfigured(
            f"{label} cannot have a search index: its key is not a number, a text or a UUID."
        )
    columns = []
    for name, weight in words.items():
        field = _field(model, name)
        if not isinstance(field, CharField | TextField):
            raise ImproperlyConfigured(f"The search index of {label}: {name} is not a text.")
        if weight not in (*WEIGHTS,):
            raise ImproperlyConfigured(
                f"The search index of {label}: the weight of {name} must be A, B, C or D."
            )
        columns.append((str(field.column), weight))
    chosen = tuple(str(_field(model, name).column) for name in filters)
    for column in [*(each for each, _ in columns), *chosen]:
        # SQLite's full texts reserve two names of columns; the tables of filters have columns of their own.
        reserved = _OWN if column in chosen else _RESERVED
        if column.lower() in reserved or chosen.count(column) > 1:
            raise ImproperlyConfigured(
                f"The search index of {label}: {column} is the name of a column of the index, or is listed twice."
            )
    return Definition(model, tuple(columns), language, chosen, dimensions)


def _field(model: type[Model], name: str) -> Any:
    """Return a field by its name or by that of its column; it must be in the table of the model."""
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        raise ImproperlyConfigured(
            f"The search index of {model._meta.label} names {name!r}, which is not a field."
        ) from None
    if field not in model._meta.local_concrete_fields:
        raise ImproperlyConfigured(
            f"The search index of {model._meta.label}: {name} is not in the table of the model."
        )
    return field
