"""Ninja's private names: schemas, parameters, operations, and what a ``ModelSchema`` makes of columns."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, get_origin

from ninja.operation import Operation
from pydantic import BaseModel

from django_matt.upstream.names import ABSENT, expect, find, lost, resolve

__all__ = [
    "BODY_CONTENT_TYPES",
    "FORWARDREF_OPTIONS",
    "TYPES",
    "BodyModel",
    "BoundRouter",
    "DjangoGetter",
    "FileModel",
    "FormModel",
    "MultiPartBodyModel",
    "NinjaGenerateJsonSchema",
    "OpenAPISchema",
    "ParamModel",
    "ResponseObject",
    "StreamAlias",
    "allow_files_of_every_method",
    "contributions_to",
    "convert_result",
    "create_patch_schema",
    "flat_names",
    "flat_ways",
    "function_of",
    "handler_of",
    "handlers_of",
    "inherit_auth",
    "is_any_object",
    "is_collection_type",
    "is_m2m_key",
    "is_m2m_link",
    "is_max_length",
    "is_patched_schema",
    "is_pydantic_model",
    "is_root_validator",
    "list_names",
    "made_schemas",
    "model_schemas",
    "nest",
    "object_of",
    "own_model_validators",
    "patch_validator",
    "patched_schema",
    "place_of",
    "remember_operation",
    "replace_create_patch_schema",
    "replace_default_router",
    "replace_selected_fields",
    "resolvers_of",
    "resolves_as_ninja",
    "routers_of",
    "schema_patched_by",
    "selected_fields",
    "serialize_item",
    "set_list_names",
    "single_of",
    "source_of",
    "title_if_lower",
    "unwrap_union",
]

_find, _expect = partial(find, "django-ninja"), partial(expect, "django-ninja")

if TYPE_CHECKING:
    from ninja.openapi.schema import OpenAPISchema
    from ninja.params.models import (
        BodyModel,
        FileModel,
        FormModel,
        ParamModel,
    )
    from ninja.params.models import (
        _MultiPartBodyModel as MultiPartBodyModel,
    )
    from ninja.router import BoundRouter
    from ninja.schema import NinjaGenerateJsonSchema
    from ninja.streaming import _serialize_item as serialize_item
    from ninja.streaming import _StreamAlias as StreamAlias
else:
    OpenAPISchema = _find("ninja.openapi.schema.OpenAPISchema", "openapi")
    NinjaGenerateJsonSchema = _find("ninja.schema.NinjaGenerateJsonSchema", "openapi")
    BodyModel = _find("ninja.params.models.BodyModel", "operations requests")
    FileModel = _find("ninja.params.models.FileModel", "operations")
    FormModel = _find("ninja.params.models.FormModel", "operations")
    ParamModel = _find("ninja.params.models.ParamModel", "operations requests")
    MultiPartBodyModel = _find("ninja.params.models._MultiPartBodyModel", "operations")
    BoundRouter = _find("ninja.router.BoundRouter", "operations")
    StreamAlias = _find("ninja.streaming._StreamAlias", "operations")
    serialize_item = _find("ninja.streaming._serialize_item", "operations")

_OPENAPI = "ninja.openapi.schema.OpenAPISchema"
for _name in ("_extract_parameters", "_create_schema_from_model", "_flatten_schema"):
    _find(f"{_OPENAPI}.{_name}", "openapi")
BODY_CONTENT_TYPES: Mapping[str, str] = _find(
    "ninja.openapi.schema.BODY_CONTENT_TYPES", "openapi", otherwise={}
)
"""The media type of each source of a body: ``body``, ``form`` and ``file``."""

# ---- Ninja: the parameters of a request --------------------------------------------------------------------------------

FORWARDREF_OPTIONS: Mapping[str, Any] = _find(
    "ninja.signature.utils._FORWARDREF_KWARGS", "operations", otherwise={}
)
"""What ``inspect.signature`` is called with, so that names that do not exist yet are kept as they are (Python 3.14)."""
_view_signature = _find("ninja.signature.details.ViewSignature", "operations")


def _probe() -> Any:
    """Return the parameter model of a view with one parameter."""

    def view(request: Any, q: int = 0) -> None: ...

    (model,) = _view_signature("/", view).models
    return model


_expect(
    "ninja.params.models.QueryModel",
    """
    __ninja_param_source__ __ninja_flatten_map__ __ninja_flatten_map_reverse__ __ninja_collection_fields__ _map_data_paths
    """,
    "operations openapi aliases fields",
    _probe,
)
_find(
    "ninja.params.models.BodyModel.__read_from_single_attr__",
    "operations fields",
    lambda: resolve("ninja.params.models.BodyModel").__annotations__["__read_from_single_attr__"],
)


def source_of(model: Any) -> str:
    """Return where a parameter model reads from: ``path``, ``query``, ``header``, ``cookie``, ``form``, ``file``, ``body``."""
    return str(getattr(model, "__ninja_param_source__", ""))


def flat_names(model: Any) -> dict[str, tuple[str, ...]] | None:
    """Return the way to the field of each name of a query, a form or a path; None for a body."""
    found: dict[str, tuple[str, ...]] | None = getattr(model, "__ninja_flatten_map__", None)
    return found


def flat_ways(model: Any) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Return the names by which a client knows fields, by the way to the field: the reverse of ``flat_names``."""
    found: dict[tuple[Any, ...], tuple[Any, ...]]
    found = getattr(model, "__ninja_flatten_map_reverse__", {})
    return found


