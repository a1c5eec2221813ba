"""The migration operations, what Django does to tables that have an index, and the checks about both."""

import io
from typing import Any

import pytest
from django.core.checks import Tags, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection, models
from django.db.migrations import AlterField, Migration, RenameField
from django.db.migrations.state import ModelState, ProjectState
from django.db.migrations.writer import OperationWriter
from django.test.utils import isolate_apps

from django_matt.contrib.search import indexes
from django_matt.contrib.search.checks import check_databases, check_indexes
from django_matt.contrib.search.definitions import define
from django_matt.contrib.search.indexes import SearchIndex
from django_matt.contrib.search.operations import AddSearchIndex, RemoveSearchIndex
from django_matt.contrib.search.receivers import restore_triggers
from django_matt.contrib.search.services import inspect, operation_of
from django_matt.contrib.search.storages import storage_of
from tests.contrib.search.shelf.models import Book, Draft, Note
from tests.contrib.search.shelf.search import BookIndex, DraftIndex

pytestmark = pytest.mark.django_db(transaction=True)


def test_makemigrations_finds_nothing_to_do():
    call_command("makemigrations", "shelf", check=True, dry_run=True, stdout=io.StringIO())


def test_the_operation_is_written_as_it_is():
    operation = operation_of(BookIndex)
    text, imports = OperationWriter(operation, indentation=0).serialize()
    assert "AddSearchIndex(" in text
    assert "dimensions=32" in text
    assert imports == {"import django_matt.contrib.search.operations"}
    assert repr(AddSearchIndex("Book", words={"title": "A"}, language="german")) == (
        "AddSearchIndex('Book', words={'title': 'A'}, language='german')"
    )
    assert operation.describe() == "Create the search index of Book"
    assert operation.migration_name_fragment == "book_search"


def migrate(*operations: Any, backwards: bool = False) -> None:
    """Apply a migration of an app of its own to the models that the tests have."""
    before = ProjectState()
    for model in (Draft,):
        before.add_model(ModelState.from_model(model))
    migration = Migration("next", "shelf")
    migration.operations = list(operations)
    with connection.schema_editor(atomic=True) as editor:
        if backwards:
            after = migration.mutate_state(before, preserve=True)
            assert after
            migration.unapply(before, editor)
        else:
            migration.apply(before, editor)


@pytest.fixture
def clean():
    yield
    with connection.schema_editor() as editor:
        DraftIndex.storage("default").drop(editor.execute)
    indexes._BUILT.clear()


@pytest.mark.usefixtures("clean")
def test_an_index_is_created_with_the_rows_that_there_are_replaced_and_dropped():
    draft = Draft.objects.create(title="Harbour")
    assert inspect(DraftIndex, "default").state == "missing"
    migrate(AddSearchIndex("Draft", words={"title": "A"}))
    assert list(DraftIndex.search("harbour")) == [draft]

    indexes._BUILT.clear()
    migrate(AddSearchIndex("Draft", words={"title": "B"}))
    assert inspect(DraftIndex, "default").state == "outdated"
    with pytest.raises(indexes.IndexNotBuilt):
        DraftIndex.search("harbour")

    migrate(RemoveSearchIndex("Draft", words={"title": "B"}))
    assert inspect(DraftIndex, "default").state == "missing"
    migrate(RemoveSearchIndex("Draft", words={"title": "A"}), backwards=True)
    assert inspect(DraftIndex, "default").state == "current"
    migrate(AddSearchIndex("Draft", words={"title": "A"}), backwards=True)
    assert inspect(DraftIndex, "default").state == "missing"
    Draft.objects.create(title="Written without an index")


@pytest.mark.usefixtures("clean")
def test_a_changed_column_keeps_its_index():
    Draft.objects.create(title="Harbour")
    migrate(
        AddSearchIndex("Draft", words={"title": "A"}),
        AlterField("Draft", "title", models.CharField(max_length=300)),
    )
    # What `migrate` sends at its end.
    restore_triggers(DraftIndex.model._meta.app_config, "default")
    Draft.objects.create(title="Another harbour")
    assert inspect(DraftIndex, "default").state == "current"
    assert len(DraftIndex.search("harbour")) == 2
    migrate(AlterField("Draft", "title", models.CharField(max_length=200)))


