"""The system checks ``matt_caching.…``: the options are valid, and the cache can keep the promise."""

from typing import Any

from django.conf import settings
from django.core import mail
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

from django_matt.contrib.caching.settings import get_settings
from django_matt.contrib.caching.stores import get_store
from django_matt.contrib.caching.validity import notices_others

__all__ = ["check_cache", "check_settings"]


def check_settings(**_: Any) -> list[CheckMessage]:
    """Report a wrong name or value in ``settings.MATT_CACHING``."""
    try:
        get_settings()
    except ImproperlyConfigured as error:
        hint = "Fix or remove the option in settings.MATT_CACHING."
        return [Error(str(error), hint=hint, id="matt_caching.E002")]
    return []


def check_cache(**_: Any) -> list[CheckMessage]:
    """Report a cache that would serve responses that are older than a write."""
    if check_settings():
        return []
    store = get_store()
    if not settings.DEBUG and not hasattr(mail, "outbox") and not notices_others():
        return [
            Error(
                f"Responses are cached in the memory of each process ({store.alias!r}), and not every database is a file of "
                "SQLite: a process does not notice what another one writes, so nothing is cached.",
                hint=f'Use Redis or Django\'s database cache for CACHES["{store.alias}"], or name another cache in '
                'MATT_CACHING["CACHE"].',
                id="matt_caching.E001",
            )
        ]
    if store.in_database and get_settings().STRICT:
        return [
            Error(
                'MATT_CACHING["STRICT"] does not work with a cache in the database: other processes would see the mark of '
                "a transaction only after its end.",
                hint="Use Redis, or turn STRICT off.",
                id="matt_caching.E003",
            )
        ]
    return []
