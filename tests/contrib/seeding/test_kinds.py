"""``manage.py matt_seed``: a thousand rows of models with every kind of field and of rule that Django has."""

import uuid
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.core import validators
from django.core.management import CommandError
from django.db import connection, models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint
from django.db.models.functions import Lower

from tests.contrib.seeding.test_seeding import MODELS, all_of, run
from tests.project.models import Author, Tag

pytestmark = pytest.mark.django_db
ROWS = 1_000
NUMBERS = [(number, str(number)) for number in range(50)]


class Kind(models.Model):
    """Has a table only in these tests."""

    class Meta:
        abstract = True
        app_label = "project"
        managed = False


class KindOfNumbers(Kind):
    big = models.BigIntegerField()
    plain = models.IntegerField()
    small = models.SmallIntegerField()
    positive = models.PositiveIntegerField()
    positive_big = models.PositiveBigIntegerField()
    positive_small = models.PositiveSmallIntegerField()
    float = models.FloatField()
    decimal = models.DecimalField(max_digits=5, decimal_places=3)
    is_good = models.BooleanField()


class KindOfMoments(Kind):
    day = models.DateField()
    moment = models.DateTimeField()
    time = models.TimeField()
    duration = models.DurationField()
    made = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(auto_now=True)
    since = models.DateField(auto_now_add=True)
    clock = models.TimeField(auto_now=True)


class KindOfTexts(Kind):
    char = models.CharField(max_length=4)
    text = models.TextField()
    email = models.EmailField()
    slug = models.SlugField()
    url = models.URLField()
    path = models.FilePathField(path="/")
    first_name = models.CharField(max_length=3)
    phone = models.CharField(max_length=20)


class KindOfOthers(Kind):
    binary = models.BinaryField()
    json = models.JSONField()
    key = models.UUIDField()
    address = models.GenericIPAddressField()
    old_address = models.GenericIPAddressField(protocol="IPv4")
    new_address = models.GenericIPAddressField(protocol="IPv6")


class KindOfFiles(Kind):
    file = models.FileField(upload_to="files")
    image = models.ImageField(upload_to="images")
    none = models.FileField(blank=True)


class KindWithSmallKey(Kind):
    id = models.SmallAutoField(primary_key=True)


class KindWithPlainKey(Kind):
    id = models.AutoField(primary_key=True)
    name = models.CharField(max_length=20)


class KindWithTextKey(Kind):
    code = models.CharField(max_length=4, primary_key=True)


class KindWithNumberKey(Kind):
    number = models.IntegerField(primary_key=True)


class KindWithUUIDKey(Kind):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=30, unique=True)


class KindWithTwoKeys(Kind):
    pk = models.CompositePrimaryKey("author", "number")
    author = models.ForeignKey(Author, models.DO_NOTHING, related_name="+")
    number = models.IntegerField()


class KindOfNulls(Kind):
    number = models.IntegerField(null=True)
    text = models.CharField(max_length=9, null=True, unique=True)
    day = models.DateField(null=True)
    author = models.ForeignKey(Author, models.DO_NOTHING, related_name="+", null=True)


class KindOfDefaults(Kind):
    number = models.IntegerField(default=3)
    made = models.IntegerField(db_default=4)
    text = models.CharField(max_length=9, default="x")


class KindThatIsComputed(Kind):
    width = models.IntegerField()
    height = models.IntegerField()
    area = models.GeneratedField(
        expression=F("width") * F("height"), output_field=models.IntegerField(), db_persist=True
    )
    upper = models.GeneratedField(
        expression=Lower("name"), output_field=models.CharField(max_length=30), db_persist=True
    )
    name = models.CharField(max_length=30)


class KindOfChoices(Kind):
    number = models.IntegerField(choices=NUMBERS)
    group = models.CharField(
        max_length=9, choices=[("Hot", [("r", "Red")]), ("Cold", [("b", "Blue")])]
    )
    flag = models.BooleanField(choices=[(True, "Yes")])


class KindWithUniqueChoices(Kind):
    one = models.IntegerField(choices=NUMBERS)
    two = models.IntegerField(choices=NUMBERS)

    class Meta(Kind.Meta):
        unique_together = (("one", "two"),)


class KindWithUniqueColumns(Kind):
    number = models.IntegerField(unique=True)
    small = models.PositiveSmallIntegerField(unique=True)
    decimal = models.DecimalField(max_digits=8, decimal_places=2, unique=True)
    float = models.FloatField(unique=True)
    text = models.CharField(max_length=4, unique=True)
    email = models.EmailField(unique=True)
    slug = models.SlugField(unique=True)
    url = models.URLField(unique=True)
    day = models.DateField(unique=True)
    moment = models.DateTimeField(unique=True)
    time = models.TimeField(unique=True)
    duration = models.DurationField(unique=True)
    key = models.UUIDField(unique=True)
    address = models.GenericIPAddressField(unique=True)
    binary = models.BinaryField(unique=True)
    file = models.FileField(unique=True)


