"""``manage.py matt_migrations``: what a migration locks, whether the last release runs beside it, and patience."""

import json
import threading
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections, migrations, models, transaction
from django.db.migrations.exceptions import BadMigrationError
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState
from django.db.models.functions import Now, Random

from django_matt.contrib.inspection.management.commands.matt_migrations import (
    Command,
    _wait_beside_others,
)
from django_matt.contrib.inspection.migration_plans import Step, steps_of
from django_matt.contrib.inspection.statements import lock_of
from tests.project.models import Tag

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


WAITS: list[Any] = [
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
]  # fmt: skip


@on_postgres
@pytest.mark.parametrize(("operation", "mode", "duration"), WAITS)
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


BREAKS: list[Any] = [
        (lambda: migrations.DeleteModel("Book"), "still reads this table"),
        (lambda: migrations.RemoveField("book", "note"), "SeparateDatabaseAndState"),
        (lambda: migrations.AlterOrderWithRespectTo("book", "author"), "_order"),
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
        (lambda: migrations.AddConstraint("book", ONE_TITLE), "not unique"),
        (lambda: migrations.AlterUniqueTogether("book", {("title", "pages")}), "not unique"),
        (lambda: migrations.AlterField("book", "title", models.CharField(max_length=50, unique=True)), "not unique"),
        (lambda: migrations.AddField("book", "double", models.ForeignKey("planned.Author", models.CASCADE, default=1)), "db_default"),
        (lambda: migrations.RunSQL("DROP TABLE planned_book"), "reads the table planned_book"),
        (lambda: migrations.RunSQL("/* gone */ DROP TABLE IF EXISTS public.planned_book"), "reads the table planned_book"),
        (lambda: migrations.RunSQL("ALTER TABLE planned_book RENAME TO volumes"), "by its old name"),
        (lambda: migrations.RunSQL('ALTER TABLE "planned_book" RENAME COLUMN "note" TO "remark"'), "column note by its old name"),
        (lambda: migrations.RunSQL("ALTER TABLE planned_book DROP COLUMN note"), "reads the column note"),
        (lambda: migrations.RunSQL("ALTER TABLE planned_book ADD COLUMN code integer NOT NULL"), "without the column code"),
        (lambda: migrations.RunSQL("ALTER TABLE planned_book ALTER COLUMN note SET NOT NULL"), "NULL into note"),
        (lambda: migrations.RunSQL("ALTER TABLE planned_book ALTER pages TYPE text"), "old type of pages"),
        (lambda: migrations.SeparateDatabaseAndState(database_operations=[migrations.RunSQL("ALTER TABLE planned_book DROP note")]), "reads the column note"),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "says"), BREAKS)
def test_what_the_last_release_cannot_live_with_is_found(operation: Any, says: str):
    (step,) = plan_of(operation())
    assert says in step.breaks
    assert not step.is_safe


def reads_today(apps: Any, editor: Any) -> None:
    Tag.objects.all()


def reads_today_inside(apps: Any, editor: Any) -> None:
    from tests.project.models import Author

    Author.objects.all()


def reads_then(apps: Any, editor: Any) -> None:
    apps.get_model("planned", "Book").objects.all()


FAULTS: list[Any] = [
    (lambda: migrations.RunPython(reads_today, migrations.RunPython.noop), "Tag of today"),
    (lambda: migrations.RunPython(reads_today_inside, migrations.RunPython.noop), "models of today"),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "says"), FAULTS)
def test_a_function_that_uses_the_models_of_today_is_found(operation: Any, says: str):
    (step,) = plan_of(operation())
    assert says in step.fault
    assert "apps.get_model" in step.fault
    assert not step.is_safe
    (good,) = plan_of(migrations.RunPython(reads_then, migrations.RunPython.noop))
    assert good.fault == ""
    assert good.is_safe


