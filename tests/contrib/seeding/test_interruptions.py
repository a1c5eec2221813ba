"""``manage.py matt_seed`` in a process of its own, on both databases: killed, interrupted and resumed."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest

from tests.cli.projects import SmallProject, make_project
from tests.project.postgres import socket_directory
from tests.waiting import SECONDS

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.timeout(400)]
ROWS = 2_000
MODELS = """\
from django.db import models


class Tag(models.Model):
    name = models.CharField(max_length=20, unique=True)


class Note(models.Model):
    code = models.CharField(max_length=12, unique=True)
    low = models.IntegerField()
    high = models.IntegerField()
    tags = models.ManyToManyField(Tag)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(high__gt=models.F("low")), name="ordered")]
"""
# A function of seeds.py says how far the command is, from the middle of a transaction.
SEEDS = """\
from django_matt.contrib.seeding import services
from django_matt.contrib.seeding.seeds import Batch, Seeds
from notes.models import Note

# So that the middle of a table comes soon.
services._BATCH = 250


class NoteSeeds(Seeds[Note]):
    def low(self, batch):
        with open("numbers", "a") as file:
            file.write(f"{batch.start}\\n")
        return [number % 100 for number in batch.numbers]
"""
Ask = Callable[[str], tuple[Any, ...]]
COUNTS = "SELECT (SELECT COUNT(*) FROM notes_tag), (SELECT COUNT(*) FROM notes_note), (SELECT COUNT(*) FROM notes_note_tags)"
WRONG = """
SELECT (SELECT COUNT(*) - COUNT(DISTINCT code) FROM notes_note), (SELECT COUNT(*) FROM notes_note WHERE high <= low),
(SELECT COUNT(*) FROM notes_note_tags WHERE note_id NOT IN (SELECT id FROM notes_note))
"""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def seeded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[SmallProject, Ask]]:
    """Make a project with two tables; return it, and what sends a statement to its database."""
    project = make_project(tmp_path_factory.mktemp("shop"))
    project.write("notes/models.py", MODELS)
    project.write("notes/seeds.py", SEEDS)
    # Without migrations, `migrate --run-syncdb` makes the tables as the models are.
    for file in sorted((project.folder / "notes/migrations").glob("*.py")):
        file.unlink()
    project.append("config/settings.py", "INSTALLED_APPS += ['django_matt.contrib.seeding']\n")
    connect: Callable[[], Any] = lambda: sqlite3.connect(project.folder / "db.sqlite3")  # noqa: E731
    name = f"seeded_{os.getpid()}_{time.monotonic_ns()}"
    server: dict[str, Any] = {}
    if request.param == "postgresql":
        server = {"host": socket_directory(), "user": "postgres"}
        with psycopg.connect(**server, dbname="postgres", autocommit=True) as maintenance:
            maintenance.execute(f"CREATE DATABASE {name}")
        database = {"ENGINE": "django.db.backends.postgresql", "NAME": name}
        database |= {key.upper(): value for key, value in server.items()}
        project.append("config/settings.py", f"DATABASES = {{'default': {database!r}}}\n")
        connect = lambda: psycopg.connect(**server, dbname=name)  # noqa: E731

    def ask(statement: str) -> tuple[Any, ...]:
        with closing(connect()) as connection:
            found = connection.execute(statement)
            row = found.fetchone() if found.description else ()
            connection.commit()
            return row

    migrated = project.manage("migrate", "--run-syncdb", "-v0")
    assert migrated.returncode == 0, migrated.stderr
    yield project, ask
    if server:
        with psycopg.connect(**server, dbname="postgres", autocommit=True) as maintenance:
            maintenance.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def project(seeded: tuple[SmallProject, Ask]) -> SmallProject:
    return seeded[0]


@pytest.fixture
def ask(seeded: tuple[SmallProject, Ask]) -> Iterator[Ask]:
    yield seeded[1]
    for table in ("notes_note_tags", "notes_note", "notes_tag"):
        seeded[1](f"DELETE FROM {table}")


@pytest.fixture
def stop_within(project: SmallProject) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Return what seeds a table and sends a signal once some rows are in the table, or were sent to it."""
    started: list[subprocess.Popen[str]] = []

    def stop(number: int, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "manage.py", "matt_seed", "notes", "--count", str(ROWS)]
        process = subprocess.Popen(
            [*command, *arguments],
            cwd=project.folder,
            env=project.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        told = project.folder / "numbers"
        end = time.monotonic() + SECONDS
        while not told.exists() or len(told.read_text().splitlines()) < 2:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end
            time.sleep(0.01)
        process.send_signal(number)
        process.wait(SECONDS)
        told.unlink()
        return process

    yield stop
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()
    (project.folder / "numbers").unlink(missing_ok=True)


def test_a_killed_seeding_is_resumed_to_the_right_count(
    project: SmallProject, ask: Ask, stop_within: Any
):
    process = stop_within(signal.SIGKILL, "--resume")
    assert process.returncode == -signal.SIGKILL
    tags, notes, links = ask(COUNTS)
    assert tags == ROWS
    assert 0 < notes < ROWS
    assert notes % 250 == 0
    assert links >= notes
    said = project.manage("matt_seed", "notes", "--count", str(ROWS), "--resume")
    assert said.returncode == 0, said.stderr
    assert f"notes.Tag                        has its {ROWS:,} rows" in said.stdout
    assert f"{ROWS - notes:,} rows" in said.stdout
    tags, notes, links = ask(COUNTS)
    assert (tags, notes) == (ROWS, ROWS)
    assert links > ROWS
    assert ask(WRONG) == (0, 0, 0)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_without_resume_an_interrupted_model_keeps_no_row(
    number: signal.Signals, ask: Ask, stop_within: Any
):
    process = stop_within(number)
    assert ask(COUNTS) == (ROWS, 0, 0)
    if number == signal.SIGINT:
        said = process.stderr.read()
        assert process.returncode == 130
        assert "Interrupted. The models before this one are complete" in said
        assert "--resume" in said
        assert "Traceback" not in said
