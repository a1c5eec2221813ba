"""The app's configuration."""

from django.apps import AppConfig

__all__ = ["DeployConfig"]


class DeployConfig(AppConfig):
    """Add ``"django_matt.contrib.deploy"`` to ``INSTALLED_APPS``."""

    name = "django_matt.contrib.deploy"
    label = "matt_deploy"
    verbose_name = "Django Matt: deployment"
