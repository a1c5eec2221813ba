"""The orders, and the table of the log."""

from django.db import models


class Owner(models.Model):
    username = models.CharField(max_length=20)


class Order(models.Model):
    status = models.CharField(max_length=20, default="open")
    total = models.IntegerField(default=0)
    owner = models.ForeignKey(Owner, models.CASCADE, null=True)


class Logged(models.Model):
    """An event; its position is given after its commit."""

    position = models.BigIntegerField(null=True, unique=True)
    topic = models.CharField(max_length=100)
    key = models.CharField(max_length=100)
    tenant = models.CharField(max_length=100, default="")
    data = models.JSONField()
    created = models.DateTimeField(auto_now_add=True)