@on_postgres
def test_more_than_twenty_five_planted_mistakes_are_found_and_nothing_else():
    planted = [each[0] for each in (*WAITS, *BREAKS, *FAULTS)]
    assert len(planted) >= 25
    missed = [number for number, each in enumerate(planted) if plan_of(each())[0].is_safe]
    assert missed == []


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE other_table",
        "ALTER TABLE planned_book DROP COLUMN unknown_to_the_release",
        "ALTER TABLE planned_book DROP CONSTRAINT x",
        "ALTER TABLE planned_book ADD COLUMN code integer NOT NULL DEFAULT 3",
        "ALTER TABLE planned_book ADD COLUMN code integer",
        "ALTER TABLE planned_book ALTER COLUMN note DROP NOT NULL",
        "COMMENT ON TABLE planned_book IS 'DROP TABLE planned_book'",
    ],
)
def test_sql_that_the_last_release_lives_with_breaks_nothing(statement: str):
    (step,) = plan_of(migrations.RunSQL(statement, migrations.RunSQL.noop))
    assert step.breaks == ""
    assert "cannot be undone" not in step.note


def test_a_column_that_a_release_has_forgotten_may_go_in_the_next():
    """As the advice for a removed field says: first out of the state, later out of the database."""
    state = ProjectState()
    for each in BEFORE:
        each.state_forwards("planned", state)
    released = state.clone()
    first = migrations.Migration("0002_forget", "planned")
    first.operations = [migrations.SeparateDatabaseAndState(state_operations=[migrations.RemoveField("book", "note")])]  # fmt: skip
    second = migrations.Migration("0003_remove", "planned")
    second.operations = [migrations.RunSQL("ALTER TABLE planned_book DROP COLUMN note", migrations.RunSQL.noop)]  # fmt: skip
    (forgets,) = steps_of(first, state, connection, set(), released)
    assert forgets.is_safe
    after = state.clone()
    (too_early,) = steps_of(second, state, connection, set(), released)
    assert "reads the column note" in too_early.breaks
    (in_time,) = steps_of(second, after, connection, set(), after.clone())
    assert in_time.is_safe


def test_what_cannot_be_undone_and_what_may_be_refused_is_said():
    (step,) = plan_of(migrations.RunPython(reads_then))
    assert "cannot be undone" in step.note
    (step,) = plan_of(migrations.RunSQL("SELECT 1"))
    assert "cannot be undone" in step.note
    if connection.vendor == "postgresql":
        (step,) = plan_of(not_valid(POSITIVE))
        assert "may write rows that the constraint refuses" in step.note


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


CLAIMS = [
    "ADD COLUMN a integer NULL",
    "ADD COLUMN a integer DEFAULT 3 NOT NULL",
    "ADD a integer",
    "ADD COLUMN a integer NULL CHECK (a >= 0)",
    "ADD COLUMN a float DEFAULT random()",
    "ADD COLUMN a serial",
    "ADD COLUMN a text DEFAULT 'x UNIQUE CHECK (y) random()'",
    "ADD COLUMN a bigint NULL CONSTRAINT f REFERENCES truth_author (id) DEFERRABLE INITIALLY DEFERRED",
    "ADD COLUMN a bigint DEFAULT 1 NOT NULL CONSTRAINT f REFERENCES truth_author (id) DEFERRABLE INITIALLY DEFERRED",
    "ADD CONSTRAINT c CHECK (pages > 0)",
    "ADD CHECK (pages > 0)",
    "ADD CONSTRAINT c CHECK (pages > 0) NOT VALID",
    "ADD CONSTRAINT c FOREIGN KEY (author) REFERENCES truth_author (id)",
    "ADD CONSTRAINT c FOREIGN KEY (author) REFERENCES truth_author (id) NOT VALID",
    "ADD FOREIGN KEY (author) REFERENCES truth_author (id)",
    "ADD COLUMN a integer, ADD CONSTRAINT c CHECK (pages > 0)",
    "ALTER COLUMN pages TYPE bigint",
    "ALTER pages TYPE bigint, ALTER pages SET NOT NULL",
    "ALTER COLUMN pages SET NOT NULL",
    "ALTER COLUMN pages DROP NOT NULL",
    "ALTER COLUMN pages SET DEFAULT 3",
    "ADD COLUMN a integer GENERATED ALWAYS AS (pages * 2) STORED",
    "ADD COLUMN a integer GENERATED BY DEFAULT AS IDENTITY",
    "RENAME COLUMN pages TO leaves",
    "DROP COLUMN pages",
    "RENAME TO truths",
]


