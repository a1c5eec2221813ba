"""The index of vectors in PostgreSQL with pgvector: a column beside the stored numbers, and an HNSW index of each set.

The column is not a field of the model: a server without pgvector has the same migrations.
"""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import Error, connections, transaction
from django.db.models import BooleanField, FloatField, QuerySet
from django.db.models.expressions import RawSQL

from django_matt.contrib.rag.models import EmbeddingSet, Vector
from django_matt.contrib.rag.numbers import unpack_vector

__all__ = ["add_to_index", "build_index", "drop_index", "find_by_index", "has_index"]

logger = logging.getLogger(__name__)

INDEX_FROM = 10_000
"""With fewer vectors, a comparison of all takes some milliseconds, and misses none."""
_MAX_DIMENSIONS = 4_000
"""What an HNSW index accepts of ``halfvec``."""
_MIN_VERSION = (0, 8)
"""The first pgvector with ``hnsw.iterative_scan``."""
_FILL = 1_000
_MAX_EFFORT = 1_000
_TABLE = "matt_rag_vector"


def build_index(found: EmbeddingSet, using: str) -> bool:
    """Create the index of a set if it is large enough and has none, and return whether it has one.

    Others that store vectors wait meanwhile; questions do not. Nothing is done where the server has no pgvector 0.8, and in
    a transaction of the caller, which would keep its locks.
    """
    connection: Any = connections[using]
    if connection.vendor != "postgresql" or found.dimensions > _MAX_DIMENSIONS:
        return False
    if connection.in_atomic_block:
        return False
    with connection.cursor() as cursor:
        is_there = has_index(found, cursor)
        if is_there and not _lacks_any(found, cursor):
            return True
        rows = Vector.objects.using(using).filter(embedding_set=found)
        if not is_there and rows[INDEX_FROM - 1 : INDEX_FROM].count() == 0:
            return False
        if not _has_extension(cursor, using):
            return False
        with transaction.atomic(using=using):
            cursor.execute(f"ALTER TABLE {_TABLE} ADD COLUMN IF NOT EXISTS nearest halfvec")
            cursor.execute(
                f"CREATE INDEX IF NOT EXISTS matt_rag_vector_unindexed ON {_TABLE} (embedding_set_id) "
                "WHERE nearest IS NULL"
            )
        while _fill(found, cursor, using):
            pass
        if not is_there:
            with transaction.atomic(using=using):
                cursor.execute("SELECT set_config('statement_timeout', '0', true)")
                # Two that build it would both find none.
                cursor.execute(f"LOCK TABLE {_TABLE} IN SHARE ROW EXCLUSIVE MODE")
                cursor.execute(
                    f"CREATE INDEX IF NOT EXISTS {_name(found)} ON {_TABLE} USING hnsw "
                    f"((nearest::halfvec({found.dimensions:d})) halfvec_cosine_ops) "
                    f"WHERE embedding_set_id = {found.pk:d}"
                )
        cursor.execute(f"ANALYZE {_TABLE}")
    return True


def add_to_index(found: EmbeddingSet, vectors: Mapping[int, bytes], using: str) -> None:
    """Index the vectors of chunks that this transaction has stored, if there is the column for them."""
    connection: Any = connections[using]
    if connection.vendor != "postgresql" or not vectors:
        return
    with connection.cursor() as cursor:
        # The column cannot appear between this and the end of the transaction, which has a lock by what it stored.
        if _has_column(cursor):
            _write(found, vectors.items(), cursor)


def drop_index(found: EmbeddingSet, using: str) -> None:
    """Delete the index of a set that is deleted."""
    if connections[using].vendor == "postgresql":
        with connections[using].cursor() as cursor:
            cursor.execute(f"DROP INDEX IF EXISTS {_name(found)}")


def has_index(found: EmbeddingSet, cursor: Any) -> bool:
    """Tell whether a set has an index."""
    cursor.execute(
        "SELECT EXISTS (SELECT 1 FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
        "WHERE c.relname = %s AND i.indrelid = to_regclass(%s) AND i.indisvalid)",
        [_name(found), _TABLE],
    )
    return bool(cursor.fetchone()[0])


