"""What a shop's admin has: relations, rows below an object, every common kind of field, and keys that are text."""

import uuid

from django.db import models


class Category(models.Model):
    name = models.CharField(max_length=40, unique=True)

    class Meta:
        ordering = ("name",)

    def __str__(self):
        return self.name


class Label(models.Model):
    name = models.CharField(max_length=40)

    class Meta:
        ordering = ("name",)

    def __str__(self):
        return self.name


class Product(models.Model):
    class Kind(models.TextChoices):
        LAMP = "lamp", "A lamp"
        CHAIR = "chair", "A chair"

    name = models.CharField(max_length=40)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.LAMP)
    price = models.DecimalField(max_digits=8, decimal_places=2)
    stock = models.IntegerField(default=0)
    is_active = models.BooleanField(default=True)
    category = models.ForeignKey(Category, models.PROTECT, related_name="products")
    parent = models.ForeignKey("self", models.SET_NULL, null=True, blank=True)
    labels = models.ManyToManyField(Label, blank=True)
    made = models.DateTimeField(null=True, blank=True)
    day = models.DateField(null=True, blank=True)
    data = models.JSONField(default=dict, blank=True)
    picture = models.FileField(upload_to="pictures", blank=True)
    note = models.TextField(blank=True)

    class Meta:
        ordering = ("pk",)

    def __str__(self):
        return self.name

    def clean(self):
        from django.core.exceptions import ValidationError

        if self.name == "forbidden":
            raise ValidationError({"name": "This name is forbidden."})
        if self.name == "odd":
            raise ValidationError("This product is odd.")


class Review(models.Model):
    product = models.ForeignKey(Product, models.CASCADE, related_name="reviews")
    stars = models.IntegerField(default=3)
    text = models.CharField(max_length=80, blank=True)

    class Meta:
        ordering = ("pk",)

    def __str__(self):
        return f"{self.stars} stars"


class Page(models.Model):
    path = models.CharField(max_length=60, primary_key=True)
    text = models.TextField(blank=True)

    def __str__(self):
        return self.path


class Ticket(models.Model):
    key = models.UUIDField(primary_key=True, default=uuid.uuid4)
    title = models.CharField(max_length=40)

    def __str__(self):
        return self.title


class Comment(models.Model):
    ticket = models.ForeignKey(Ticket, models.CASCADE)
    text = models.CharField(max_length=40)
