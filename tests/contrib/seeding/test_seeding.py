"""``manage.py matt_seed``: rows that obey the rules of every model of the tests."""

from collections.abc import Iterator
from io import StringIO
from random import Random
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.core.validators import RegexValidator
from django.db import connection, connections, transaction
from django.db import models as fields
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_matt.contrib.seeding import seeds
from django_matt.contrib.seeding.columns import maker_of
from django_matt.contrib.seeding.inserts import insert
from django_matt.contrib.seeding.management.commands.matt_seed import Command
from django_matt.contrib.seeding.rules import bounds_of
from django_matt.contrib.seeding.seeds import Batch, Seeds
from django_matt.contrib.seeding.words import words_of
from tests.project import models

pytestmark = pytest.mark.django_db

# A manager that fails without a tenant, and a key to a table by two columns.
OTHERS = {models.Account, models.Payment, models.Ticket}
MODELS = [
    each
    for each in apps.get_app_config("project").get_models()
    if each not in OTHERS and each._meta.managed
]


def run(*arguments: Any) -> str:
    output = StringIO()
    call_command(Command(), *map(str, arguments), "--force", stdout=output)
    return output.getvalue()


def all_of(model: Any) -> fields.QuerySet[Any]:
    return fields.QuerySet(model)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_rows_of_every_model_obey_its_rules(model: Any):
    said = run(model._meta.label, "--count", "120")
    assert model._meta.label in said
    assert all_of(model).count() == 120
    for instance in all_of(model)[:50]:
        # Blank is for forms: a file that is not there, and {}.
        empty = [f.name for f in model._meta.fields if f.is_relation or getattr(instance, f.attname, None) in f.empty_values]  # fmt: skip
        instance.clean_fields(exclude=empty)
    run(model._meta.label, "--count", "30")
    assert all_of(model).count() == 150


def test_the_same_seed_makes_the_same_rows():
    found = []
    for number in (1, 1, 2):
        with transaction.atomic():
            run("project.Edition", "--count", "50", "--seed", number)
            found.append(list(models.Edition.objects.values_list("isbn", "title", "volume")))
            transaction.set_rollback(True)
    assert found[0] == found[1] != found[2]


def test_what_is_referred_to_is_seeded_too_and_first():
    said = run("project.Book", "--count", "50").splitlines()
    assert [line.split()[0] for line in said] == ["project.Author", "project.Book"]
    assert "for project.Book.author" in said[0]
    assert models.Author.objects.count() == 5


def test_a_tree_grows_and_many_to_many_fields_are_filled():
    run("project.Tag", "project.Author", "project.Book", "--count", "60")
    assert models.Author.objects.filter(boss__isnull=False).exists()
    assert not models.Author.objects.filter(boss=fields.F("pk")).exists()
    assert models.Book.tags.through.objects.count() > 30


def test_a_count_may_be_of_one_model():
    run("project.Tag", "project.Author", "--count", "3", "--count", "project.Author=7")
    assert (models.Tag.objects.count(), models.Author.objects.count()) == (3, 7)


def test_a_dry_run_changes_nothing():
    said = run("project.Book", "--count", "1_000", "--dry-run")
    assert "1,000 rows" in said
    assert not models.Author.objects.exists()


def test_nobody_becomes_an_administrator():
    run("auth.User", "--count", "40")
    assert not User.objects.filter(is_superuser=True).exists()
    assert not User.objects.filter(is_staff=True).exists()
    assert not any(user.has_usable_password() for user in User.objects.all())


def test_functions_of_the_project_make_values(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(seeds, "_known", {})

    class TagSeeds(Seeds[models.Tag]):
        def name(self, batch: Batch) -> list[str]:
            return [f"tag {number}" for number in batch.numbers]

    run("project.Tag", "--count", "3")
    assert list(models.Tag.objects.values_list("name", flat=True)) == ["tag 0", "tag 1", "tag 2"]

    class ShortSeeds(Seeds[models.Tag]):
        def name(self, batch: Batch) -> list[str]:
            return []

    with pytest.raises(CommandError, match="returned 0 values for 2 rows"):
        run("project.Tag", "--count", "2")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["projet"], "no app 'projet'. Did you mean 'project'?"),
        (["project.Boook"], "no model 'Boook'. Did you mean 'Book'?"),
        (["class"], "no app 'class'"),
        (["project.Tag", "--count", "many"], "'many' is not a number"),
        (["project.Tag", "--count", "-1"], "not a number of rows"),
        (["project.Tag", "--database", "moon"], "no database 'moon'"),
    ],
)
def test_a_wrong_argument_is_a_sentence(arguments: list[str], says: str):
    with pytest.raises(CommandError, match=says):
        run(*arguments)


