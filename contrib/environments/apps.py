"""The app's configuration: it adds the command ``matt_env`` and the system check of ``.env``."""

from django.apps import AppConfig

__all__ = ["EnvironmentsConfig"]


class EnvironmentsConfig(AppConfig):
    """Add ``"django_matt.contrib.environments"`` to ``INSTALLED_APPS`` to get ``manage.py matt_env``."""

    name = "django_matt.contrib.environments"
    label = "matt_environments"
    verbose_name = "Environment"

    def ready(self) -> None:
        """Register the system check."""
        from django_matt.contrib.environments import checks  # noqa: F401
