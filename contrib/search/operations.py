"""The migration operations that create and drop a search index."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import router
from django.db.migrations.operations.base import Operation

from django_matt.contrib.search.definitions import define
from django_matt.contrib.search.storages import storage_of

__all__ = ["AddSearchIndex", "RemoveSearchIndex"]


class AddSearchIndex(Operation):
    """Create the tables of a search index and the triggers that keep them, and index the rows that there are.

    It has the values of the ``SearchIndex``; ``manage.py matt_search status`` shows the operation to write. If the model has
    an index already, it is replaced. It does not change the models, so ``makemigrations`` finds nothing to do.

    >>> AddSearchIndex("Book", words={"title": "A", "body": "B"})
    AddSearchIndex('Book', words={'title': 'A', 'body': 'B'})
    """

    reduces_to_sql = True
    reversible = True

    def __init__(
        self,
        model_name: str,
        *,
        words: Mapping[str, str],
        language: str = "english",
        filters: Sequence[str] = (),
        dimensions: int = 0,
    ) -> None:
        """Take the model, and the values of its ``SearchIndex``; ``dimensions`` is 0 without vectors."""
        self.model_name = model_name
        self.words = dict(words)
        self.language = language
        self.filters = list(filters)
        self.dimensions = dimensions

    def __repr__(self) -> str:
        _, args, kwargs = self.deconstruct()
        given = [repr(each) for each in args] + [f"{name}={kwargs[name]!r}" for name in kwargs]
        return f"{type(self).__name__}({', '.join(given)})"

    def deconstruct(self) -> Any:
        """Return how a migration writes the operation."""
        kwargs: dict[str, Any] = {"words": self.words}
        if self.language != "english":
            kwargs["language"] = self.language
        if self.filters:
            kwargs["filters"] = self.filters
        if self.dimensions:
            kwargs["dimensions"] = self.dimensions
        return type(self).__name__, [self.model_name], kwargs

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Leave the models as they are."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Create the index, instead of one that the model has."""
        if _applies(self.model_name, app_label, schema_editor):
            storage = self._storage(app_label, schema_editor, to_state)
            storage.drop(schema_editor.execute)
            storage.create(schema_editor.execute)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Drop the index."""
        if _applies(self.model_name, app_label, schema_editor):
            self._storage(app_label, schema_editor, from_state).drop(schema_editor.execute)

    def describe(self) -> str:
        """Return one line for ``migrate`` and ``sqlmigrate``."""
        return f"Create the search index of {self.model_name}"

    @property
    def migration_name_fragment(self) -> str:
        """Part of the name of a migration."""
        return f"{self.model_name.lower()}_search"

    def _storage(self, app_label: str, schema_editor: Any, state: Any) -> Any:
        model = state.apps.get_model(app_label, self.model_name)
        made = define(model, self.words, self.language, self.filters, self.dimensions)
        storage = storage_of(made, schema_editor.connection)
        # They are dropped before they are created: never those of a model, or of a many-to-many field with such a name.
        taken = {each._meta.db_table for each in state.apps.get_models(include_auto_created=True)}
        if taken & {storage.words, storage.vectors}:
            raise ImproperlyConfigured(
                f"The search index of {made.label} needs the tables {storage.words} and {storage.vectors}, and a model "
                "has one of them."
            )
        return storage


class RemoveSearchIndex(AddSearchIndex):
    """Drop a search index. It has the values of the index, so that it can be reversed."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Drop the index."""
        super().database_backwards(app_label, schema_editor, to_state, from_state)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Create the index."""
        super().database_forwards(app_label, schema_editor, to_state, from_state)

    def describe(self) -> str:
        """Return one line for ``migrate`` and ``sqlmigrate``."""
        return f"Drop the search index of {self.model_name}"

    @property
    def migration_name_fragment(self) -> str:
        """Part of the name of a migration."""
        return f"remove_{self.model_name.lower()}_search"


def _applies(model_name: str, app_label: str, schema_editor: Any) -> bool:
    alias = schema_editor.connection.alias
    allowed: bool = router.allow_migrate(alias, app_label, model_name=model_name.lower())
    return allowed