@pytest.mark.usefixtures("clean")
def test_rows_that_are_written_while_the_triggers_are_gone_are_indexed_with_them():
    migrate(AddSearchIndex("Draft", words={"title": "A"}))
    if connection.vendor != "sqlite":
        pytest.skip("only SQLite loses triggers")
    storage = DraftIndex.storage("default")
    with connection.cursor() as cursor:
        storage._drop_triggers(cursor.execute)  # type: ignore[attr-defined]
    Draft.objects.create(title="Harbour")
    assert inspect(DraftIndex, "default").state == "outdated"
    restore_triggers(DraftIndex.model._meta.app_config, "default")
    assert len(DraftIndex.search("harbour")) == 1


@pytest.mark.usefixtures("clean")
def test_a_renamed_column_with_its_index():
    Draft.objects.create(title="Harbour")
    migrate(
        AddSearchIndex("Draft", words={"title": "A"}),
        RenameField("Draft", "title", "name"),
        AddSearchIndex("Draft", words={"name": "A"}),
    )
    with connection.cursor() as cursor:
        cursor.execute("UPDATE shelf_draft SET name = 'Garden'")
    back = ProjectState()
    back.add_model(ModelState.from_model(Draft))
    renamed = RenameField("Draft", "title", "name")
    after = back.clone()
    renamed.state_forwards("shelf", after)
    with connection.schema_editor(atomic=True) as editor:
        AddSearchIndex("Draft", words={"name": "A"}).database_backwards(
            "shelf", editor, after, after
        )
        renamed.database_backwards("shelf", editor, after, back)
    assert Draft.objects.get().title == "Garden"


def test_the_checks_of_the_database_name_the_operation():
    (found,) = check_databases(databases=["default"])
    assert (found.id, found.obj) == ("matt_search.W004", DraftIndex)
    assert "AddSearchIndex('Draft', words={'title': 'A'})" in str(found.hint)
    assert check_databases(databases=None) == []
    assert [each.id for each in run_checks(tags=[Tags.database], databases=["default"])] == [
        "matt_search.W004"
    ]


def test_checks_of_missing_libraries(monkeypatch):
    assert check_indexes() == []
    monkeypatch.setattr("django_matt.contrib.search.checks.find_spec", lambda name: None)
    found = check_indexes()
    assert {each.id for each in found} == {"matt_search.E002"}
    assert {each.obj for each in found} >= {BookIndex}
    assert "vectors" in str(found[0].hint)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="about PostgreSQL's extension")
@pytest.mark.parametrize("version", [None, (0, 7)])
def test_checks_of_an_old_or_missing_pgvector(monkeypatch, version):
    monkeypatch.setattr("django_matt.contrib.search.checks._pgvector", lambda connection: version)
    ids = [each.id for each in check_databases(databases=["default"])]
    assert ids.count("matt_search.E003") == 2


@pytest.mark.skipif(connection.vendor != "sqlite", reason="about SQLite's vectors")
def test_a_check_of_many_vectors_without_sqlite_vec(monkeypatch):
    Book.objects.bulk_create([Book(title="one"), Book(title="two")])
    BookIndex.embed()
    monkeypatch.setattr("django_matt.contrib.search.checks._SLOW", 1)
    monkeypatch.setattr("django_matt.contrib.search.checks.can_load_extensions", lambda: False)
    assert "matt_search.W005" in [each.id for each in check_databases(databases=["default"])]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"words": {}}, "no words"),
        ({"words": {"nothing": "A"}}, "not a field"),
        ({"words": {"pages": "A"}}, "not a text"),
        ({"words": {"title": "E"}}, "A, B, C or D"),
        ({"words": {"title": "AB"}}, "A, B, C or D"),
        ({"words": {"title": "A"}, "filters": ["nothing"]}, "not a field"),
        ({"words": {"title": "A"}, "language": "english'; --"}, "not a language"),
        ({"words": {"title": "A"}, "dimensions": 4_001}, "4000"),
        ({"words": {"title": "A"}, "dimensions": -1}, "4000"),
    ],
)
def test_definitions_that_are_refused(options, message):
    with pytest.raises(ImproperlyConfigured, match=message):
        define(Book, **options)


