"""What the stacks serve: wide tables, relations four levels deep, and a table to write to."""

from django.db import models


class Wide(models.Model):
    """Twelve columns, one of every common type."""

    name = models.CharField(max_length=50)
    email = models.EmailField()
    about = models.TextField()
    stock = models.IntegerField()
    views = models.BigIntegerField()
    score = models.FloatField()
    active = models.BooleanField()
    price = models.DecimalField(max_digits=10, decimal_places=2)
    key = models.UUIDField()
    at = models.DateTimeField()
    day = models.DateField()

    class Meta:
        abstract = True
        ordering = ["id"]


class Row(Wide):
    """The thousand rows of most cases."""


class Entry(Wide):
    """The hundred thousand rows of the case *stream*."""


class Publisher(models.Model):
    """The first level: has authors."""

    name = models.CharField(max_length=50)

    class Meta:
        ordering = ["id"]


class Author(models.Model):
    """The second level, and the far end of a book's foreign key: has books."""

    name = models.CharField(max_length=50)
    email = models.EmailField()
    publisher = models.ForeignKey(Publisher, on_delete=models.CASCADE, related_name="authors")

    class Meta:
        ordering = ["id"]


class Tag(models.Model):
    """The far end of the many-to-many relation."""

    name = models.CharField(max_length=50)

    class Meta:
        ordering = ["id"]


class Book(models.Model):
    """The third level: has an author, tags and chapters."""

    title = models.CharField(max_length=100)
    pages = models.IntegerField()
    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="books")
    tags = models.ManyToManyField(Tag)

    class Meta:
        ordering = ["id"]


class Chapter(models.Model):
    """The fourth level."""

    title = models.CharField(max_length=100)
    book = models.ForeignKey(Book, on_delete=models.CASCADE, related_name="chapters")

    class Meta:
        ordering = ["id"]


class Invoice(models.Model):
    """The rows of many tenants."""

    tenant = models.IntegerField(db_index=True)
    number = models.CharField(max_length=20)
    total = models.DecimalField(max_digits=10, decimal_places=2)
    paid = models.BooleanField()
    due = models.DateField()

    class Meta:
        ordering = ["id"]


class Product(models.Model):
    """What the writes insert."""

    name = models.CharField(max_length=50)
    email = models.EmailField()
    stock = models.IntegerField()
    score = models.FloatField()
    active = models.BooleanField()
