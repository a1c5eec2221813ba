"""What the type checkers make of ``MattAPI.operations()``; mypy and pyright read this, nothing runs it."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from collections.abc import Callable, Mapping
from types import EllipsisType
from typing import Any, assert_type

from django.db.models import Model
from django.http import HttpRequest
from ninja import NinjaAPI
from ninja.pagination import PaginationBase
from ninja.streaming import StreamFormat
from ninja.throttling import BaseThrottle
from ninja_extra import ControllerBase, NinjaExtraAPI
from pydantic import BaseModel

from django_matt import MattAPI
from django_matt.operations import (
    BoundOperation,
    Pagination,
    Rendered,
    Stream,
    component_classes,
    list_operations,
)
from django_matt.reads import Reads, Relation, ResponseTier

api = MattAPI()
assert_type(api.operations(), list[BoundOperation])
assert_type(list_operations(NinjaExtraAPI()), list[BoundOperation])
assert_type(component_classes(api), dict[str, type])


def describe(operation: BoundOperation, model: type[Model], request: HttpRequest) -> None:
    """Read every attribute."""
    assert_type(operation.api, NinjaAPI)
    assert_type(operation.path, str)
    assert_type(operation.methods, tuple[str, ...])
    assert_type(operation.url_name, str)
    assert_type(operation.view_name, str)
    assert_type(operation.operation_id, str)
    assert_type(operation.operation_ids, Mapping[str, str])
    assert_type(operation.tags, tuple[str, ...])
    assert_type(operation.controller, type[ControllerBase] | None)
    assert_type(operation.function, Callable[..., Any])
    assert_type(operation.is_async, bool)
    assert_type(operation.auth, tuple[Callable[[HttpRequest], Any], ...])
    assert_type(operation.security_schemes, Mapping[str, Mapping[str, Any]])
    assert_type(operation.throttles, tuple[BaseThrottle, ...])
    assert_type(operation.request_models, Mapping[str, type[BaseModel]])
    assert_type(operation.response_schemas, Mapping[int | EllipsisType, Any])
    assert_type(operation.paginators, tuple[Pagination, ...])
    assert_type(operation.paginators[0].paginator, PaginationBase)
    assert_type(operation.paginators[0].limits, Mapping[str, int])
    assert_type(operation.search_fields, tuple[str, ...])
    assert_type(operation.ordering_fields, tuple[str, ...] | None)
    assert_type(operation.stream, Stream | None)
    if operation.stream is not None:
        assert_type(operation.stream.format, type[StreamFormat[Any]])
    assert_type(operation.components, Mapping[str, type])
    assert_type(operation.problem, str | None)
    assert_type(operation.unplanned, str | None)
    assert_type(operation.reads(), tuple[Reads, ...])
    for reads in operation.reads(model):
        assert_type(reads.tier, ResponseTier)
        assert_type(reads.models, tuple[type[Model], ...])
        assert_type(reads.tables, tuple[str, ...])
        assert_type(reads.columns, Mapping[str, frozenset[str]])
        assert_type(reads.relations, tuple[Relation, ...])
        assert_type(reads.queries, int | None)
        assert_type(reads.unknown, str | None)
    operation.reads(model._default_manager.all())
    assert_type(operation.render([], request, 200), Rendered)
    assert_type(operation.render(model._default_manager.all()).body, bytes)
    operation.path = "/"  # type: ignore[misc]
    operation.reads("Book")  # type: ignore[arg-type]


async def render(operation: BoundOperation) -> None:
    """Render on an event loop."""
    assert_type(await operation.arender([]), Rendered)
