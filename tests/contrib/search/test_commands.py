"""``manage.py matt_search``."""

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from django_matt.contrib.search.evaluation import Figures, LabelledQuestion, evaluate
from tests.contrib.search import corpus, embedders
from tests.contrib.search.embedders import Hashed
from tests.contrib.search.shelf.models import Book
from tests.contrib.search.shelf.search import BookIndex, SectionIndex

pytestmark = pytest.mark.django_db


def run(*arguments: Any) -> str:
    out = io.StringIO()
    call_command("matt_search", *arguments, stdout=out, stderr=out)
    return out.getvalue()


@pytest.fixture
def books() -> list[Book]:
    return Book.objects.bulk_create(
        [Book(title="The sea"), Book(title="A ship"), Book(title="Salt")]
    )


def test_status(books):
    BookIndex.embed(Book.objects.filter(title="Salt"))
    said = run("status")
    assert "shelf.Book: 3 of 3 objects indexed, 1 vectors of hashed-1." in said
    assert "shelf.Draft: missing. Its migration needs this operation:" in said
    assert "  AddSearchIndex('Draft', words={'title': 'A'})" in said
    found = json.loads(run("status", "shelf.Book", "--format", "json"))
    assert found["shelf.Book"] == {
        "state": "current",
        "objects": 3,
        "words": 3,
        "vectors": {"hashed-1": 1},
    }


def test_a_dry_run_writes_nothing(books):
    embedders.calls.clear()
    said = run("rebuild", "shelf.Book", "--dry-run")
    assert "3 objects would be indexed" in said
    assert "3 texts would be embedded, 0 unchanged" in said
    assert embedders.calls == []
    assert "vectors of" not in run("status", "shelf.Book")


def test_rebuild_embeds_what_has_changed(books):
    assert "3 texts were embedded, 0 unchanged" in run("rebuild", "shelf.Book", "--batch", "2")
    Book.objects.filter(title="Salt").update(title="Pepper")
    embedders.calls.clear()
    assert "1 texts were embedded, 2 unchanged" in run("rebuild", "shelf.Book", "--only", "vectors")
    assert embedders.calls == [1]


def test_rebuild_repairs_the_words(books):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM shelf_book_search_words")
    assert not BookIndex.search("sea", mode="words")
    assert "3 objects are indexed" in run("rebuild", "shelf.Book", "--only", "words")
    assert len(BookIndex.search("sea", mode="words")) == 1
    Book.objects.filter(title="The sea").delete()
    assert not BookIndex.search("sea", mode="words")


def test_a_stopped_rebuild_goes_on_where_it_was(books, monkeypatch):
    embed = Hashed.embed

    def fail_at_salt(self: Hashed, texts: Any) -> Any:
        if "Salt" in texts:
            raise RuntimeError("killed")
        return embed(self, texts)

    monkeypatch.setattr(Hashed, "embed", fail_at_salt)
    with pytest.raises(RuntimeError, match="killed"):
        run("rebuild", "shelf.Book", "--batch", "1")
    monkeypatch.setattr(Hashed, "embed", embed)
    assert "1 texts were embedded, 2 unchanged" in run("rebuild", "shelf.Book")


def test_vectors_of_two_embedders_are_never_mixed(books, monkeypatch):
    run("rebuild", "shelf.Book")
    monkeypatch.setattr(Hashed, "name", "hashed-2")
    BookIndex.embed(Book.objects.filter(title="Salt"))
    # Half-way: words are searched.
    assert [each.title for each in BookIndex.search("sea")] == ["The sea"]
    assert "3 vectors of hashed-1, 1 vectors of hashed-2" in run("status", "shelf.Book")
    assert "2 texts were embedded, 1 unchanged" in run("rebuild", "shelf.Book", "--only", "vectors")
    assert "3 of 3 objects indexed, 3 vectors of hashed-2." in run("status", "shelf.Book")
    assert len(BookIndex.search("sea")) == 3


def test_evaluate_prints_the_figures_of_each_mode():
    corpus.load()
    said = run("evaluate", corpus.QUESTIONS, "--index", "shelf.Section", "--field", "place")
    assert said.splitlines()[0].startswith("40 questions")
    assert said.splitlines()[1].startswith("words")
    arguments = ("--index", "shelf.Section", "--field", "place", "--format", "json")
    found = json.loads(run("evaluate", corpus.QUESTIONS, *arguments))
    assert found["words"]["recall_at_5"] >= 0.65


def test_evaluate_measures_all_modes_of_an_index_with_vectors(books, tmp_path):
    run("rebuild", "shelf.Book")
    file = tmp_path / "questions.jsonl"
    file.write_text(json.dumps({"q": "sea", "expected": [books[0].pk]}) + "\n\n")
    found = json.loads(run("evaluate", file, "--index", "shelf.book", "--format", "json"))
    assert set(found) == {"words", "vectors", "hybrid"}
    assert found["words"]["recall_at_5"] == found["words"]["ndcg_at_10"] == 1.0


def test_the_figures():
    corpus.load()
    title = LabelledQuestion(
        "CSRF check failed", frozenset(["troubleshooting.md#`CSRF check Failed`"])
    )
    nothing = LabelledQuestion("xylophone", frozenset(["nowhere"]))
    found = evaluate(SectionIndex, [title, nothing], "words", field="place")
    assert found == Figures(0.5, 0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    "text",
    ["", "nothing", "[]", '{"q": "x"}', '{"q": "x", "expected": []}', '{"q": 1, "expected": [1]}'],
)
def test_files_that_are_refused(text, tmp_path):
    file = tmp_path / "questions.jsonl"
    file.write_text(text)
    with pytest.raises(CommandError):
        run("evaluate", file, "--index", "shelf.Section")


@pytest.mark.parametrize(
    "arguments",
    [
        ("evaluate", "/nowhere.jsonl", "--index", "shelf.Section"),
        ("evaluate", corpus.QUESTIONS),
        ("evaluate", corpus.QUESTIONS, "--index", "shelf.Section", "--field", "nothing"),
        ("rebuild", "shelf.Nothing"),
        ("rebuild", "shelf.Book", "--batch", "0"),
        ("rebuild", "shelf.Draft"),
        ("status", "--database", "nowhere"),
    ],
)
def test_arguments_that_are_refused(arguments):
    with pytest.raises(CommandError) as refused:
        run(*arguments)
    assert str(refused.value)


def test_help(capsys):
    for action in ((), ("rebuild",), ("status",), ("evaluate",)):
        with pytest.raises(SystemExit) as ended:
            call_command("matt_search", *action, "--help")
        assert ended.value.code == 0
    assert "--dry-run" in capsys.readouterr().out
