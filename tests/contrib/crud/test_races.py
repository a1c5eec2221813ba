"""Clients at the same time, on real connections: one of them wins whole, the others are told, nothing is half-written."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections

from django_matt import MattAPI
from django_matt.contrib.crud.services import bulk_create, bulk_update
from tests.contrib.crud.conftest import EditionIn, EditionPatch
from tests.project.models import Author, Edition

ROUNDS = 3
IN_MEMORY = connection.vendor == "sqlite"

if not IN_MEMORY:
    pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def using(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, django_db_blocker: Any) -> Iterator[str]:
    """The alias of a database that threads can share: a file instead of SQLite in memory."""
    if not IN_MEMORY:
        yield "default"
        return
    database = {
        **connections.databases["default"],
        "NAME": str(tmp_path / "shared.sqlite3"),
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 30},
    }
    monkeypatch.setitem(connections.databases, "shared", database)
    with django_db_blocker.unblock():
        with connections["shared"].schema_editor() as editor:
            editor.create_model(Author)
            editor.create_model(Edition)
        yield "shared"
        connections["shared"].close()
        del connections["shared"]


@pytest.fixture
def at_once(using: str, serve: Callable[..., Any]) -> Callable[..., list[Any]]:
    """Return ``at_once(*calls)``: send requests from as many threads at the same moment."""
    api = MattAPI()

    @api.post("/editions")
    def create(request, editions: list[EditionIn]):
        return len(bulk_create(Edition.objects.using(using), editions))

    @api.patch("/editions")
    def update(request, editions: list[EditionPatch]):
        return len(bulk_update(Edition.objects.using(using), editions))

    @api.delete("/authors/{author}")
    def remove(request, author: int):
        # Without the cascade in Python, which would delete the new rows as well.
        return Author.objects.using(using).filter(pk=author)._raw_delete(using)

    client = serve(api)

    def send(*calls: tuple[str, str, Any]) -> list[Any]:
        barrier, answers = threading.Barrier(len(calls)), [None] * len(calls)

        def run(index: int, method: str, path: str, body: Any) -> None:
            barrier.wait(30)
            try:
                answers[index] = getattr(client, method)(
                    path, body, content_type="application/json"
                )
            finally:
                connections.close_all()

        threads = [
            threading.Thread(target=run, args=(index, *call)) for index, call in enumerate(calls)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        return answers

    return send


def _rows(author: Author, count: int, start: int) -> list[dict[str, Any]]:
    return [
        {"isbn": f"i{n}", "title": f"t{n}", "author_id": author.pk}
        for n in range(start, start + count)
    ]


def test_of_many_that_create_the_same_rows_one_does(at_once, using):
    author = Author.objects.using(using).create(name="Ada")
    for turn in range(ROUNDS):
        rows = _rows(author, 12, turn * 12)
        answers = at_once(*[("post", "/api/editions", rows)] * 4)
        assert sorted(answer.status_code for answer in answers) == [200] + [409] * 3
        assert Edition.objects.using(using).count() == 12 * (turn + 1)


@pytest.fixture
def meeting() -> Iterator[None]:
    """Let each transaction wait, after its first row, for another one that has written its first (PostgreSQL)."""
    if IN_MEMORY:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION meet() RETURNS trigger LANGUAGE plpgsql AS $$"
            "DECLARE step text := coalesce(current_setting('tests.step', true), '');"
            "BEGIN"
            "  IF step = '' THEN PERFORM set_config('tests.step', 'one row', true);"
            "  ELSIF step = 'one row' THEN"
            "    PERFORM set_config('tests.step', 'met', true), pg_advisory_xact_lock_shared(4711);"
            "    WHILE (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711) < 2"
            "    LOOP PERFORM pg_sleep(0.01); END LOOP;"
            "  END IF;"
            "  RETURN NEW; "
            "END $$"
        )
        cursor.execute(
            "CREATE TRIGGER meeting BEFORE INSERT ON project_edition "
            "FOR EACH ROW EXECUTE FUNCTION meet()"
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION meet() CASCADE")


def test_of_two_that_wait_for_each_other_one_wins_and_one_is_asked_to_try_again(
    at_once, using, meeting
):
    author = Author.objects.using(using).create(name="Ada")
    rows = _rows(author, 40, 0)
    answers = at_once(("post", "/api/editions", rows), ("post", "/api/editions", rows[::-1]))
    assert sorted(answer.status_code for answer in answers) == [200, 409 if IN_MEMORY else 503]
    assert Edition.objects.using(using).count() == 40


def test_rows_that_overlap_are_never_half_written(at_once, using):
    author = Author.objects.using(using).create(name="Ada")
    bodies = [_rows(author, 30, start) for start in (0, 20, 40)]
    answers = at_once(*(("post", "/api/editions", rows) for rows in bodies))
    written = {int(e.isbn[1:]) for e in Edition.objects.using(using)}
    for rows, answer in zip(bodies, answers, strict=True):
        there = {int(row["isbn"][1:]) for row in rows} & written
        if answer.status_code == 200:
            assert len(there) == 30
        else:
            assert answer.status_code == 409
            assert len(there) < 30


def test_changes_of_the_same_rows_come_one_after_the_other(at_once, using):
    author = Author.objects.using(using).create(name="Ada")
    keys = [
        e.pk
        for e in Edition.objects.using(using).bulk_create(
            [Edition(isbn=f"i{n}", title=f"t{n}", author=author) for n in range(100)]
        )
    ]
    for turn in range(ROUNDS):
        bodies = [[{"id": key, "title": f"{who}{turn}-{key}"} for key in keys] for who in "abcd"]
        answers = at_once(
            *(
                ("patch", "/api/editions", body[:: -1 if n % 2 else 1])
                for n, body in enumerate(bodies)
            )
        )
        assert [answer.status_code for answer in answers] == [200] * 4
        titles = Edition.objects.using(using).values_list("title", flat=True)
        assert len({title.partition("-")[0] for title in titles}) == 1


def test_a_row_never_outlives_what_it_refers_to(at_once, using):
    for turn in range(ROUNDS):
        author = Author.objects.using(using).create(name="Ada")
        before = Edition.objects.using(using).count()
        answers = at_once(
            ("post", "/api/editions", _rows(author, 40, turn * 40)),
            ("delete", f"/api/authors/{author.pk}", None),
        )
        created, removed = (answer.status_code for answer in answers)
        there = Author.objects.using(using).filter(pk=author.pk).exists()
        assert (created, removed) in {(200, 409), (409, 200)}
        written = Edition.objects.using(using).count() - before
        assert (written, there) == ((40, True) if created == 200 else (0, False))
