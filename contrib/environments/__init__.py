"""Typed settings from the environment: a class for ``settings.py``, and ``manage.py matt_env`` for the ``.env`` file.

It needs the extra ``environments``. For the command, add ``"django_matt.contrib.environments"`` to
``INSTALLED_APPS``; the class works without it. Nothing here reads Django's settings, because ``settings.py`` itself
imports it.

>>> class Environment(DjangoEnvironment, env_file=None):
...     STRIPE_KEY: SecretStr = SecretStr("")
>>> Environment(SECRET_KEY="a" * 50).DEBUG
False
"""

try:
    import environ as _environ  # type: ignore[import-untyped]  # noqa: F401
    import pydantic_settings as _pydantic_settings  # noqa: F401
except ModuleNotFoundError as _error:
    from django_matt.errors.missing_extra import MissingExtra

    raise MissingExtra(_error.name or "pydantic-settings", "environments") from None

from pydantic import Field, SecretStr

from django_matt.contrib.environments.addresses import (
    CacheURL,
    DatabaseURL,
    EmailURL,
    StorageURL,
    cache,
    database,
    mailer,
    storage,
)
from django_matt.contrib.environments.environment import DjangoEnvironment, GeneratedSecret
from django_matt.contrib.environments.errors import EnvironmentInvalid

__all__ = [
    "CacheURL",
    "DatabaseURL",
    "DjangoEnvironment",
    "EmailURL",
    "EnvironmentInvalid",
    "Field",
    "GeneratedSecret",
    "SecretStr",
    "StorageURL",
    "cache",
    "database",
    "mailer",
    "storage",
]
