"""What a question finds: by words, by vectors, within a tenant and a budget."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from django_matt.contrib.rag.ingestion import Document, ingest
from django_matt.contrib.rag.models import Chunk, Source
from django_matt.contrib.rag.retrieval import fuse, rank_chunks, retrieve

from .conftest import HASH

pytestmark = pytest.mark.django_db
WORDS = [f"word{number}" for number in range(60)]


def store(uri: str, text: str, *, tenant: str = "") -> Source:
    ingest([Document(uri=uri, content=text)], tenant=tenant)
    return Source.objects.get(uri=uri, tenant=tenant)


@pytest.mark.parametrize("mode", ["words", "vectors", "hybrid"])
def test_a_question_finds_the_text_with_its_words(options: Callable[..., None], mode: Any):
    options(EMBEDDER=HASH)
    store("tea.txt", "Green tea needs eighty degrees.")
    store("coffee.txt", "Coffee needs ninety-two degrees.")
    (first, *_) = retrieve("How hot is green tea?", tenant="", mode=mode)
    assert (first.number, first.uri) == (1, "tea.txt")


@pytest.mark.parametrize("mode", ["words", "vectors", "hybrid"])
def test_two_tenants_never_meet_in_500_questions(options: Callable[..., None], mode: Any):
    options(EMBEDDER=HASH)
    chosen = random.Random(mode)
    for tenant in ("red", "blue"):
        texts = [" ".join(chosen.choices(WORDS, k=30)) for _ in range(25)]
        ingest(
            [Document(uri=f"{n}.txt", content=f"{tenant} {text}") for n, text in enumerate(texts)],
            tenant=tenant,
        )
    met = 0
    for _ in range(500 // 3 + 1):
        tenant = chosen.choice(["red", "blue"])
        question = " ".join(["red blue", *chosen.choices(WORDS, k=chosen.randint(1, 8))])
        keys = rank_chunks(question, tenant=tenant, limit=50, mode=mode)
        met += len(keys)
        owners = Chunk.objects.filter(pk__in=keys).values_list("source__tenant", flat=True)
        assert set(owners) <= {tenant}
    assert met > 1_000


def test_an_unknown_tenant_finds_nothing():
    store("tea.txt", "Green tea.", tenant="red")
    assert retrieve("tea", tenant="blue") == []
    assert retrieve("tea", tenant="") == []


def test_sources_of_another_tenant_cannot_be_named():
    store("tea.txt", "Green tea.", tenant="red")
    foreign = Source.objects.filter(tenant="red")
    assert retrieve("tea", tenant="blue", sources=foreign) == []


@pytest.mark.parametrize("mode", ["words", "vectors", "hybrid"])
def test_named_sources_alone_are_searched(options: Callable[..., None], mode: Any):
    options(EMBEDDER=HASH)
    store("a.txt", "Green tea.")
    second = store("b.txt", "Black tea, which is not green.")
    found = retrieve("green tea", tenant="", sources=Source.objects.filter(pk=second.pk), mode=mode)
    assert [each.uri for each in found] == ["b.txt"]


def test_chunks_that_follow_each_other_are_joined_without_what_they_repeat(
    options: Callable[..., None],
):
    options(CHUNK_TOKENS=16, OVERLAP=6)
    text = " ".join(f"tea{number} is good." for number in range(30))
    source = store("tea.txt", text)
    assert source.chunks.count() > 5
    words = " ".join(f"tea{number}" for number in range(30))
    (passage,) = retrieve(words, tenant="", top=50)
    assert passage.text == text
    assert len(passage.chunks) == source.chunks.count()


def test_passages_stay_within_the_budget():
    for number in range(20):
        store(f"{number}.txt", f"tea {number} " + "leaf " * 40)
    found = retrieve("tea leaf", tenant="", tokens=130, top=20)
    assert len(found) == 2
    assert sum(len(each.text) for each in found) <= 4 * 130


def test_a_source_that_was_deleted_after_it_was_found_is_left_out(monkeypatch: Any):
    store("a.txt", "Green tea.")
    from django_matt.contrib.rag import retrieval

    def find_and_delete(*arguments: Any, **options: Any) -> list[int]:
        found = rank_chunks(*arguments, **options)
        assert found
        Source.objects.all().delete()
        return found

    monkeypatch.setattr(retrieval, "rank_chunks", find_and_delete)
    assert retrieve("tea", tenant="") == []


@pytest.mark.parametrize(
    "question",
    ["", "   ", '"', "-tea", "!!! ???", "\0", "🍵", "a" * 4_000, "' OR 1=1 --", "tea AND ("],
)
def test_any_text_is_a_question(options: Callable[..., None], question: str):
    options(EMBEDDER=HASH)
    store("a.txt", "Green tea.")
    retrieve(question, tenant="")
    assert rank_chunks("-tea", tenant="", limit=5, mode="words")


def test_hybrid_results_are_the_fusion_of_both_rankings():
    assert fuse([1, 2, 3], [4, 1]) == [1, 4, 2, 3]
    assert fuse([], [5]) == [5]