def test_production_needs_force(settings: Any):
    with pytest.raises(CommandError, match="Add --force"):
        call_command(Command(), "project.Tag")
    settings.DEBUG = True
    call_command(Command(), "project.Tag", stdout=StringIO())
    assert models.Tag.objects.count() == 100


class Flag(fields.Model):
    colour = fields.CharField(max_length=9, choices=models.Colour.choices, unique=True)

    class Meta:
        app_label = "project"
        managed = False


class Span(fields.Model):
    """Rules of one column, and of two."""

    first = fields.DateField()
    last = fields.DateField()
    pages = fields.IntegerField()
    code = fields.CharField(max_length=2, unique=True)
    size = fields.CharField(max_length=9, choices=[("s", "small"), ("l", "large")])
    share = fields.DecimalField(max_digits=3, decimal_places=2, null=True)

    class Meta:
        app_label = "project"
        managed = False
        constraints = [
            fields.CheckConstraint(
                condition=fields.Q(last__gt=fields.F("first"), pages__gte=5, pages__lt=9), name="c1"
            ),
            fields.CheckConstraint(condition=fields.Q(share__gt=0, share__lte=1), name="c2"),
            fields.CheckConstraint(condition=fields.Q(size__in=["s", "l"]), name="c3"),
        ]


class Pair(fields.Model):
    # With another action, deletes of tags in other tests would ask this table, which is not there.
    tag = fields.ForeignKey(models.Tag, fields.DO_NOTHING, related_name="+")
    size = fields.CharField(max_length=9, choices=[("s", "small"), ("l", "large")])

    class Meta:
        app_label = "project"
        managed = False
        unique_together = (("tag", "size"),)


class Link(fields.Model):
    """One row is active, and each follows one other."""

    active = fields.BooleanField()
    first = fields.BooleanField(null=True, unique=True)
    before = fields.OneToOneField("self", fields.SET_NULL, null=True)

    class Meta:
        app_label = "project"
        managed = False
        constraints = [
            fields.UniqueConstraint(
                fields=["active"], condition=fields.Q(active=True), name="one_is_active"
            )
        ]


class Odd(fields.Field):  # type: ignore[type-arg]
    """Of a type that nobody knows."""

    def db_type(self, connection: Any) -> str:
        return "text"


class Riddle(fields.Model):
    answer = Odd()

    class Meta:
        app_label = "project"
        managed = False


class Picky(fields.Model):
    code = fields.CharField(
        max_length=9, validators=[RegexValidator(r"^[A-Z]{3}$", "Three capitals.")]
    )

    class Meta:
        app_label = "project"
        managed = False


RULED = (Flag, Span, Pair, Link, Riddle, Picky)


@pytest.fixture
def ruled(transactional_db: None) -> Iterator[None]:
    with connection.schema_editor() as editor:
        for model in RULED:
            editor.create_model(model)
    yield
    with connection.schema_editor() as editor:
        for model in reversed(RULED):
            editor.delete_model(model)


@pytest.mark.usefixtures("ruled")
def test_checks_and_what_is_unique_together_are_obeyed():
    run("project.Span", "--count", "40")
    assert Span.objects.count() == 40
    run("project.Tag", "--count", "10")
    run("project.Pair", "--count", "20")
    assert Pair.objects.count() == 20
    run("project.Link", "--count", "9")
    assert Link.objects.count() == 9


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["project.Flag", "--count", "3"], "2 combinations"),
        (["project.Pair", "project.Tag", "--count", "3", "--count", "project.Pair=7"], "6 combin"),
        (["project.Span", "--count", "200"], "there is no 101th value"),
        (["project.Riddle"], "no value is known for it. Write a function"),
        (["project.Picky"], "a validator says: Three capitals"),
    ],
)
@pytest.mark.usefixtures("ruled")
def test_a_rule_that_cannot_be_obeyed_is_a_sentence_and_writes_nothing(
    arguments: list[str], says: str
):
    with pytest.raises(CommandError, match=says):
        run(*arguments)
    assert not apps.get_model(arguments[0]).objects.exists()  # type: ignore[attr-defined]


