"""``manage.py matt_seed``: models of shapes that the models of the tests do not have."""

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError
from django.db import connection
from django.db import models as fields
from django.db.models import CheckConstraint, F, Q, UniqueConstraint

from django_matt.contrib.seeding.services import plan
from tests.contrib.seeding.test_kinds import assert_obeyed
from tests.contrib.seeding.test_seeding import run
from tests.project.models import Author, Book, Tag

pytestmark = pytest.mark.django_db(transaction=True)
KINDS = [("a", "A"), ("b", "B")]


class Unmade(fields.Model):
    """Has a table only in these tests."""

    class Meta:
        abstract = True
        app_label = "project"
        managed = False


class Shift(Unmade):
    """Checks of moments, times and durations, far from what is made without one."""

    begins = fields.DateTimeField()
    lunch = fields.TimeField()
    opens = fields.TimeField()
    tea = fields.TimeField()
    name = fields.CharField(max_length=9)
    takes = fields.DurationField()
    day = fields.DateField()
    code = fields.DateField(unique=True)
    start = fields.DateField()
    end = fields.DateField(null=True)

    class Meta(Unmade.Meta):
        constraints = [
            CheckConstraint(condition=Q(begins__gte=datetime(2030, 1, 1, tzinfo=UTC)), name="sh1"),
            CheckConstraint(condition=Q(lunch__gte=time(12)), name="sh2"),
            CheckConstraint(condition=Q(tea__gt=F("opens")), name="sh6"),
            CheckConstraint(condition=Q(name__lte=F("name")), name="sh7"),
            CheckConstraint(condition=Q(opens__lt=F("tea")), name="sh8"),
            CheckConstraint(
                condition=Q(end__gt=F("start"), end__gte=date(2025, 1, 1)),
                name="sh9",
            ),
            CheckConstraint(condition=Q(takes__lte=timedelta(minutes=30)), name="sh3"),
            CheckConstraint(condition=Q(day__gt=date(2030, 1, 1)), name="sh4"),
            CheckConstraint(condition=Q(code__gt=date(2030, 1, 1)), name="sh5"),
        ]


class Visit(Unmade):
    """May be without an end."""

    start = fields.DateField()
    end = fields.DateField(null=True)

    class Meta(Unmade.Meta):
        constraints = [CheckConstraint(condition=Q(end__gte=F("start")), name="vi1")]


class Debt(Unmade):
    """Numbers below zero."""

    sum = fields.DecimalField(max_digits=5, decimal_places=2)
    rate = fields.FloatField()
    days = fields.IntegerField()

    class Meta(Unmade.Meta):
        constraints = [
            CheckConstraint(condition=Q(sum__lte=-5, rate__lt=-5, days__range=(-9, -5)), name="de1")
        ]


class Active(Unmade):
    """One row is active, of those that are not gone."""

    active = fields.BooleanField()
    gone = fields.DateTimeField(null=True)

    class Meta(Unmade.Meta):
        constraints = [
            UniqueConstraint(
                fields=["active"], condition=Q(active=True, gone__isnull=True), name="ac1"
            )
        ]


class Digest(Unmade):
    bytes = fields.BinaryField(unique=True, max_length=4)
    data = fields.JSONField(unique=True)
    password = fields.CharField(max_length=20)


class Place(Unmade):
    name = fields.CharField(max_length=3, unique=True)


class Cafe(Place):
    """A column of another table is unique."""

    seats = fields.IntegerField()

    class Meta(Unmade.Meta):
        pass


class Sticker(Unmade):
    """Has no automatic key, so that the number of its rows is all there is."""

    id = fields.UUIDField(primary_key=True, default=uuid.uuid4)
    code = fields.CharField(max_length=3, unique=True)


class Branch(Unmade):
    """A tree whose nodes are unique in their parent."""

    parent = fields.ForeignKey("self", fields.CASCADE, null=True)
    kind = fields.CharField(max_length=1, choices=KINDS)

    class Meta(Unmade.Meta):
        unique_together = (("parent", "kind"),)


class Like(Unmade):
    """One of each author for each object."""

    # With another action, deletes of authors in other tests would ask this table, which is not there.
    kind = fields.ForeignKey(ContentType, fields.DO_NOTHING, related_name="+")
    key = fields.PositiveIntegerField()
    target = GenericForeignKey("kind", "key")
    author = fields.ForeignKey(Author, fields.DO_NOTHING, related_name="+")

    class Meta(Unmade.Meta):
        unique_together = (("kind", "key", "author"),)


class Friend(Unmade):
    friends = fields.ManyToManyField("self")


class Either(Unmade):
    """A rule that only the database understands."""

    a = fields.IntegerField()
    b = fields.IntegerField()

    class Meta(Unmade.Meta):
        constraints = [CheckConstraint(condition=Q(a=-1) | Q(b=-1), name="ei1")]


class Between(Unmade):
    low = fields.IntegerField()
    value = fields.IntegerField()

    class Meta(Unmade.Meta):
        constraints = [CheckConstraint(condition=Q(value__range=(F("low"), -1)), name="be1")]


@pytest.fixture
def made() -> Iterator[Callable[..., None]]:
    there: list[type[fields.Model]] = []

    def make(*models: type[fields.Model]) -> None:
        with connection.schema_editor() as editor:
            for model in models:
                editor.create_model(model)
                there.append(model)

    yield make
    with connection.schema_editor() as editor:
        for model in reversed(there):
            editor.delete_model(model)


