"""Finds the vectors nearest to one: by an index where there is one, else by their bits and then by their numbers."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db import connections
from django.db.models import QuerySet

from django_matt.contrib.rag.indexes import find_by_index
from django_matt.contrib.rag.models import Chunk, EmbeddingSet, Vector
from django_matt.contrib.rag.numbers import pack_bits, pack_vector
from django_matt.errors.exceptions import MissingExtra

__all__ = ["find_nearest"]

_CANDIDATES = 500
"""How many of the nearest by their bits are compared by their numbers; 20 times the limit if that is more."""
_READ, _FETCH = 5_000, 500


def find_nearest(
    found: EmbeddingSet,
    vector: Sequence[float],
    *,
    tenant: str,
    chunks: "QuerySet[Chunk] | None" = None,
    limit: int,
) -> list[int]:
    """Return the keys of the chunks of a tenant whose vectors are nearest to one, the nearest first.

    ``chunks`` narrows down which: no other is found. ``limit`` chunks are found where that many match.
    """
    data = pack_vector(vector, found.dimensions)
    rows = Vector.objects.filter(embedding_set=found, tenant=tenant)
    if chunks is not None:
        rows = rows.filter(chunk__in=chunks)
    if connections[rows.db].vendor == "postgresql":
        near = find_by_index(found, data, rows, limit)
        if near is not None and len(near) == limit:
            return near
    return _compare(found, data, rows, limit)


def _compare(found: EmbeddingSet, data: bytes, rows: "QuerySet[Vector]", limit: int) -> list[int]:
    try:
        import numpy as np
    except ImportError as error:
        raise MissingExtra("numpy", "vectors") from error
    wanted = np.frombuffer(pack_bits(data), dtype="<u8")
    most = max(_CANDIDATES, 20 * limit)
    keys = np.empty(0, dtype=np.int64)
    distances = np.empty(0, dtype=np.uint64)
    read: Any = rows.values_list("chunk_id", "bits").iterator(chunk_size=_READ)
    for part in _parts(read):
        signs = np.frombuffer(b"".join(bits for _, bits in part), dtype="<u8")
        differing = np.bitwise_count(signs.reshape(len(part), -1) ^ wanted)
        keys = np.concatenate([keys, np.array([key for key, _ in part], dtype=np.int64)])
        distances = np.concatenate([distances, differing.sum(axis=1, dtype=np.uint64)])
        if len(keys) > most:
            best = np.argpartition(distances, most)[:most]
            keys, distances = keys[best], distances[best]
    question = np.frombuffer(data, dtype="<f4")
    scored: list[tuple[float, int]] = []
    for begin in range(0, len(keys), _FETCH):
        part_of = keys[begin : begin + _FETCH].tolist()
        near = Vector.objects.using(rows.db).filter(embedding_set=found, chunk__in=part_of)
        pairs = list(near.values_list("chunk_id", "data"))
        matrix = np.frombuffer(b"".join(bytes(each) for _, each in pairs), dtype="<f4")
        scores = matrix.reshape(len(pairs), len(question)) @ question
        scored += [(-score, key) for (key, _), score in zip(pairs, scores.tolist(), strict=True)]
    return [key for _, key in sorted(scored)[:limit]]


def _parts(rows: Iterable[tuple[int, Any]]) -> Iterator[list[tuple[int, Any]]]:
    part: list[tuple[int, Any]] = []
    for row in rows:
        part.append(row)
        if len(part) == _READ:
            yield part
            part = []
    if part:
        yield part
