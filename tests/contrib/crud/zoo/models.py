"""The models. What follows is ordered: columns, keys, choices, rules, relations, inheritance, names."""

import datetime
import uuid
from decimal import Decimal

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models.functions import Length, Lower, Now, Upper

# ---- columns --------------------------------------------------------------------------------------------------------


class Empty(models.Model):
    """Nothing but its key."""


class Flags(models.Model):
    on = models.BooleanField()
    off = models.BooleanField(default=False)
    maybe = models.BooleanField(null=True)


class Integers(models.Model):
    small = models.SmallIntegerField()
    normal = models.IntegerField()
    big = models.BigIntegerField()
    positive_small = models.PositiveSmallIntegerField()
    positive = models.PositiveIntegerField()
    positive_big = models.PositiveBigIntegerField()
    maybe = models.IntegerField(null=True, blank=True)


class Floats(models.Model):
    value = models.FloatField()
    maybe = models.FloatField(null=True)


class Decimals(models.Model):
    price = models.DecimalField(max_digits=8, decimal_places=2)
    long = models.DecimalField(max_digits=38, decimal_places=19)
    whole = models.DecimalField(max_digits=15, decimal_places=0)
    fraction = models.DecimalField(max_digits=10, decimal_places=10)
    one = models.DecimalField(max_digits=1, decimal_places=0, null=True)
    given = models.DecimalField(max_digits=5, decimal_places=1, default=Decimal("0.5"))


class Chars(models.Model):
    text = models.CharField(max_length=10)
    one = models.CharField(max_length=1, blank=True)
    long = models.CharField(max_length=2_000, default="long")
    maybe = models.CharField(max_length=10, null=True, blank=True)


class Texts(models.Model):
    text = models.TextField()
    short = models.TextField(max_length=5, blank=True)
    maybe = models.TextField(null=True)


class Slugs(models.Model):
    slug = models.SlugField(unique=True)
    wide = models.SlugField(allow_unicode=True, blank=True)


class Contacts(models.Model):
    email = models.EmailField()
    url = models.URLField(max_length=500)
    maybe = models.EmailField(null=True, blank=True)


class Uuids(models.Model):
    value = models.UUIDField()
    made = models.UUIDField(default=uuid.uuid4)
    maybe = models.UUIDField(null=True)


class Dates(models.Model):
    day = models.DateField()
    given = models.DateField(default=datetime.date(2024, 2, 29))
    made = models.DateField(auto_now_add=True)


class Times(models.Model):
    time = models.TimeField()
    maybe = models.TimeField(null=True)


class Moments(models.Model):
    moment = models.DateTimeField()
    maybe = models.DateTimeField(null=True, blank=True)
    made = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(auto_now=True)


class Durations(models.Model):
    duration = models.DurationField()
    given = models.DurationField(default=datetime.timedelta(hours=1))


class Addresses(models.Model):
    both = models.GenericIPAddressField()
    four = models.GenericIPAddressField(protocol="IPv4")
    six = models.GenericIPAddressField(protocol="IPv6")
    unpacked = models.GenericIPAddressField(unpack_ipv4=True, null=True)


class Binaries(models.Model):
    """Bytes are no JSON: ``fields = "__all__"`` leaves them out."""

    name = models.CharField(max_length=10)
    content = models.BinaryField(default=b"x")
    written = models.BinaryField(editable=True, default=b"y")


class Files(models.Model):
    title = models.CharField(max_length=20)
    maybe = models.FileField(upload_to="maybe", blank=True)
    null = models.FileField(upload_to="null", null=True, blank=True, max_length=40)


class Attachment(models.Model):
    file = models.FileField(upload_to="attachments")
    data = models.JSONField(default=dict)
    pages = models.IntegerField(null=True, blank=True)


class Images(models.Model):
    image = models.ImageField(
        upload_to="images", width_field="width", height_field="height", blank=True
    )
    width = models.IntegerField(null=True, editable=False)
    height = models.IntegerField(null=True, editable=False)


class Paths(models.Model):
    path = models.FilePathField(path="/etc", match="^host", blank=True)


class Documents(models.Model):
    document = models.JSONField()
    listed = models.JSONField(default=list)
    encoded = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    maybe = models.JSONField(null=True)


