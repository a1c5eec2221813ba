"""The API that types are written for: its OpenAPI document, and its operations with their names."""

import json
import re
import sys
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.conf import settings
from django.utils.translation import override
from ninja import NinjaAPI
from ninja.responses import NinjaJSONEncoder

from django_matt.api import MattAPI
from django_matt.contrib.typescript.errors import TypesError
from django_matt.contrib.typescript.names import name_operations
from django_matt.discovery import find_apis
from django_matt.errors.reports import is_yours
from django_matt.openapi.documents import MattOpenAPISchema
from django_matt.operations import BoundOperation, list_operations

__all__ = ["Document", "DocumentedOperation", "read_document"]

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


@dataclass(frozen=True, slots=True)
class DocumentedOperation:
    """One method of one path of the document."""

    id: str
    """Its ``operationId``, which is unique in the document; made of method and path if the document has none."""
    method: str
    """``"get"``, in lower case."""
    path: str
    """``"/api/products/{product_id}"``."""
    details: Mapping[str, Any]
    """The Operation Object of the document (OpenAPI 3.1, 4.8.10)."""
    group: str
    """The name of its controller in a client: ``"products"``. Without a controller, of its tag or its path."""
    verb: str
    """Its name in that group: ``"create"``."""
    bound: BoundOperation | None
    """The route behind it; None if ``add_openapi`` added it."""

    @property
    def deprecated(self) -> bool:
        """Whether the document marks it as deprecated."""
        return bool(self.details.get("deprecated"))


@dataclass(frozen=True, slots=True)
class Document:
    """The document of one API, as JSON has it, in the order of the API's code."""

    openapi: Mapping[str, Any]
    """What ``/openapi.json`` has with ``MATT["STRICT_OPENAPI"]``, whatever that setting is."""
    operations: tuple[DocumentedOperation, ...]
    classes: Mapping[str, type]
    """The class behind each component schema, by the component's name; those of errors have none."""
    api: NinjaAPI | None = None
    """The API; None for a document that was read from a file."""

    @classmethod
    def of(
        cls,
        openapi: Mapping[str, Any],
        api: NinjaAPI | None = None,
        *,
        bound: Iterable[BoundOperation] = (),
        classes: Mapping[str, type] | None = None,
        prefix: str = "/",
    ) -> "Document":
        """Return an OpenAPI document, as JSON has it, with its operations; without an API, of any other source."""
        routes = {(method.lower(), each.path): each for each in bound for method in each.methods}
        found = [
            (method, path, details)
            for path, item in openapi.get("paths", {}).items()
            for method, details in item.items()
            if method in METHODS
        ]
        names = name_operations([(*each, routes.get((each[0], each[1]))) for each in found], prefix)
        operations = tuple(
            DocumentedOperation(
                details.get("operationId") or f"{method} {path}",
                method,
                path,
                details,
                *name,
                routes.get((method, path)),
            )
            for (method, path, details), name in zip(found, names, strict=True)
        )
        return cls(openapi, operations, classes or {}, api)

    @property
    def schemas(self) -> Mapping[str, Any]:
        """The component schemas, by name."""
        found: Mapping[str, Any] = self.openapi.get("components", {}).get("schemas", {})
        return found


def read_document(api_name: str | None = None) -> Document:
    """Return the document of an API: ``"shop.api:api"``, or its ``urls_namespace``; with one API, no name is needed.

    Raises ``TypesError`` if there is no such API, if there are several and none is named, or if the project's code
    cannot be imported; the message then shows the project's own frames.
    """
    try:
        api, prefix = _find(api_name)
        # Descriptions may be lazy texts: every process writes the same language.
        with override(settings.LANGUAGE_CODE):
            return _describe(api, prefix)
    except TypesError:
        raise
    except Exception as error:
        raise TypesError(f"The API cannot be imported.\n{_own_frames(error)}") from error


def _describe(api: NinjaAPI, prefix: str) -> Document:
    # As the document names parameters: {tenant} for Django's <str:tenant>.
    prefix = re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", prefix)
    classes: Mapping[str, type] = {}
    if isinstance(api, MattAPI):
        bound = api.operations(path_prefix=prefix)
        strict = MattOpenAPISchema(api, prefix, strict=True)
        made: Mapping[str, Any] = strict
        classes = strict.classes_in(strict["paths"])
    else:
        bound = list_operations(api, path_prefix=prefix)
        made = api.get_openapi_schema(path_prefix=prefix)
    openapi = json.loads(json.dumps(made, cls=NinjaJSONEncoder))
    return Document.of(openapi, api, bound=bound, classes=classes, prefix=prefix)


def _find(name: str | None) -> tuple[NinjaAPI, str]:
    """Return an API and the path at which it is mounted."""
    mounted: dict[int, tuple[NinjaAPI, str]] = {}
    for api, prefix in find_apis():
        mounted.setdefault(id(api), (api, prefix))
    if name is None:
        if len(mounted) == 1:
            return next(iter(mounted.values()))
        if not mounted:
            raise TypesError(
                "The project's URLs have no API. Add one with path('api/', api.urls), or name it: --api shop.api:api"
            )
        raise TypesError(f"The project has {len(mounted)} APIs. Name one:\n{_choices(mounted)}")
    if ":" in name:
        api = _import(name)
        return mounted.get(id(api), (api, ""))
    for api, prefix in mounted.values():
        if api.urls_namespace == name:
            return api, prefix
    raise TypesError(f"No API of the project is {name!r}. There are:\n{_choices(mounted)}")


def _import(name: str) -> NinjaAPI:
    module, _, attribute = name.partition(":")
    try:
        found = getattr(import_module(module), attribute, None)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        raise TypesError(f"--api {name}: there is no module {error.name!r}.") from None
    if not isinstance(found, NinjaAPI):
        raise TypesError(f"--api {name}: {attribute!r} of the module {module!r} is not an API.")
    return found


def _choices(mounted: Mapping[int, tuple[NinjaAPI, str]]) -> str:
    return "\n".join(f"  --api {_name_of(api)}  (at {prefix})" for api, prefix in mounted.values())


def _name_of(api: NinjaAPI) -> str:
    """Return ``module:attribute`` of an API, or its namespace if no module has it."""
    found = [
        f"{module.__name__}:{attribute}"
        for module in list(sys.modules.values())
        for attribute, value in list(getattr(module, "__dict__", {}).items())
        if value is api and module.__name__ != settings.ROOT_URLCONF
    ]
    return min(found, key=lambda name: (len(name), name), default=api.urls_namespace)


def _own_frames(error: Exception) -> str:
    """Return the traceback of an error with the project's own frames; if it has none, with the last one."""
    frames = [
        (summary, is_yours(summary.filename, str(frame.f_globals.get("__name__", ""))))
        for (frame, _), summary in zip(
            traceback.walk_tb(error.__traceback__),
            traceback.extract_tb(error.__traceback__),
            strict=True,
        )
    ]
    shown = [summary for summary, yours in frames if yours] or [frames[-1][0]]
    lines = traceback.format_list(shown) + traceback.format_exception_only(error)
    return "".join(lines).rstrip()
