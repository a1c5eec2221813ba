"""The system checks: apps in the wrong order, wrong settings, columns that cannot be exported."""

from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured

from django_matt.contrib.admin.dashboards import find_panels
from django_matt.contrib.admin.settings import get_settings

__all__ = ["check_apps", "check_settings", "check_transfers"]


def check_apps(**_: Any) -> list[CheckMessage]:
    """Report that Unfold is missing, or installed after the admin has registered its models."""
    order = [each.name for each in apps.get_app_configs()]
    hint = 'Write "django_matt.contrib.admin", "unfold", "django.contrib.admin" in this order in INSTALLED_APPS.'
    for name in ("unfold", "django.contrib.admin"):
        if name not in order:
            return [Error(f"{name} is not installed.", hint=hint, id="matt_admin.E002")]
    admin = order.index("django.contrib.admin")
    late = [each for each in ("unfold", "django_matt.contrib.admin") if order.index(each) > admin]
    if late:
        what = f"{' and '.join(late)} must be above django.contrib.admin in INSTALLED_APPS."
        return [Error(what, hint=hint, id="matt_admin.E003")]
    return []


def check_settings(**_: Any) -> list[CheckMessage]:
    """Report an unknown option, an invalid value, and a dashboard that cannot be imported."""
    try:
        get_settings()
        find_panels()
    except ImproperlyConfigured as error:
        hint = "Fix or remove the option in settings.MATT_ADMIN."
        return [Error(str(error), hint=hint, id="matt_admin.E001")]
    return []


def check_transfers(**_: Any) -> list[CheckMessage]:
    """Report names in ``transfer_fields`` that are not columns of the model."""
    from django.contrib.admin.sites import all_sites

    found: list[CheckMessage] = []
    registered = [
        (site, each) for site in all_sites for each in apps.get_models() if site.is_registered(each)
    ]
    for admin in [site.get_model_admin(model) for site, model in registered]:
        for name in getattr(admin, "transfer_fields", ()):
            try:
                field = admin.model._meta.get_field(name)
                is_column = field.concrete and not field.many_to_many and field.name == name
            except FieldDoesNotExist:
                is_column = False
            if not is_column:
                what = f"transfer_fields of {type(admin).__name__} has {name!r}, which is not a column of {admin.model.__name__}."
                hint = "Name columns of the model; many-to-many fields cannot be exported."
                found.append(Error(what, hint=hint, obj=type(admin), id="matt_admin.E004"))
    return found
