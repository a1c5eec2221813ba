"""The Django app: system checks, templates, static files and ``manage.py matt_*``."""

from django.apps import AppConfig, apps

__all__ = ["DjangoMattConfig"]


class DjangoMattConfig(AppConfig):
    """Add ``"django_matt"`` to ``INSTALLED_APPS`` to get the checks and the commands."""

    name = "django_matt"
    label = "django_matt"
    verbose_name = "Django Matt"

    def ready(self) -> None:
        """Register the system checks, and prepare Ninja before a schema is made."""
        from django_matt import checks, database_checks, hook_checks, upstream_checks  # noqa: F401
        from django_matt.extensions import ContributesPolicy
        from django_matt.serialization.model_schemas import leave_out_generic_keys

        leave_out_generic_keys()
        if any(isinstance(each, ContributesPolicy) for each in apps.get_app_configs()):
            from django_matt import policy_checks  # noqa: F401
