"""The system checks: the options are valid, and each process publishes the changes that live lists show."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured

from django_matt.contrib.realtime.settings import get_settings
from django_matt.decorators import get_metadata
from django_matt.discovery import find_apis

__all__ = ["check_models", "check_settings"]


def check_settings(**_: Any) -> list[CheckMessage]:
    """Report a wrong name or value in ``settings.MATT_REALTIME``."""
    try:
        get_settings()
    except ImproperlyConfigured as error:
        hint = "Fix or remove the option in settings.MATT_REALTIME."
        return [Error(str(error), hint=hint, id="matt_realtime.E001")]
    return []


def check_models(**_: Any) -> list[CheckMessage]:
    """Report models of live lists whose changes are published only where the URLconf is imported: commands do not."""
    from django_matt.operations import list_operations

    if not getattr(settings, "ROOT_URLCONF", None):
        return []
    found = (
        get_metadata("live", each.operation.view_func)
        for api, prefix in find_apis()
        for each in list_operations(api, prefix)
    )
    undeclared = dict.fromkeys(
        each.model for each in found if each is not None and not each.is_declared
    )
    return [
        CheckWarning(
            f"Only processes that import the URLconf publish the changes of {model._meta.label}: its live lists miss what "
            "commands and task workers write.",
            hint=f"Write `find_event_log().publish_changes({model.__name__})`, of django_matt.event_log, into the module "
            "consumers of an app: each process imports it.",
            id="matt_realtime.W001",
        )
        for model in undeclared
    ]
