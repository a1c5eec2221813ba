"""Tables of the tests: every field type of Django, and each kind of relation."""

import datetime
import uuid
from contextvars import ContextVar
from decimal import Decimal

from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models.functions import Lower, Upper


class Colour(models.TextChoices):
    RED = "red", "Red"
    BLUE = "blue", "Blue"


class Level(models.IntegerChoices):
    LOW = 1, "Low"
    HIGH = 2, "High"


class Tag(models.Model):
    name = models.CharField(max_length=40)


class Author(models.Model):
    name = models.CharField(max_length=80)
    boss = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="staff")

    @property
    def shout(self):
        return self.name.upper()

    def greet(self):
        return f"hello {self.name}"


class Book(models.Model):
    title = models.CharField(max_length=120)
    price = models.DecimalField(max_digits=8, decimal_places=2, default=Decimal("1.00"))
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
    editor = models.ForeignKey(
        Author, models.SET_NULL, null=True, blank=True, related_name="edited"
    )
    tags = models.ManyToManyField(Tag, related_name="books")


class Blurb(models.Model):
    book = models.OneToOneField(Book, models.CASCADE, related_name="blurb")
    text = models.TextField(max_length=20)


class Review(Blurb):
    """Inherits the columns and the relation of another table."""

    stars = models.SmallIntegerField(default=3)
    critic = models.ForeignKey(Author, models.CASCADE, null=True, related_name="reviews")
    readers = models.ManyToManyField(Author, related_name="read")


class Everything(models.Model):
    """One column of every type that all our databases know."""

    big = models.BigIntegerField(default=0)
    binary = models.BinaryField(default=b"")
    boolean = models.BooleanField(default=False)
    maybe = models.BooleanField(null=True)
    char = models.CharField(max_length=50, default="")
    date = models.DateField(default=datetime.date(2024, 2, 29))
    moment = models.DateTimeField(default=datetime.datetime(2024, 2, 29, tzinfo=datetime.UTC))
    decimal = models.DecimalField(max_digits=12, decimal_places=4, default=Decimal("0"))
    duration = models.DurationField(default=datetime.timedelta)
    email = models.EmailField(default="a@example.org")
    file = models.FileField(upload_to="files", blank=True)
    image = models.ImageField(upload_to="images", blank=True)
    path = models.FilePathField(path="/", default="")
    float = models.FloatField(default=0.0)
    address = models.GenericIPAddressField(default="127.0.0.1")
    integer = models.IntegerField(default=0)
    document = models.JSONField(default=dict)
    positive_big = models.PositiveBigIntegerField(default=0)
    positive = models.PositiveIntegerField(default=0)
    positive_small = models.PositiveSmallIntegerField(default=0)
    slug = models.SlugField(default="")
    small = models.SmallIntegerField(default=0)
    text = models.TextField(default="")
    time = models.TimeField(default=datetime.time(12, 30))
    url = models.URLField(default="https://example.org")
    uuid = models.UUIDField(default=uuid.uuid4)
    colour = models.CharField(max_length=10, choices=Colour.choices, default=Colour.RED)
    level = models.IntegerField(choices=Level.choices, default=Level.LOW)
    author = models.ForeignKey(Author, models.SET_NULL, null=True, related_name="+")
    tags = models.ManyToManyField(Tag, related_name="+")


class Keyed(models.Model):
    """A key that is no integer."""

    key = models.UUIDField(primary_key=True, default=uuid.uuid4)
    note = models.TextField(null=True)


class Note(models.Model):
    keyed = models.ForeignKey(Keyed, models.CASCADE, related_name="notes")
    text = models.TextField()


class Stamped(models.Model):
    """Columns that set themselves, and one of JSON."""

    title = models.CharField(max_length=20)
    data = models.JSONField(default=dict)
    extra = models.JSONField(null=True)
    made = models.DateTimeField(auto_now_add=True)
    day = models.DateField(auto_now_add=True)
    changed = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("pk",)


class Shouted(models.TextField):
    """A field that converts in its own way."""

    def from_db_value(self, value, expression, connection):
        return None if value is None else f"{value}!"


class Receipt(models.Model):
    """Columns that the database computes."""

    number = models.IntegerField(default=2)
    price = models.DecimalField(max_digits=8, decimal_places=2, default=Decimal("1.50"))
    text = models.CharField(max_length=20, default="ten")
    total = models.GeneratedField(
        expression=models.F("number") * models.F("price"),
        output_field=models.DecimalField(max_digits=12, decimal_places=2),
        db_persist=True,
    )
    is_many = models.GeneratedField(
        expression=models.ExpressionWrapper(models.Q(number__gt=1), models.BooleanField()),
        output_field=models.BooleanField(),
        db_persist=True,
    )
    upper = models.GeneratedField(
        expression=Upper("text"), output_field=models.CharField(max_length=20), db_persist=True
    )
    loud = models.GeneratedField(expression=Upper("text"), output_field=Shouted(), db_persist=True)


