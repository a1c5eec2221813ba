"""An API whose routes write a row, sync and async, for the tests of idempotency keys."""

import itertools
import json
from collections.abc import Callable
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth import get_user_model
from django.http import HttpRequest

from django_matt import MattAPI
from django_matt.authentication import APIKeyAuthenticator
from django_matt.contrib.idempotency.decorators import idempotent
from tests.project.models import Tag

__all__ = ["KEY", "Named", "Shop", "tags"]

KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"
_numbers = itertools.count()


class Named(APIKeyAuthenticator):
    """The user whose name a client sends."""

    def authenticate(self, request: HttpRequest, credentials: Any) -> Any:
        return get_user_model().objects.get_or_create(username=credentials.value)[0]


class Shop:
    """An API of one kind: ``sync``, ``async`` (under WSGI) or ``asgi``, and a client that sends requests to it."""

    def __init__(self, serve: Callable[..., Any], kind: str) -> None:
        self.api = MattAPI(
            urls_namespace=f"shop-{next(_numbers)}",
            auth=Named(),
            extensions=["matt_idempotency", "matt_conditional"],
        )
        self.kind = kind
        self._serve = serve
        self._client: Any = None

    def add(
        self,
        work: Callable[..., Any],
        path: str = "/orders",
        method: str = "post",
        *,
        marked: Any = True,
        **route: Any,
    ) -> None:
        """Add a route that does ``work(request, number)``."""
        view: Any
        if self.kind == "sync":

            def view(request: HttpRequest, number: int = 0) -> Any:
                return work(request, number)
        else:

            async def view(request: HttpRequest, number: int = 0) -> Any:
                return await sync_to_async(work)(request, number)

        view.__name__ = work.__name__
        if marked:
            view = (idempotent() if marked is True else marked)(view)
        getattr(self.api, method)(path, **route)(view)

    @property
    def client(self) -> Any:
        if self._client is None:
            self._client = self._serve(self.api)
        return self._client

    def send(
        self,
        key: str | None = KEY,
        *,
        path: str = "/orders",
        method: str = "post",
        user: str | None = "ada",
        body: Any = None,
        **more: Any,
    ) -> Any:
        """Send a request, and return its response."""
        headers = {"Idempotency-Key": key, "X-API-Key": user, **more.pop("headers", {})}
        sent = {
            "data": json.dumps({} if body is None else body),
            "content_type": "application/json",
            "headers": {name: value for name, value in headers.items() if value is not None},
            **more,
        }
        client = self.client.async_client if self.kind == "asgi" else self.client
        call = getattr(client, method)
        if self.kind == "asgi":
            return async_to_sync(call)(f"/api{path}", **sent)
        return call(f"/api{path}", **sent)


def tags() -> list[str]:
    """Return the names of the rows that the routes have written."""
    return sorted(Tag.objects.values_list("name", flat=True))