class KindOfUniqueWords(Kind):
    """Unique whatever the case, and unique among some rows."""

    name = models.CharField(max_length=30)
    slot = models.IntegerField()
    open = models.BooleanField()

    class Meta(Kind.Meta):
        constraints = [
            UniqueConstraint(Lower("name"), name="kw1"),
            UniqueConstraint(fields=["slot"], condition=Q(open=True), name="kw2"),
        ]


class KindOfDeferredRules(Kind):
    place = models.IntegerField()
    tag = models.ForeignKey(Tag, models.DO_NOTHING, related_name="+")

    class Meta(Kind.Meta):
        constraints = [
            UniqueConstraint(
                fields=["tag", "place"], name="kd1", deferrable=models.Deferrable.DEFERRED
            )
        ]


class KindOfNullsThatAreTheSame(Kind):
    group = models.IntegerField(null=True)
    place = models.IntegerField()

    class Meta(Kind.Meta):
        constraints = [
            UniqueConstraint(fields=["group", "place"], nulls_distinct=False, name="kn1")
        ]


class KindOfComparisons(Kind):
    low = models.IntegerField()
    high = models.IntegerField()
    least = models.DecimalField(max_digits=8, decimal_places=2)
    most = models.DecimalField(max_digits=8, decimal_places=2)
    begin = models.DateTimeField()
    end = models.DateTimeField()

    class Meta(Kind.Meta):
        constraints = [
            CheckConstraint(condition=Q(high__gt=F("low")), name="kc1"),
            CheckConstraint(condition=Q(least__lte=F("most")), name="kc2"),
            CheckConstraint(condition=Q(end__gt=F("begin")), name="kc3"),
        ]


class KindOfRanges(Kind):
    rating = models.PositiveSmallIntegerField()
    share = models.DecimalField(max_digits=4, decimal_places=3)
    degrees = models.FloatField()
    state = models.CharField(max_length=9)
    kind = models.IntegerField()

    class Meta(Kind.Meta):
        constraints = [
            CheckConstraint(condition=Q(rating__range=(1, 5)), name="kr1"),
            CheckConstraint(condition=Q(share__gte=0, share__lte=1), name="kr2"),
            CheckConstraint(condition=Q(degrees__gt=-90) & Q(degrees__lt=90), name="kr3"),
            CheckConstraint(condition=Q(state__in=["new", "old"]), name="kr4"),
            CheckConstraint(condition=Q(kind=7), name="kr5"),
        ]


class KindOfValidators(Kind):
    age = models.IntegerField(validators=[validators.MinValueValidator(18), validators.MaxValueValidator(21)])  # fmt: skip
    code = models.CharField(max_length=12, validators=[validators.MinLengthValidator(10)])
    price = models.DecimalField(max_digits=6, decimal_places=2, validators=[validators.MinValueValidator(Decimal("0.01"))])  # fmt: skip
    steps = models.IntegerField(validators=[validators.MinValueValidator(lambda: 5)])


class KindInATree(Kind):
    parent = models.ForeignKey("self", models.CASCADE, null=True)
    name = models.CharField(max_length=20)


class KindInAnotherTree(Kind):
    """With a key that the database does not count."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    parent = models.ForeignKey("self", models.SET_NULL, null=True)


class KindWithOne(Kind):
    other = models.OneToOneField(KindWithPlainKey, models.CASCADE)


class KindWithOneAsKey(Kind):
    other = models.OneToOneField(KindWithPlainKey, models.CASCADE, primary_key=True)


class KindByAnotherColumn(Kind):
    other = models.ForeignKey(KindWithUUIDKey, models.CASCADE, to_field="name")


class KindOfSomeObjects(Kind):
    tag = models.ForeignKey(Tag, models.DO_NOTHING, related_name="+", limit_choices_to={"pk__gt": 0})  # fmt: skip


class KindWithFriends(Kind):
    friends = models.ManyToManyField("self")
    follows = models.ManyToManyField("self", symmetrical=False, related_name="followers")


class KindWithMembers(Kind):
    members = models.ManyToManyField(KindWithPlainKey, through="KindOfMembership")


class KindOfMembership(Kind):
    group = models.ForeignKey(KindWithMembers, models.CASCADE)
    member = models.ForeignKey(KindWithPlainKey, models.CASCADE)
    role = models.CharField(max_length=9, choices=[("a", "A"), ("b", "B")])

    class Meta(Kind.Meta):
        constraints = [UniqueConstraint(fields=["group", "member"], name="km1")]


class KindOfParent(Kind):
    name = models.CharField(max_length=20, unique=True)


class KindOfChild(KindOfParent):
    extra = models.IntegerField(unique=True)

    class Meta(Kind.Meta):
        pass


class KindOfNote(Kind):
    kind = models.ForeignKey(ContentType, models.DO_NOTHING, related_name="+")
    key = models.PositiveIntegerField()
    about = GenericForeignKey("kind", "key")


class KindOfNothing(Kind):
    """Only a key."""


class KindOfBinaries(Kind):
    """Bytes of few lengths."""

    mark = models.BinaryField(max_length=2, unique=True)
    data = models.BinaryField(null=True)


class KindOfDocuments(Kind):
    unique = models.JSONField(unique=True)
    made = models.JSONField(default=list)
    none = models.JSONField(null=True)


KINDS: list[Any] = [each for each in Kind.__subclasses__() + KindOfParent.__subclasses__() if not each._meta.abstract]  # fmt: skip


class KindOfProxy(KindOfParent):
    class Meta(Kind.Meta):
        proxy = True


@pytest.fixture(scope="module", autouse=True)
def tables(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Make the tables of all kinds once."""
    with django_db_blocker.unblock():
        with connection.schema_editor() as editor:
            for model in KINDS:
                editor.create_model(model)
        yield
        with connection.schema_editor() as editor:
            for model in reversed(KINDS):
                editor.delete_model(model)


