"""Typed settings from the environment: a class that ``settings.py`` reads, and ``manage.py matt_env`` that keeps ``.env``.

Extra: ``environments``. ``INSTALLED_APPS``: ``"django_matt.contrib.environments"``, for the command; the class works
without it. Nothing here needs Django's settings, which are made of it.

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
    cache,
    database,
    email,
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
    "cache",
    "database",
    "email",
]
