"""Which vectors are nearest: by the index of PostgreSQL, and by bits and numbers, with tenants and named sources."""

import random
from collections.abc import Callable
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_matt.contrib.rag import comparisons, indexes
from django_matt.contrib.rag.ingestion import Document, build_vectors, ingest
from django_matt.contrib.rag.models import Chunk, EmbeddingSet, Source, Vector
from django_matt.contrib.rag.numbers import pack_bits, pack_vector, unpack_vector
from django_matt.contrib.rag.retrieval import rank_chunks
from django_matt.contrib.rag.vectors import remove_old_sets

from .conftest import HASH

# An index is not built in a transaction.
pytestmark = pytest.mark.django_db(transaction=True)
DIMENSIONS, COUNT = 96, 3_000
TENANTS = {"large": 2_560, "medium": 400, "small": 40}
postgres = pytest.mark.skipif(connection.vendor != "postgresql", reason="needs pgvector")


class Store:
    """Vectors in 60 clusters, of three tenants with ten sources each."""

    def __init__(self) -> None:
        self.random = random.Random(7)
        self.centres = [self._numbers() for _ in range(60)]
        self.set = EmbeddingSet.objects.create(name="hash", dimensions=DIMENSIONS)
        tenants = [name for name, count in TENANTS.items() for _ in range(count)]
        self.random.shuffle(tenants)
        sources = {
            (tenant, number): Source.objects.create(
                uri=f"{number}.txt", tenant=tenant, digest="", kind="text"
            )
            for tenant in TENANTS
            for number in range(10)
        }
        chunks = Chunk.objects.bulk_create(
            [
                Chunk(
                    source=sources[tenant, number % 10],
                    tenant=tenant,
                    ordinal=number,
                    start=0,
                    text=f"text {number}",
                    tokens=2,
                    digest=str(number),
                )
                for number, tenant in enumerate(tenants)
            ]
        )
        self.packed = {chunk.pk: pack_vector(self.point(), DIMENSIONS) for chunk in chunks}
        Vector.objects.bulk_create(
            [
                Vector(
                    embedding_set=self.set,
                    chunk=chunk,
                    tenant=chunk.tenant,
                    data=self.packed[chunk.pk],
                    bits=pack_bits(self.packed[chunk.pk]),
                )
                for chunk in chunks
            ]
        )
        self.chunks = chunks

    def _numbers(self) -> list[float]:
        return [self.random.gauss(0, 1) for _ in range(DIMENSIONS)]

    def point(self) -> list[float]:
        near = self.random.choice(self.centres)
        return [a + 0.6 * b for a, b in zip(near, self._numbers(), strict=True)]

    def exact(self, vector: list[float], keys: Any, limit: int) -> list[int]:
        question = unpack_vector(pack_vector(vector, DIMENSIONS))
        scored = sorted(
            (
                -sum(a * b for a, b in zip(question, unpack_vector(self.packed[key]), strict=True)),
                key,
            )
            for key in keys
        )
        return [key for _, key in scored[:limit]]


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(indexes, "INDEX_FROM", 1_000)
    # Fewer than a tenant has, so that the bits decide.
    monkeypatch.setattr(comparisons, "_CANDIDATES", 200)
    return Store()


@pytest.mark.parametrize("way", ["index", pytest.param("bits", marks=postgres)])
def test_the_nearest_are_found_within_a_tenant_and_named_sources(store: Store, way: str):
    is_postgres = connection.vendor == "postgresql"
    if way == "index":
        assert indexes.build_index(store.set, "default") is is_postgres
    scopes: list[tuple[str, Any]] = [(tenant, None) for tenant in TENANTS]
    scopes += [(tenant, Source.objects.filter(uri="3.txt")) for tenant in TENANTS]
    for tenant, sources in scopes:
        among = None
        mine = [chunk for chunk in store.chunks if chunk.tenant == tenant]
        if sources is not None:
            among = Chunk.objects.filter(tenant=tenant, source__in=sources)
            mine = [chunk for chunk in mine if chunk.source.uri == "3.txt"]
        keys = [chunk.pk for chunk in mine]
        shares = []
        for _ in range(10):
            vector = store.point()
            found = comparisons.find_nearest(
                store.set, vector, tenant=tenant, chunks=among, limit=10
            )
            best = store.exact(vector, keys, 10)
            assert len(found) == len(set(found)) == len(best)
            assert set(found) <= set(keys)
            shares.append(len({*found} & {*best}) / len(best))
        assert sum(shares) / len(shares) >= 0.95, (tenant, sources, shares)