class Kept(models.Manager):
    def get_queryset(self):
        return super().get_queryset().filter(is_gone=False)


class Owner(models.Model):
    """Rows that are hidden from relations too."""

    name = models.CharField(max_length=20)
    is_gone = models.BooleanField(default=False)
    objects = Kept()

    class Meta:
        base_manager_name = "objects"


class Pet(models.Model):
    name = models.CharField(max_length=20)
    owner = models.ForeignKey(Owner, models.CASCADE, null=True, related_name="pets")


class Seat(models.Model):
    """A key of two columns."""

    pk = models.CompositePrimaryKey("row", "number")
    row = models.IntegerField()
    number = models.IntegerField()
    name = models.CharField(max_length=20, default="")
    holder = models.OneToOneField(Owner, models.CASCADE, null=True, related_name="seat")


class Ticket(models.Model):
    """A relation by two columns."""

    row = models.IntegerField()
    number = models.IntegerField()
    seat = models.ForeignObject(
        Seat,
        models.CASCADE,
        from_fields=("row", "number"),
        to_fields=("row", "number"),
        related_name="tickets",
    )


class Pass(models.Model):
    """A key that is a relation."""

    owner = models.OneToOneField(Owner, models.CASCADE, primary_key=True, related_name="badge")
    code = models.CharField(max_length=20)


class Land(models.Model):
    """A key that is text."""

    code = models.CharField(max_length=20, primary_key=True)


class Town(models.Model):
    land = models.ForeignKey(Land, models.CASCADE, related_name="towns")
    name = models.CharField(max_length=20)


class Remark(models.Model):
    """On an object of any model."""

    text = models.CharField(max_length=40)
    author = models.ForeignKey(Author, models.CASCADE, related_name="+")
    # The tests make this table in a database that has none of contenttypes, too.
    content_type = models.ForeignKey(
        ContentType, models.CASCADE, null=True, related_name="+", db_constraint=False
    )
    object_id = models.PositiveIntegerField(null=True)
    target = GenericForeignKey()


class Photo(models.Model):
    title = models.CharField(max_length=40)
    author = models.ForeignKey(Author, models.CASCADE, related_name="+")
    tags = models.ManyToManyField(Tag, related_name="+")
    remarks = GenericRelation(Remark)


class Film(models.Model):
    title = models.CharField(max_length=40)
    author = models.ForeignKey(Author, models.CASCADE, related_name="+")
    photos = models.ManyToManyField(Photo, related_name="+")
    remarks = GenericRelation(Remark)


class Edition(models.Model):
    """Every kind of rule that a database keeps, and a column that each change sets."""

    isbn = models.CharField(max_length=13, unique=True)
    title = models.CharField(max_length=20)
    volume = models.SmallIntegerField(default=1)
    pages = models.IntegerField(null=True)
    notes = models.JSONField(null=True)
    author = models.ForeignKey(Author, models.CASCADE, related_name="+")
    keeper = models.ForeignKey(Author, models.CASCADE, null=True, related_name="+")
    changed = models.DateTimeField(auto_now=True)
    tags = models.ManyToManyField(Tag, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["author", "title", "volume"], name="one_volume"),
            models.UniqueConstraint(
                Lower("title"),
                condition=models.Q(pages=1),
                name="one_leaflet",
                violation_error_message="A leaflet's title is its own.",
            ),
            models.CheckConstraint(condition=models.Q(pages__gt=0), name="pages_are_positive"),
        ]


class Depot(models.Model):
    """Is referred to by another column than its key."""

    code = models.CharField(max_length=20, unique=True)
    number = models.UUIDField(unique=True, default=uuid.uuid4)


class Crate(models.Model):
    """Foreign keys that hold no primary key."""

    depot = models.ForeignKey(Depot, models.CASCADE, to_field="code", related_name="crates")
    last = models.ForeignKey(
        Depot, models.SET_NULL, to_field="number", null=True, blank=True, related_name="+"
    )
    next = models.ForeignKey(Depot, models.SET_NULL, null=True, blank=True, related_name="+")


TENANT: ContextVar[int | None] = ContextVar("tenant", default=None)


class OfTenant(models.Manager):
    """Refuses to work where no request has said which tenant it is of."""

    def get_queryset(self):
        tenant = TENANT.get()
        if tenant is None:
            raise LookupError("no request, no tenant")
        return super().get_queryset().filter(tenant=tenant)


class Account(models.Model):
    tenant = models.IntegerField()
    name = models.CharField(max_length=20)
    objects = OfTenant()


class Payment(models.Model):
    account = models.ForeignKey(Account, models.CASCADE, related_name="payments")
    tenant = models.IntegerField()
    amount = models.IntegerField()
    objects = OfTenant()
