"""``manage.py matt_inspect``: what it finds in tables that differ from their models, or cost time."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections

from django_matt.contrib.inspection.management.commands.matt_inspect import Command
from django_matt.contrib.inspection.management.commands.matt_migrations import (
    Command as Migrations,
)
from django_matt.contrib.inspection.schemas import Finding
from django_matt.contrib.inspection.services import _numbers, inspect
from tests.project.models import Author, Book, Edition, Receipt, Tag

pytestmark = pytest.mark.django_db
VERBS = ("plan", "check", "apply", "squash-advice")


def run(*arguments: str) -> str:
    output = StringIO()
    call_command(Command(), *arguments, stdout=output, no_color=True)
    return output.getvalue()


def findings_of(*models: Any) -> list[Finding]:
    return inspect("default", list(models)).findings


def execute(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def test_tables_have_rows_sizes_and_indexes():
    Tag.objects.bulk_create([Tag(name="x" * 40) for _ in range(500)])
    if connection.vendor == "postgresql":
        execute("ANALYZE project_tag")
    (table,) = inspect("default", [Tag]).tables
    assert (table.name, table.model, table.rows) == ("project_tag", "project.Tag", 500)
    assert table.exact == (connection.vendor != "postgresql")
    assert any(index.primary for index in table.indexes) or connection.vendor == "sqlite"
    if connection.vendor == "postgresql":
        assert (table.bytes or 0) > 20_000
        assert (table.index_bytes or 0) > 0
        assert table.dead_rows is not None
    said = run("project.Tag")
    assert "project_tag" in said
    assert "500" in said


def test_tables_as_the_models_say_have_no_errors():
    report = inspect("default")
    assert len(report.tables) > 20
    errors = [each for each in report.findings if each.level == "error"]
    # Two models of other tests have no table.
    assert all(each.id == "missing_table" for each in errors)
    found = {each.id for each in findings_of(Author, Book, Edition, Receipt)}
    # Rows of other tests, which were rolled back, may be many.
    assert found - {"dead_rows"} == {"repeated_index"}


def test_a_column_that_is_missing_and_one_that_nobody_knows_are_errors():
    execute(
        "ALTER TABLE project_tag RENAME COLUMN name TO label",
    )
    found = {each.id: each for each in findings_of(Tag)}
    assert found["missing_column"].message == "project.Tag.name has no column 'name'."
    assert found["unknown_column"].level == "error"
    assert "every insert needs a value" in found["unknown_column"].message


def test_an_optional_column_that_nobody_knows_is_a_warning():
    execute("ALTER TABLE project_tag ADD COLUMN old integer")
    (found,) = findings_of(Tag)
    assert (found.id, found.level) == ("unknown_column", "warning")


def test_a_table_that_is_missing_is_an_error_and_one_without_a_model_is_said():
    execute("ALTER TABLE project_tag RENAME TO project_label")
    report = inspect("default")
    found = {(each.id, each.table) for each in report.findings}
    assert ("missing_table", "project_tag") in found
    assert ("table_without_model", "project_label") in found


def test_a_foreign_key_without_an_index_is_found():
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, "project_book")
    for name, value in constraints.items():
        if value["columns"] == ["editor_id"] and value["index"] and not value["foreign_key"]:
            execute(f'DROP INDEX "{name}"')
    (found,) = findings_of(Book)
    assert found.id == "foreign_key_without_index"
    assert "'editor_id'" in found.message
    assert "project_author" in found.message


def test_an_index_that_another_one_begins_with_is_found():
    execute(
        'CREATE INDEX long_one ON project_book ("author_id", "title")',
        'CREATE INDEX same_one ON project_book ("author_id", "title")',
    )
    found = [each for each in findings_of(Book) if each.id == "repeated_index"]
    assert len(found) == 2
    assert any("same_one is the beginning of long_one" in each.message for each in found)


def test_an_index_of_some_rows_repeats_none_and_serves_no_foreign_key():
    execute('CREATE INDEX few_rows ON project_book ("author_id") WHERE price > 3')
    assert findings_of(Book) == []


def test_an_index_in_another_order_repeats_none():
    execute(
        'CREATE INDEX down_one ON "project_book" ("price" DESC, "title")',
        'CREATE INDEX up_one ON "project_book" ("price", "title")',
    )
    assert findings_of(Book) == []


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="PostgreSQL's indexes")
@pytest.mark.parametrize(
    "indexes",
    [
        ["i (price, title) WHERE price > 3", "j (price) INCLUDE (title)"],
        ["i (title text_pattern_ops)", "j (title)"],
        ['i (title COLLATE "C")', "j (title)"],
        ["i (price) INCLUDE (title)", "j (price, author_id)"],
    ],
)
def test_an_index_that_does_other_work_repeats_none(indexes: list[str]):
    for index in indexes:
        execute(f"CREATE INDEX {index.replace(' (', ' ON project_book (', 1)}")
    assert findings_of(Book) == []


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="PostgreSQL's indexes")
def test_an_index_whose_columns_another_carries_is_repeated():
    execute(
        "CREATE INDEX i ON project_book (price)",
        "CREATE INDEX j ON project_book (price) INCLUDE (title)",
    )
    (found,) = findings_of(Book)
    assert "The index i is the beginning of j" in found.message
    execute("DROP INDEX i", "CREATE INDEX k ON project_book (price, title)")
    (found,) = findings_of(Book)
    assert "The index j is the beginning of k" in found.message


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="PostgreSQL's indexes")
def test_an_invalid_index_serves_no_foreign_key():
    execute(
        "UPDATE pg_index SET indisvalid = false WHERE indrelid = 'project_book'::regclass "
        "AND indkey::text = (SELECT attnum::text FROM pg_attribute WHERE attrelid = indrelid AND attname = 'editor_id')"
    )
    (found,) = findings_of(Book)
    assert found.id == "foreign_key_without_index"


def test_an_index_that_begins_with_an_expression_serves_no_foreign_key():
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, "project_book")
    for name, value in constraints.items():
        if value["columns"] == ["editor_id"] and value["index"] and not value["foreign_key"]:
            execute(f'DROP INDEX "{name}"')
    execute('CREATE INDEX words ON project_book (lower(title), "editor_id")')
    assert {each.id for each in findings_of(Book)} == {"foreign_key_without_index"}


def test_the_table_of_an_unmanaged_model_is_known(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Receipt._meta, "managed", False)
    tables = {each.table for each in inspect("default").findings}
    assert Receipt._meta.db_table not in tables


def test_a_model_that_a_router_sends_elsewhere_has_no_missing_table(settings: Any):
    class Elsewhere:
        def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
            return False

    settings.DATABASE_ROUTERS = [Elsewhere()]
    execute("ALTER TABLE project_tag RENAME TO project_label")
    assert findings_of(Tag) == []


def test_a_table_with_the_name_of_a_schema_is_not_called_missing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Tag._meta, "db_table", '"other"."project_tag"')
    assert findings_of(Tag) == []


def test_numbers_that_run_out_are_found():
    found = list(_numbers([("t", "id", "integer", 2**31 - 10), ("t", "n", "bigint", 5)], {"t"}))
    assert [(each.id, each.level) for each in found] == [("numbers_run_out", "error")]
    assert list(_numbers([("u", "id", "smallint", 2**15 - 1)], {"t"})) == []


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no sequences")
def test_the_numbers_of_a_sequence_are_read():
    execute(
        "ALTER TABLE project_tag ALTER COLUMN id TYPE integer",
        "SELECT setval(pg_get_serial_sequence('project_tag', 'id'), 1900000000)",
    )
    found = {each.id: each for each in findings_of(Tag)}
    assert found["numbers_run_out"].message.startswith("88% of the numbers of 'id'")


def test_json_has_everything():
    found = json.loads(run("project.Book", "--format", "json"))
    assert found["vendor"] == connection.vendor
    assert {index["name"] for index in found["tables"][0]["indexes"]}


def test_ci_fails_on_what_it_names():
    execute("ALTER TABLE project_tag ADD COLUMN old integer")
    run("project.Tag", "--fail-on", "error")
    with pytest.raises(CommandError, match="1 findings of the level warning"):
        run("project.Tag", "--fail-on", "warning")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["projet"], "projet"), (["project.Boook"], "Boook"), (["--database", "moon"], "moon")],
)
def test_a_wrong_argument_is_a_sentence(arguments: list[str], says: str):
    with pytest.raises(CommandError, match=says):
        run(*arguments)


@pytest.mark.parametrize(
    ("database", "says"),
    [({"ENGINE": "django.db.backends.sqlite3", "NAME": "/nowhere/db.sqlite3"}, "open"), ({}, "ENGINE")],
    ids=["no file", "no engine"],
)  # fmt: skip
def test_a_database_that_does_not_answer_is_a_sentence(
    database: dict[str, str], says: str, monkeypatch: pytest.MonkeyPatch, django_db_blocker: Any
):
    configured = connections.configure_settings({"default": {}, "gone": database})
    monkeypatch.setitem(connections.settings, "gone", configured["gone"])
    commands = [(Command(), ()), *((Migrations(), (verb,)) for verb in VERBS)]
    try:
        for command, verbs in commands:
            with (
                django_db_blocker.unblock(),
                pytest.raises(CommandError, match=rf"The database 'gone' answered: .*{says}"),
            ):
                call_command(command, *verbs, "--database", "gone", stdout=StringIO())
    finally:
        del connections["gone"]
