"""What apps that search share: the Protocols by which one declares what another one searches, and the scores of a ranking."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log2
from typing import Any, Protocol, runtime_checkable

from django.apps import apps
from django.db.models import Model

__all__ = ["DeclaresWords", "IndexedWords", "SearchesWords", "find_search", "score_ranking"]


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


def score_ranking(hits: Sequence[bool], expected: int) -> tuple[float, float, float, float]:
    """Return recall at 5, recall at 10, nDCG at 10 and the reciprocal rank of one question, each between 0 and 1.

    ``hits`` tells for each of the first ten places whether what is there was expected; ``expected`` is how much was. Recall
    is 1 if anything expected is among the first. nDCG is that of Järvelin and Kekäläinen (2002), with a gain of 1.

    >>> score_ranking([False, True], 1)
    (1.0, 1.0, 0.6309297535714575, 0.5)
    """
    first_ten = [bool(hit) for hit in hits[:10]]
    gain = sum(1 / log2(place + 2) for place, hit in enumerate(first_ten) if hit)
    best = sum(1 / log2(place + 2) for place in range(min(expected, 10)))
    reciprocal_rank = 1 / (first_ten.index(True) + 1) if True in first_ten else 0.0
    return float(any(first_ten[:5])), float(any(first_ten)), gain / best, reciprocal_rank