class Computed(models.Model):
    number = models.IntegerField(default=2)
    text = models.CharField(max_length=20, default="ten")
    double = models.GeneratedField(
        expression=models.F("number") * 2.0, output_field=models.FloatField(), db_persist=True
    )
    upper = models.GeneratedField(
        expression=Upper("text"), output_field=models.CharField(max_length=20), db_persist=True
    )


class ComputedUnique(models.Model):
    text = models.CharField(max_length=20)
    lower = models.GeneratedField(
        expression=Lower("text"),
        output_field=models.CharField(max_length=20),
        db_persist=True,
        unique=True,
    )


class Trimmed(models.CharField):
    """A field of the project that converts."""

    def to_python(self, value):
        return None if value is None else str(value).strip()

    def get_prep_value(self, value):
        return None if value is None else str(value).strip()


class Custom(models.Model):
    text = Trimmed(max_length=20)


class Validated(models.Model):
    code = models.CharField(max_length=6, validators=[RegexValidator("^[a-z]*$")])
    percent = models.IntegerField(validators=[MinValueValidator(0), MaxValueValidator(100)])


class Hidden(models.Model):
    shown = models.CharField(max_length=10)
    fixed = models.CharField(max_length=10, editable=False, default="fixed")


class DatabaseDefaults(models.Model):
    number = models.IntegerField(db_default=7)
    text = models.CharField(max_length=10, db_default="given")
    moment = models.DateTimeField(db_default=Now())
    total = models.FloatField(db_default=models.Value(1.5) + models.Value(1.0))


class Nullable(models.Model):
    boolean = models.BooleanField(null=True, blank=True)
    number = models.IntegerField(null=True, blank=True)
    decimal = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    text = models.CharField(max_length=10, null=True, blank=True)
    day = models.DateField(null=True, blank=True)
    duration = models.DurationField(null=True, blank=True)
    document = models.JSONField(null=True, blank=True)


# ---- keys -----------------------------------------------------------------------------------------------------------


class SmallKey(models.Model):
    id = models.SmallAutoField(primary_key=True)
    name = models.CharField(max_length=10)


class PlainKey(models.Model):
    id = models.AutoField(primary_key=True)
    name = models.CharField(max_length=10)


class BigKey(models.Model):
    number = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=10)


class UuidKey(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=10)


class GivenUuid(models.Model):
    key = models.UUIDField(primary_key=True)
    name = models.CharField(max_length=10)


class TextKey(models.Model):
    code = models.CharField(max_length=20, primary_key=True)


class IntegerKey(models.Model):
    number = models.IntegerField(primary_key=True)


class DateKey(models.Model):
    day = models.DateField(primary_key=True)
    note = models.TextField(blank=True)


class CompositeKey(models.Model):
    pk = models.CompositePrimaryKey("row", "number")
    row = models.CharField(max_length=3)
    number = models.IntegerField()
    name = models.CharField(max_length=10, default="")


# ---- choices --------------------------------------------------------------------------------------------------------


class Colour(models.TextChoices):
    RED = "red", "Red"
    BLUE = "blue", "Blue"


class Level(models.IntegerChoices):
    LOW = 1, "Low"
    HIGH = -2, "High"


class Chosen(models.Model):
    colour = models.CharField(max_length=4, choices=Colour.choices)
    level = models.IntegerField(choices=Level.choices)
    given = models.CharField(max_length=4, choices=Colour.choices, default=Colour.RED)
    maybe = models.IntegerField(choices=Level.choices, null=True, blank=True)
    empty = models.CharField(max_length=4, choices=Colour.choices, blank=True)


class Grouped(models.Model):
    medium = models.CharField(
        max_length=5,
        choices=[
            ("Audio", [("vinyl", "Vinyl"), ("cd", "CD")]),
            ("Video", [("vhs", "VHS")]),
            ("?", "Unknown"),
        ],
    )


def sizes():
    return [(1, "one"), (2, "two")]


class OddChoices(models.Model):
    size = models.IntegerField(choices=sizes)
    ratio = models.FloatField(choices=[(0.5, "half"), (1.0, "whole")])
    day = models.DateField(choices=[(datetime.date(2024, 1, 1), "first")], null=True, blank=True)
    rate = models.DecimalField(
        max_digits=3, decimal_places=1, choices=[(Decimal("1.5"), "more")], default=Decimal("1.5")
    )
    flag = models.BooleanField(choices=[(True, "yes"), (False, "no")])


# ---- rules ----------------------------------------------------------------------------------------------------------


