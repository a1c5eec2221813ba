"""Calls the GET operations of a project, each in a transaction that is rolled back, and keeps what they need."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from django.apps import apps
from django.conf import settings
from django.core.signals import request_finished
from django.db import close_old_connections, connections, models, transaction
from django.test import Client

from django_matt.api import MattAPI
from django_matt.contrib.observability.observations import Detail, keeping, requests
from django_matt.discovery import find_apis
from django_matt.operations import BoundOperation
from django_matt.testing.samples import Samples

__all__ = ["Replay", "host", "parse_pairs", "replay"]


@dataclass(frozen=True, slots=True)
class Replay:
    """One operation that was called: its response's status, and what was observed."""

    operation: BoundOperation
    address: str
    status: int
    reason: str
    """Why there is no successful response."""
    seen: tuple[Detail, ...]


def replay(
    routes: Sequence[str],
    known: Mapping[str, str],
    headers: Mapping[str, str],
    user: Any,
    times: int,
) -> Iterator[Replay]:
    """Call each GET operation whose path, name or id contains one of ``routes``, all by default, and yield what happens.

    ``known`` are values of parameters by name. Other parameters get the value of the first row of their model, or what the
    OpenAPI document gives as an example. With a ``user``, the client is signed in. Nothing that is written is kept.
    """
    for api, prefix in find_apis():
        if not isinstance(api, MattAPI):
            continue
        document = json.loads(json.dumps(api.get_openapi_schema(path_prefix=prefix), default=str))
        for operation in api.operations(path_prefix=prefix):
            names = (operation.path, operation.operation_id, operation.name)
            if "GET" not in operation.methods or not (
                not routes or any(route in each for route in routes for each in names)
            ):
                continue
            described = document["paths"].get(operation.path, {}).get("get")
            if described is None:
                yield Replay(operation, operation.path, 0, "it is not in the OpenAPI document", ())
                continue
            if operation.stream is not None:
                yield Replay(operation, operation.path, 0, "it streams, maybe without end", ())
                continue
            yield _call(
                operation,
                document,
                described,
                known=known,
                headers=headers,
                user=user,
                times=times,
            )


def _call(
    operation: BoundOperation,
    document: Any,
    described: Any,
    *,
    known: Mapping[str, str],
    headers: Mapping[str, str],
    user: Any,
    times: int,
) -> Replay:
    with ExitStack() as stack:
        for alias in connections:
            if connections[alias].vendor != "unknown":
                stack.enter_context(transaction.atomic(using=alias))
                stack.callback(transaction.set_rollback, True, using=alias)
        address = _address(operation, document, described, known)
        client = Client(raise_request_exception=False, SERVER_NAME=host())
        if user is not None:
            client.force_login(user)
            # A session that is not in the database is not rolled back.
            stack.callback(client.logout)
        kept = requests[-1] if requests else None
        seen: list[Detail] = []
        status = 0
        stack.enter_context(keeping.wanted())
        request_finished.disconnect(close_old_connections)
        try:
            for _ in range(times):
                response: Any = client.get(
                    address,
                    headers={"Accept": "application/json", **headers},
                    secure=settings.SECURE_SSL_REDIRECT,
                )
                status = response.status_code
                if response.streaming:
                    b"".join(response)
                last = requests[-1] if requests else None
                if last is not None and last is not kept:
                    kept = last
                    seen.append(last)
        finally:
            request_finished.connect(close_old_connections)
    return Replay(operation, address, status, _reason(status), tuple(seen))


def host() -> str:
    """Return a host that Django accepts."""
    named = [each.lstrip(".") for each in settings.ALLOWED_HOSTS if "*" not in each]
    return named[0] if named else "localhost"


def _reason(status: int) -> str:
    if status < 400:
        return ""
    hints = {
        401: "pass --user or --header",
        403: "pass a --user who may",
        404: "pass --set with the id of an object",
        422: "pass --set with valid parameters",
    }
    return f"it answered {status}: {hints.get(status, 'see its error')}"


def _address(
    operation: BoundOperation, document: Any, described: Any, known: Mapping[str, str]
) -> str:
    parameters = [each for each in described.get("parameters", ()) if "in" in each]
    found = {
        each["name"]: _sample(operation, each["name"])
        for each in parameters
        if each["in"] == "path"
    }
    values = {name: value for name, value in found.items() if value is not None} | dict(known)
    samples = Samples(document, values)
    path, query = operation.path, {}
    for each in parameters:
        name = each["name"]
        if each["in"] == "path":
            value = quote(str(samples.value(each.get("schema"), name)), safe="/")
            path = path.replace(f"{{{name}}}", value)
        elif each["in"] == "query" and (each.get("required") or name in known):
            query[name] = samples.value(each.get("schema"), name)
    return f"{path}?{urlencode(query, doseq=True)}" if query else path


def _sample(operation: BoundOperation, name: str) -> Any:
    """Return a value of a path parameter: of the first row of the model that it names, or of the response's model."""
    read = [each for found in operation.reads() for each in found.models]
    stem, _, ending = name.rpartition("_")
    if stem and ending in ("id", "pk", "slug", "uuid"):
        plain = stem.replace("_", "").lower()
        matching = [each for each in [*read, *apps.get_models()] if each._meta.model_name == plain]
        read, name = matching or read, ending
    for model in read[:1]:
        fields = {each.name for each in model._meta.concrete_fields}
        column = name if name in fields else "pk"
        found: models.QuerySet[Any] = model._base_manager.order_by("pk")
        return found.values_list(column, flat=True).first()
    return None


def parse_pairs(given: list[str], separator: str) -> dict[str, str]:
    """Return texts such as ``name=value`` as a dictionary; raise ``ValueError`` for one without the separator."""
    pairs = {}
    for each in given:
        name, found, value = each.partition(separator)
        if not found or not re.fullmatch(r"[\w-]+", name.strip()):
            raise ValueError(each)
        pairs[name.strip()] = value.strip()
    return pairs