def single_of(model: Any) -> str | None:
    """Return the view's parameter that is the whole body, or None."""
    found: str | None = getattr(model, "__read_from_single_attr__", None)
    return found


def list_names(model: Any) -> list[str]:
    """Return the names that a parameter model reads as lists."""
    return list(getattr(model, "__ninja_collection_fields__", ()))


def set_list_names(model: Any, names: list[str]) -> None:
    """Let a parameter model read these names as lists."""
    model.__ninja_collection_fields__ = names


def nest(model: Any, data: Any) -> Any:
    """Put the fields of a schema below the view's parameter, as the model of a query or a form expects them."""
    return model._map_data_paths(data)


def resolves_as_ninja(model: Any) -> bool:
    """Tell whether a parameter model reads its request as Ninja's own do."""
    own: Any = vars(ParamModel).get("resolve")
    return own is not None and model.resolve.__func__ is own.__func__


def allow_files_of_every_method() -> None:
    """Let a route of PUT and PATCH take files without Ninja's middleware, which loads forms outside of error handlers."""
    _fix_methods.clear()


_fix_methods: Any = _find("ninja.compatibility.files.FIX_METHODS", "forms", otherwise=set())


def _is_collection(annotation: Any) -> bool:
    kind = get_origin(annotation) or annotation
    return isinstance(kind, type) and issubclass(kind, list | set | tuple)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


is_collection_type: Callable[[Any], bool] = _find(
    "ninja.signature.details.is_collection_type", "aliases", otherwise=_is_collection
)
"""Tell whether Ninja reads a parameter of this type as a list."""
is_pydantic_model: Callable[[Any], bool] = _find(
    "ninja.signature.details.is_pydantic_model", "aliases", otherwise=_is_model
)
"""Tell whether a type is a schema, or a union of schemas."""
unwrap_union: Callable[[Any], Any] = _find(
    "ninja.signature.details._unwrap_union_model",
    "aliases",
    otherwise=lambda annotation: annotation,
)
"""Return the schema of an optional one."""

# ---- Ninja: PatchDict ---------------------------------------------------------------------------------------------------

_patch_dict = _find("ninja.patch_dict.ModelToDict", "patches")
_find("ninja.patch_dict.ModelToDict._wrapped_model", "patches")
_find("ninja.patch_dict.ModelToDict._validate", "patches")
create_patch_schema: Callable[[type[Any]], Any] = _find(
    "ninja.patch_dict.create_patch_schema", "patches"
)
"""Make the class behind ``PatchDict[schema]``, as Ninja does."""


def replace_create_patch_schema(create: Callable[[type[Any]], Any]) -> None:
    """Replace Ninja's function that creates the class of every ``PatchDict[…]``."""
    if lost("patches") is None:
        resolve("ninja.patch_dict").create_patch_schema = create


def patched_schema(annotation: Any) -> Any:
    """Return the schema with optional fields behind a ``PatchDict[…]``; None for every other type."""
    return getattr(annotation, "_wrapped_model", None)


def is_patched_schema(schema: Any) -> bool:
    """Tell whether Ninja derived a schema for a ``PatchDict[…]``."""
    return any(patched_schema(kind) is schema for kind in _patch_dict.__subclasses__())


def schema_patched_by(validator: Any) -> Any:
    """Return the schema behind the ``PatchDict[…]`` whose validator this is; None for every other function."""
    owner = getattr(validator, "__self__", None)
    is_patch = isinstance(owner, type) and issubclass(owner, _patch_dict)
    return patched_schema(owner) if is_patch else None


def patch_validator(kind: Any) -> Callable[[Any], Any]:
    """Return what makes a ``PatchDict[…]``, the dictionary of what a client sent, of an instance of the schema behind it."""
    validate: Callable[[Any], Any] = kind._validate
    return validate


