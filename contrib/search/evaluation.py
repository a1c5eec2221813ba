"""How well an index answers labelled questions: recall, nDCG and the mean reciprocal rank, for each mode."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured

from django_matt.contrib.search.indexes import SearchIndex
from django_matt.contrib.search.schemas import Mode
from django_matt.search_indexes import score_ranking

__all__ = ["Figures", "LabelledQuestion", "evaluate", "read_questions"]

_DEPTH = 10


@dataclass(frozen=True)
class LabelledQuestion:
    """A question, and the values of the field by which the objects that answer it are named."""

    text: str
    expected: frozenset[str]


@dataclass(frozen=True)
class Figures:
    """The means over all questions; each is between 0 and 1.

    ``recall`` is the share of questions with an expected object among the first 5 or 10: one is enough, because any of them
    answers the question. ``ndcg`` and ``reciprocal_rank`` also count how far above it is (Järvelin and Kekäläinen, 2002).
    """

    recall_at_5: float
    recall_at_10: float
    ndcg_at_10: float
    reciprocal_rank: float


def read_questions(path: Path) -> list[LabelledQuestion]:
    """Return the questions of a file with an object such as ``{"q": "…", "expected": ["…"]}`` on each line.

    Raises ``ImproperlyConfigured`` with the number of a line that is not one.
    """
    return list(_read(path.read_text(encoding="utf-8")))


def _read(text: str) -> Iterator[LabelledQuestion]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
            question, expected = found["q"], found["expected"]
        except (ValueError, KeyError, TypeError):
            question, expected = None, None
        if not (isinstance(question, str) and isinstance(expected, list) and expected):
            raise ImproperlyConfigured(
                f'Line {number} is not an object with "q" and a list "expected".'
            )
        yield LabelledQuestion(question, frozenset(map(str, expected)))


def evaluate(
    index: type[SearchIndex],
    questions: Sequence[LabelledQuestion],
    mode: Mode,
    *,
    field: str = "pk",
    progress: Callable[[int], None] = lambda count: None,
) -> Figures:
    """Return the figures of an index for labelled questions; ``field`` is the field with the labels.

    Raises ``ImproperlyConfigured`` if there is no question or no such field, and what ``search`` raises.
    """
    if not questions:
        raise ImproperlyConfigured("There are no questions.")
    if field != "pk":
        try:
            index.model._meta.get_field(field)
        except FieldDoesNotExist as error:
            raise ImproperlyConfigured(str(error)) from error
    totals = [0.0, 0.0, 0.0, 0.0]
    for each in questions:
        found: Any = index.search(each.text, limit=_DEPTH, mode=mode).values_list(field, flat=True)
        hits = [str(value) in each.expected for value in found]
        scores = score_ranking(hits, len(each.expected))
        totals = [total + score for total, score in zip(totals, scores, strict=True)]
        progress(1)
    return Figures(*(total / len(questions) for total in totals))
