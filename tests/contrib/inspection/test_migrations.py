"""``manage.py matt_migrations``: what a migration locks, whether the last release runs beside it, and patience."""

import json
import threading
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections, migrations, models
from django.db.migrations.state import ProjectState
from django.db.models.functions import Now, Random

from django_matt.contrib.inspection.management.commands.matt_migrations import Command
from django_matt.contrib.inspection.migration_plans import Step, steps_of
from django_matt.contrib.inspection.statements import lock_of

pytestmark = pytest.mark.django_db(transaction=True)
on_postgres = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="PostgreSQL's locks")

BEFORE = [
    migrations.CreateModel(
        "Author", [("id", models.BigAutoField(primary_key=True)), ("name", models.TextField())]
    ),
    migrations.CreateModel(
        "Book",
        [
            ("id", models.BigAutoField(primary_key=True)),
            ("title", models.CharField(max_length=50)),
            ("pages", models.IntegerField()),
            ("note", models.TextField(null=True)),
            ("author", models.ForeignKey("planned.Author", models.CASCADE, null=True)),
        ],
    ),
]


def plan_of(*planned: Any) -> list[Step]:
    """Return the steps of operations on tables that exist."""
    state = ProjectState()
    for each in BEFORE:
        each.state_forwards("planned", state)
    migration = migrations.Migration("0002_planned", "planned")
    migration.operations = list(planned)
    return list(steps_of(migration, state, connection, set()))


def concurrently(index: models.Index) -> Any:
    from django.contrib.postgres.operations import AddIndexConcurrently

    return AddIndexConcurrently("book", index)


def not_valid(constraint: Any) -> Any:
    from django.contrib.postgres.operations import AddConstraintNotValid

    return AddConstraintNotValid("book", constraint)


POSITIVE = models.CheckConstraint(condition=models.Q(pages__gt=0), name="positive")
ONE_TITLE = models.UniqueConstraint(fields=["title"], name="one_title")


@on_postgres
@pytest.mark.parametrize(
    ("operation", "mode", "duration"),
    [
        (lambda: migrations.AddIndex("book", models.Index(fields=["pages"], name="p")), "SHARE", "index"),
        (lambda: migrations.AddField("book", "code", models.CharField(max_length=9, null=True, unique=True)), "ACCESS EXCLUSIVE", "index"),
        (lambda: migrations.AddField("book", "code", models.IntegerField(null=True, db_index=True)), "SHARE", "index"),
        (lambda: migrations.AddField("book", "luck", models.FloatField(db_default=Random())), "ACCESS EXCLUSIVE", "rewrite"),
        (lambda: migrations.AddField("book", "double", models.GeneratedField(expression=models.F("pages") * 2, output_field=models.IntegerField(), db_persist=True)), "ACCESS EXCLUSIVE", "rewrite"),
        (lambda: migrations.AlterField("book", "pages", models.BigIntegerField()), "ACCESS EXCLUSIVE", "rewrite"),
        (lambda: migrations.AlterField("book", "title", models.CharField(max_length=9)), "ACCESS EXCLUSIVE", "rewrite"),
        (lambda: migrations.AlterField("book", "note", models.TextField(default="")), "ACCESS EXCLUSIVE", "scan"),
        (lambda: migrations.AlterField("book", "title", models.CharField(max_length=50, unique=True)), "ACCESS EXCLUSIVE", "index"),
        (lambda: migrations.AlterField("book", "pages", models.IntegerField(db_index=True)), "SHARE", "index"),
        (lambda: migrations.AddConstraint("book", POSITIVE), "ACCESS EXCLUSIVE", "scan"),
        (lambda: migrations.AddConstraint("book", ONE_TITLE), "ACCESS EXCLUSIVE", "index"),
        (lambda: migrations.AlterUniqueTogether("book", {("title", "pages")}), "ACCESS EXCLUSIVE", "index"),
        (lambda: migrations.AlterField("book", "pages", models.ForeignKey("planned.Author", models.CASCADE)), "SHARE ROW EXCLUSIVE", "scan"),
        (lambda: migrations.RunSQL("ALTER TABLE planned_book CLUSTER ON x; VACUUM FULL planned_book"), "ACCESS EXCLUSIVE", "unknown"),
        (lambda: migrations.RunSQL("REINDEX TABLE planned_book"), "ACCESS EXCLUSIVE", "unknown"),
    ],
)  # fmt: skip
def test_a_step_for_which_others_wait_is_found(operation: Any, mode: str, duration: str):
    (step,) = plan_of(operation())
    assert (mode, duration) in {(each.lock.mode, each.lock.duration) for each in step.waits}
    assert all(each.lock.hint for each in step.waits)


@on_postgres
@pytest.mark.parametrize(
    "operation",
    [
        lambda: migrations.AddField("book", "code", models.IntegerField(null=True)),
        lambda: migrations.AddField("book", "made", models.DateTimeField(db_default=Now())),
        lambda: migrations.AddField("book", "kind", models.CharField(max_length=9, db_default="x")),
        lambda: migrations.AlterField("book", "title", models.CharField(max_length=90)),
        lambda: migrations.AlterField("book", "title", models.TextField()),
        lambda: migrations.AlterField("book", "pages", models.IntegerField(null=True)),
        lambda: migrations.AlterField("book", "pages", models.IntegerField(help_text="Pages.")),
        lambda: migrations.AlterModelOptions("book", {"ordering": ["title"]}),
        lambda: concurrently(models.Index(fields=["pages"], name="p")),
        lambda: not_valid(POSITIVE),
        lambda: migrations.CreateModel(
            "Shop", [("id", models.BigAutoField(primary_key=True)), ("x", models.IntegerField(db_index=True))]
        ),
    ],
)  # fmt: skip
def test_a_step_for_which_nobody_waits_is_safe(operation: Any):
    (step,) = plan_of(operation())
    assert step.waits == []
    assert step.breaks == ""
    assert step.is_safe


