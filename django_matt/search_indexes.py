"""The Protocols by which apps share the search of words: one app declares what is searched, another one searches it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from django.apps import apps
from django.db.models import Model

__all__ = ["DeclaresWords", "IndexedWords", "SearchesWords", "find_search"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedWords:
    """The fields of a model whose words are searched, each with its weight: A is the highest, D the lowest.

    ``filters`` are fields that searches may be filtered by inside of the index.
    """

    model: type[Model]
    words: Mapping[str, str]
    filters: Sequence[str] = ()


@runtime_checkable
class DeclaresWords(Protocol):
    """An ``AppConfig`` whose models can be searched, if an app that searches is installed. ``migrate`` creates the indexes."""

    def indexed_words(self) -> Iterable[IndexedWords]:
        """Return what is searched."""
        ...


@runtime_checkable
class SearchesWords(Protocol):
    """An ``AppConfig`` that searches the models that others declare."""

    def search_words(
        self,
        model: type[Model],
        text: str,
        *,
        scope: Any = None,
        filters: Mapping[str, Any] | None = None,
        limit: int = 20,
    ) -> Any:
        """Return a queryset of the best objects of ``scope``, a queryset, the best first; at most 100."""
        ...


def find_search() -> SearchesWords | None:
    """Return the first installed app that searches; ``None`` if there is none."""
    return next((each for each in apps.get_app_configs() if isinstance(each, SearchesWords)), None)
