"""The app's configuration."""

from typing import Any

from django.apps import AppConfig
from django.core.checks import register

__all__ = ["AuditConfig"]


class AuditConfig(AppConfig):
    """Add ``"django_matt.contrib.audit"`` to ``INSTALLED_APPS``."""

    name = "django_matt.contrib.audit"
    label = "matt_audit"
    verbose_name = "Django Matt: audit"
    default_auto_field = "django.db.models.BigAutoField"
    uses_client_address = True  # so that the core's check compares the settings of proxies

    def ready(self) -> None:
        """Register the system checks, and receive Django's own signals of logins."""
        from django_matt.contrib.audit import checks, receivers

        register(checks.check_settings, "matt")
        register(checks.check_deployment, "matt", deploy=True)
        receivers.connect()

    def extend(self, api: Any) -> None:
        """Add the two routes to an API."""
        from django_matt.contrib.audit.controllers import make_controller
        from django_matt.contrib.audit.settings import get_settings

        options = get_settings()
        if options.PATH is not None or options.STAFF_PATH is not None:
            api.register_controllers(make_controller(options))

    def record_security_event(self, event: Any) -> None:
        """Store an event; see ``django_matt.sign_in.RecordsSecurityEvents``."""
        from django_matt.contrib.audit.services import record_event

        record_event(event)

    def prune_rows(self, *, dry_run: bool) -> int:
        """Delete the events that are older than ``RETENTION``; see ``django_matt.extensions.PrunesRows``."""
        from django_matt.contrib.audit.services import prune
        from django_matt.contrib.audit.settings import get_settings

        age = get_settings().RETENTION
        return 0 if age is None else prune(age, dry_run=dry_run)
