"""A cache of responses, each valid until a row of a table that it was read from changes."""

from collections.abc import Iterable
from functools import cached_property
from hashlib import sha256
from typing import Any, Self
from uuid import uuid4

from django.apps import AppConfig
from django.core.cache import cache
from django.db import transaction
from django.db.models.signals import m2m_changed, post_delete, post_save
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from ninja.operation import Operation

from django_matt import MattAPI
from django_matt.decorators import get_metadata, set_metadata
from django_matt.hooks import Call, OperationHook
from django_matt.operations import BoundOperation, find_operation

cached = set_metadata("cached", True, hook="tests.apps.caching.Cache")


def tokens_of(tables: Iterable[str]) -> dict[str, str]:
    """Return the token of each table, which is another one after each change."""
    return {
        key: cache.get_or_set(key, lambda: uuid4().hex, None)
        for key in (f"table:{table}" for table in tables)
    }


def forget(sender: Any, **_: Any) -> None:
    """Change the token of a table: for who reads inside of the transaction, and for all others when it is committed."""

    def change() -> None:
        cache.set(f"table:{sender._meta.db_table}", uuid4().hex, None)

    change()
    transaction.on_commit(change)


class Cache(OperationHook):
    """Answers a route that is ``@cached`` without its view; it stands behind authentication and permissions."""

    def __init__(self, operation: Operation, api: MattAPI) -> None:
        self.operation, self.api = operation, api

    @classmethod
    def bind(cls, operation: Operation, api: MattAPI) -> Self | None:
        return cls(operation, api) if get_metadata("cached", operation.view_func) else None

    @cached_property
    def described(self) -> BoundOperation:
        return find_operation(self.api, self.operation)

    def admitted(self, call: Call) -> HttpResponse | None:
        tokens, response = cache.get(self.key(call)) or ({}, None)
        if response is None or cache.get_many(tokens) != tokens:
            return None
        response.headers["X-Cache"] = "hit"
        found: HttpResponse = response
        return found

    def result(self, call: Call, result: Any) -> Any:
        """Take the tokens before the rows are read: a change meanwhile makes the response invalid."""
        found = self.described.reads(result)
        if found and not any(reads.unknown for reads in found):
            call.state[self] = tokens_of({table for reads in found for table in reads.tables})
        return result

    def response(self, call: Call, response: HttpResponseBase) -> None:
        if self in call.state and response.status_code == 200 and not response.streaming:
            cache.set(self.key(call), (call.state[self], response))

    def key(self, call: Call) -> str:
        request = call.request
        asked = (
            request.get_full_path(),
            request.headers.get("Accept"),
            getattr(request, "auth", None),
        )
        return f"response:{sha256(repr(asked).encode()).hexdigest()}"


class CachingConfig(AppConfig):
    name = "tests.apps.caching"

    def ready(self) -> None:
        for signal in (post_save, post_delete, m2m_changed):
            signal.connect(forget, dispatch_uid="tests.apps.caching")

    def extend(self, api: MattAPI) -> None:
        api.add_hook(Cache)
