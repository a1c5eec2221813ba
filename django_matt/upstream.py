"""Upstream: the private names of Ninja, Ninja Extra, pydantic and Django that the tiers use, each of them once.

A release of theirs may rename what it never promised. So each name is looked up here when Django Matt is imported. One that is
gone turns off the features that need it, and the project starts: responses come from a slower tier, or requests are
validated as Ninja does. ``missing`` and the system check ``matt.E005`` say which name it is.

Other modules import functions and constants from here. The attributes of querysets are the exception: they are read where
they are used, because they are read for every request; here they are checked.
"""

from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module
from typing import Any, cast

from django.db.models import F, Manager, QuerySet
from django.db.models.base import ModelState
from django.db.models.lookups import Exact
from django.db.models.sql import Query
from django.db.models.sql.where import WhereNode
from pydantic import BaseModel
from pydantic_core import SchemaValidator

__all__ = [
    "ABSENT",
    "FEATURES",
    "NAMES",
    "SUPPORTED",
    "TYPES",
    "DjangoGetter",
    "ResponseObject",
    "build_validator",
    "convert_result",
    "core_schema_of",
    "function_of",
    "generic_origin_of",
    "is_any_object",
    "is_ip_address",
    "is_list_of_page",
    "is_m2m_key",
    "is_m2m_link",
    "is_max_length",
    "is_root_validator",
    "lost",
    "missing",
    "model_schemas",
    "object_of",
    "own_model_validators",
    "replace_selected_fields",
    "resolvers_of",
    "selected_fields",
    "validator_of",
]

SUPPORTED = {
    "django": ">=5.2,<6.2",
    "django-ninja": ">=1.7.1,<1.8",
    "django-ninja-extra": ">=0.31.7,<0.32",
    "pydantic": ">=2.13,<2.15",
}
"""The releases that Django Matt is tested with, as in its pyproject.toml."""

FEATURES = {
    "rows": "the rows tier",
    "shapes": "compiled SQL for all queries of one shape",
    "instances": "the compiled encoder",
    "queries": "planned queries",
    "reader": "validation of responses without DjangoGetter",
    "requests": "limits on the values of requests",
    "keys": "types of foreign keys with to_field",
    "generic": "ModelSchema of generic foreign keys",
}
"""What a missing name may turn off, in words."""


class _Absent:
    """Stands in for a class that is gone. Nothing is an instance of it."""

    def __init__(self, *_: Any) -> None:
        raise NotImplementedError("This class of Ninja's is gone: see manage.py check.")


ABSENT: Any = _Absent
"""What a constant of this module is if its name is gone."""

NAMES: dict[str, tuple[str, tuple[str, ...]]] = {}
"""Every private name, with its distribution and the features that need it."""
_missing: list[str] = []


def missing() -> list[str]:
    """Return the private names that the installed releases do not have, as in ``"django-ninja: ninja.schema.Schema"``."""
    return [f"{NAMES[name][0]}: {name}" for name in _missing]


def lost(feature: str) -> str | None:
    """Return why a feature is off, or None if all names that it needs are there."""
    gone = [name for name in _missing if feature in NAMES[name][1]]
    return f"{', '.join(gone)} is gone from {NAMES[gone[0]][0]}" if gone else None


def _find(
    distribution: str, name: str, features: str, read: Callable[[], Any] | None = None
) -> Any:
    """Return what a private name refers to, or ``ABSENT``; ``read`` finds what is no attribute of a module."""
    NAMES[name] = distribution, tuple(features.split())
    try:
        return _resolve(name) if read is None else read()
    except Exception:  # noqa: BLE001 - whatever a renamed function raises, the name is gone
        _missing.append(name)
        return ABSENT


def _resolve(name: str) -> Any:
    """Import ``package.module.Class.attribute``."""
    module, _, rest = name.partition(".")
    found = import_module(module)
    for part in rest.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            found = import_module(f"{found.__name__}.{part}")
    return found


def _expect(
    distribution: str, owner: str, names: str, features: str, instance: Callable[[], Any]
) -> None:
    """Check that an object has attributes."""
    for name in names.split():
        _find(distribution, f"{owner}.{name}", features, partial(_attribute, instance, name))


def _attribute(instance: Callable[[], Any], name: str) -> Any:
    return getattr(instance(), name)


