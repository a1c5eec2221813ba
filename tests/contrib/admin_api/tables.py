"""The admin and the store, installed and with tables for the length of a test: other tests see neither."""

from typing import Any

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.contenttypes.management import create_contenttypes
from django.db import connection

APPS = ["django.contrib.admin", "django.contrib.messages", "tests.contrib.admin_api.store"]


def install_store(settings: Any, *more: str) -> None:
    """Install the apps by pytest-django's ``settings``, which takes them away again."""
    names = (
        "template.context_processors.request",
        "contrib.auth.context_processors.auth",
        "contrib.messages.context_processors.messages",
    )
    options = {"context_processors": [f"django.{name}" for name in names]}
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "OPTIONS": options}]
    settings.MIDDLEWARE = [
        *settings.MIDDLEWARE,
        "django.contrib.messages.middleware.MessageMiddleware",
    ]
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, *APPS, *more]


def create_tables() -> None:
    """Create the tables, content types and permissions of the installed apps, in the transaction of the test."""
    create_table_of("admin")
    create_table_of("store")
    for label in ("admin", "store"):
        config: Any = apps.get_app_config(label)
        create_contenttypes(config, verbosity=0)
        create_permissions(config, verbosity=0)


def create_table_of(label: str) -> None:
    known = set(connection.introspection.table_names())
    # Not as a context manager: on SQLite, that one refuses to begin inside of a transaction.
    editor: Any = connection.SchemaEditorClass(connection, collect_sql=False)
    editor.deferred_sql = []
    statements = [
        editor.table_sql(model)[0]
        for model in apps.get_app_config(label).get_models(include_auto_created=True)
        if model._meta.db_table not in known
    ]
    with connection.cursor() as cursor:
        for statement in (*statements, *editor.deferred_sql):
            cursor.execute(str(statement))
