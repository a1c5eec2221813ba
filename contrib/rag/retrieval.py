"""Finds what answers a question: chunks of one tenant by words and vectors, joined into passages within a budget of tokens."""

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.models import QuerySet

from django_matt.contrib.rag.comparisons import find_nearest
from django_matt.contrib.rag.errors import EmbedderUnavailable
from django_matt.contrib.rag.models import Chunk, Source
from django_matt.contrib.rag.settings import Mode, get_settings
from django_matt.contrib.rag.vectors import current_embedder
from django_matt.errors.exceptions import Problem
from django_matt.scopes import narrowed
from django_matt.search_indexes import find_search

__all__ = ["Passage", "fuse", "rank_chunks", "retrieve"]

_DEPTH = 50
"""How many chunks words and vectors contribute to a hybrid retrieval."""
_RRF = 10
"""Reciprocal rank fusion: the smaller, the more the first places count (Cormack, Clarke, Buettcher 2009)."""

# What search engines read as syntax, and a question has by chance: a minus before a word would exclude it.
_SYNTAX = re.compile(r'["\0]|(?<!\w)-+')


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a source: a chunk, or several that follow each other. ``number`` is what answers cite, from 1."""

    number: int
    source: int
    uri: str
    heading: str
    text: str
    chunks: tuple[int, ...]
    meta: Any = None


def retrieve(
    question: str,
    *,
    tenant: str,
    sources: "QuerySet[Source] | None" = None,
    mode: Mode | None = None,
    top: int | None = None,
    tokens: int | None = None,
) -> list[Passage]:
    """Return the passages of a tenant that fit a question best, the best first; an empty list if nothing fits.

    ``tenant`` is ``""`` in a project without tenants. ``sources`` narrows down which of its sources are searched. At most
    ``top`` chunks with ``tokens`` tokens in all are returned, by default those of the settings. Raises
    ``EmbedderUnavailable`` if the embedder does not answer.
    """
    options = get_settings()
    top = top or options.TOP
    keys = rank_chunks(question, tenant=tenant, sources=sources, mode=mode, limit=top)
    rows = Chunk.objects.filter(pk__in=keys, tenant=tenant).select_related("source")
    # A chunk that was deleted since it was found is left out.
    by_key = {row.pk: row for row in rows}
    found = [by_key[key] for key in keys if key in by_key]
    return _join(found, tokens or options.CONTEXT_TOKENS)


def rank_chunks(
    question: str,
    *,
    tenant: str,
    sources: "QuerySet[Source] | None" = None,
    mode: Mode | None = None,
    limit: int,
) -> list[int]:
    """Return the keys of the best chunks, the best first.

    Without an embedder, or while its vectors are not complete, the chunks are found by their words alone.
    """
    text = _SYNTAX.sub(" ", question).strip()
    if not text:
        return []
    mode = mode or get_settings().MODE
    chunks = Chunk.objects.filter(tenant=tenant)
    # A scope of the API narrows sources, and with them their chunks.
    allowed = narrowed(Source if sources is None else sources)
    is_narrowed = sources is not None or bool(allowed.query.where)
    if is_narrowed:
        chunks = chunks.filter(source__in=allowed.filter(tenant=tenant))
    embedder = None if mode == "words" else current_embedder()
    if embedder is None:
        return _find_by_words(text, tenant, chunks, limit)
    found, model = embedder
    try:
        vector = model.embed_query(text)
    except (ImproperlyConfigured, Problem):
        raise
    except Exception as error:
        raise EmbedderUnavailable from error
    depth = limit if mode == "vectors" else max(limit, _DEPTH)
    among = chunks if is_narrowed else None
    by_vectors = find_nearest(found, vector, tenant=tenant, chunks=among, limit=depth)
    if mode == "vectors":
        return by_vectors
    return fuse(_find_by_words(text, tenant, chunks, depth), by_vectors)[:limit]


def _find_by_words(text: str, tenant: str, chunks: "QuerySet[Chunk]", limit: int) -> list[int]:
    search = find_search()
    if search is None:
        raise ImproperlyConfigured(
            'No installed app searches: add "django_matt.contrib.search" to INSTALLED_APPS.'
        )
    found = search.search_words(Chunk, text, scope=chunks, filters={"tenant": tenant}, limit=limit)
    return list(found.values_list("pk", flat=True))


def fuse(*rankings: Sequence[int]) -> list[int]:
    """Return one ranking of several, by reciprocal rank fusion.

    >>> fuse([1, 2, 3], [3, 1])
    [1, 3, 2]
    """
    scores: dict[int, float] = {}
    for ranking in rankings:
        for place, key in enumerate(ranking, start=1):
            scores[key] = scores.get(key, 0.0) + 1 / (_RRF + place)
    return sorted(scores, key=lambda key: -scores[key])


def _join(chunks: Iterable[Chunk], budget: int) -> list[Passage]:
    """Take chunks, the best first, until the budget is spent, and join those that follow each other in a source."""
    taken: list[Chunk] = []
    for chunk in chunks:
        if chunk.tokens <= budget:
            budget -= chunk.tokens
            taken.append(chunk)
    place = {chunk.pk: number for number, chunk in enumerate(taken)}
    runs: list[list[Chunk]] = []
    for chunk in sorted(taken, key=lambda each: (each.source_id, each.ordinal)):
        last = runs[-1][-1] if runs else None
        # Not across headings: a passage that is cited should be about one thing.
        follows = last and (last.source_id, last.ordinal + 1, last.heading) == (
            chunk.source_id,
            chunk.ordinal,
            chunk.heading,
        )
        if follows:
            runs[-1].append(chunk)
        else:
            runs.append([chunk])
    runs.sort(key=lambda run: min(place[chunk.pk] for chunk in run))
    return [replace(_passage(run), number=number) for number, run in enumerate(runs, start=1)]


def _passage(run: list[Chunk]) -> Passage:
    first, text = run[0], run[0].text
    for before, chunk in itertools.pairwise(run):
        # Without what the chunk repeats of the one before it.
        shared = before.start + len(before.text) - chunk.start
        text += chunk.text[shared:] if shared > 0 else f"\n{chunk.text}"
    return Passage(
        number=0,
        source=first.source_id,
        uri=first.source.uri,
        heading=first.heading,
        text=text,
        chunks=tuple(chunk.pk for chunk in run),
        meta=first.source.meta,
    )
