"""The permission to see the page; no table."""

from django.db import models

__all__ = ["Inspection"]


class Inspection(models.Model):  # noqa: DJ008 - it has no rows
    """Has no table and no rows: administrators grant its permission, ``matt_inspection.view_inspection``."""

    class Meta:
        app_label = "matt_inspection"
        managed = False
        default_permissions = ("view",)