@on_postgres
@pytest.mark.parametrize(
    "statement",
    [
        *(f"ALTER TABLE truth {each}" for each in CLAIMS),
        'CREATE INDEX i ON truth ("pages")',
        "UPDATE truth SET pages = 4",
        "DELETE FROM truth",
    ],
)
def test_a_claim_is_what_postgresql_does(statement: str):
    said: list[str] = []
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE truth_author (id bigint PRIMARY KEY); INSERT INTO truth_author VALUES (1);"
            "CREATE TABLE truth (title varchar(50), pages integer, author bigint);"
            "INSERT INTO truth VALUES ('a', 3, 1)"
        )
        cursor.execute("SELECT 'truth'::regclass::oid, pg_relation_filenode('truth')")
        oid, node = cursor.fetchone()
    own = connection.connection
    try:
        own.add_notice_handler(lambda notice: said.append(notice.message_primary))
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL client_min_messages = debug1")
            cursor.execute(statement)
            cursor.execute(
                "SELECT mode FROM pg_locks WHERE relation = %s AND pid = pg_backend_pid()", [oid]
            )
            modes = {mode for (mode,) in cursor.fetchall()}
            cursor.execute("SELECT pg_relation_filenode(%s)", [oid])
            rewritten = cursor.fetchone() != (node,)
            transaction.set_rollback(True)
    finally:
        connection.close()
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE truth; DROP TABLE truth_author")
    read = any(text.startswith(("verifying table", "validating foreign key")) for text in said)
    lock = lock_of(statement)
    assert lock.mode.title().replace(" ", "") + "Lock" in modes
    stronger = {"ShareLock", "ShareRowExclusiveLock", "AccessExclusiveLock"} & modes
    assert lock.mode == "ACCESS EXCLUSIVE" or "AccessExclusiveLock" not in stronger
    assert (lock.duration == "rewrite") == rewritten
    if not rewritten:
        assert (lock.duration == "scan") == read


@pytest.mark.parametrize(
    "statement",
    [
        "-- For the list.\nCREATE INDEX x ON planned_book (pages)",
        "/* For the list. */ ALTER TABLE planned_book ALTER pages TYPE bigint",
        "ALTER TABLE planned_book ADD UNIQUE (title)",
        "ALTER TABLE planned_book SET LOGGED",
        "UPDATE planned_book SET pages = 1",
    ],
)
@on_postgres
def test_sql_with_a_comment_or_in_a_short_form_is_not_safe(statement: str):
    (step,) = plan_of(migrations.RunSQL(statement))
    assert not step.is_safe
    (step,) = plan_of(migrations.RunSQL([(statement, None)]))
    assert not step.is_safe


@on_postgres
@pytest.mark.parametrize(
    "later",
    [
        lambda: migrations.RunPython(lambda apps, editor: None),
        lambda: migrations.RunSQL("ALTER TABLE planned_book VALIDATE CONSTRAINT positive"),
    ],
)
def test_a_brief_lock_lasts_as_long_as_the_later_steps_of_its_migration(later: Any):
    first, second = plan_of(
        migrations.AddField("book", "code", models.IntegerField(null=True)), later()
    )
    assert first.is_safe
    assert not second.is_safe
    assert "Put them into two migrations" in second.keeps
    (alone,) = plan_of(later())
    assert alone.is_safe


@on_postgres
def test_a_table_between_two_models_is_new():
    (step,) = plan_of(
        migrations.AddField("book", "readers", models.ManyToManyField("planned.Author"))
    )
    assert step.table == "planned_book_readers"
    assert step.is_new
    assert step.is_safe


@on_postgres
def test_a_new_table_stays_new_when_it_is_renamed():
    steps = plan_of(
        migrations.CreateModel("Shop", [("id", models.BigAutoField(primary_key=True))]),
        migrations.RenameModel("Shop", "Store"),
        migrations.AlterModelTable("store", "stores"),
        migrations.AddField("store", "name", models.CharField(max_length=9, db_index=True)),
    )
    assert all(step.is_new and step.is_safe for step in steps)