class Together(models.Model):
    first = models.IntegerField()
    second = models.CharField(max_length=5)

    class Meta:
        unique_together = [("first", "second")]


class Conditional(models.Model):
    name = models.CharField(max_length=10)
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["name"], condition=models.Q(is_active=True), name="one_active_name"
            )
        ]


class Expressed(models.Model):
    name = models.CharField(max_length=10)

    class Meta:
        constraints = [models.UniqueConstraint(Lower("name"), name="one_name_of_any_case")]


class Checked(models.Model):
    low = models.IntegerField()
    high = models.IntegerField()
    name = models.CharField(max_length=10)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(low__lt=models.F("high")), name="low_is_low"),
            models.CheckConstraint(
                condition=models.lookups.GreaterThan(Length("name"), 1),
                name="name_is_long",
                violation_error_message="The name is too short.",
            ),
        ]


class Dated(models.Model):
    title = models.CharField(max_length=10, unique_for_date="day")
    day = models.DateField()


class Ordered(models.Model):
    name = models.CharField(max_length=10)
    rank = models.IntegerField(null=True)

    class Meta:
        ordering = [models.F("rank").desc(nulls_last=True), "name"]
        get_latest_by = "rank"
        indexes = [models.Index(fields=["rank"], name="by_rank")]


class Erased(models.Model):
    """Deleted objects stay, and their names are free again."""

    name = models.CharField(max_length=10)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["name"], condition=models.Q(deleted_at=None), name="one_name_that_is_there"
            )
        ]


class Live(models.Manager):
    def get_queryset(self):
        return super().get_queryset().filter(is_gone=False)


class Managed(models.Model):
    name = models.CharField(max_length=10)
    is_gone = models.BooleanField(default=False, editable=False)
    objects = Live()


# ---- relations ------------------------------------------------------------------------------------------------------


class KeeperManager(BaseUserManager):
    def create_user(self, email, password=None):
        user = self.model(email=self.normalize_email(email))
        user.set_password(password)
        user.save()
        return user


class Keeper(AbstractBaseUser):
    """The user of the project."""

    email = models.EmailField(unique=True)
    is_active = models.BooleanField(default=True)
    objects = KeeperManager()
    USERNAME_FIELD = "email"


class Cage(models.Model):
    name = models.CharField(max_length=10)
    keeper = models.ForeignKey(Keeper, models.CASCADE)


class Tag(models.Model):
    name = models.CharField(max_length=10)


class Animal(models.Model):
    """Keys to itself, to one object, to many."""

    name = models.CharField(max_length=10)
    parent = models.ForeignKey("self", models.SET_NULL, null=True, blank=True)
    cage = models.ForeignKey(Cage, models.PROTECT, null=True, blank=True, related_name="animals")
    tags = models.ManyToManyField(Tag, blank=True)


class Passport(models.Model):
    animal = models.OneToOneField(Animal, models.CASCADE)
    number = models.CharField(max_length=10)


class Badge(models.Model):
    """A key that is a relation."""

    animal = models.OneToOneField(Animal, models.CASCADE, primary_key=True)
    text = models.CharField(max_length=10)


class Friend(models.Model):
    name = models.CharField(max_length=10)
    friends = models.ManyToManyField("self", blank=True)
    follows = models.ManyToManyField("self", symmetrical=False, blank=True, related_name="fans")


class Club(models.Model):
    name = models.CharField(max_length=10)
    members = models.ManyToManyField(Friend, through="Membership")


class Membership(models.Model):
    club = models.ForeignKey(Club, models.CASCADE)
    friend = models.ForeignKey(Friend, models.CASCADE)
    since = models.DateField(null=True)

    class Meta:
        unique_together = [("club", "friend")]


class Required(models.Model):
    """Many objects that must be named."""

    tags = models.ManyToManyField(Tag)


class Depot(models.Model):
    code = models.CharField(max_length=10, unique=True)
    number = models.UUIDField(unique=True, default=uuid.uuid4)


class Crate(models.Model):
    """Keys that refer to other columns than the primary key."""

    depot = models.ForeignKey(Depot, models.CASCADE, to_field="code")
    last = models.ForeignKey(
        Depot, models.SET_NULL, to_field="number", null=True, blank=True, related_name="+"
    )


class Limited(models.Model):
    """Only some objects may be named."""

    tag = models.ForeignKey(
        Tag, models.CASCADE, limit_choices_to={"name__gt": ""}, related_name="+"
    )


