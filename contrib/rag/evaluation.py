"""How well labelled questions are answered: recall, nDCG and reciprocal rank of what is found, and the citations of answers."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from asgiref.sync import async_to_sync
from django.core.exceptions import ImproperlyConfigured

from django_matt.contrib.rag.answers import answer
from django_matt.contrib.rag.models import Chunk
from django_matt.contrib.rag.retrieval import rank_chunks
from django_matt.contrib.rag.schemas import CitationsOut, ProblemOut, SourcesOut
from django_matt.contrib.rag.settings import Mode
from django_matt.search_indexes import score_ranking

if TYPE_CHECKING:
    from pydantic_ai.models import Model

__all__ = [
    "Figures",
    "LabelledQuestion",
    "as_dictionary",
    "compare_figures",
    "evaluate",
    "evaluate_citations",
    "read_questions",
]

_DEPTH = 10
_TOLERANCE = 0.02
"""By how much a figure may be lower than the one it is compared with: less than one question of fifty."""


@dataclass(frozen=True, slots=True)
class LabelledQuestion:
    """A question, and the sources that answer it, each as ``uri`` or ``uri#heading``."""

    text: str
    expected: frozenset[str]
    tenant: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """The means over all questions, each between 0 and 1.

    ``recall`` is the share of questions with an expected source among the first 5 or 10 that are found: one is enough,
    because any of them answers the question. ``ndcg`` and ``reciprocal_rank`` also count how far above it is (Järvelin and
    Kekäläinen, 2002). ``citations`` is the share of answers that cite an expected source; ``None`` without answers.
    """

    recall_at_5: float
    recall_at_10: float
    ndcg_at_10: float
    reciprocal_rank: float
    citations: float | None = None


def read_questions(text: str) -> list[LabelledQuestion]:
    """Return the questions of JSON Lines: ``{"q": "…", "expected": ["tea.md#Green"]}``, and ``"tenant"`` if there is one.

    Raises ``ImproperlyConfigured`` with the number of a line that is not one, and if there is none.
    """
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            read = json.loads(line)
            question, expected, tenant = read["q"], read["expected"], read.get("tenant", "")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            question, expected, tenant = None, None, ""
        if not (
            isinstance(question, str)
            and isinstance(tenant, str)
            and isinstance(expected, list)
            and expected
            and all(isinstance(each, str) for each in expected)
        ):
            raise ImproperlyConfigured(
                f'Line {number} is not an object with "q" and a list "expected".'
            )
        found.append(LabelledQuestion(question, frozenset(expected), tenant))
    if not found:
        raise ImproperlyConfigured("There are no questions.")
    return found


def evaluate(
    questions: Sequence[LabelledQuestion],
    mode: Mode,
    progress: Callable[[int], None] = lambda _: None,
) -> Figures:
    """Return the figures of what is found in a mode."""
    totals = [0.0] * 4
    for question in questions:
        # More chunks than places: those of one section count as one.
        keys = rank_chunks(question.text, tenant=question.tenant, limit=4 * _DEPTH, mode=mode)
        hits = _hits(keys, question.expected)
        scores = score_ranking(hits, len(question.expected))
        totals = [total + score for total, score in zip(totals, scores, strict=True)]
        progress(1)
    return Figures(*(total / len(questions) for total in totals))


def _hits(keys: Sequence[int], expected: frozenset[str]) -> list[bool]:
    """Return for each of the first sections whether it is expected, and was not found before it."""
    columns = ("pk", "source__uri", "heading")
    rows = {pk: (uri, heading) for pk, uri, heading in _rows(keys).values_list(*columns)}
    sections = list(dict.fromkeys(rows[key] for key in keys if key in rows))
    left, hits = set(expected), []
    for uri, heading in sections[:_DEPTH]:
        found = _labels(uri, heading) & left
        left -= found
        hits.append(bool(found))
    return hits


def _rows(keys: Iterable[int]) -> Any:
    return Chunk.objects.filter(pk__in=list(keys))


def _labels(uri: str, heading: str) -> set[str]:
    """Return what names a section: its source, and its heading or one that it is below."""
    return {uri, *(f"{uri}#{name}" for name in heading.split(" > "))}


def evaluate_citations(
    questions: Sequence[LabelledQuestion],
    model: "Model | str | None" = None,
    progress: Callable[[int], None] = lambda _: None,
) -> float:
    """Return the share of answers that cite an expected source; raise ``ImproperlyConfigured`` if an answer fails."""
    count = 0
    for question in questions:
        sources, cited, problem = async_to_sync(_collect)(question, model)
        if problem is not None:
            raise ImproperlyConfigured(f"{question.text!r} has no answer: {problem}")
        labels: set[str] = set()
        for each in sources:
            if each.number in cited:
                labels |= _labels(each.uri, each.heading)
        count += bool(labels & question.expected)
        progress(1)
    return count / len(questions)


async def _collect(question: LabelledQuestion, model: Any) -> tuple[Any, list[int], str | None]:
    sources: list[Any] = []
    cited: list[int] = []
    async for event in answer(question.text, tenant=question.tenant, model=model):
        data: Any = event.data
        if isinstance(data, SourcesOut):
            sources = data.sources
        elif isinstance(data, CitationsOut):
            cited = data.citations
        elif isinstance(data, ProblemOut):
            return sources, cited, data.detail
    return sources, cited, None


def compare_figures(now: dict[str, dict[str, Any]], before: dict[str, dict[str, Any]]) -> list[str]:
    """Return a sentence for each figure that is lower than before by more than 0.02."""
    lower = []
    for mode, figures in before.items():
        for name, value in figures.items():
            found = now.get(mode, {}).get(name)
            if value is not None and found is not None and found < value - _TOLERANCE:
                lower.append(f"{mode}: {name} is {found:.3f}, and was {value:.3f}.")
    return lower


def as_dictionary(figures: Figures) -> dict[str, Any]:
    """Return figures as JSON has them, rounded."""
    return {k: v if v is None else round(v, 4) for k, v in asdict(figures).items()}
