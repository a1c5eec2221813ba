"""Tables of the shop; every rule that must never break is a constraint of the database."""

import uuid
from pathlib import PurePosixPath

from django.conf import settings
from django.db import models
from django.db.models import Q

__all__ = ["Category", "Customer", "Order", "OrderLine", "Product", "Review"]

IMAGE_SUFFIXES = {".png", ".jpg", ".webp", ".gif"}


def name_image(product: "Product", filename: str) -> str:
    """Name an uploaded picture by ourselves: the client's file name never reaches the disk."""
    suffix = PurePosixPath(filename).suffix.lower()
    return f"products/{uuid.uuid4().hex}{suffix if suffix in IMAGE_SUFFIXES else ''}"


class Category(models.Model):
    """A shelf."""

    name = models.CharField(max_length=80, unique=True)
    slug = models.SlugField(max_length=80, unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Product(models.Model):
    """A thing to buy; ``purchase_price`` is the shop's secret and appears in no schema."""

    # The unique constraint below begins with it: its index is enough.
    category = models.ForeignKey(
        Category, on_delete=models.PROTECT, related_name="products", db_index=False
    )
    sku = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True, max_length=5_000)
    price = models.DecimalField(max_digits=10, decimal_places=2)
    purchase_price = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    stock = models.PositiveIntegerField(default=0)
    weight = models.FloatField(null=True, blank=True, help_text="kilograms")
    attributes = models.JSONField(default=dict, blank=True)
    available_from = models.DateTimeField(null=True, blank=True)
    is_active = models.BooleanField(default=True)
    image = models.ImageField(upload_to=name_image, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["category", "name"], name="product_name_in_category"),
            models.CheckConstraint(condition=Q(price__gte=0), name="product_price_not_negative"),
            models.CheckConstraint(condition=Q(stock__gte=0), name="product_stock_not_negative"),
            models.CheckConstraint(
                condition=Q(weight__isnull=True) | Q(weight__gt=0), name="product_weight_positive"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Customer(models.Model):
    """Who buys; the account of ``django.contrib.auth`` signs in."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="customer"
    )
    name = models.CharField(max_length=120)
    email = models.EmailField(unique=True)
    birthday = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class Order(models.Model):
    """What a customer bought, at the prices of that time."""

    class Status(models.TextChoices):
        """The state of an order."""

        PLACED = "placed"
        SHIPPED = "shipped"
        CANCELLED = "cancelled"

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="orders")
    status = models.CharField(max_length=10, choices=Status, default=Status.PLACED)
    note = models.CharField(max_length=500, blank=True)
    total = models.DecimalField(max_digits=16, decimal_places=2)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created", "-id"]

    def __str__(self) -> str:
        return f"order {self.pk}"


class OrderLine(models.Model):
    """So many of one product."""

    # The unique constraint below begins with it: its index is enough.
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines", db_index=False)
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="lines")
    quantity = models.PositiveIntegerField()
    unit_price = models.DecimalField(max_digits=10, decimal_places=2)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["order", "product"], name="line_product_in_order"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="line_quantity_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of product {self.product_id}"


class Review(models.Model):
    """What a customer thinks of a product, once."""

    # The unique constraint below begins with it: its index is enough.
    product = models.ForeignKey(
        Product, on_delete=models.CASCADE, related_name="reviews", db_index=False
    )
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="reviews")
    rating = models.PositiveSmallIntegerField()
    text = models.TextField(blank=True, max_length=2_000)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["product", "customer"], name="review_once_a_customer"),
            models.CheckConstraint(
                condition=Q(rating__gte=1, rating__lte=5), name="review_rating_one_to_five"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rating} of 5"
