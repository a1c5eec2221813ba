"""Triggers that publish the changes of models, also those of ``update()``, the bulk methods and raw SQL."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db import connections, models, router, transaction

from django_matt.contrib.events.services import event_database
from django_matt.contrib.events.settings import get_settings

__all__ = ["missing_triggers", "triggered_models", "write_triggers"]

_PREFIX = "matt_events_"
_EVENTS = "matt_events_event"
_KEYS = (models.IntegerField, models.CharField, models.UUIDField)
_FUNCTION = """
CREATE OR REPLACE FUNCTION matt_events_publish() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE found bigint;
BEGIN
    EXECUTE format(
        'INSERT INTO matt_events_event (uuid, topic, key, tenant, version, data, created)'
        ' SELECT gen_random_uuid(), $1, each.key, '''', 1, $2, clock_timestamp()'
        ' FROM (SELECT DISTINCT %I::text AS key FROM changed) AS each', TG_ARGV[1]
    ) USING TG_ARGV[0], TG_ARGV[2]::jsonb;
    GET DIAGNOSTICS found = ROW_COUNT;
    IF found > 0 THEN
        NOTIFY matt_events_published;
    END IF;
    RETURN NULL;
END $$
"""


@dataclass(frozen=True, slots=True)
class Trigger:
    """One trigger on a table: after a statement it publishes a change of each row, whose key is in ``column``."""

    table: str
    column: str
    topic: str
    statement: str
    """INSERT, UPDATE or DELETE."""
    verb: str
    is_uuid: bool

    def name(self, vendor: str) -> str:
        """Return the name, which is another one if anything of the trigger is another."""
        written = self.sql(vendor, "") + _FUNCTION
        return _PREFIX + blake2b(written.encode(), digest_size=12).hexdigest()

    def sql(self, vendor: str, name: str) -> str:
        """Return the statement that creates it."""
        quote = connections[event_database()].ops.quote_name
        data = json.dumps({"verb": self.verb})
        row = "OLD" if self.statement == "DELETE" else "NEW"
        start = f"CREATE TRIGGER {quote(name)} AFTER {self.statement} ON {quote(self.table)}"
        if vendor == "postgresql":
            arguments = ", ".join(map(_text, (self.topic, self.column, data)))
            return (
                f"{start} REFERENCING {row} TABLE AS changed FOR EACH STATEMENT "
                f"EXECUTE FUNCTION matt_events_publish({arguments})"
            )
        key = f"CAST({row}.{quote(self.column)} AS TEXT)"
        if self.is_uuid:
            # Django stores it as 32 digits here.
            places = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
            key = " || '-' || ".join(f"substr({key}, {first}, {size})" for first, size in places)
        # Each name and text is quoted.
        return (
            f"{start} BEGIN INSERT INTO matt_events_event (uuid, topic, key, tenant, version, data, created) "  # noqa: S608
            f"VALUES (lower(hex(randomblob(16))), {_text(self.topic)}, {key}, '', 1, {_text(data)}, "
            "strftime('%Y-%m-%d %H:%M:%f', 'now')); END"
        )


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def triggered_models() -> list[type[models.Model]]:
    """Return the models of ``MATT_EVENTS["TRIGGERS"]``; raise ``ImproperlyConfigured`` for one that cannot have triggers."""
    found = []
    for label in get_settings().TRIGGERS:
        try:
            model = apps.get_model(label)
        except (LookupError, ValueError) as error:
            raise ImproperlyConfigured(
                f'settings.MATT_EVENTS["TRIGGERS"] names {label!r}: there is no such model.'
            ) from error
        fault = _fault_of(model)
        if fault:
            raise ImproperlyConfigured(
                f'settings.MATT_EVENTS["TRIGGERS"] names {label!r}: {fault}. Take it out: its changes are then published by '
                "signals."
            )
        found.append(model)
    return found


def _fault_of(model: type[models.Model]) -> str:
    options = model._meta
    if options.proxy or not options.managed:
        return "it has no table of its own that migrations create"
    if options.parents:
        return "its columns are in the tables of several models"
    key = options.pk
    is_long = isinstance(key, models.CharField) and (key.max_length or 201) > 200
    if not isinstance(key, _KEYS) or is_long:
        return "its primary key is not a number, a UUID or a text of at most 200 characters"
    if router.db_for_write(model) != event_database():
        return "it is in another database than the events"
    return ""


def _triggers() -> Iterator[Trigger]:
    for model in triggered_models():
        options = model._meta
        topic = options.label_lower
        is_uuid = isinstance(options.pk, models.UUIDField)
        column = str(getattr(options.pk, "column", ""))
        verbs = {"INSERT": "created", "UPDATE": "changed", "DELETE": "deleted"}
        for statement, verb in verbs.items():
            yield Trigger(options.db_table, column, topic, statement, verb, is_uuid)
        for field in options.many_to_many:
            through: Any = field.remote_field.through
            try:
                source: Any = through._meta.get_field(getattr(field, "m2m_field_name")())  # noqa: B009 - not in the stubs
            except FieldDoesNotExist:
                continue
            for statement in verbs:
                yield Trigger(
                    through._meta.db_table, source.column, topic, statement, "changed", is_uuid
                )


def missing_triggers() -> list[str]:
    """Return the tables in the database of the events that lack a trigger."""
    connection = connections[event_database()]
    there = {name for name, _ in _existing(connection)}
    return sorted({each.table for each in _triggers() if each.name(connection.vendor) not in there})


def write_triggers(using: str, **_: Any) -> None:
    """Create the triggers that are missing, and drop those that are no longer wanted: a receiver of ``post_migrate``."""
    if using != event_database():
        return
    connection = connections[using]
    tables = {*connection.introspection.table_names()}
    if _EVENTS not in tables:
        # Before the first migration of this app, or after the last was undone: a trigger would make each write fail.
        tables = set()
    wanted = {each.name(connection.vendor): each for each in _triggers() if each.table in tables}
    existing = dict(_existing(connection))
    if wanted.keys() == existing.keys():
        return
    quote = connection.ops.quote_name
    with transaction.atomic(using=using), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_FUNCTION)
        for name in existing.keys() - wanted.keys():
            place = f" ON {quote(existing[name])}" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER {quote(name)}{place}")
        for name in wanted.keys() - existing.keys():
            cursor.execute(wanted[name].sql(connection.vendor, name))


def _existing(connection: Any) -> list[tuple[str, str]]:
    """Return the names and tables of the triggers that the app has made."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT tgname, relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
                "WHERE tgname LIKE %s AND pg_table_is_visible(tgrelid)",
                [_PREFIX.replace("_", "\\_") + "%"],
            )
        else:
            cursor.execute(
                "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger' AND name LIKE %s ESCAPE '\\'",
                [_PREFIX.replace("_", "\\_") + "%"],
            )
        return [(str(name), str(table)) for name, table in cursor.fetchall()]
