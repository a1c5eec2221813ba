"""The system checks ``matt_rag.…``: the options are valid, and an installed app searches."""

from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

from django_matt.contrib.rag.settings import get_settings
from django_matt.search_indexes import find_search

__all__ = ["check_search", "check_settings"]


def check_settings(**_: Any) -> list[CheckMessage]:
    """Report a wrong name or value in ``settings.MATT_RAG``, and embedders and models that cannot be made."""
    from django_matt.contrib.rag.answers import load_model
    from django_matt.contrib.rag.embedders import load_embedders

    try:
        options = get_settings()
        load_embedders()
        if options.MODEL is not None:
            load_model()
    except (ImproperlyConfigured, ImportError) as error:
        hint = "Fix or remove the option in settings.MATT_RAG."
        return [Error(str(error), hint=hint, id="matt_rag.E001")]
    return []


def check_search(**_: Any) -> list[CheckMessage]:
    """Report that no installed app searches."""
    if find_search() is not None:
        return []
    hint = 'Add "django_matt.contrib.search" to INSTALLED_APPS, and run migrate.'
    return [Error("No installed app searches words.", hint=hint, id="matt_rag.E002")]