# ---- Ninja: how a Schema reads its input ------------------------------------------------------------------------------

DjangoGetter: Any = _find("django-ninja", "ninja.schema.DjangoGetter", "reader requests")
"""The class through which Ninja's schemas read the attributes of objects."""
_find("django-ninja", "ninja.schema.DjangoGetter._obj", "requests")
_find("django-ninja", "ninja.schema.DjangoGetter._convert_result", "reader")
_ROOT_VALIDATOR = "_run_root_validator"
_root_validator = _find(
    "django-ninja", "ninja.Schema._run_root_validator", "instances reader requests"
)
_find("django-ninja", "ninja.Schema._ninja_resolvers", "instances reader requests queries")
_find("django-ninja", "ninja.schema.Resolver._func", "requests queries")


class _Result:
    """The same as Ninja's ``ResponseObject``: an object with one attribute."""

    def __init__(self, response: Any) -> None:
        self.response = response


_response_object = _find("django-ninja", "ninja.operation.ResponseObject", "instances")
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

TYPES: Any = _find("django-ninja", "ninja.orm.fields.TYPES", "keys")
"""The type that a ``ModelSchema`` gives to a column, by the column's internal type."""
_factory = _find("django-ninja", "ninja.orm.factory.factory", "keys generic")
_find("django-ninja", "ninja.orm.factory.factory.schemas", "keys")
_selected = _find(
    "django-ninja", "ninja.orm.factory.SchemaFactory._selected_model_fields", "generic"
)
_any_object = _find("django-ninja", "ninja.orm.fields.AnyObject.validate", "instances")
_M2M_FACTORY = "create_m2m_link_type"


def _place(function: Any) -> tuple[str, str]:
    return getattr(function, "__module__", ""), getattr(function, "__qualname__", "")


# These functions are made inside other functions, so they are found by their module and qualified name.
_m2m_link = _find(
    "django-ninja",
    "ninja.orm.fields.create_m2m_link_type.<locals>.M2MLink._validate",
    "instances",
    lambda: _place(_resolve("ninja.orm.fields." + _M2M_FACTORY)(int)._validate),
)
_max_length = _find(
    "django-ninja",
    "ninja.orm.fields._request_max_length.<locals>.check",
    "instances",
    lambda: _place(_resolve("ninja.orm.fields._request_max_length")(1).func),
)
_page_items = _find(
    "django-ninja-extra",
    "ninja_extra.schemas.response.NinjaPaginationResponseSchema.validate_items",
    "instances",
)


def is_m2m_key(function: Any) -> bool:
    """Tell whether a validator is the one that takes the key of a related object (a many-to-many field)."""
    return _m2m_link is not ABSENT and _place(function) == _m2m_link


def is_m2m_link(annotation: Any) -> bool:
    """Tell whether an annotation is the key of a related object, as a ``ModelSchema`` makes it of a many-to-many field."""
    return _M2M_FACTORY in getattr(annotation, "__qualname__", "")


def is_max_length(function: Any) -> bool:
    """Tell whether a validator limits the length of text in requests, and leaves responses alone."""
    return _max_length is not ABSENT and _place(function) == _max_length


def is_any_object(function: Any) -> bool:
    """Tell whether a validator is that of ``AnyObject``, which accepts everything."""
    own = getattr(_any_object, "__func__", None)
    return own is not None and getattr(function, "__func__", None) is own


def is_list_of_page(function: Any) -> bool:
    """Tell whether a validator is the one with which Ninja Extra's page schema makes a list of its items."""
    return _page_items is not ABSENT and _place(function) == _place(_page_items)


def model_schemas() -> dict[Any, Any]:
    """Return the schemas that Ninja made of models, by a key that begins with the model."""
    found: dict[Any, Any] = getattr(_factory, "schemas", {})
    return found


def selected_fields(model: Any, fields: Any, exclude: Any) -> Iterable[Any]:
    """Return the model fields that ``Meta.fields`` and ``Meta.exclude`` of a ``ModelSchema`` select, as Ninja does."""
    found: Iterable[Any] = _selected(_factory, model, fields, exclude)
    return found


def replace_selected_fields(select: Callable[..., Iterable[Any]]) -> None:
    """Let Ninja select the fields of every ``ModelSchema`` by a function of ours from now on."""
    if lost("generic") is None:
        _factory._selected_model_fields = select


