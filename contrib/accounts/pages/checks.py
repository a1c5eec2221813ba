"""The system checks of the pages: the templates of this app are found before those of allauth."""

from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning
from django.urls import NoReverseMatch, reverse

__all__ = ["check_pages"]


def check_pages(**_: Any) -> list[CheckMessage]:
    """Report that allauth's own templates hide those of this app, if the project has the pages."""
    order = [config.name for config in apps.get_app_configs()]
    if "allauth" not in order or not _has_pages():
        return []
    if order.index("django_matt.contrib.accounts") < order.index("allauth"):
        return []
    return [
        CheckWarning(
            "The sign-in pages use allauth's own templates, which have no style.",
            hint='Move "django_matt.contrib.accounts" before "allauth" in INSTALLED_APPS.',
            id="matt_accounts.W101",
        )
    ]


def _has_pages() -> bool:
    try:
        reverse("account_login")
    except NoReverseMatch:
        return False
    except Exception:  # noqa: BLE001 - Django's own check reports URLs that cannot be imported
        return False
    return True
