"""The system checks ``matt_rag.…``: the options are valid, an installed app searches, and the language model can be made."""

from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

from django_matt.contrib.rag.settings import get_settings
from django_matt.search_indexes import find_search

__all__ = ["check_model", "check_search", "check_settings"]


def check_settings(**_: Any) -> list[CheckMessage]:
    """Report a wrong name or value in ``settings.MATT_RAG``, and embedders that cannot be made."""
    from django_matt.contrib.rag.embedders import load_embedders

    try:
        get_settings()
        load_embedders()
    except ImproperlyConfigured as error:
        hint = "Fix or remove the option in settings.MATT_RAG."
        return [Error(str(error), hint=hint, id="matt_rag.E001")]
    return []


def check_model(**_: Any) -> list[CheckMessage]:
    """Report a language model that cannot be made. Only before a deployment: it imports the libraries of the model."""
    from django_matt.contrib.rag.answers import load_model

    try:
        if get_settings().MODEL is not None:
            load_model()
    except (ImproperlyConfigured, ImportError) as error:
        hint = 'Fix MATT_RAG["MODEL"], or install what it needs.'
        return [Error(str(error), hint=hint, id="matt_rag.E003")]
    return []


def check_search(**_: Any) -> list[CheckMessage]:
    """Report that no installed app searches."""
    if find_search() is not None:
        return []
    hint = 'Add "django_matt.contrib.search" to INSTALLED_APPS, and run migrate.'
    return [Error("No installed app searches words.", hint=hint, id="matt_rag.E002")]
