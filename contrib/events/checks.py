"""The system checks ``matt_events.…``: the options are valid, the database has a log, and old events can be read."""

from typing import Any

from django.core import checks
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from django_matt.contrib.events.schemas import EventSchema, registered
from django_matt.contrib.events.services import event_database
from django_matt.contrib.events.settings import get_settings
from django_matt.contrib.events.triggers import missing_triggers, triggered_models

__all__ = ["check_database", "check_settings", "check_triggers", "check_versions"]


def check_settings(**_: Any) -> list[CheckMessage]:
    """Report a wrong name or value in ``settings.MATT_EVENTS``."""
    try:
        triggered_models()
    except ImproperlyConfigured as error:
        hint = "Fix or remove the option in settings.MATT_EVENTS."
        return [Error(str(error), hint=hint, id="matt_events.E001")]
    return []


def check_database(**_: Any) -> list[CheckMessage]:
    """Report a database that cannot store the log."""
    connection = connections[event_database()]
    if connection.vendor == "postgresql" or (
        connection.vendor == "sqlite" and connection.features.can_return_rows_from_bulk_insert
    ):
        return []
    return [
        Error(
            f"Events cannot be stored in {connection.display_name}.",
            hint="Use PostgreSQL, or SQLite 3.35 or newer, or route the models of matt_events to such a database.",
            id="matt_events.E002",
        )
    ]


def check_triggers(*, databases: Any = None, **_: Any) -> list[CheckMessage]:
    """Report models whose changes are to be published by triggers that the database does not have."""
    if event_database() not in (databases or []) or not get_settings().TRIGGERS:
        return []
    return [
        checks.Warning(
            f"The table {table!r} lacks a trigger, so some of its changes are not published.",
            hint='Run `python manage.py migrate`, which writes the triggers of MATT_EVENTS["TRIGGERS"].',
            id="matt_events.W002",
        )
        for table in missing_triggers()
    ]


def check_versions(**_: Any) -> list[CheckMessage]:
    """Report schemas with a new version that do not read the events of the old ones."""
    return [
        checks.Warning(
            f"{schema.__name__} has the version {schema.version}, and no upgrade(): events of older versions that do not "
            "fit it cannot be processed.",
            hint="Define the class method upgrade(data, version), which returns old data in the new form.",
            obj=schema,
            id="matt_events.W001",
        )
        for schema in registered.values()
        if schema.version > 1 and schema.upgrade.__func__ is EventSchema.upgrade.__func__  # type: ignore[attr-defined]
    ]