@postgres
def test_the_statement_uses_the_index(store: Store):
    indexes.build_index(store.set, "default")
    with CaptureQueriesContext(connection) as queries:
        comparisons.find_nearest(store.set, store.point(), tenant="large", limit=10)
    (asked,) = (each["sql"] for each in queries if "<=>" in each["sql"])
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {asked}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert f"matt_rag_vector_nearest_{store.set.pk}" in plan


def test_no_other_key_is_found_and_none_of_an_empty_tenant(store: Store):
    vector = store.point()
    assert comparisons.find_nearest(store.set, vector, tenant="none", limit=10) == []
    none = Chunk.objects.none()
    found = comparisons.find_nearest(store.set, vector, tenant="large", chunks=none, limit=10)
    assert found == []
    whole = comparisons.find_nearest(store.set, vector, tenant="small", limit=1_000)
    assert len(whole) == TENANTS["small"]


def texts(count: int, start: int = 0) -> list[Document]:
    chosen = random.Random(start)
    words = [f"word{number}" for number in range(200)]
    return [
        Document(uri=f"{start + number}.txt", content=" ".join(chosen.choices(words, k=12)))
        for number in range(count)
    ]


@postgres
def test_an_ingestion_builds_the_index_and_keeps_it(
    options: Callable[..., None], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(indexes, "INDEX_FROM", 60)
    options(EMBEDDER=HASH, MODE="vectors")
    ingest(texts(50), tenant="")
    found = EmbeddingSet.objects.get()
    with connection.cursor() as cursor:
        assert not indexes.has_index(found, cursor)
        ingest(texts(50, start=50), tenant="")
        assert indexes.has_index(found, cursor)
        ingest([Document(uri="tea.txt", content="Green tea needs eighty degrees.")], tenant="")
        tea = Chunk.objects.get(source__uri="tea.txt")
        rows = Vector.objects.filter(embedding_set=found, tenant="")
        asked = pack_vector([1.0] * found.dimensions, found.dimensions)
        near = indexes.find_by_index(found, asked, rows, 101)
        assert near is not None
        assert tea.pk in near
        assert rank_chunks("eighty degrees green tea", tenant="", limit=1) == [tea.pk]
        Source.objects.get(uri="tea.txt").delete()
        assert rank_chunks("eighty degrees green tea", tenant="", limit=1) != [tea.pk]
        # As loaddata writes it: the index alone would not find it.
        row = Vector.objects.order_by("pk")[0]
        row.delete()
        Vector.objects.bulk_create([row])
        assert indexes.find_by_index(found, asked, rows, 5) is None
        assert rank_chunks(row.chunk.text, tenant="", limit=1) == [row.chunk_id]
        build_vectors()
        assert indexes.find_by_index(found, asked, rows, 5) is not None
        options(EMBEDDER={**HASH, "OPTIONS": {"name": "other"}})
        build_vectors()
        assert not indexes.has_index(found, cursor)
        assert remove_old_sets() == 0


@postgres
def test_a_server_without_pgvector_compares_all(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(indexes, "_MIN_VERSION", (99, 0))
    assert indexes.build_index(store.set, "default") is False
    vector = store.point()
    assert len(comparisons.find_nearest(store.set, vector, tenant="large", limit=10)) == 10


def test_the_migration_fills_what_vectors_lacked(store: Store):
    Vector.objects.update(tenant="", bits=b"")
    fill = import_module("django_matt.contrib.rag.migrations.0002_vector_bits").fill

    fill(apps, SimpleNamespace(connection=connection))
    for vector in Vector.objects.select_related("chunk")[:50]:
        assert vector.tenant == vector.chunk.tenant
        assert bytes(vector.bits) == pack_bits(bytes(vector.data))
    assert not Vector.objects.filter(bits=b"").exists()
