"""``manage.py matt_migrations``: what the migrations that are not applied would lock and break, and applying them with patience."""

import json
import time
from dataclasses import asdict
from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, DatabaseError, OperationalError, connections
from django.db.migrations.exceptions import (
    BadMigrationError,
    InconsistentMigrationHistory,
    NodeNotFoundError,
)

from django_matt.contrib.inspection.migration_plans import Step, plan
from django_matt.contrib.inspection.squashes import advise

__all__ = ["Command"]

_LOCKED = "55P03"
"""PostgreSQL's lock_not_available."""


class Command(BaseCommand):
    """Plan, check and apply migrations."""

    help = (
        "`plan` shows each step of the migrations that are not applied: its SQL, what waits for its locks, the size of the "
        "table, and whether the last release still runs. `check` ends with 1 if a step is not safe. `apply` migrates, and "
        "gives up a lock that it does not get soon, to try again later. `squash-advice` shows which migrations can become one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the four subcommands."""
        verbs = parser.add_subparsers(
            dest="verb", required=True, metavar="plan|check|apply|squash-advice"
        )
        for name, text in (
            ("plan", "show the steps; nothing is changed"),
            ("check", "show the steps that are not safe, and fail if there is one"),
        ):
            verb = verbs.add_parser(name, help=text)
            verb.add_argument("--database", default=DEFAULT_DB_ALIAS)
            verb.add_argument("--format", choices=("text", "json"), default="text")
        squash = verbs.add_parser("squash-advice", help="show which migrations can become one")
        squash.add_argument("labels", nargs="*", metavar="app", help="only these apps")
        squash.add_argument("--database", default=DEFAULT_DB_ALIAS)
        apply = verbs.add_parser("apply", help="migrate with a lock_timeout, and retry")
        apply.add_argument("--database", default=DEFAULT_DB_ALIAS)
        apply.add_argument("--lock-timeout", type=float, default=2.0, metavar="SECONDS")
        apply.add_argument(
            "--retries", type=int, default=10, help="tries after the first (default 10)"
        )
        apply.add_argument(
            "--wait", type=float, default=5.0, metavar="SECONDS", help="between tries"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the subcommand."""
        using = options["database"]
        if using not in connections:
            raise CommandError(
                f"There is no database {using!r}. DATABASES has {', '.join(connections)}."
            )
        try:
            if options["verb"] == "squash-advice":
                self._advise(using, options["labels"])
                return
            if options["verb"] == "apply":
                self._apply(using, options)
                return
            steps = plan(using)
        except KeyboardInterrupt:
            raise CommandError(
                "Interrupted. A migration that is atomic is applied as a whole or not at all: "
                "`manage.py showmigrations` shows those that are applied.",
                returncode=130,
            ) from None
        except (InconsistentMigrationHistory, BadMigrationError, NodeNotFoundError) as error:
            raise CommandError(str(error)) from error
        except (DatabaseError, ImproperlyConfigured) as error:
            raise CommandError(_answer(using, error)) from error
        if connections[using].vendor not in {"postgresql", "sqlite"} and steps:
            self.stderr.write(
                f"The locks of {connections[using].display_name} are not known: each statement is taken for one that has the "
                "whole database for a short time. Only what breaks the last release is checked."
            )
        unsafe = [step for step in steps if not step.is_safe]
        shown = steps if options["verb"] == "plan" else unsafe
        if options["format"] == "json":
            self.stdout.write(json.dumps(list(map(_as_data, shown)), indent=2))
        else:
            self._print(shown, all_sql=options["verb"] == "plan")
            if not steps:
                self.stdout.write("Every migration is applied.")
            elif not shown:
                self.stdout.write(f"{len(steps)} steps, all of them safe.")
        if options["verb"] == "check" and unsafe:
            raise CommandError(f"{len(unsafe)} of {len(steps)} steps are not safe.")

    def _print(self, steps: list[Step], *, all_sql: bool) -> None:
        for step in steps:
            good = self.style.SUCCESS("safe") if step.is_safe else self.style.ERROR("not safe")
            self.stdout.write(f"{step.migration}  {step.operation}  {good}")
            if step.table:
                size = "" if step.rows is None else f", about {step.rows:,} rows"
                new = ", new" if step.is_new else ""
                self.stdout.write(f"  table {step.table}{new}{size}")
            for each in step.statements if all_sql else step.waits:
                self.stdout.write(f"  {each.sql}")
                if each.lock.mode and not step.is_new:
                    stops = f"{each.lock.stops} wait" if each.lock.stops else "nobody waits"
                    self.stdout.write(f"    {each.lock.mode}, {each.lock.duration}: {stops}")
                if each.lock.hint and not step.is_new and not each.lock.is_safe:
                    self.stdout.write(f"    {each.lock.hint}")
            for text in (step.fault, step.breaks, step.keeps, step.note):
                if text:
                    self.stdout.write(f"  {text}")

    def _advise(self, using: str, labels: list[str]) -> None:
        for label in labels:
            if label not in apps.app_configs:
                raise CommandError(
                    f"There is no app {label!r}. Known are {', '.join(sorted(apps.app_configs))}."
                )
        found = advise(using, labels or None)
        for advice in found:
            count = f"{advice.migrations} migration{'' if advice.migrations == 1 else 's'}"
            nothing = "" if advice.runs else ", nothing to squash"
            self.stdout.write(f"{advice.app}  {count}{nothing}")
            for run in advice.runs:
                self.stdout.write(
                    f"  {run.first} to {run.last}: {run.migrations} migrations become one, and {run.before} operations "
                    f"{run.after}"
                )
                self.stdout.write(self.style.SUCCESS(f"    {run.command(advice.app)}"))
            for note in advice.notes:
                self.stdout.write(f"  {note}")
        if not found:
            self.stdout.write("No app of the project has migrations.")

    def _apply(self, using: str, options: dict[str, Any]) -> None:
        connection = connections[using]
        timeout, retries = options["lock_timeout"], options["retries"]
        # PostgreSQL reads 0 as no timeout, and without a try nothing would be migrated.
        if timeout < 0.001 or retries < 0 or options["wait"] < 0:
            raise CommandError(
                "--lock-timeout is at least 0.001 seconds, and --retries and --wait are at least 0."
            )
        connection.ensure_connection()
        for attempt in range(retries + 1):
            try:
                if connection.vendor == "postgresql":
                    with connection.cursor() as cursor:
                        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [f"{int(timeout * 1000)}ms"])  # fmt: skip
                with connection.execute_wrapper(_wait_beside_others):
                    call_command("migrate", database=using, interactive=False, stdout=self.stdout)
            except OperationalError as error:
                cause = error.__cause__
                # psycopg 3, and psycopg2.
                if _LOCKED not in (
                    getattr(cause, "sqlstate", None),
                    getattr(cause, "pgcode", None),
                ):
                    raise
                if attempt == retries:
                    raise CommandError(
                        f"A lock was not free within {timeout:g} seconds, {attempt + 1} times. If its "
                        "migration is atomic, nothing of it was changed. Look for long transactions in pg_stat_activity."
                    ) from None
                self.stdout.write(
                    f"A lock was not free within {timeout:g} seconds. The next try is in {options['wait']:g} seconds."
                )
                time.sleep(options["wait"])
            else:
                return
            finally:
                if connection.vendor == "postgresql" and connection.connection is not None:
                    with connection.cursor() as cursor:
                        cursor.execute("RESET lock_timeout")


def _answer(using: str, error: Exception) -> str:
    text = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
    return f"The database {using!r} answered: {text}. Is it running, and may its user do this?"


def _wait_beside_others(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
    """Let an index that is built concurrently wait without limit.

    Nobody waits behind it, and if it gave up, PostgreSQL would keep an invalid index of its name.
    """
    if "INDEX CONCURRENTLY" not in str(sql).upper() or context["connection"].in_atomic_block:
        return execute(sql, params, many, context)
    with context["connection"].cursor() as cursor:
        cursor.execute("SELECT current_setting('lock_timeout')")
        (timeout,) = cursor.fetchone()
        cursor.execute("SET lock_timeout = 0")
        try:
            return execute(sql, params, many, context)
        finally:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [timeout])


def _as_data(step: Step) -> dict[str, Any]:
    found = asdict(step)
    for data, each in zip(found["statements"], step.statements, strict=True):
        data["lock"] |= {"stops": each.lock.stops, "is_safe": each.lock.is_safe}
    return found | {"is_safe": step.is_safe}
