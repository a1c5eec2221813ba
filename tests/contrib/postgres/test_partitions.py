"""Partitions: rows go where their time is, the next partitions are created, old ones are deleted."""

import uuid
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, migrations, models
from django.db.migrations.state import ProjectState
from django.db.migrations.writer import OperationWriter

from django_matt.contrib.postgres.operations import PartitionBy
from django_matt.contrib.postgres.partitions import Partitioned, find_partitioned

from .conftest import postgres

CREATE = migrations.CreateModel(
    name="Reading",
    fields=[
        (
            "pk",
            models.CompositePrimaryKey(
                "id", "at", blank=True, editable=False, primary_key=True, serialize=False
            ),
        ),
        ("id", models.UUIDField(default=uuid.uuid4)),
        ("at", models.DateTimeField(db_index=True)),
        ("value", models.IntegerField()),
    ],
)
PARTITION = PartitionBy("Reading", "at", "month")


@pytest.fixture
def readings() -> Any:
    """The model of a migration that creates and partitions a table."""
    migration = type("Migration", (migrations.Migration,), {"operations": [CREATE, PARTITION]})
    state = ProjectState()
    with connection.schema_editor() as editor:
        after = migration("0001_initial", "gauges").apply(state, editor)
    yield after.apps.get_model("gauges", "Reading")
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE gauges_reading")


def run(*arguments: str) -> list[str]:
    output = StringIO()
    call_command("matt_partitions", *arguments, stdout=output)
    return output.getvalue().splitlines()


def rows_of(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(table)}")
        return int(cursor.fetchone()[0])


@postgres
@pytest.mark.django_db(transaction=True)
def test_rows_go_into_partitions_that_are_created_and_deleted(readings):
    now = datetime.now(UTC)
    readings.objects.create(at=now, value=1)
    current = f"gauges_reading_{now:%Y_%m}"
    assert (rows_of(current), readings.objects.count()) == (1, 1)
    planned = run("--dry-run", "--ahead", "3")
    assert len(planned) == 2
    assert planned == run("--ahead", "3")
    assert run("--ahead", "3") == []
    (found,) = find_partitioned(connection)
    assert len(found.partitions) == 4
    old = "gauges_reading_2020_01"
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE {old} PARTITION OF gauges_reading FOR VALUES FROM ('2020-01-01') TO ('2020-02-01')"
        )
    readings.objects.create(at=datetime(2020, 1, 5, tzinfo=UTC), value=2)
    assert run("--drop-older", "24", "--dry-run") == [f"delete {old}"]
    assert readings.objects.count() == 2
    assert run("--drop-older", "24") == [f"delete {old}"]
    assert readings.objects.count() == 1


@postgres
@pytest.mark.django_db(transaction=True)
def test_rows_in_the_default_partition_are_reported(readings):
    readings.objects.create(at=datetime.now(UTC) + timedelta(days=70), value=1)
    with pytest.raises(CommandError, match="default"):
        run("--ahead", "3")
    assert readings.objects.count() == 1


@postgres
@pytest.mark.django_db(transaction=True)
def test_an_empty_table_is_one_table_again_when_the_migration_is_reversed(readings):
    state = ProjectState()
    CREATE.state_forwards("gauges", state)

    def reverse() -> None:
        with connection.schema_editor() as editor:
            PARTITION.database_backwards("gauges", editor, state, ProjectState())

    reading = readings.objects.create(at=datetime.now(UTC), value=1)
    with pytest.raises(ValueError, match="has rows"):
        reverse()
    reading.delete()
    reverse()
    assert find_partitioned(connection) == []
    readings.objects.create(at=datetime.now(UTC), value=1)


def test_the_next_and_the_old_partitions_follow_the_calendar():
    months = Partitioned(
        "t",
        "month",
        {
            date(2023, 11, 1): "t_2023_11",
            date(2023, 12, 1): "t_2023_12",
            date(2024, 1, 1): "t_2024_01",
        },
    )
    assert [name for name, *_ in months.missing(date(2024, 1, 31), 1)] == ["t_2024_02"]
    assert list(months.older(date(2024, 1, 31), 1)) == ["t_2023_11"]
    assert list(months.older(date(2024, 1, 31), 0)) == ["t_2023_11", "t_2023_12"]
    days = [name for name, *_ in Partitioned("t", "day", {}).missing(date(2024, 2, 28), 2)]
    assert days == ["t_2024_02_28", "t_2024_02_29", "t_2024_03_01"]
    years = [
        (start, end)
        for _, start, end in Partitioned("t", "year", {}).missing(date(2024, 12, 31), 0)
    ]
    assert years == [(date(2024, 1, 1), date(2025, 1, 1))]


def test_a_migration_writes_the_operation_again():
    text, imports = OperationWriter(PARTITION, indentation=0).serialize()
    assert "PartitionBy(" in text
    assert any("django_matt.contrib.postgres.operations" in each for each in imports)
    week: Any = "week"
    with pytest.raises(ValueError, match="must be one of"):
        PartitionBy("Reading", "at", week)


@pytest.mark.skipif(connection.vendor == "postgresql", reason="of another database")
@pytest.mark.django_db(transaction=True)
def test_on_another_database_the_table_stays_as_it_is(readings):
    readings.objects.create(at=datetime.now(UTC), value=1)
    with pytest.raises(CommandError, match="needs PostgreSQL"):
        run()
