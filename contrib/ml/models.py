"""The table of the registry: which versions of a model there are, which files they are, and what they are used for."""

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Self

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

__all__ = ["Model", "Stage"]


class Stage(models.TextChoices):
    """What a version is used for."""

    LIVE = "live"
    """It answers requests."""
    CANARY = "canary"
    """It answers a share of the requests."""
    SHADOW = "shadow"
    """It gets all requests, and its answers are compared with those of the live version, but never sent."""
    RETIRED = "retired"
    """It is not loaded."""


class Model(models.Model):
    """A version of a served model. Create it by ``services.register``, which copies the file and computes the digest."""

    name: "models.CharField[str, str]" = models.CharField(max_length=100)
    """The ``name`` of the ``Served`` class."""
    version: "models.CharField[str, str]" = models.CharField(max_length=100)
    digest: "models.CharField[str, str]" = models.CharField(max_length=64, editable=False)
    """The SHA-256 of the file. A file with another digest is never loaded."""
    path: "models.CharField[str, str]" = models.CharField(max_length=500)
    """The file, below ``MATT_ML["FOLDER"]``."""
    stage: "models.CharField[str, str]" = models.CharField(
        max_length=10, choices=Stage, default=Stage.RETIRED
    )
    share: "models.PositiveSmallIntegerField[int, int]" = models.PositiveSmallIntegerField(
        default=0, validators=[MinValueValidator(0), MaxValueValidator(100)]
    )
    """How many percent of the requests a canary answers."""
    created_at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField(
        default=timezone.now, editable=False
    )

    if TYPE_CHECKING:
        objects: ClassVar[models.Manager[Self]]

    class Meta:
        """Names and versions are unique, and a model has at most one version in each stage that is loaded."""

        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="matt_ml_version"),
            models.UniqueConstraint(
                fields=["name", "stage"], name="matt_ml_stage", condition=~Q(stage=Stage.RETIRED)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}:{self.version}"
