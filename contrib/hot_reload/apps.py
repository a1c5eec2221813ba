"""The Django app: its checks, and what tells the other apps of changed files."""

from django.apps import AppConfig

__all__ = ["HotReloadConfig"]


class HotReloadConfig(AppConfig):
    """Replaces ``manage.py runserver``; adds nothing to an API."""

    name = "django_matt.contrib.hot_reload"
    label = "matt_hot_reload"
    verbose_name = "Hot reload"

    def ready(self) -> None:
        """Register the system checks."""
        from django_matt.contrib.hot_reload import checks  # noqa: F401
