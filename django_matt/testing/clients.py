"""The test clients, sync and async. They send requests through all of Django."""

import json as jsonlib
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import Any, Self

from asgiref.sync import async_to_sync
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest, HttpResponseBase
from django.test import AsyncClient, Client
from django.test.client import (
    BOUNDARY,
    MULTIPART_CONTENT,
    AsyncClientHandler,
    ClientHandler,
    encode_multipart,
)
from django.urls import path as url_path
from ninja import NinjaAPI, Router
from ninja_extra import ControllerBase
from ninja_extra.testing import TestAsyncClient as ExtraTestAsyncClient
from ninja_extra.testing import TestClient as ExtraTestClient

from django_matt import upstream
from django_matt.api import MattAPI

__all__ = ["AsyncMattClient", "MattClient", "TestAsyncClient", "TestClient", "TestResponse"]

Tested = NinjaAPI | Router | type[ControllerBase]
"""What a client can test: an API, or a router or controller, which gets an API of its own."""


class TestResponse:
    """The response to a test request. Its ``repr``, which a failed assertion prints, shows the error document.

    ``status``, ``headers`` and ``body`` (bytes) are those of the response; ``response`` is Django's own object.
    """

    def __init__(self, response: HttpResponseBase, body: bytes, asked: str) -> None:
        """Take the response, its whole body, and the request, such as ``GET /api/hello``."""
        self.response = response
        self.status = response.status_code
        self.headers = response.headers
        self.body = body
        self.asked = asked

    @property
    def media_type(self) -> str:
        """The ``Content-Type`` in lower case, without parameters such as the charset."""
        return str(self.headers.get("Content-Type", "")).partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode(getattr(self.response, "charset", None) or "utf-8", "replace")

    @property
    def data(self) -> Any:
        """The body, decoded by its media type.

        JSON becomes Python values, JSON Lines and server-sent events become a list, anything else is text. An empty
        body is None.
        """
        if not self.body:
            return None
        if self.media_type == "application/json" or self.media_type.endswith("+json"):
            return jsonlib.loads(self.body)
        if self.media_type == "application/jsonl":
            return [jsonlib.loads(line) for line in self.text.splitlines() if line.strip()]
        if self.media_type == "text/event-stream":
            lines = self.text.splitlines()
            return [jsonlib.loads(line[5:]) for line in lines if line.startswith("data:")]
        return self.text

    def expect(self, status: int = 200) -> Self:
        """Return this response; raise ``AssertionError`` with the error document if it has another status."""
        if self.status != status:
            raise AssertionError(f"expected {status}, got {self!r}")
        return self

    def __repr__(self) -> str:
        phrase = HTTPStatus(self.status).phrase if self.status in list(HTTPStatus) else ""
        line = f"<{self.status} {phrase} to {self.asked}>"
        return line if self.status < 400 else f"{line}\n{self._explain()}"

    def _explain(self) -> str:
        """Return the error document as text, one line for each member and each error."""
        try:
            document = self.data
        except ValueError:
            document = self.text
        if not isinstance(document, dict):
            return f"  {str(document)[:1_000]}"
        shown = {name: value for name, value in document.items() if name != "errors"}
        lines = [f"  {name}: {str(value)[:500]}" for name, value in shown.items()]
        lines += [f"  error: {error}" for error in document.get("errors") or []]
        return "\n".join(lines)


def _api_of(tested: Tested, **options: Any) -> NinjaAPI:
    """Return the API itself, or a new ``MattAPI`` with the router or controller on it."""
    if isinstance(tested, NinjaAPI):
        return tested
    api = MattAPI(**options)
    if isinstance(tested, Router):
        api.add_router("", tested)
    else:
        api.register_controllers(tested)
    return api


class _MountedHandler(ClientHandler):
    urlconf: Any = None

    def get_response(self, request: HttpRequest) -> Any:
        if self.urlconf is not None:
            request.urlconf = self.urlconf
        return super().get_response(request)


class _AsyncMountedHandler(AsyncClientHandler):
    urlconf: Any = None

    async def get_response_async(self, request: HttpRequest) -> Any:
        if self.urlconf is not None:
            request.urlconf = self.urlconf
        return await super().get_response_async(request)


class _Shared:
    """What both clients share: turning a call into a request of Django's test client."""

    django: Any

    def __init__(
        self,
        api: Tested | None = None,
        *,
        prefix: str = "api/",
        headers: Mapping[str, str] | None = None,
        enforce_csrf_checks: bool = False,
        raise_request_exception: bool = True,
    ) -> None:
        """Send requests to the project's URLs, or to ``api`` alone, under ``prefix`` and without a urls.py.

        ``api`` may also be a router or a controller, which is put on a ``MattAPI`` of its own.

        ``headers`` are sent with every request. An exception of a view is raised in the test. With
        ``raise_request_exception=False``, the test gets the response with status 500 instead, as a client would.
        """
        client, handler = self._build()
        self.headers = dict(headers or {})
        self.django = client(enforce_csrf_checks, raise_request_exception)
        self.django.handler = handler(enforce_csrf_checks)
        if api is not None:
            self.django.handler.urlconf = (url_path(prefix, _api_of(api).urls),)

    def _build(self) -> tuple[type[Any], type[Any]]:
        raise NotImplementedError

    def _prepare(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        json: Any = None,
        data: Mapping[str, Any] | bytes | str | None = None,
        files: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        content_type: str | None = None,
    ) -> partial[Any]:
        if json is not None and (data is not None or files is not None):
            raise TypeError("A request has one body: pass either json, or data and files.")
        body: Any = b""
        if json is not None:
            body, kind = jsonlib.dumps(json).encode(), "application/json"
        elif files is not None or isinstance(data, Mapping):
            fields = dict(data) if isinstance(data, Mapping) else {}
            body, kind = encode_multipart(BOUNDARY, {**fields, **(files or {})}), MULTIPART_CONTENT
        else:
            body, kind = data or b"", "application/octet-stream"
        return partial(
            self.django.generic,
            method,
            path,
            body,
            content_type=content_type or kind,
            headers={**self.headers, **(headers or {})},
            query_params=dict(query or {}),
        )