class Loose(models.Model):
    """A key that the database does not check."""

    tag = models.ForeignKey(Tag, models.DO_NOTHING, db_constraint=False, related_name="+")


class OfUuid(models.Model):
    owner = models.ForeignKey(UuidKey, models.CASCADE)
    text_key = models.ForeignKey(TextKey, models.CASCADE, null=True)


class Seat(models.Model):
    """A key of a relation and a column."""

    pk = models.CompositePrimaryKey("cage", "number")
    cage = models.ForeignKey(Cage, models.CASCADE)
    number = models.IntegerField()
    note = models.CharField(max_length=10, blank=True)


class Remark(models.Model):
    """On an object of any model; clients do not write which."""

    text = models.CharField(max_length=10)
    content_type = models.ForeignKey(ContentType, models.CASCADE, null=True, editable=False)
    object_id = models.PositiveIntegerField(null=True, editable=False)
    target = GenericForeignKey()


class Photo(models.Model):
    title = models.CharField(max_length=10)
    remarks = GenericRelation(Remark)


class Row(models.Model):
    """Sorted below its animal."""

    animal = models.ForeignKey(Animal, models.CASCADE)
    name = models.CharField(max_length=10)

    class Meta:
        order_with_respect_to = "animal"


# ---- inheritance ----------------------------------------------------------------------------------------------------


class Stamped(models.Model):
    made = models.DateTimeField(auto_now_add=True)
    by = models.ForeignKey(Tag, models.SET_NULL, null=True, related_name="%(class)s_of")

    class Meta:
        abstract = True


class Article(Stamped):
    title = models.CharField(max_length=10)


class Place(models.Model):
    name = models.CharField(max_length=10)


class Restaurant(Place):
    stars = models.SmallIntegerField(default=3)
    photos = models.ManyToManyField(Photo, blank=True)


class Pizzeria(Restaurant):
    has_oven = models.BooleanField(default=True)


class NamedParent(Place):
    up = models.OneToOneField(Place, models.CASCADE, parent_link=True, primary_key=True)
    text = models.CharField(max_length=10)


class Bistro(Restaurant):
    class Meta:
        proxy = True


class Author(Keeper):
    """A proxy of the user."""

    class Meta:
        proxy = True


# ---- names ----------------------------------------------------------------------------------------------------------


class Größe(models.Model):  # noqa: PLC2401 - it is what is tested
    länge = models.IntegerField()  # noqa: PLC2401
    名前 = models.CharField(max_length=10, verbose_name="なまえ")  # noqa: PLC2401
    einheit = models.CharField(max_length=5, help_text="„m“ & <ft>")

    class Meta:
        verbose_name = "Größe"


class Keywords(models.Model):
    class_ = models.CharField(max_length=10)
    import_ = models.IntegerField(default=1)
    pk_ = models.IntegerField(null=True)
    match = models.CharField(max_length=10, blank=True)
    type = models.CharField(max_length=10, default="type")
    vars()["from"] = models.CharField(max_length=10)
    vars()["None"] = models.IntegerField(null=True)


class OfParameters(models.Model):
    """Columns with the names of query parameters, and of what a controller calls its own."""

    page = models.IntegerField()
    page_size = models.IntegerField(default=1)
    ordering = models.CharField(max_length=10)
    search = models.CharField(max_length=10)
    limit = models.IntegerField(default=1)
    offset = models.IntegerField(default=1)
    format = models.CharField(max_length=10, default="json")
    data = models.CharField(max_length=10)
    key = models.CharField(max_length=10)
    query = models.CharField(max_length=10)
    request = models.CharField(max_length=10, blank=True)
    items = models.IntegerField(default=1)
    count = models.IntegerField(default=1)


class OfPydantic(models.Model):
    """Columns with the names of pydantic's methods."""

    json = models.CharField(max_length=10)
    dict = models.CharField(max_length=10, blank=True)
    copy = models.IntegerField(default=1)
    schema = models.CharField(max_length=10, blank=True)
    fields = models.CharField(max_length=10, blank=True)
    model_name = models.CharField(max_length=10, blank=True)


class Tables(models.Model):
    text = models.CharField(max_length=10, db_column="odd column name")
    order = models.IntegerField(db_column="select", db_index=True)

    class Meta:
        db_table = "zoo odd table"
        db_table_comment = "has an odd name"
        verbose_name_plural = "Many 'tables' {of} %s"