@pytest.mark.parametrize(
    ("operation", "says"),
    [
        (lambda: migrations.DeleteModel("Book"), "still reads this table"),
        (lambda: migrations.RemoveField("book", "note"), "SeparateDatabaseAndState"),
        (lambda: migrations.RenameField("book", "note", "remark"), "db_column"),
        (lambda: migrations.RenameModel("Book", "Volume"), "Keep `db_table`"),
        (lambda: migrations.AlterModelTable("book", "volumes"), "Keep `db_table`"),
        (lambda: migrations.AddField("book", "code", models.IntegerField(default=3)), "db_default"),
        (lambda: migrations.AlterField("book", "note", models.TextField(default="")), "NULL"),
        (lambda: migrations.AlterField("book", "pages", models.TextField()), "old type"),
        (
            lambda: migrations.AlterField("book", "title", models.CharField(max_length=9)),
            "too long",
        ),
    ],
)
def test_what_the_last_release_cannot_live_with_is_found(operation: Any, says: str):
    (step,) = plan_of(operation())
    assert says in step.breaks
    assert not step.is_safe


def test_a_table_of_the_same_plan_is_not_waited_for():
    steps = plan_of(
        migrations.CreateModel("Shop", [("id", models.BigAutoField(primary_key=True))]),
        migrations.AddField("shop", "name", models.CharField(max_length=9, db_index=True)),
        migrations.RemoveField("shop", "name"),
    )
    assert [step.is_new for step in steps] == [True] * 3
    assert all(step.is_safe for step in steps)


def test_python_code_is_not_run_and_said():
    def never(apps: Any, editor: Any) -> None:
        pytest.fail("a plan ran it")

    (step,) = plan_of(migrations.RunPython(never))
    assert "Python code" in step.note


def test_statements_that_are_not_known_are_not_safe():
    assert not lock_of("LOCK TABLE x").is_safe
    assert lock_of("SET CONSTRAINTS x IMMEDIATE").is_safe


@pytest.fixture
def planted(settings: Any) -> Iterator[None]:
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "tests.contrib.inspection.planted"]
    yield
    call_command("migrate", "planted", "zero", verbosity=0)


def run(*arguments: str) -> str:
    output = StringIO()
    call_command(Command(), *arguments, stdout=output, no_color=True)
    return output.getvalue()


@pytest.mark.usefixtures("planted")
def test_a_plan_has_the_sql_and_changes_nothing():
    for _ in range(2):
        said = run("plan")
        assert "planted.0001_shelf  Create model Shelf  safe" in said
        assert 'CREATE INDEX "shelf_width" ON "planted_shelf"' in said
    assert "planted_shelf" not in connection.introspection.table_names()
    found = json.loads(run("plan", "--format", "json"))
    assert [each["migration"] for each in found] == ["planted.0001_shelf"] * 2 + [
        "planted.0002_width"
    ] * 2
    assert "safe" in run("check")


@pytest.mark.usefixtures("planted")
def test_a_check_fails_on_what_is_not_safe_with_the_size_of_the_table():
    call_command("migrate", "planted", "0001", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO planted_shelf (name) VALUES ('a'), ('b')")
        if connection.vendor == "postgresql":
            cursor.execute("ANALYZE planted_shelf")
    assert "about 2 rows" in run("plan")
    if connection.vendor == "postgresql":
        with pytest.raises(CommandError, match="1 of 2 steps are not safe"):
            run("check")
    else:
        assert "2 steps, all of them safe." in run("check")
    run("apply")
    assert "Every migration is applied." in run("plan")


@on_postgres
@pytest.mark.usefixtures("planted")
def test_a_lock_that_is_not_free_is_given_up_and_tried_again():
    call_command("migrate", "planted", "0001", verbosity=0)
    taken, free = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with connections["default"].cursor() as cursor:
                cursor.execute("BEGIN")
                cursor.execute("LOCK TABLE planted_shelf IN ACCESS SHARE MODE")
                taken.set()
                free.wait(60)
                cursor.execute("ROLLBACK")
        finally:
            connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert taken.wait(60)
        with pytest.raises(CommandError, match=r"not free within 0.2 seconds, 2 times"):
            run("apply", "--lock-timeout", "0.2", "--retries", "1", "--wait", "0.1")
        threading.Timer(0.5, free.set).start()
        said = run("apply", "--lock-timeout", "0.2", "--retries", "50", "--wait", "0.1")
        assert "The next try is in 0.1 seconds." in said
        assert "Every migration is applied." in run("plan")
        with connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            assert cursor.fetchone() == ("0",)
    finally:
        free.set()
        thread.join()


def test_a_database_that_is_not_there_is_a_sentence():
    with pytest.raises(CommandError, match="no database 'moon'"):
        run("plan", "--database", "moon")
