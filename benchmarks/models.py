"""What the stacks serve: a wide table, and one with a foreign key and a many-to-many relation."""

from django.db import models


class Row(models.Model):
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
        ordering = ["id"]


class Author(models.Model):
    """The far end of the foreign key."""

    name = models.CharField(max_length=50)
    email = models.EmailField()


class Tag(models.Model):
    """The far end of the many-to-many relation."""

    name = models.CharField(max_length=50)

    class Meta:
        ordering = ["id"]


class Book(models.Model):
    """A row with an author and tags."""

    title = models.CharField(max_length=100)
    pages = models.IntegerField()
    author = models.ForeignKey(Author, on_delete=models.CASCADE)
    tags = models.ManyToManyField(Tag)

    class Meta:
        ordering = ["id"]
