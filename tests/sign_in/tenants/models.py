"""Tables whose rows belong to an organization."""

from django.db import models

from django_matt.contrib.tenants.models import TenantModel


class Author(TenantModel):
    name = models.CharField(max_length=40)


class Book(TenantModel):
    title = models.CharField(max_length=40)
    author = models.ForeignKey(Author, models.CASCADE, null=True, blank=True, related_name="books")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["organization", "title"], name="one_title_each"),
        )