@pytest.mark.parametrize(
    "model",
    [Shift, Debt, Active, Digest, Place, Sticker, Branch, Like, Friend],
    ids=lambda model: model.__name__,
)
def test_rows_obey_the_rules_also_after_some_were_deleted(model: Any, made: Callable[..., None]):
    made(model, *[Cafe] * (model is Place))
    run("project.Tag", "project.Author", "--count", "30")
    run(model._meta.label, "--count", "25")
    run(model._meta.label, "--count", "15")
    some = list(model.objects.order_by("pk").values_list("pk", flat=True)[:10])
    model.objects.filter(pk__in=some).delete()
    run(model._meta.label, "--count", "15")
    assert model.objects.count() == 45


def test_what_is_unique_in_an_inherited_table_is_obeyed(made: Callable[..., None]):
    made(Place, Cafe)
    run("project.Place", "--count", "12")
    for _ in range(2):
        run("project.Cafe", "--count", "12")
    assert (Place.objects.count(), Cafe.objects.count()) == (36, 24)


def test_a_column_that_is_compared_may_still_be_null(made: Callable[..., None]):
    made(Visit)
    run("project.Visit", "--count", "100")
    assert 0 < Visit.objects.filter(end=None).count() < 50


def test_a_symmetrical_field_has_both_directions(made: Callable[..., None]):
    made(Friend)
    run("project.Friend", "--count", "30")
    through: Any = Friend.friends.through
    pairs = set(through.objects.values_list("from_friend_id", "to_friend_id"))
    assert pairs
    assert pairs == {(other, one) for one, other in pairs}


@pytest.mark.parametrize("model", [Either, Between], ids=lambda model: model.__name__)
def test_what_the_database_refuses_is_a_sentence_and_writes_nothing(
    model: Any, made: Callable[..., None]
):
    made(model)
    with pytest.raises(CommandError, match="the database refused the rows"):
        run(model._meta.label)
    assert not model.objects.exists()


def test_objects_of_many_to_many_and_generic_fields_are_seeded_first():
    steps = [step.model for step in plan({Like: 5, Book: 5, Tag: 5, Author: 5}, "default")]
    assert steps == [Author, Tag, Book, Like]
    run("project.Book", "project.Tag", "--count", "30")
    assert Book.tags.through.objects.count() > 10


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="PostgreSQL's arrays")
def test_the_choices_and_the_lengths_of_an_array_are_obeyed(made: Callable[..., None]):
    from django.contrib.postgres.fields import ArrayField
    from django.core.validators import MinLengthValidator

    class Kinds(Unmade):
        kinds = ArrayField(
            fields.CharField(max_length=1, choices=KINDS), validators=[MinLengthValidator(3)]
        )

        class Meta(Unmade.Meta):
            pass

    made(Kinds)
    run("project.Kinds", "--count", "20")
    for each in Kinds.objects.all():
        each.clean_fields()


@pytest.mark.parametrize("needs_keys", [False, True], ids=["copy", "bulk_create"])
def test_rows_of_an_interrupted_model_are_not_kept(
    needs_keys: bool, made: Callable[..., None], monkeypatch: pytest.MonkeyPatch
):
    from django_matt.contrib.seeding import services

    made(Friend, Either)
    model: Any = Friend if needs_keys else Tag
    monkeypatch.setattr(services, "_BATCH", 10)
    steps = plan({model: 30}, "default")

    def stop(done: int) -> None:
        if done >= 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        services.seed(steps[0], 1, "default", stop)
    assert not model.objects.exists()


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="PostgreSQL's own fields")
def test_ranges_do_not_overlap_and_arrays_are_filled(made: Callable[..., None]):
    from django.contrib.postgres import fields as pg
    from django.contrib.postgres import search
    from django.contrib.postgres.constraints import ExclusionConstraint

    class KindOfPostgres(Unmade):
        numbers = pg.IntegerRangeField()
        big = pg.BigIntegerRangeField()
        decimals = pg.DecimalRangeField()
        days = pg.DateRangeField()
        moments = pg.DateTimeRangeField()
        tags = pg.ArrayField(fields.CharField(max_length=9), size=3)
        vector = search.SearchVectorField(null=True)
        code = fields.IntegerField()

        class Meta(Unmade.Meta):
            constraints = [
                ExclusionConstraint(
                    name="kp1", expressions=[("moments", pg.RangeOperators.OVERLAPS)]
                ),
                ExclusionConstraint(
                    name="kp2",
                    expressions=[("big", pg.RangeOperators.EQUAL)],
                ),
            ]

    made(KindOfPostgres)
    run("project.KindOfPostgres", "--count", 1_000)
    assert_obeyed(KindOfPostgres, 1_000)


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="PostgreSQL's constraints")
def test_an_exclusion_that_is_not_understood_is_a_sentence(made: Callable[..., None]):
    from django.contrib.postgres import fields as pg
    from django.contrib.postgres.constraints import ExclusionConstraint

    class KindOfBooking(Unmade):
        begin = fields.DateTimeField()
        end = fields.DateTimeField()

        class Meta(Unmade.Meta):
            constraints = [
                CheckConstraint(condition=Q(end__gt=F("begin")), name="kb2"),
                ExclusionConstraint(
                    name="kb1",
                    expressions=[
                        (
                            fields.Func(F("begin"), F("end"), function="TSTZRANGE"),
                            pg.RangeOperators.OVERLAPS,
                        )
                    ],
                ),
            ]

    made(KindOfBooking)
    with pytest.raises(CommandError, match=r"exclusion constraint .kb1.* Write functions for"):
        run("project.KindOfBooking", "--count", 1_000)
    assert not KindOfBooking.objects.exists()