def find_by_index(
    found: EmbeddingSet, data: bytes, rows: "QuerySet[Vector]", limit: int
) -> list[int] | None:
    """Return the keys of the chunks of ``rows`` nearest to a vector, the nearest first; ``None`` without a whole index.

    The index goes on until enough rows pass the filters, up to pgvector's own bound: fewer than ``limit`` may be found.
    """
    connection: Any = connections[rows.db]
    with transaction.atomic(using=rows.db, savepoint=False), connection.cursor() as cursor:
        if not has_index(found, cursor) or _lacks_any(found, cursor):
            return None
        effort = min(max(200, 4 * limit), _MAX_EFFORT)
        cursor.execute(
            "SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true), "
            "set_config('hnsw.ef_search', %s, true)",
            [str(effort)],
        )
        kind = f"halfvec({found.dimensions:d})"
        # The set as a literal, or the planner would not know that the index has all of its rows.
        is_in_set: Any = RawSQL(  # noqa: S611 - of numbers
            f"{_TABLE}.embedding_set_id = {found.pk:d}", [], BooleanField()
        )
        distance = RawSQL(  # noqa: S611
            f"{_TABLE}.nearest::{kind} <=> %s::{kind}", [_text(data)], FloatField()
        )
        near = rows.filter(is_in_set).annotate(distance=distance).order_by("distance")
        # In order: "relaxed" is how the index returns them.
        pairs = sorted(near.values_list("distance", "chunk_id")[:limit])
        return [key for _, key in pairs]


def _has_extension(cursor: Any, using: str) -> bool:
    """Tell whether pgvector is there, and create it if this role may."""
    try:
        with transaction.atomic(using=using):
            cursor.execute("CREATE EXTENSION IF NOT EXISTS vector")
    except Error as error:
        logger.info("There is no pgvector; all vectors of a tenant are compared: %s", error)
        return False
    cursor.execute("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
    version = tuple(int(part) for part in cursor.fetchone()[0].split(".")[:2])
    return version >= _MIN_VERSION


def _has_column(cursor: Any) -> bool:
    cursor.execute(
        "SELECT EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass(%s) "
        "AND attname = 'nearest' AND NOT attisdropped)",
        [_TABLE],
    )
    return bool(cursor.fetchone()[0])


def _lacks_any(found: EmbeddingSet, cursor: Any) -> bool:
    """Tell whether a vector is not in the index yet, such as one that ``loaddata`` has written."""
    cursor.execute(
        f"SELECT EXISTS (SELECT 1 FROM {_TABLE} WHERE embedding_set_id = %s AND nearest IS NULL)",  # noqa: S608
        [found.pk],
    )
    return bool(cursor.fetchone()[0])


def _fill(found: EmbeddingSet, cursor: Any, using: str) -> int:
    """Copy the numbers of some vectors into the column, and return of how many."""
    with transaction.atomic(using=using):
        cursor.execute(
            f"SELECT chunk_id, data FROM {_TABLE} WHERE embedding_set_id = %s AND nearest IS NULL "  # noqa: S608
            f"LIMIT {_FILL} FOR NO KEY UPDATE",
            [found.pk],
        )
        rows = cursor.fetchall()
        if rows:
            _write(found, rows, cursor)
    return len(rows)


def _write(found: EmbeddingSet, vectors: Iterable[tuple[int, Any]], cursor: Any) -> None:
    pairs = [(key, _text(bytes(data))) for key, data in vectors]
    cursor.execute(
        f"UPDATE {_TABLE} SET nearest = given.numbers::halfvec({found.dimensions:d}) "  # noqa: S608
        "FROM unnest(%s::bigint[], %s::text[]) AS given (chunk, numbers) "
        f"WHERE {_TABLE}.embedding_set_id = %s AND {_TABLE}.chunk_id = given.chunk "
        f"AND {_TABLE}.nearest IS NULL",
        [[key for key, _ in pairs], [numbers for _, numbers in pairs], found.pk],
    )


def _text(data: bytes) -> str:
    """Return a stored vector as pgvector reads it; more digits than these, half a float does not have."""
    return "[" + ",".join(f"{number:.5g}" for number in unpack_vector(data)) + "]"


def _name(found: EmbeddingSet) -> str:
    return f"matt_rag_vector_nearest_{found.pk:d}"
