"""The vectors of chunks: each set belongs to one embedder, is built beside the current one, and replaces it at once."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import connections, router, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from django_matt.contrib.rag.embedders import load_embedders
from django_matt.contrib.rag.errors import EmbedderUnavailable
from django_matt.contrib.rag.indexes import add_to_index, drop_index
from django_matt.contrib.rag.models import Chunk, EmbeddingSet, Source, Vector
from django_matt.contrib.rag.numbers import pack_bits, pack_vector
from django_matt.embeddings import Embeds
from django_matt.errors.exceptions import Problem

__all__ = [
    "activate_if_complete",
    "count_missing",
    "current_embedder",
    "embed_missing",
    "known_sets",
    "lock_chunks",
    "lock_writes",
    "rag_database",
    "remove_old_sets",
]

logger = logging.getLogger(__name__)

_READ, _EMBED, _DELETE = 256, 32, 5_000
"""How many chunks are read and embedded at once, and how many vectors are deleted."""


def rag_database() -> str:
    """Return the alias of the database with the tables of the app."""
    return router.db_for_write(Source)


def lock_writes(using: str) -> None:
    """On SQLite, wait for the only place of a writer before anything is read: the transaction may be deferred."""
    if connections[using].vendor == "sqlite":
        with connections[using].cursor() as cursor:
            cursor.execute("UPDATE matt_rag_source SET uri = uri WHERE 0")


def lock_chunks(chunks: "QuerySet[Chunk]") -> None:
    """Lock chunks before they are deleted, so that nobody stores a vector of one between its vectors and itself."""
    list(chunks.order_by("pk").select_for_update().values_list("pk", flat=True))


def known_sets() -> list[tuple[EmbeddingSet, Embeds]]:
    """Return the sets that new chunks need vectors in: that of the settings' embedder, and the current one."""
    using, found = rag_database(), []
    current = _current_set()
    for number, embedder in enumerate(load_embedders()):
        if number == 0:
            made, _ = EmbeddingSet.objects.using(using).get_or_create(
                name=embedder.name, defaults={"dimensions": embedder.dimensions}
            )
            if made.dimensions != embedder.dimensions:
                raise EmbedderUnavailable(
                    f"The embedder {embedder.name!r} had {made.dimensions} dimensions, and has {embedder.dimensions} now: "
                    "give it another name."
                )
            found.append((made, embedder))
        elif current is not None and current.name == embedder.name != found[0][0].name:
            found.append((current, embedder))
    return found


def current_embedder() -> tuple[EmbeddingSet, Embeds] | None:
    """Return the set that questions use, with its embedder; ``None`` if there is none, or the settings do not have it."""
    current = _current_set()
    if current is None:
        return None
    return next(((current, each) for each in load_embedders() if each.name == current.name), None)


def _current_set() -> EmbeddingSet | None:
    rows = EmbeddingSet.objects.using(rag_database()).exclude(activated_at=None)
    return rows.order_by("-activated_at", "-id").first()


def embed_missing(
    found: EmbeddingSet,
    embedder: Embeds,
    chunks: "QuerySet[Chunk]",
    progress: Callable[[int], None] = lambda _: None,
) -> int:
    """Make the vectors that chunks lack in a set, and return how many were asked of the embedder.

    A text that has a vector in the set already, of another chunk, is not embedded again. Each batch is committed, so
    that an interrupted call is continued by the next one.
    """
    count = 0
    for rows in _missing(found, chunks):
        known = _known_vectors(found, rows)
        _store(found, [(row, known[row.digest]) for row in rows if row.digest in known])
        # Texts of about the same length are padded least, and each is embedded once.
        new = {row.digest: row for row in rows if row.digest not in known}
        ordered = sorted(new.values(), key=lambda row: len(row.text))
        for begin in range(0, len(ordered), _EMBED):
            batch = ordered[begin : begin + _EMBED]
            vectors = _embed(embedder, [row.embedded_text for row in batch])
            if len(vectors) != len(batch):
                raise EmbedderUnavailable("The embedder returned another number of vectors.")
            made = {
                row.digest: pack_vector(vector, found.dimensions)
                for row, vector in zip(batch, vectors, strict=True)
            }
            _store(found, [(row, made[row.digest]) for row in rows if row.digest in made])
            count += len(batch)
            progress(len(batch))
    return count


