"""What is stored of documents, what is skipped, and what is refused."""

import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from django_matt.contrib.rag.errors import EmbedderUnavailable
from django_matt.contrib.rag.ingestion import (
    Document,
    build_vectors,
    ingest,
    read_files,
    read_rows,
)
from django_matt.contrib.rag.models import Chunk, EmbeddingSet, Source, State, Vector
from django_matt.contrib.rag.retrieval import retrieve
from django_matt.contrib.rag.splitting import count_tokens, split_text

from . import embedders
from .conftest import HASH

COUNTING = {"BACKEND": "tests.contrib.rag.embedders.CountingEmbedder"}
MARKDOWN = """# Tea

Pour hot water.

## Green

Eighty degrees.

```
# no heading
```

## Black

A hundred degrees.
"""


@pytest.fixture(autouse=True)
def _count_anew() -> None:
    embedders.ASKED.clear()


def documents(count: int, *, words: int = 20) -> list[Document]:
    chosen = random.Random(7)
    vocabulary = [f"word{number}" for number in range(500)]
    return [
        Document(uri=f"{number}.txt", content=" ".join(chosen.choices(vocabulary, k=words)))
        for number in range(count)
    ]


def assert_whole(embedder: str = "hash") -> None:
    """Each chunk has one vector, each source its chunks in order, and nothing is left over."""
    assert not Source.objects.exclude(state=State.READY).exists()
    assert Vector.objects.filter(embedding_set__name=embedder).count() == Chunk.objects.count()
    for source in Source.objects.all():
        ordinals = list(source.chunks.order_by("ordinal").values_list("ordinal", flat=True))
        assert ordinals == list(range(len(ordinals)))
        assert ordinals


@pytest.mark.django_db
def test_markdown_is_split_at_headings_and_not_at_those_in_code():
    ingest([Document(uri="tea.md", content=MARKDOWN)], tenant="")
    rows = Chunk.objects.order_by("ordinal").values_list("heading", "text")
    assert list(rows) == [
        ("Tea", "Pour hot water."),
        ("Tea > Green", "Eighty degrees.\n\n```\n# no heading\n```"),
        ("Tea > Black", "A hundred degrees."),
    ]


def test_a_long_section_is_split_by_size_with_an_overlap():
    text = " ".join(f"Sentence number {number} ends here." for number in range(100))
    pieces = split_text(text, kind="text", tokens=64, overlap=8)
    assert all(0 < count_tokens(piece.text) <= 64 for piece in pieces)
    ends = [piece.start + len(piece.text) for piece in pieces]
    assert all(after.start < end for after, end in zip(pieces[1:], ends, strict=False))
    assert all(text[piece.start :].startswith(piece.text) for piece in pieces)
    assert ends[-1] == len(text)


@pytest.mark.django_db
def test_a_thousand_unchanged_documents_make_no_embeddings(options: Callable[..., None]):
    options(EMBEDDER=COUNTING)
    first = ingest(documents(1_000), tenant="")
    assert (first.added, first.embedded) == (1_000, 1_000)
    embedders.ASKED.clear()
    again = ingest(documents(1_000), tenant="")
    assert (again.unchanged, again.chunks, again.embedded) == (1_000, 0, 0)
    assert embedders.ASKED == []
    assert_whole()


@pytest.mark.django_db
def test_only_what_is_new_in_a_changed_document_is_embedded(options: Callable[..., None]):
    options(EMBEDDER=COUNTING)
    ingest([Document(uri="tea.md", content=MARKDOWN)], tenant="")
    keys = set(Chunk.objects.values_list("pk", flat=True))
    embedders.ASKED.clear()
    changed = "# News\n\nA cup.\n\n" + MARKDOWN.replace("Eighty", "Seventy")
    report = ingest([Document(uri="tea.md", content=changed)], tenant="")
    assert (report.changed, report.chunks) == (1, 2)
    assert embedders.ASKED == [
        "News\nA cup.",
        "Tea > Green\nSeventy degrees.\n\n```\n# no heading\n```",
    ]
    assert len(keys & set(Chunk.objects.values_list("pk", flat=True))) == 2
    assert_whole()