def assert_obeyed(model: Any, count: int) -> None:
    """Check the rows by Django's own rules; the database has accepted them by its own."""
    connection.check_constraints()
    assert all_of(model).count() == count
    pks = list(all_of(model).order_by("pk").values_list("pk", flat=True))
    assert len(set(pks)) == count
    files = {f.name for f in model._meta.fields if isinstance(f, models.FilePathField)}
    for instance in list(all_of(model)[:20]):
        empty = {f.name for f in model._meta.fields if f.is_relation or getattr(instance, f.attname, None) in f.empty_values}  # fmt: skip
        instance.clean_fields(exclude=empty | files)
        instance.validate_constraints()


@pytest.mark.parametrize("model", KINDS, ids=lambda model: model.__name__)
def test_a_thousand_rows_obey_the_rules_of_every_kind(model: Any, settings: Any, tmp_path: Path):
    settings.MEDIA_ROOT = tmp_path
    if model is KindOfNote:
        run("project.KindOfParent", "--count", 5)
    said = run(model._meta.label, "--count", ROWS)
    assert f"{ROWS:,} rows" in said
    assert_obeyed(model, ROWS)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_thousand_rows_obey_the_rules_of_every_model(model: Any):
    run(model._meta.label, "--count", ROWS)
    connection.check_constraints()
    assert all_of(model).count() == ROWS


def test_there_are_sixty_models_and_every_kind_of_field():
    every = [*KINDS, *MODELS]
    assert len(every) >= 60
    known = {
        name
        for name, each in vars(models).items()
        if isinstance(each, type) and issubclass(each, models.Field)
    } - {
        "Field",
        "ForeignObject",
        "OrderWrt",
        "NullBooleanField",
        "CommaSeparatedIntegerField",
        "IPAddressField",
    }
    used = {type(field).__name__ for each in every for field in (*each._meta.get_fields(), each._meta.pk)}  # fmt: skip
    assert known <= used, known - used


def test_a_file_is_written_once_and_can_be_opened(settings: Any, tmp_path: Path):
    settings.MEDIA_ROOT = tmp_path
    run("project.KindOfFiles", "--count", "20")
    run("project.KindOfFiles", "--count", "20")
    assert len([file for file in tmp_path.rglob("*") if file.is_file()]) == 2
    one: Any = KindOfFiles.objects.latest("pk")
    with one.image.open() as file:
        assert file.read().startswith(b"\x89PNG")
    assert one.none == ""


def test_a_storage_that_refuses_is_a_sentence(settings: Any, tmp_path: Path):
    (tmp_path / "taken").write_text("")
    settings.MEDIA_ROOT = tmp_path / "taken"
    with pytest.raises(CommandError, match="needs a file, and its storage answered"):
        run("project.KindOfFiles")
    assert not KindOfFiles.objects.exists()


def test_models_without_a_table_of_their_own_are_left_out_with_a_reason(
    monkeypatch: pytest.MonkeyPatch,
):
    with pytest.raises(CommandError, match=r"is a proxy and has no table: seed project\.KindOf"):
        run("project.KindOfProxy")
    said = run("project", "--dry-run")
    assert "project.KindOfProxy is a proxy and has no table: seed project.KindOfParent." in said
    assert "project.KindOfNote is not managed by Django: name it to seed it." in said
    assert "project.KindOfNote  " not in said
    # Django keeps it in the dictionary of the instance once it was asked for.
    monkeypatch.setitem(vars(KindOfNothing._meta), "swapped", "project.KindOfParent")
    said = run("project", "--dry-run")
    assert "project.KindOfNothing is replaced and has no table: seed project.KindOfParent." in said
    with pytest.raises(CommandError, match="is replaced and has no table"):
        run("project.KindOfNothing")