@on_postgres
def test_a_longer_text_that_refuses_null_is_read():
    (step,) = plan_of(
        migrations.AlterField("book", "note", models.CharField(max_length=50, default=""))
    )
    assert {"rewrite"} <= {each.lock.duration for each in step.waits}
    assert lock_of(
        'ALTER TABLE "t" ALTER COLUMN "a" TYPE text, ALTER COLUMN "a" SET NOT NULL', keeps_rows=True
    ).duration == "scan"  # fmt: skip


@pytest.mark.parametrize(
    "operation",
    [
        lambda: migrations.AlterField("book", "pages", models.ManyToManyField("planned.Author")),
        pytest.param(
            lambda: concurrently(models.Index(fields=["pages"], name="p")),
            marks=pytest.mark.skipif("connection.vendor == 'postgresql'", reason="SQLite's"),
        ),
    ],
)
def test_an_operation_that_the_database_cannot_do_is_a_sentence(operation: Any):
    with pytest.raises(BadMigrationError, match=r"planned.0002_planned: .* cannot be applied to"):
        plan_of(operation())


def test_a_database_that_keeps_the_table_breaks_no_release():
    """A model without a table of its own, as one that a router sends to another database."""
    state = ProjectState()
    migrations.CreateModel(
        "Seen", [("id", models.BigAutoField(primary_key=True))], {"managed": False}
    ).state_forwards("planned", state)
    migration = migrations.Migration("0002_planned", "planned")
    migration.operations = [migrations.DeleteModel("Seen")]
    (step,) = steps_of(migration, state, connection, set())
    assert step.is_safe


@pytest.fixture
def planted(settings: Any) -> Iterator[None]:
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "tests.contrib.inspection.planted"]
    yield
    call_command("migrate", "planted", "zero", verbosity=0)


def run(*arguments: str, output: StringIO | None = None) -> str:
    output = StringIO() if output is None else output
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

    class Output(StringIO):
        """Frees the lock once a try is given up, however long that took."""

        def write(self, text: str, /) -> int:
            if "The next try" in text:
                free.set()
            return super().write(text)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert taken.wait(60)
        with pytest.raises(CommandError, match=r"not free within 0.2 seconds, 2 times"):
            run("apply", "--lock-timeout", "0.2", "--retries", "1", "--wait", "0.1")
        patient = ("--lock-timeout", "0.2", "--retries", "50", "--wait", "0.1")
        said = run("apply", *patient, output=Output())
        assert "The next try is in 0.1 seconds." in said
        assert "Every migration is applied." in run("plan")
        with connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            assert cursor.fetchone() == ("0",)
    finally:
        free.set()
        thread.join()


@pytest.mark.parametrize(
    "argument", [("--retries", "-1"), ("--lock-timeout", "0"), ("--wait", "-1")]
)
def test_a_number_that_means_nothing_is_a_sentence(argument: tuple[str, str]):
    with pytest.raises(CommandError, match="--lock-timeout is at least"):
        run("apply", *argument)


@pytest.mark.usefixtures("planted")
def test_an_inconsistent_history_is_a_sentence():
    MigrationRecorder(connection).record_applied("planted", "0002_width")
    try:
        with pytest.raises(CommandError, match=r"planted.0002_width is applied before"):
            run("plan")
    finally:
        MigrationRecorder(connection).record_unapplied("planted", "0002_width")


@on_postgres
def test_an_index_that_is_built_concurrently_waits_without_limit():
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '7s'")
        with connection.execute_wrapper(_wait_beside_others):
            found = []

            def look(execute: Any, sql: Any, *rest: Any) -> Any:
                if "CONCURRENTLY" in sql:
                    with connection.cursor() as own:
                        own.execute("SHOW lock_timeout")
                        found.append(own.fetchone())
                return execute(sql, *rest)

            with connection.execute_wrapper(look):
                cursor.execute("CREATE INDEX CONCURRENTLY kept ON project_tag (name)")
        cursor.execute("SHOW lock_timeout")
        assert (found, cursor.fetchone()) == ([("0",)], ("7s",))
        cursor.execute("DROP INDEX kept; RESET lock_timeout")


def test_a_database_that_is_not_there_is_a_sentence():
    with pytest.raises(CommandError, match="no database 'moon'"):
        run("plan", "--database", "moon")
