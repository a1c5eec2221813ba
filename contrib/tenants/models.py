"""Organizations, their members, invitations and domains, and the base class of models whose rows belong to one."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

from django_matt.contrib.tenants.fields import TenantForeignKey
from django_matt.contrib.tenants.settings import SLUG

__all__ = ["Domain", "IdentityProvider", "Invitation", "Membership", "Organization", "TenantModel"]


class Organization(models.Model):
    """A tenant: a customer, a company, a team. Data of your own belongs to a model with a ``OneToOneField`` to it."""

    name: "models.Field[str, str]" = models.CharField(max_length=200)
    slug: "models.Field[str, str]" = models.CharField(
        max_length=63, unique=True, validators=[RegexValidator(SLUG)]
    )
    sso_only: "models.Field[bool, bool]" = models.BooleanField(default=False)
    created_at: "models.Field[datetime, datetime]" = models.DateTimeField(
        default=timezone.now, editable=False
    )

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A user's role in an organization."""

    user_id: Any
    organization_id: int

    user: Any = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships", related_query_name="membership"
    )  # fmt: skip
    organization: Any = models.ForeignKey(Organization, models.CASCADE, related_name="memberships")
    role: "models.Field[str, str]" = models.CharField(max_length=32)
    created_at: "models.Field[datetime, datetime]" = models.DateTimeField(
        default=timezone.now, editable=False
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["user", "organization"], name="matt_tenants_one_membership"
            ),
        )

    def __str__(self) -> str:
        return f"{self.user_id} in {self.organization_id}: {self.role}"


class Invitation(models.Model):
    """An invitation that is sent to an e-mail address; only the hash of its token is stored."""

    organization_id: int
    invited_by_id: Any

    organization: Any = models.ForeignKey(Organization, models.CASCADE, related_name="invitations")
    email: "models.Field[str, str]" = models.EmailField(max_length=254)
    role: "models.Field[str, str]" = models.CharField(max_length=32)
    digest: "models.Field[str, str]" = models.CharField(max_length=64, unique=True, editable=False)
    invited_by: Any = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    created_at: "models.Field[datetime, datetime]" = models.DateTimeField(
        default=timezone.now, editable=False
    )
    expires_at: "models.Field[datetime, datetime]" = models.DateTimeField()
    accepted_at: "models.Field[datetime | None, datetime | None]" = models.DateTimeField(
        null=True, editable=False
    )
    revoked_at: "models.Field[datetime | None, datetime | None]" = models.DateTimeField(
        null=True, editable=False
    )

    def __str__(self) -> str:
        return f"{self.email} to {self.organization_id}"


class Domain(models.Model):
    """A domain that an organization has claimed, and proven if ``verified_at`` is set."""

    organization: Any = models.ForeignKey(Organization, models.CASCADE, related_name="domains")
    name: "models.Field[str, str]" = models.CharField(max_length=253)
    proof: "models.Field[str, str]" = models.CharField(max_length=64, editable=False)
    verified_at: "models.Field[datetime | None, datetime | None]" = models.DateTimeField(
        null=True, editable=False
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["organization", "name"], name="matt_tenants_one_claim"),
            models.UniqueConstraint(
                fields=["name"],
                condition=models.Q(verified_at__isnull=False),
                name="matt_tenants_one_proven",
            ),
        )

    def __str__(self) -> str:
        return self.name


class IdentityProvider(models.Model):
    """The OpenID Connect provider by which the members of an organization sign in; its secret is encrypted."""

    organization_id: int
    organization: Any = models.OneToOneField(
        Organization, models.CASCADE, related_name="identity_provider"
    )
    provider_id: "models.Field[str, str]" = models.CharField(
        max_length=40, unique=True, editable=False
    )
    issuer: "models.Field[str, str]" = models.URLField(max_length=500)
    client_id: "models.Field[str, str]" = models.CharField(max_length=200)
    sealed_secret: "models.Field[str, str]" = models.TextField(blank=True, editable=False)
    role: "models.Field[str, str]" = models.CharField(max_length=32, blank=True)

    def __str__(self) -> str:
        return self.issuer


class TenantModel(models.Model):
    """The abstract base of models whose rows belong to an organization.

    A request of an API reads the rows of its own organization alone, and new rows get it when they are saved.
    """

    organization = TenantForeignKey(Organization, models.CASCADE, related_name="+", editable=False)

    class Meta:
        abstract = True

    def clean_fields(self, exclude: Any = None) -> None:
        """Validate the fields, with the current organization in a new row."""
        for field in self._meta.concrete_fields:
            if isinstance(field, TenantForeignKey):
                field.fill(self)
        super().clean_fields(exclude=exclude)