@pytest.mark.django_db
def test_the_same_text_in_two_documents_is_embedded_once(options: Callable[..., None]):
    options(EMBEDDER=COUNTING)
    ingest([Document(uri="a.md", content=MARKDOWN)], tenant="a")
    embedders.ASKED.clear()
    ingest([Document(uri="b.md", content=MARKDOWN)], tenant="b")
    assert embedders.ASKED == []
    assert_whole()


@pytest.mark.django_db
def test_an_interrupted_ingestion_is_continued(options: Callable[..., None]):
    failing = {"BACKEND": "tests.contrib.rag.embedders.FailingEmbedder", "OPTIONS": {"after": 64}}
    options(EMBEDDER=failing)
    with pytest.raises(EmbedderUnavailable):
        ingest(documents(120), tenant="")
    assert 0 < Vector.objects.count() < Chunk.objects.count()
    # Meanwhile the words are found.
    assert retrieve(Chunk.objects.first().text, tenant="")
    options(EMBEDDER=COUNTING)
    had = Vector.objects.count()
    ingest(documents(120), tenant="")
    assert len(embedders.ASKED) == 120 - had
    assert_whole()


@pytest.mark.django_db
def test_a_new_embedder_is_used_when_all_its_vectors_are_there(options: Callable[..., None]):
    options(EMBEDDER=HASH)
    ingest(documents(10), tenant="")
    other = {"BACKEND": COUNTING["BACKEND"], "OPTIONS": {"name": "other", "dimensions": 32}}
    options(EMBEDDER=other, FORMER_EMBEDDER=HASH)
    ingest([Document(uri="new.txt", content="A new text.")], tenant="")
    # New chunks get both vectors, and questions the old ones.
    assert Vector.objects.filter(embedding_set__name="hash").count() == 11
    assert Vector.objects.filter(embedding_set__name="other").count() == 1
    assert EmbeddingSet.objects.get(name="other").activated_at is None
    build_vectors()
    assert EmbeddingSet.objects.get(name="other").activated_at is not None
    assert_whole("other")
    options(EMBEDDER=other, FORMER_EMBEDDER=None)
    build_vectors()
    assert [each.name for each in EmbeddingSet.objects.all()] == ["other"]


@pytest.mark.django_db
def test_no_question_mixes_the_vectors_of_two_embedders(options: Callable[..., None]):
    options(EMBEDDER=HASH, MODE="vectors")
    ingest(documents(10), tenant="")
    # Without the former embedder nothing can be compared: the words are used.
    options(EMBEDDER={**HASH, "OPTIONS": {"name": "other"}})
    text = Chunk.objects.get(source__uri="3.txt").text
    assert retrieve(text, tenant="")[0].uri == "3.txt"
    options(FORMER_EMBEDDER=HASH)
    assert retrieve(text, tenant="")[0].uri == "3.txt"


@pytest.mark.django_db
def test_an_embedder_with_other_dimensions_needs_another_name(options: Callable[..., None]):
    options(EMBEDDER=HASH)
    ingest(documents(1), tenant="")
    options(EMBEDDER={**HASH, "OPTIONS": {"dimensions": 8}})
    with pytest.raises(EmbedderUnavailable, match="give it another name"):
        ingest(documents(2), tenant="")


@pytest.mark.django_db
def test_what_is_no_vector_is_refused(options: Callable[..., None]):
    options(EMBEDDER={"BACKEND": "tests.contrib.rag.embedders.NanEmbedder"})
    with pytest.raises(EmbedderUnavailable, match="NaN"):
        ingest(documents(1), tenant="")
    assert not Vector.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b" \n\t", "empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "not UTF-8"),
        (b"text\x00text", "binary"),
        ("Tür".encode("latin-1"), "not UTF-8"),
        (b"%PDF-1.7 scan", "PDF"),
        ("half \ud83d of a pair", "surrogate"),
        (b"# Only\n\n## Headings\n", "no text"),
    ],
)
def test_what_is_no_text_is_refused_and_the_others_go_on(content: Any, reason: str):
    good = Document(uri="good.txt", content="A good text.")
    report = ingest([Document(uri="bad.md", content=content), good], tenant="")
    assert report.added == 1
    (refused,) = report.refused
    assert refused[0] == "bad.md"
    assert reason in refused[1]
    assert Source.objects.get().uri == "good.txt"


