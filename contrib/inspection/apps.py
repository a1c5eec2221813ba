"""The app's configuration."""

from django.apps import AppConfig

__all__ = ["InspectionConfig"]


class InspectionConfig(AppConfig):
    """Add ``"django_matt.contrib.inspection"`` to ``INSTALLED_APPS``."""

    name = "django_matt.contrib.inspection"
    label = "matt_inspection"
    verbose_name = "Django Matt: inspection"
