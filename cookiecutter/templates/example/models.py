"""The tables. After a change: `manage.py makemigrations`, `manage.py migrate`."""

from decimal import Decimal

from django.core.validators import MinValueValidator
from django.db import models
{%- if cookiecutter.__b2b %}
from django_matt.contrib.tenants.models import TenantModel


class Item(TenantModel):
    """Something with a name and a price, of one organization."""

    name = models.CharField(max_length=200)
{%- else %}


class Item(models.Model):
    """Something with a name and a price."""

    name = models.CharField(max_length=200, unique=True)
{%- endif %}
    description = models.TextField(blank=True)
    price = models.DecimalField(
        max_digits=10, decimal_places=2, validators=[MinValueValidator(Decimal(0))]
    )
    available = models.BooleanField(default=True)
{%- if cookiecutter.__front %}
    photo = models.ImageField(upload_to="photos", blank=True)
{%- endif %}
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("name",)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(price__gte=0), name="%(app_label)s_item_price_not_negative"
            ),
{%- if cookiecutter.__b2b %}
            models.UniqueConstraint(
                fields=["organization", "name"], name="%(app_label)s_item_one_name"
            ),
{%- endif %}
        )

    def __str__(self) -> str:
        return self.name
