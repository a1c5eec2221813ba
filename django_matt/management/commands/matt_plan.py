"""``manage.py matt_plan``: which tier answers each operation, by which queries, and why no faster one does."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Model

from django_matt.api import MattAPI
from django_matt.discovery import find_apis
from django_matt.settings import get_settings


class Command(BaseCommand):
    """Print the plans of the mounted APIs."""

    help = "Show which tier answers each operation, the queries it makes, and what closes a faster tier."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what narrows the list."""
        parser.add_argument("route", nargs="?", help="a part of a path, a name or an operationId")
        parser.add_argument("--api", help="the urls_namespace of one API")
        parser.add_argument(
            "--model", help="app.Model that the querysets are of, where the schema does not say"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print each operation that was asked for."""
        model = _model(options["model"]) if options["model"] else None
        found = False
        for api, prefix in find_apis():
            if not isinstance(api, MattAPI):
                continue
            if options["api"] and api.urls_namespace != options["api"]:
                continue
            for path, operation in _operations(api, prefix):
                names = (path, operation.operation_id or "", operation.view_func.__name__)
                if options["route"] and not any(options["route"] in name for name in names):
                    continue
                found = True
                self._show(path, operation, model)
        if not found:
            raise CommandError("No operation of a mounted MattAPI matches.")

    def _show(self, path: str, operation: Any, model: type[Model] | None) -> None:
        write = self.stdout.write
        write(f"{'|'.join(operation.methods)} {path} ({operation.operation_id})")
        answer = getattr(operation, "_matt_answer", None)
        if answer is None:
            write("    an operation of the project's own class: Ninja's own path answers")
        elif answer.unplanned is not None:
            write(f"    {answer.unplanned}")
        else:
            for plan in answer.describe(model):
                self._show_plan(plan, streams=answer.streams_rows(plan["status"]))
            for schema in answer.built_schemas():
                write(
                    f"    the view names {schema}: where it makes instances of it, return the queryset instead"
                )

    def _show_plan(self, plan: dict[str, Any], *, streams: bool) -> None:
        self.stdout.write(f"    {plan['status']} {plan['schema']}: {plan['tier']}")
        if plan["reason"]:
            self.stdout.write(f"        not faster: {plan['reason']}")
        most = get_settings().STREAM_ROWS
        if most is not None and streams:
            self.stdout.write(f"        streamed past {most:,} rows, where a queryset is returned")
        for query in plan["queries"]:
            self.stdout.write(f"        {query}")


def _model(label: str) -> type[Model]:
    try:
        return apps.get_model(label)
    except ValueError:
        raise CommandError(f"--model {label}: name the app too, as in auth.User.") from None
    except LookupError as error:
        raise CommandError(f"--model {label}: {error}") from None


def _operations(api: MattAPI, prefix: str) -> Iterator[tuple[str, Any]]:
    for router in api._get_bound_routers():
        for path, view in router.path_operations.items():
            for operation in view.operations:
                parts = (str(router.prefix).strip("/"), path.strip("/"))
                yield "/".join([prefix.rstrip("/"), *filter(None, parts)]) or "/", operation
