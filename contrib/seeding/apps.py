"""The app's configuration."""

from django.apps import AppConfig

__all__ = ["SeedingConfig"]


class SeedingConfig(AppConfig):
    """Add ``"django_matt.contrib.seeding"`` to ``INSTALLED_APPS``."""

    name = "django_matt.contrib.seeding"
    label = "matt_seeding"
    verbose_name = "Django Matt: seeding"