@pytest.mark.django_db
@pytest.mark.parametrize("content", ["\ufeffTür".encode(), "Tür".encode("utf-16"), "Tür"])
def test_byte_order_marks_are_understood(content: Any):
    ingest([Document(uri="a.txt", content=content)], tenant="")
    assert Chunk.objects.get().text == "Tür"


@pytest.mark.django_db
def test_a_hundred_megabytes_of_one_line_are_refused_without_reading_them(tmp_path: Path):
    file = tmp_path / "long.txt"
    with file.open("wb") as opened:
        opened.truncate(100_000_000)
    (document,) = read_files([file])
    assert len(document.content) == 20 * 1024 * 1024 + 1
    report = ingest([document], tenant="")
    assert "more than 20,971,520 bytes" in report.refused[0][1]


@pytest.mark.django_db
def test_a_line_of_a_megabyte_is_split():
    ingest([Document(uri="a.txt", content="x" * 1_000_000)], tenant="")
    sizes = Chunk.objects.values_list("tokens", flat=True)
    assert max(sizes) <= 64
    assert len(sizes) > 1_000_000 / 256


@pytest.mark.django_db
@pytest.mark.parametrize("uri", ["", "x" * 501, "a\nb", "a\0b"])
def test_a_wrong_uri_is_refused(uri: str):
    report = ingest([Document(uri=uri, content="text")], tenant="")
    assert "URI" in report.refused[0][1]


@pytest.mark.django_db
def test_folders_and_rows_are_read(tmp_path: Path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "b.md").write_text(MARKDOWN)
    (tmp_path / "docs" / "a.txt").write_text("A text.")
    (tmp_path / "docs" / "picture.png").write_bytes(b"\x89PNG")
    (tmp_path / "docs" / ".hidden.md").write_text("hidden")
    found = list(read_files([tmp_path / "docs"], root=tmp_path))
    assert [each.uri for each in found] == ["docs/a.txt", "docs/b.md"]
    with pytest.raises(FileNotFoundError):
        list(read_files([tmp_path / "missing"]))
    user = User.objects.create(username="ada", last_name="Lovelace")
    (row,) = read_rows(User.objects.all(), text="last_name")
    assert (row.uri, row.content) == (f"auth.user:{user.pk}", "Lovelace")


@pytest.mark.django_db(transaction=True)
def test_the_same_file_ingested_by_four_at_once_is_stored_once(options: Callable[..., None]):
    options(EMBEDDER=HASH)
    same = documents(6, words=200)
    start, failed = threading.Barrier(4), []

    def work() -> None:
        try:
            start.wait()
            ingest(same, tenant="")
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert Source.objects.count() == 6
    assert Chunk.objects.values("source", "ordinal").distinct().count() == Chunk.objects.count()
    assert_whole()


@pytest.mark.django_db(transaction=True)
def test_a_source_that_is_deleted_while_it_is_embedded_leaves_nothing(
    options: Callable[..., None], monkeypatch: pytest.MonkeyPatch
):
    options(EMBEDDER=COUNTING)
    embed = embedders.CountingEmbedder.embed

    def delete_and_embed(self: Any, texts: Any) -> Any:
        Source.objects.filter(uri="0.txt").delete()
        return embed(self, texts)

    monkeypatch.setattr(embedders.CountingEmbedder, "embed", delete_and_embed)
    ingest(documents(3), tenant="")
    assert Source.objects.count() == 2
    assert_whole()


@pytest.mark.timeout(20)
def test_headings_are_read_in_linear_time_and_keep_their_names():
    spaces = " " * 200_000
    lines = [
        "# C#",
        "# Tea ##",
        f"#  F# #{spaces}",
        f"# a{spaces}b{spaces}c",
        f"# {'#' * 200_000}",
        "# #",
    ]
    text = "".join(f"{line}\n\ntext\n\n" for line in lines)
    found = [each.heading for each in split_text(text, kind="markdown", tokens=64, overlap=8)]
    assert found == ["C#", "Tea", "F#", f"a{spaces}"[:300], "", ""]