# ---- Ninja: operations, routers and the API -----------------------------------------------------------------------------

_OPERATION = "ninja.operation.Operation"
for _name in ("_set_auth", "_result_to_response", "_validate_stream_item"):
    _find(f"{_OPERATION}.{_name}", "operations")
_find(f"{_OPERATION}._stream_response", "operations")
_find("ninja.operation.AsyncOperation._async_stream_response", "operations")


def _mentions(function: str, name: str) -> None:
    """Raise if a function no longer sets an attribute that it gives to views or operations."""
    code = resolve(function).__code__
    if name not in (*code.co_names, *code.co_consts):
        raise AttributeError(name)


for _function, _name in (
    ("ninja.utils.contribute_operation_callback", "_ninja_contribute_to_operation"),
    ("ninja.operation.PathView.add_operation", "_ninja_operation"),
    ("ninja.decorators._apply_decorators", "_run_decorators"),
    # What authentication reads, which our steps tell it instead of Ninja's.
    (f"{_OPERATION}._run_checks", "_ninja_csrf_exempt"),
):
    _find(f"{_function}.{_name}", "operations", partial(_mentions, _function, _name))


def _probe_api() -> Any:
    return resolve("ninja.NinjaAPI")(urls_namespace="django_matt_probe")


def _probe_router() -> Any:
    return resolve("ninja.Router")()


_expect("ninja.NinjaAPI", "_router_registrations _routers", "operations", _probe_api)
_expect("ninja.NinjaAPI", "_bound_routers_cache", "operations", _probe_api)
_expect("ninja.NinjaAPI", "_exception_handlers", "handlers", _probe_api)
_find("ninja.NinjaAPI._lookup_exception_handler", "handlers")
_find("ninja.NinjaAPI._get_bound_routers", "operations")
_find("ninja.NinjaAPI._get_urls", "operations")
_expect("ninja.Router", "_decorators _routers", "operations", _probe_router)
_order = _find("ninja.pagination.CursorPagination._order_queryset", "cursors")
for _name in ("_find_position", "_get_position", "_reverse_order"):
    _find(f"ninja.pagination.CursorPagination.{_name}", "cursors")


def routers_of(api: Any) -> list[Any]:
    """Return the routers of an API with their own copies of the operations; they are bound by this."""
    found: list[Any] = api._get_bound_routers()
    return found


def replace_default_router(api: Any, router: Any) -> None:
    """Replace the router that the API created itself."""
    if lost("operations") is None:
        api._router_registrations.clear()
        api._routers.clear()
    api.default_router = router
    api.add_router("", router)


def inherit_auth(operation: Operation, auth: Any) -> None:
    """Let an operation be authenticated by its API's ``auth``."""
    operation._set_auth(auth)


def handlers_of(api: Any) -> Mapping[type[BaseException], Any]:
    """Return the exception handlers of an API by the class that each is registered for."""
    return {} if lost("handlers") else api._exception_handlers


def handler_of(api: Any, exc: BaseException) -> Any:
    """Return the exception handler that an API answers an exception with, or None."""
    return api._lookup_exception_handler(exc)


def contributions_to(view: Any) -> Iterable[Any]:
    """Return what decorators of a view, as ``@paginate`` is, do to its operation when the route is made."""
    found: Iterable[Any] = vars(view).get("_ninja_contribute_to_operation", ())
    return found


def remember_operation(view: Any, operation: Operation) -> None:
    """Let ``decorate_view`` find the operation of a view."""
    view._ninja_operation = operation


# ---- Ninja: how a Schema reads its input ------------------------------------------------------------------------------

DjangoGetter: Any = _find("ninja.schema.DjangoGetter", "reader requests")
"""The class through which Ninja's schemas read the attributes of objects."""
_find("ninja.schema.DjangoGetter._obj", "requests")
_find("ninja.schema.DjangoGetter._convert_result", "reader")
_ROOT_VALIDATOR = "_run_root_validator"
_root_validator = _find("ninja.Schema._run_root_validator", "instances reader requests")
_find("ninja.Schema._ninja_resolvers", "instances reader requests queries")
_find("ninja.schema.Resolver._func", "requests queries")


class _Result:
    """The same as Ninja's ``ResponseObject``: an object with one attribute."""

    def __init__(self, response: Any) -> None:
        self.response = response


_response_object = _find("ninja.operation.ResponseObject", "instances")
ResponseObject: Any = _Result if _response_object is ABSENT else _response_object
"""What Ninja wraps a result in before it validates the response."""