# ---- pydantic ---------------------------------------------------------------------------------------------------------


class _Probe(BaseModel):
    """A model of pydantic's, whose private attributes are looked at."""


_expect(
    "pydantic",
    "pydantic.BaseModel",
    "__pydantic_core_schema__",
    "instances reader requests keys",
    lambda: _Probe,
)
_expect(
    "pydantic",
    "pydantic.BaseModel",
    "__pydantic_complete__",
    "instances reader requests keys",
    lambda: _Probe,
)
_expect("pydantic", "pydantic.BaseModel", "__pydantic_validator__", "requests", lambda: _Probe)
_expect(
    "pydantic",
    "pydantic.BaseModel",
    "__pydantic_decorators__ __pydantic_generic_metadata__",
    "rows",
    lambda: _Probe,
)
_ip_address = _find("pydantic", "pydantic.IPvAnyAddress._validate", "instances")
_no_prebuilt = _find(
    "pydantic",
    "pydantic_core.SchemaValidator(_use_prebuilt=False)",
    "requests",
    lambda: SchemaValidator({"type": "any"}, _use_prebuilt=False),
)


def build_validator(core_schema: Any) -> SchemaValidator:
    """Build a validator of a changed core schema.

    pydantic puts the finished validators of models into a new one, instead of building them from the core schema again.
    These would not have the change, so they are not used.
    """
    if _no_prebuilt is ABSENT:
        return SchemaValidator(core_schema)
    return SchemaValidator(core_schema, _use_prebuilt=False)


def core_schema_of(model: type[BaseModel]) -> Any:
    """Return the core schema of a model, which is completed first if it has forward references."""
    if not model.__pydantic_complete__:
        model.model_rebuild()
    return model.__pydantic_core_schema__


def validator_of(model: type[BaseModel]) -> SchemaValidator:
    """Return the validator that pydantic built for a model."""
    return cast("SchemaValidator", model.__pydantic_validator__)


def generic_origin_of(schema: Any) -> Any:
    """Return the generic model that a schema is a specialization of, or None."""
    return getattr(schema, "__pydantic_generic_metadata__", {}).get("origin")


def is_ip_address(function: Any) -> bool:
    """Tell whether a validator is that of ``IPvAnyAddress``."""
    return bool(function == _ip_address)


# ---- Django: what a queryset is going to do -----------------------------------------------------------------------------

_expect(
    "django",
    "django.db.models.QuerySet",
    "_fields _iterable_class _result_cache _prefetch_related_lookups _known_related_objects _chain _db",
    "rows queries",
    QuerySet,
)
_expect("django", "django.db.models.QuerySet", "_fetch_all _clone _values", "rows", QuerySet)
_expect(
    "django",
    "django.db.models.sql.Query",
    """
    deferred_loading select_related distinct combinator group_by select_for_update extra extra_tables extra_order_by
    where annotations order_by
    """,
    "rows queries",
    lambda: Query(None),
)
_expect(
    "django",
    "django.db.models.sql.Query",
    """
    alias_cols alias_map alias_refcount annotation_select default_ordering distinct_fields external_aliases filter_is_sticky
    _filtered_relations high_mark low_mark names_to_path set_limits clear_limits clear_ordering standard_ordering
    values_select get_compiler
    """,
    "rows",
    lambda: Query(None),
)
_expect(
    "django",
    "django.db.models.sql.where.WhereNode",
    "contains_over_clause",
    "rows",
    lambda: WhereNode,
)
_expect(
    "django",
    "django.db.models.sql.where.WhereNode",
    "children connector negated resolved",
    "shapes",
    WhereNode,
)
_expect(
    "django",
    "django.db.models.lookups.Lookup",
    "bilateral_transforms lhs process_rhs rhs",
    "shapes",
    lambda: Exact(F("pk"), 1),
)
for _each in ("related.ForeignObject", "reverse_related.ForeignObjectRel"):
    _find("django", f"django.db.models.fields.{_each}.get_extra_restriction", "shapes")
_expect("django", "django.db.models.base.ModelState", "fields_cache", "queries", lambda: ModelState)
_expect("django", "django.db.models.Manager", "_queryset_class", "rows queries", lambda: Manager)