def _embed(embedder: Embeds, texts: Sequence[str]) -> Sequence[Any]:
    """Return what an embedder makes of texts; raise ``EmbedderUnavailable`` if it fails, as a class of a project may."""
    try:
        return list(embedder.embed(texts))
    except (ImproperlyConfigured, Problem):
        raise
    except Exception as error:
        logger.exception("The embedder %r has failed.", embedder.name)
        raise EmbedderUnavailable from error


def count_missing(found: EmbeddingSet, chunks: "QuerySet[Chunk]") -> int:
    """Return how many chunks have no vector in a set."""
    return _without_vector(found, chunks).count()


def _without_vector(found: EmbeddingSet, chunks: "QuerySet[Chunk]") -> "QuerySet[Chunk]":
    has_vector = Vector.objects.filter(embedding_set=found, chunk=OuterRef("pk"))
    return chunks.filter(~Exists(has_vector))


def _missing(found: EmbeddingSet, chunks: "QuerySet[Chunk]") -> Iterator[list[Chunk]]:
    """Yield the chunks without a vector, in the order of their keys, so that none is read twice."""
    last = 0
    while True:
        rows = _without_vector(found, chunks).filter(pk__gt=last).order_by("pk")[:_READ]
        read = list(rows)
        if not read:
            return
        last = read[-1].pk
        yield read


def _known_vectors(found: EmbeddingSet, rows: Iterable[Chunk]) -> dict[str, bytes]:
    digests = {row.digest for row in rows}
    pairs = Vector.objects.using(rag_database()).filter(
        embedding_set=found, chunk__digest__in=digests
    )
    return {digest: bytes(data) for digest, data in pairs.values_list("chunk__digest", "data")}


def _store(found: EmbeddingSet, pairs: Sequence[tuple[Chunk, bytes]]) -> None:
    if not pairs:
        return
    using = rag_database()
    with transaction.atomic(using=using):
        lock_writes(using)
        # Those that were deleted in the meantime need none.
        keys = [row.pk for row, _ in pairs]
        rows = Chunk.objects.using(using).filter(pk__in=keys).order_by("pk")
        still = set(rows.select_for_update(no_key=True).values_list("pk", flat=True))
        Vector.objects.using(using).bulk_create(
            [
                Vector(
                    embedding_set=found,
                    chunk=row,
                    tenant=row.tenant,
                    data=data,
                    bits=pack_bits(data),
                )
                for row, data in pairs
                if row.pk in still
            ],
            ignore_conflicts=True,
        )
        add_to_index(found, {row.pk: data for row, data in pairs if row.pk in still}, using)


def activate_if_complete(found: EmbeddingSet) -> bool:
    """Let questions use a set from now on if all chunks have their vectors in it; return whether they use it."""
    using = rag_database()
    if found.activated_at is not None and _current_set() == found:
        return True
    with transaction.atomic(using=using):
        lock_writes(using)
        chunks = Chunk.objects.using(using)
        if not chunks.exists() or any(_missing(found, chunks)):
            return False
        found.activated_at = timezone.now()
        EmbeddingSet.objects.using(using).filter(pk=found.pk).update(
            activated_at=found.activated_at
        )
    return True


def remove_old_sets() -> int:
    """Delete the sets that no embedder of the settings has and no question uses; return how many."""
    names = {each.name for each in load_embedders()}
    old = EmbeddingSet.objects.using(rag_database()).exclude(name__in=names)
    current = _current_set()
    if current is not None:
        old = old.exclude(pk=current.pk)
    count = 0
    for each in old:
        drop_index(each, rag_database())
        # In parts: a transaction that deletes a million vectors locks out every other writer of SQLite.
        rows = Vector.objects.using(rag_database()).filter(embedding_set=each)
        while keys := list(rows.values_list("pk", flat=True)[:_DELETE]):
            rows.filter(pk__in=keys).delete()
        each.delete()
        count += 1
    return count