@isolate_apps("tests.project")
def test_models_that_cannot_have_an_index():
    class Parent(models.Model):
        title: Any = models.CharField(max_length=10)

        class Meta:
            app_label = "project"

    class Child(Parent):
        class Meta:
            app_label = "project"

    class Day(models.Model):
        day: Any = models.DateField(primary_key=True)
        text: Any = models.TextField()

        class Meta:
            app_label = "project"

    class Pair(models.Model):
        pk = models.CompositePrimaryKey("a", "b")
        a: Any = models.IntegerField()
        b: Any = models.CharField(max_length=10)

        class Meta:
            app_label = "project"

    with pytest.raises(ImproperlyConfigured, match="not in the table"):
        define(Child, {"title": "A"})
    with pytest.raises(ImproperlyConfigured, match="not a number, a text or a UUID"):
        define(Day, {"text": "A"})
    with pytest.raises(ImproperlyConfigured, match="composite"):
        define(Pair, {"b": "A"})


def test_a_wrong_index_is_reported_by_the_check(monkeypatch):
    monkeypatch.setattr(BookIndex, "words", {"pages": "A"})
    (found,) = check_indexes()
    assert (found.id, "not a text" in found.msg) == ("matt_search.E001", True)


def test_two_indexes_of_one_model_are_refused():
    with pytest.raises(ImproperlyConfigured, match="two search indexes"):

        class SecondIndex(SearchIndex):
            model = Note
            words = {"text": "A"}


def test_another_database_is_refused():
    class Other:
        vendor, alias = "oracle", "default"

    with pytest.raises(ImproperlyConfigured, match="oracle"):
        storage_of(BookIndex.definition(), Other())


def test_names_of_tables_are_short_enough(monkeypatch):
    monkeypatch.setattr(Book._meta, "db_table", "a" * 60)
    storage = BookIndex.storage("default")
    names = [storage.words, storage.vectors, storage.trigger]
    assert len(set(names)) == 3
    assert max(map(len, names)) <= 63


@pytest.mark.usefixtures("clean")
@isolate_apps("tests.project")
@pytest.mark.parametrize("name", ["words", "search_words"])
def test_the_table_of_a_many_to_many_field_is_never_dropped(name):
    state = ProjectState()
    field = models.ManyToManyField("shelf.Reader")
    fields = [("id", models.AutoField(primary_key=True)), ("title", models.TextField())]
    state.add_model(ModelState("shelf", "Reader", fields[:1]))
    state.add_model(ModelState("shelf", "Draft", [*fields, (name, field)]))
    through = state.apps.get_model("shelf", "Draft")._meta.get_field(name).remote_field.through
    with connection.schema_editor() as editor:
        editor.create_model(through)
    operation = AddSearchIndex("Draft", words={"title": "A"})
    try:
        if name == "search_words":
            refused = pytest.raises(ImproperlyConfigured, match="a model has one of them")
            with refused, connection.schema_editor() as editor:
                operation.database_forwards("shelf", editor, state, state)
        else:
            with connection.schema_editor() as editor:
                operation.database_forwards("shelf", editor, state, state)
        assert list(through.objects.values_list("draft_id", "reader_id")) == []
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(through)


@pytest.mark.usefixtures("clean")
@isolate_apps("tests.project")
def test_an_index_leaves_those_of_tables_whose_names_begin_with_its_own():
    class Longer(models.Model):
        title = models.TextField()

        class Meta:
            app_label = "shelf"
            db_table = "shelf_draft_search"

    storage = storage_of(define(Longer, {"title": "A"}), connection)
    with connection.schema_editor() as editor:
        editor.create_model(Longer)
        storage.create(editor.execute)
    try:
        migrate(AddSearchIndex("Draft", words={"title": "A"}))
        assert storage.is_current()
    finally:
        with connection.schema_editor() as editor:
            storage.drop(editor.execute)
            editor.delete_model(Longer)


@isolate_apps("tests.project")
def test_columns_with_the_names_of_those_of_the_index_are_refused():
    class Comment(models.Model):
        rank = models.TextField()
        document = models.TextField()
        object_id = models.IntegerField()

        class Meta:
            app_label = "shelf"

    assert define(Comment, {"document": "A"}, filters=["rank"])
    for words, filters in (
        ({"rank": "A"}, []),
        ({"document": "A"}, ["object_id"]),
        ({"document": "A"}, ["id"]),
        ({"document": "A"}, ["document"]),
        ({"document": "A"}, ["rank", "rank"]),
    ):
        with pytest.raises(ImproperlyConfigured, match="column of the index"):
            define(Comment, words, filters=filters)
