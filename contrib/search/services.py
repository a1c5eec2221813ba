"""Building an index again: its words by SQL, its vectors by the embedder, as far as their texts have changed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import router, transaction

from django_matt.contrib.search.errors import IndexNotBuilt
from django_matt.contrib.search.indexes import SearchIndex
from django_matt.contrib.search.operations import AddSearchIndex
from django_matt.contrib.search.storages.tables import Vector
from django_matt.contrib.search.vectors import Embedding, normalise

__all__ = ["Embedded", "Status", "embed", "inspect", "operation_of", "rebuild_words"]


@dataclass(frozen=True)
class Embedded:
    """How many objects got a vector, how many had one of the same text already, and how many have no text to embed."""

    written: int
    unchanged: int
    empty: int = 0


@dataclass(frozen=True)
class Status:
    """The state of an index in a database.

    ``vectors`` are the names of the embedders with the numbers of their vectors. ``state`` is ``missing`` if there are no tables, ``outdated`` if they are those of another definition or their triggers
    are gone, else ``current``.
    """

    state: str
    objects: int = 0
    words: int = 0
    vectors: tuple[tuple[str, int], ...] = ()


def embed(
    index: type[SearchIndex],
    queryset: Any = None,
    *,
    using: str | None = None,
    batch: int = 64,
    dry_run: bool = False,
    progress: Callable[[int], None] = lambda count: None,
) -> Embedded:
    """Store the vectors of the objects of a queryset, by default of all, and return how many were written.

    Texts whose digest is stored are skipped, and objects without a text have no vector. Each batch is committed, so an interrupted call can be repeated, and continues
    where it was. After a call for all objects, the vectors of earlier embedders are deleted. ``progress`` is called with the
    number of objects of each batch. With ``dry_run``, nothing is embedded and stored. ``using`` is the database, by default that for writes.

    Raises ``ImproperlyConfigured`` if the index has no vectors, ``IndexNotBuilt`` if its tables do not exist, and
    ``InvalidVector`` if the embedder returns what is not a vector.
    """
    vectors = _vectors(index)
    using = using or router.db_for_write(index.model)
    # Triggers index all rows as well, also those that the default manager hides.
    chosen = (index.model._base_manager.all() if queryset is None else queryset).using(using)
    storage = index.storage(using)
    if not (storage.has_tables() and storage.is_current()):
        raise IndexNotBuilt(index.model._meta.label, "manage.py migrate")
    embedder, written, unchanged, empty = vectors.load(), 0, 0, 0
    for texts in _texts(index, chosen, batch):
        digests = {key: sha256(text.encode()).hexdigest() for key, text in texts.items() if text}
        known = storage.digests(embedder.name, [*texts])
        changed = [key for key in digests if known.get(key) != digests[key]]
        if not dry_run:
            made = _vectors_of(vectors, {key: texts[key] for key in changed})
            new = [Vector(key, digests[key], numbers) for key, numbers in made.items()]
            # Also of texts in which the embedder has found nothing.
            old = [
                key for key in known if key not in digests or (key in changed and key not in made)
            ]
            with transaction.atomic(using=using):
                left = storage.write_vectors(embedder.name, new)
                if old:
                    storage.delete_vectors(embedder.name, old)
            for each in left:
                storage.write_vectors(embedder.name, [each], wait=True)
            empty += len(changed) - len(made)
            written += len(made)
        else:
            written += len(changed)
        empty += len(texts) - len(digests)
        unchanged += len(digests) - len(changed)
        progress(len(texts))
    if queryset is None and not dry_run:
        storage.forget_vectors(embedder.name)
    return Embedded(written, unchanged, empty)


def rebuild_words(index: type[SearchIndex], using: str) -> None:
    """Index the words of all objects in one transaction, and create the triggers again if they are gone.

    Raises ``IndexNotBuilt`` if the tables do not exist, or are those of another definition.
    """
    storage = index.storage(using)
    if not storage.fits():
        raise IndexNotBuilt(index.model._meta.label, "manage.py migrate")
    with transaction.atomic(using=using), storage.connection.cursor() as cursor:
        if not storage.is_current():
            storage.create_triggers(cursor.execute)
        storage.index_words(cursor.execute)


def inspect(index: type[SearchIndex], using: str) -> Status:
    """Return the state of an index in a database; it does not load the embedder."""
    storage = index.storage(using)
    if not storage.has_tables():
        return Status("missing")
    if not storage.is_current():
        return Status("outdated")
    objects, words = storage.count()
    return Status("current", objects, words, storage.count_vectors())


def operation_of(index: type[SearchIndex]) -> AddSearchIndex:
    """Return the operation that a migration needs for an index."""
    vectors = index.vectors
    return AddSearchIndex(
        index.model._meta.object_name or "",
        words=index.words,
        language=index.language,
        filters=index.filters,
        dimensions=0 if vectors is None else vectors.dimensions,
    )


def _vectors(index: type[SearchIndex]) -> Embedding:
    if index.vectors is None:
        raise ImproperlyConfigured(f"The search index of {index.model._meta.label} has no vectors.")
    return index.vectors


def _vectors_of(vectors: Embedding, texts: dict[Any, str]) -> dict[Any, list[float]]:
    """Return the vectors of texts by key, without those that are all zero, which have no direction."""
    if not texts:
        return {}
    embedder = vectors.load()
    made = embedder.embed([*texts.values()])
    if len(made) != len(texts):
        raise ImproperlyConfigured(
            f"The embedder {embedder.name} returned {len(made)} vectors for {len(texts)} texts."
        )
    return {
        key: normalise(numbers, vectors.dimensions)
        for key, numbers in zip(texts, made, strict=True)
        if len(numbers) != vectors.dimensions or any(numbers)
    }


def _texts(index: type[SearchIndex], queryset: Any, batch: int) -> Iterator[dict[Any, str]]:
    """Yield the texts of the objects by key, as the database stores it, in batches by the order of the keys."""
    names = [*(_vectors(index).of or index.words)]
    field = index.model._meta.pk
    ordered = queryset.order_by("pk")
    last: Any = None
    while True:
        # By key: a long read of one cursor would see an old state, and keep it from being cleaned up.
        part = ordered if last is None else ordered.filter(pk__gt=last)
        rows = list(part.values_list("pk", *names)[:batch])
        if not rows:
            return
        last = rows[-1][0]
        connection = index.storage(queryset.db).connection
        yield {
            field.get_db_prep_value(row[0], connection): "\n".join(
                str(text) for text in row[1:] if text
            )
            for row in rows
        }
