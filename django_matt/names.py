"""The names that ``django_matt`` exports. They are loaded at the first use, because Ninja reads Django's settings on import."""

from typing import TYPE_CHECKING, Any

from ninja import (
    Body,
    Cookie,
    Field,
    File,
    FilterSchema,
    Form,
    Header,
    ModelSchema,
    P,
    PatchDict,
    Path,
    Query,
    Schema,
    UploadedFile,
)
from ninja.responses import Status
from ninja.streaming import JSONL, SSE
from ninja_extra import (
    ControllerBase,
    ModelConfig,
    ModelControllerBase,
    ModelService,
    api_controller,
    http_delete,
    http_generic,
    http_get,
    http_patch,
    http_post,
    http_put,
    paginate,
    permissions,
    route,
    service_resolver,
    throttle,
)
from ninja_extra.ordering import Ordering, ordering
from ninja_extra.pagination import (
    LimitOffsetPagination,
    NinjaPaginationResponseSchema,
    PageNumberPagination,
    PageNumberPaginationExtra,
    PaginatedResponseSchema,
)
from ninja_extra.searching import Searching, searching

from django_matt.api import MattAPI
from django_matt.routers import Router
from django_matt.serialization.model_schemas import leave_out_generic_keys
from django_matt.serialization.requirements import needs
from django_matt.streams import Event
from django_matt.tier_limits import tier

if TYPE_CHECKING:
    from django_matt.deprecations import deprecated

# Without the app in INSTALLED_APPS the first import of a name does what its ready() does.
leave_out_generic_keys()

__all__ = [
    "JSONL",
    "SSE",
    "Body",
    "ControllerBase",
    "Cookie",
    "Event",
    "Field",
    "File",
    "FilterSchema",
    "Form",
    "Header",
    "LimitOffsetPagination",
    "MattAPI",
    "ModelConfig",
    "ModelControllerBase",
    "ModelSchema",
    "ModelService",
    "NinjaPaginationResponseSchema",
    "Ordering",
    "P",
    "PageNumberPagination",
    "PageNumberPaginationExtra",
    "PaginatedResponseSchema",
    "PatchDict",
    "Path",
    "Query",
    "Router",
    "Schema",
    "Searching",
    "Status",
    "UploadedFile",
    "api_controller",
    "deprecated",
    "http_delete",
    "http_generic",
    "http_get",
    "http_patch",
    "http_post",
    "http_put",
    "needs",
    "ordering",
    "paginate",
    "permissions",
    "route",
    "searching",
    "service_resolver",
    "throttle",
    "tier",
]


def __getattr__(name: str) -> Any:
    """Load what few projects use when it is asked for."""
    if name == "deprecated":
        from django_matt.deprecations import deprecated

        return deprecated
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
