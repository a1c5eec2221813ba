"""The app, installed on PostgreSQL; on SQLite only its check is tested."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connection, models
from django.test.utils import isolate_apps

from django_matt import MattAPI

APPS = ["django.contrib.postgres", "django_matt.contrib.postgres"]
postgres = pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL")
_numbers = itertools.count()


@pytest.fixture(autouse=True)
def installed(settings: Any) -> None:
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, *APPS]


@pytest.fixture
def make_table() -> Any:
    """Return ``make_table(model)``, which creates a table for the length of the test."""
    made: list[Any] = []

    def make(model: Any) -> Any:
        with connection.schema_editor() as editor:
            editor.create_model(model)
        made.append(model)
        return model

    with isolate_apps("tests.project"):
        yield make
    for model in reversed(made):
        with connection.schema_editor() as editor:
            editor.delete_model(model)


def new_api() -> MattAPI:
    return MattAPI(urls_namespace=f"postgres-{next(_numbers)}", extensions=["matt_postgres"])


def caller(client: Any, kind: str) -> Callable[..., Any]:
    """Return what sends a request by Django's sync or async client."""
    if kind == "sync":
        return lambda method, path, **more: getattr(client, method)(path, **more)
    return lambda method, path, **more: async_to_sync(getattr(client.async_client, method))(
        path, **more
    )


__all__ = ["APPS", "caller", "models", "new_api", "postgres"]