def is_root_validator(function: Any) -> bool:
    """Tell whether a validator is the one with which Ninja's Schema makes a ``DjangoGetter``."""
    own = getattr(_root_validator, "__func__", None)
    return own is not None and getattr(function, "__func__", None) is own


def own_model_validators(schema: type[BaseModel]) -> dict[str, Any]:
    """Return the validators of a whole model by name, without Ninja's."""
    decorators = getattr(schema, "__pydantic_decorators__", None)
    found = getattr(decorators, "model_validators", {})
    return {name: each for name, each in found.items() if name != _ROOT_VALIDATOR}


def resolvers_of(schema: Any) -> dict[str, Any]:
    """Return the ``resolve_…`` methods of a schema, by the key that they compute."""
    found: dict[str, Any] = getattr(schema, "_ninja_resolvers", {})
    return found


def function_of(resolver: Any) -> Any:
    """Return the function behind a resolver."""
    return getattr(resolver, "_func", resolver)


def object_of(getter: Any) -> Any:
    """Return the object that a ``DjangoGetter`` reads."""
    return getter._obj


def convert_result(getter: Any, value: Any) -> Any:
    """Convert an attribute's value as a ``DjangoGetter`` does: a manager becomes a list, a file its URL."""
    return getter._convert_result(value)


# ---- Ninja: what a ModelSchema makes of columns -----------------------------------------------------------------------

TYPES: Any = _find("ninja.orm.fields.TYPES", "keys")
"""The type that a ``ModelSchema`` gives to a column, by the column's internal type."""
_factory = _find("ninja.orm.factory.factory", "keys generic")
_find("ninja.orm.factory.factory.schemas", "keys")
_selected = _find("ninja.orm.factory.SchemaFactory._selected_model_fields", "generic")
_any_object = _find("ninja.orm.fields.AnyObject.validate", "instances")
_M2M_FACTORY = "create_m2m_link_type"


def place_of(function: Any) -> tuple[str, str]:
    """Return the module and the qualified name of a function that is made inside another one."""
    return getattr(function, "__module__", ""), getattr(function, "__qualname__", "")


# These functions are made inside other functions, so they are found by their module and qualified name.
_m2m_link = _find(
    "ninja.orm.fields.create_m2m_link_type.<locals>.M2MLink._validate",
    "instances",
    lambda: place_of(resolve("ninja.orm.fields." + _M2M_FACTORY)(int)._validate),
)
_max_length = _find(
    "ninja.orm.fields._request_max_length.<locals>.check",
    "instances",
    lambda: place_of(resolve("ninja.orm.fields._request_max_length")(1).func),
)


def is_m2m_key(function: Any) -> bool:
    """Tell whether a validator is the one that takes the key of a related object (a many-to-many field)."""
    return _m2m_link is not ABSENT and place_of(function) == _m2m_link


def is_m2m_link(annotation: Any) -> bool:
    """Tell whether an annotation is the key of a related object, as a ``ModelSchema`` makes it of a many-to-many field."""
    return _M2M_FACTORY in getattr(annotation, "__qualname__", "")


def is_max_length(function: Any) -> bool:
    """Tell whether a validator limits the length of text in requests, and leaves responses alone."""
    return _max_length is not ABSENT and place_of(function) == _max_length


def is_any_object(function: Any) -> bool:
    """Tell whether a validator is that of ``AnyObject``, which accepts everything."""
    own = getattr(_any_object, "__func__", None)
    return own is not None and getattr(function, "__func__", None) is own


def model_schemas() -> dict[Any, Any]:
    """Return the schemas that Ninja made of models, by a key that begins with the model."""
    found: dict[Any, Any] = getattr(_factory, "schemas", {})
    return found


def selected_fields(model: Any, fields: Any, exclude: Any) -> Iterable[Any]:
    """Return the model fields that ``Meta.fields`` and ``Meta.exclude`` of a ``ModelSchema`` select, as Ninja does."""
    found: Iterable[Any] = _selected(_factory, model, fields, exclude)
    return found


def replace_selected_fields(select: Callable[..., Iterable[Any]]) -> None:
    """Replace Ninja's function that selects the fields of every ``ModelSchema``."""
    if lost("generic") is None:
        _factory._selected_model_fields = select


def made_schemas() -> dict[Any, Any]:
    """Return Ninja's key of each schema that it made of a model: the model, the name, the fields, …"""
    return {made: key for key, made in model_schemas().items()}


title_if_lower: Callable[[str], str] = _find(
    "ninja.orm.fields.title_if_lower", "openapi", otherwise=str
)
"""Return the title that a ``ModelSchema`` gives to a column, from its verbose name."""
