"""Orders."""

from django.db import models


class Order(models.Model):
    """A drink that somebody waits for."""

    class Status(models.TextChoices):
        PLACED = "placed"
        ACCEPTED = "accepted"
        READY = "ready"
        COLLECTED = "collected"

    drink = models.CharField(max_length=40)
    customer = models.CharField(max_length=40)
    status = models.CharField(max_length=10, choices=Status, default=Status.PLACED)
    paid = models.BooleanField(default=False)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]

    def __str__(self):
        return f"{self.drink} for {self.customer}"