@pytest.mark.parametrize("needs_keys", [False, True], ids=["copy", "bulk_create"])
def test_both_ways_to_insert_write_the_same(needs_keys: bool):
    columns: dict[str, list[Any]] = {
        "title": ["a\tb\\n", "NULL"],
        "data": [{"a": [1, None]}, {}],
        "extra": [None, ["x"]],
        "made": [timezone.now()] * 2,
        "day": [timezone.now().date()] * 2,
        "changed": [timezone.now()] * 2,
    }
    with CaptureQueriesContext(connection) as queries:
        insert(models.Stamped, columns, "default", needs_keys=needs_keys)
    copied = any(each["sql"].startswith("COPY") for each in queries)
    assert copied == (connection.vendor == "postgresql" and not needs_keys)
    found = list(models.Stamped.objects.values_list("title", "data", "extra"))
    assert found == [("a\tb\\n", {"a": [1, None]}, None), ("NULL", {}, ["x"])]


@pytest.mark.parametrize(
    ("locale", "city", "letters"),
    [("de", "Köln", "äöüß"), ("fr", "Besançon", "éèêç"), ("es", "Cádiz", "áéíóñ"), ("en", "London", "")],
)  # fmt: skip
def test_names_and_texts_are_of_the_locale(locale: str, city: str, letters: str):
    class Person(fields.Model):
        first_name = fields.CharField(max_length=30)
        city = fields.CharField(max_length=30)
        email = fields.EmailField()
        slug = fields.SlugField()
        username = fields.CharField(max_length=30, unique=True)
        phone = fields.CharField(max_length=20)
        note = fields.TextField()
        name = fields.CharField(max_length=60)

        class Meta:
            app_label = "project"
            managed = False

    apps.all_models["project"].pop("person")
    words = words_of(f"{locale}-XX")
    made: dict[str, list[Any]] = {}
    for column in Person._meta.concrete_fields[1:]:
        counted = column.attname == "username"
        make = maker_of(column, bounds_of(column), counted=counted)
        batch = Batch(start=0, size=400, random=Random(1), using="default", words=words)
        made[column.attname] = make(batch)
        for value in made[column.attname]:
            column.clean(value, None)
    assert city in made["city"]
    assert set(letters) <= set("".join([*made["note"], *made["name"], *made["first_name"]]).lower())
    assert all(text.isascii() for name in ("email", "slug", "username") for text in made[name])
    assert len(set(made["phone"])) > 20
    assert all(len(text) == len(words.phone) for text in made["phone"])


def test_a_locale_changes_what_is_written_and_one_without_words_is_a_sentence():
    run("auth.User", "--count", "200", "--locale", "de")
    names = set(User.objects.values_list("first_name", flat=True))
    assert names <= set(words_of("de").first_names)
    assert "Jürgen" in names
    assert all(name.isascii() for name in User.objects.values_list("username", flat=True))
    with pytest.raises(CommandError, match="no words for"):
        run("auth.User", "--locale", "tlh")


def test_resume_adds_only_what_is_missing():
    run("project.Tag", "--count", "30")
    said = run("project.Tag", "project.Author", "--count", "50", "--resume")
    assert "20 rows" in said
    assert (models.Tag.objects.count(), models.Author.objects.count()) == (50, 50)
    said = run("project.Tag", "--count", "10", "--resume")
    assert "has its 10 rows" in said
    assert models.Tag.objects.count() == 50


def test_a_database_that_only_reads_is_a_sentence():
    is_postgres = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        # PostgreSQL's lasts as long as the transaction of this test.
        cursor.execute("SET TRANSACTION READ ONLY" if is_postgres else "PRAGMA query_only = 1")
    try:
        with pytest.raises(CommandError, match=r"'default' answered: .*read.*may its user write"):
            run("project.Tag")
    finally:
        if not is_postgres:
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA query_only = 0")


@pytest.mark.parametrize(
    ("database", "says"),
    [
        ({"ENGINE": "django.db.backends.sqlite3", "NAME": "/nowhere/db.sqlite3"}, "unable to open"),
        ({"ENGINE": "django.db.backends.postgresql", "NAME": "x", "HOST": "/nowhere"}, "nowhere"),
        ({}, "ENGINE"),
    ],
    ids=["sqlite", "postgresql", "none"],
)
def test_a_database_that_is_not_there_is_a_sentence(
    database: dict[str, str], says: str, monkeypatch: pytest.MonkeyPatch, django_db_blocker: Any
):
    configured = connections.configure_settings({"default": {}, "gone": database})
    monkeypatch.setitem(connections.settings, "gone", configured["gone"])
    try:
        with (
            django_db_blocker.unblock(),
            pytest.raises(CommandError, match=rf"'gone' answered: .*{says}.*Is it running"),
        ):
            run("project.Tag", "--database", "gone")
    finally:
        del connections["gone"]