class MattClient(_Shared):
    """Call an API in a test, through the same middleware and URLs as a real request.

    >>> client = MattClient(api)                                        # doctest: +SKIP
    >>> client.get("/api/hello", query={"name": "Ada"}).data            # doctest: +SKIP
    {'hello': 'Ada'}
    """

    django: Client

    def _build(self) -> tuple[type[Any], type[Any]]:
        return Client, _MountedHandler

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        json: Any = None,
        data: Mapping[str, Any] | bytes | str | None = None,
        files: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        content_type: str | None = None,
    ) -> TestResponse:
        """Send a request with any method.

        ``json`` is any value that JSON can express. ``data`` is a dictionary, sent as a multipart form together with
        ``files``, or a raw body.
        """
        response = self._prepare(
            method,
            path,
            query=query,
            json=json,
            data=data,
            files=files,
            headers=headers,
            content_type=content_type,
        )()
        if response.streaming and response.is_async:
            body = async_to_sync(_read)(response)
        else:
            body = response.getvalue()
        return TestResponse(response, body, f"{method} {path}")

    def get(self, path: str, **options: Any) -> TestResponse:
        """Send GET; see ``request`` for the options."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> TestResponse:
        """Send POST."""
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Any) -> TestResponse:
        """Send PUT."""
        return self.request("PUT", path, **options)

    def patch(self, path: str, **options: Any) -> TestResponse:
        """Send PATCH."""
        return self.request("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> TestResponse:
        """Send DELETE."""
        return self.request("DELETE", path, **options)

    def sign_in(self, user: AbstractBaseUser) -> None:
        """Open a session for ``user`` without a password."""
        self.django.force_login(user)


class AsyncMattClient(_Shared):
    """The same as ``MattClient`` for ``async def`` tests, through Django's ASGI handler."""

    django: AsyncClient

    def _build(self) -> tuple[type[Any], type[Any]]:
        return AsyncClient, _AsyncMountedHandler

    async def request(self, method: str, path: str, **options: Any) -> TestResponse:
        """Send a request with any method; the options are those of ``MattClient.request``."""
        response = await self._prepare(method, path, **options)()
        return TestResponse(response, await _read(response), f"{method} {path}")

    async def get(self, path: str, **options: Any) -> TestResponse:
        """Send GET; see ``request`` for the options."""
        return await self.request("GET", path, **options)

    async def post(self, path: str, **options: Any) -> TestResponse:
        """Send POST."""
        return await self.request("POST", path, **options)

    async def put(self, path: str, **options: Any) -> TestResponse:
        """Send PUT."""
        return await self.request("PUT", path, **options)

    async def patch(self, path: str, **options: Any) -> TestResponse:
        """Send PATCH."""
        return await self.request("PATCH", path, **options)

    async def delete(self, path: str, **options: Any) -> TestResponse:
        """Send DELETE."""
        return await self.request("DELETE", path, **options)

    async def sign_in(self, user: AbstractBaseUser) -> None:
        """Open a session for ``user`` without a password."""
        await self.django.aforce_login(user)


class _OnMattAPI:
    def __init__(
        self,
        router_or_app: Tested,
        headers: dict[str, str] | None = None,
        COOKIES: dict[str, str] | None = None,  # noqa: N803 - Ninja's name
        **options: Any,
    ) -> None:
        """Take an API, or a router or controller with the options of the ``MattAPI`` that it is put on."""
        api: Any = _api_of(router_or_app, **options)
        super().__init__(api, headers=headers, COOKIES=COOKIES)  # type: ignore[call-arg]
        if not isinstance(router_or_app, NinjaAPI | Router):
            # As in Ninja Extra's client, paths are relative to the prefix of the controller.
            (controller,) = (
                bound
                for bound in upstream.routers_of(api)
                if getattr(getattr(bound, "controller", None), "controller_class", None)
                is router_or_app
            )
            self._urls_cache = list(controller.urls_paths(""))


class TestClient(_OnMattAPI, ExtraTestClient):
    """``ninja_extra.testing.TestClient``, but a router or a controller is put on a ``MattAPI``.

    The clients of Ninja and Ninja Extra put it on an API of their own class, so a test would not see what ``MattAPI``
    adds.
    """


class TestAsyncClient(_OnMattAPI, ExtraTestAsyncClient):
    """The same as ``TestClient`` for async operations."""


async def _read(response: Any) -> bytes:
    if response.streaming and response.is_async:
        return b"".join([part async for part in response.streaming_content])
    return bytes(response.getvalue())
