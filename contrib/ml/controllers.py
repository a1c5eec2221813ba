"""The typed routes of a model: one answer, one answer of a named version, and an answer in parts."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any

from django.db import transaction
from django.http import HttpRequest
from ninja import Router
from ninja.streaming import SSE
from pydantic import Field

from django_matt.contrib.ml import services
from django_matt.contrib.ml.hooks import name_version, refuse_by_path
from django_matt.contrib.ml.served import Served
from django_matt.contrib.ml.settings import MLSettings

__all__ = ["make_router"]

Version = Annotated[str, Field(max_length=100)]


def make_router(kind: type[Served], options: MLSettings) -> Router:
    """Return the routes of a served class, with its own schemas. They have the authentication of the API.

    They are exempt from ``ATOMIC_REQUESTS``: an answer queries no database, and waits in a queue.
    """
    router = Router(tags=["ml"])
    name = kind.name
    word = name.replace("-", "_")
    if kind.predict is not Served.predict:
        make = _async_views if options.ASYNC else _sync_views
        predict, predict_version = make(name)
        router.post(
            f"/{name}",
            response=kind.Output,
            operation_id=f"predict_{word}",
            summary=f"Predict by {name}",
        )(_guarded(kind, predict))
        router.post(
            f"/{name}/versions/{{version}}",
            response=kind.Output,
            operation_id=f"predict_{word}_version",
            summary=f"Predict by a version of {name}",
        )(_guarded(kind, predict_version))
    if kind.streams():
        events: Any = SSE
        stream = _async_stream(name) if options.ASYNC else _sync_stream(name)
        router.post(
            f"/{name}/stream",
            response=events[kind.Output],
            operation_id=f"stream_{word}",
            summary=f"Predict by {name}, in parts",
        )(_guarded(kind, stream))
    return router


def _guarded(kind: type[Served], view: Callable[..., Any]) -> Callable[..., Any]:
    view.__annotations__["item"] = kind.Input
    guarded: Callable[..., Any] = transaction.non_atomic_requests(refuse_by_path(kind.name)(view))
    return guarded


def _async_views(name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    async def predict(request: HttpRequest, item: Any) -> Any:
        answer, version = await services.ainfer(name, item)
        name_version(request, version)
        return answer

    async def predict_version(request: HttpRequest, version: Version, item: Any) -> Any:
        answer, version = await services.ainfer(name, item, version)
        name_version(request, version)
        return answer

    return predict, predict_version


def _sync_views(name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def predict(request: HttpRequest, item: Any) -> Any:
        answer, version = services.infer(name, item)
        name_version(request, version)
        return answer

    def predict_version(request: HttpRequest, version: Version, item: Any) -> Any:
        answer, version = services.infer(name, item, version)
        name_version(request, version)
        return answer

    return predict, predict_version


def _async_stream(name: str) -> Callable[..., Any]:
    async def stream(request: HttpRequest, item: Any) -> AsyncIterator[Any]:
        async for part in services.astream(name, item):
            yield part

    return stream


def _sync_stream(name: str) -> Callable[..., Any]:
    def stream(request: HttpRequest, item: Any) -> Iterator[Any]:
        yield from services.stream(name, item)

    return stream
