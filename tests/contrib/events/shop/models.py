"""Orders, and the effects of their events."""

import uuid

from django.db import models


class Tag(models.Model):
    name = models.CharField(max_length=20)


class Order(models.Model):
    number = models.IntegerField(unique=True)
    tags = models.ManyToManyField(Tag)


class Gift(Order):
    """A child with a table of its own."""


class Effect(models.Model):
    """Not unique: a test counts what was written twice."""

    number = models.IntegerField()


class Ticket(models.Model):
    """Its changes are published by triggers."""

    number = models.UUIDField(primary_key=True, default=uuid.uuid4)
    seat = models.CharField(max_length=20)
    tags = models.ManyToManyField(Tag)
