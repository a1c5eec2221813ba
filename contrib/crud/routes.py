"""Makes the routes of a ``CrudController`` of its methods: the path, the schemas and the permissions of each."""

import inspect
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any, Literal, get_args, get_origin

import django
from django.apps import apps
from django.db.models import BooleanField, DateField, IntegerField, Model
from ninja import Path, Query, Schema
from ninja_extra import http_delete, http_get, http_patch, http_post, paginate

from django_matt.contrib.crud.descriptions import describe_errors, describe_form, describe_import
from django_matt.contrib.crud.fields import is_password, key_fields, key_type, make_schema
from django_matt.contrib.crud.lists import ListQuery
from django_matt.contrib.crud.model_schemas import Derivation
from django_matt.contrib.crud.schemas import Imported
from django_matt.extensions import GuardsWrites
from django_matt.formats import formats

__all__ = ["ALL", "READ", "STANDARD", "Verb", "make_routes", "model_of"]

Verb = Literal[
    "list",
    "create",
    "show",
    "change",
    "delete",
    "bulk_create",
    "bulk_change",
    "bulk_import",
    "export",
]
"""What a route does."""
READ: tuple[Verb, ...] = ("list", "show")
"""Routes that read."""
STANDARD: tuple[Verb, ...] = ("list", "create", "show", "change", "delete")
"""The routes of a controller that names none."""
ALL: tuple[Verb, ...] = (*STANDARD, "bulk_create", "bulk_change")
"""Those, and those that write many objects at once. ``export`` and ``bulk_import``, which have no small limit, are named."""


_SAVING = frozenset({"create", "change", "bulk_create", "bulk_change", "bulk_import"})
"""Verbs that refuse to leave an object outside of ``queryset()``."""


@http_get("")
def _route(self: Any) -> None: ...


_MARKS = frozenset(vars(_route))
"""The attributes of a method that Ninja Extra's decorators have made a route."""
# For types of the run time.
_LIST: Any = list
_PATH: Any = Path
_QUERY: Any = Query


def model_of(cls: type[Any]) -> type[Model] | None:
    """Return the model that a class names in brackets, or None."""
    for base in vars(cls).get("__orig_bases__", ()):
        # Not of a mixin, which may be generic too.
        for argument in get_args(base) if hasattr(get_origin(base), "verbs") else ():
            if isinstance(argument, type) and issubclass(argument, Model):
                return argument
    return None


def make_routes(cls: Any) -> None:
    """Decorate the methods of a controller as its routes."""
    owner, module, model = cls.__name__, cls.__module__, cls.model
    if not cls.fields and None in (cls.schemas.show, cls.schemas.create, cls.schemas.change):
        raise TypeError(f'{owner}.fields is empty: name what clients may read, as in ["id"]')
    for attribute in ("verbs", "permissions", "auth"):
        if unknown := set(getattr(cls, attribute)) - set(get_args(Verb)):
            raise TypeError(
                f"{owner}.{attribute} has {sorted(unknown)}: known are {', '.join(get_args(Verb))}"
            )
    if "bulk_change" in cls.verbs and len(key_fields(model)) > 1:
        raise TypeError(f"{owner}.verbs has 'bulk_change', which needs a key of one column")
    tables = {each._meta.concrete_model for each in (model, *model._meta.get_parent_list())}
    for verb in {"bulk_create", "bulk_import"} & set(cls.verbs) if len(tables) > 1 else ():
        raise TypeError(
            f"{owner}.verbs has {verb!r}: Django cannot insert many {model.__name__} at once, "
            "because the columns are in several tables"
        )
    for verb in {"bulk_create", "bulk_import"} & set(cls.verbs) if _is_numbered(model) else ():
        raise TypeError(
            f"{owner}.verbs has {verb!r}: bulk_create of this Django does not number the objects of "
            f"{model.__name__}, which has order_with_respect_to"
        )
    guard = _guard_of(cls, owner)
    fixed = [name for name in (cls.version, cls.soft_delete) if name]
    if cls.soft_delete:
        _check_mark(model, cls.soft_delete, owner)
    derive = Derivation(
        model=model,
        owner=owner,
        module=module,
        fields=cls.fields,
        read_only=[*cls.read_only, *fixed],
        write_only=cls.write_only,
        expand=cls.expand,
    )
    show = cls.schemas.show or derive.show()
    item = cls.schemas.item or show
    cls._query = ListQuery(
        model, owner, module, filters=cls.filters, search=cls.search, ordering=cls.ordering
    )
    create = cls.schemas.create or derive.create()
    is_derived = cls.schemas.create is None
    row = derive.row() if is_derived and {"bulk_create", "bulk_import"} & set(cls.verbs) else create
    alone = {field.name for field in model._meta.many_to_many}
    # A row would store it as it was sent.
    alone |= {field.name for field in model._meta.concrete_fields if is_password(field)}
    alone &= row.model_fields.keys()
    for verb in {"bulk_create", "bulk_import"} & set(cls.verbs) if alone else ():
        raise TypeError(
            f"{owner}.verbs has {verb!r}, which cannot write {sorted(alone)} of schemas.create"
        )
    change = cls.schemas.change or derive.change()
    cls._row = row
    forms = {
        verb: _form(schema, derive.files(schema))
        for verb, schema in (("create", create), ("change", change))
    }
    query = cls._query.schema
    name, names = str(model._meta.verbose_name), str(model._meta.verbose_name_plural)
    key, place = _key_of(model, module)
    page = paginate(cls.paginator) if cls.paginator is not None else paginate
    # A route of each verb: how it is declared, and the types of its parameters.
    routes: dict[Verb, tuple[Callable[..., Any], Callable[[], dict[str, Any]]]] = {
        "list": (
            lambda f, **more: http_get(
                "", response=_LIST[item], summary=f"List {names}", **more
            )(page(f)),
            lambda: {"query": _QUERY[query] if query.model_fields else None},
        ),
        "create": (
            lambda f, **more: http_post(
                "", response={201: show}, summary=f"Create {name}", **more
            )(forms["create"](f)),
            lambda: {"data": create},
        ),
        "bulk_create": (
            lambda f, **more: http_post(
                "/bulk", response={201: _LIST[show]}, summary=f"Create many {names}", **more
            )(f),
            lambda: {"data": _LIST[row]},
        ),
        "bulk_change": (
            lambda f, **more: http_patch(
                "/bulk", response=_LIST[show], summary=f"Change many {names}", **more
            )(f),
            lambda: {"data": _LIST[derive.change(keyed=True)]},
        ),
        "bulk_import": (
            lambda f, **more: http_post(
                "/import", response={201: Imported}, summary=f"Import {names}", **more
            )(describe_import(row)(f)),
            dict,
        ),
        "export": (
            lambda f, **more: http_get(
                "/export", response=_LIST[item], summary=f"Export {names}", **more
            )(formats(also=("csv", "jsonl"))(f)),
            lambda: {"query": _QUERY[query] if query.model_fields else None},
        ),
        "show": (
            lambda f, **more: http_get(
                place, response=show, summary=f"Show {name}", **more
            )(guard("show")(f)),
            lambda: {"key": _PATH[key]},
        ),
        "change": (
            lambda f, **more: http_patch(
                place, response=show, summary=f"Change {name}", **more
            )(guard("change")(forms["change"](f))),
            lambda: {"key": _PATH[key], "data": change},
        ),
        "delete": (
            lambda f, **more: http_delete(
                place, response={204: None}, summary=f"Delete {name}", **more
            )(guard("delete")(f)),
            lambda: {"key": _PATH[key]},
        ),
    }  # fmt: skip
    for verb, (declare, types) in routes.items():
        method, attribute = getattr(cls, verb), f"_route_{verb}"
        if verb in cls.verbs:
            if not any(hasattr(method, mark) for mark in _MARKS):
                # The method stays as it is, for subclasses that call it by super().
                typed = _typed(method, types(), f"{owner}.{verb}")
                statuses = _statuses(cls, verb)
                described = describe_errors(*statuses)(typed) if statuses else typed
                setattr(cls, attribute, declare(described, **_protection(cls, verb)))
            elif found := _protection(cls, verb):
                names = " and ".join(found)
                raise TypeError(
                    f"{owner}.{names} has {verb!r}, which is a route of its own: "
                    f"name its {names} in its decorator"
                )
        elif hasattr(cls, attribute):
            raise TypeError(
                f"{owner}.verbs leaves out {verb!r}, which it inherits as a route: "
                "inherit from a class without that verb"
            )


def _is_numbered(model: type[Model]) -> bool:
    """Whether objects have a number that Django's bulk_create leaves out; newer ones set it."""
    return model._meta.order_with_respect_to is not None and django.VERSION < (6, 1)


def _form(schema: type[Schema], files: list[str]) -> Callable[[Any], Any]:
    """Return a decorator for a route whose body may be a form, if its schema has files."""
    if not files:
        return lambda f: f
    described = describe_form(schema, files)
    return lambda f: formats(also=("form",))(described(f))


def _guard_of(cls: Any, owner: str) -> Callable[[Verb], Callable[[Any], Any]]:
    """Return the decorators that compare the version of an object with what the client has read; none without one."""
    if not cls.version:
        if cls.version_required:
            raise TypeError(f"{owner}.version_required needs the name of a column in version")
        return lambda verb: lambda f: f
    field = cls.model._meta.get_field(cls.version)
    if not (isinstance(field, IntegerField) or getattr(field, "auto_now", False)):
        raise TypeError(
            f"{owner}.version names {cls.version!r}, which does not change with its object: "
            "name a column with auto_now=True, or an integer"
        )
    if isinstance(field, IntegerField) and "bulk_change" in cls.verbs:
        raise TypeError(
            f"{owner}.verbs has 'bulk_change', which does not count {cls.version!r}: "
            "leave it out, or name a column with auto_now=True in version"
        )
    app = next((app for app in apps.get_app_configs() if isinstance(app, GuardsWrites)), None)
    if app is None:
        raise TypeError(
            f"{owner}.version needs 'django_matt.contrib.conditional' in INSTALLED_APPS"
        )
    cls._guard = app
    return lambda verb: app.conditional(
        cls.version, required=cls.version_required and verb != "show"
    )


def _check_mark(model: type[Model], name: str, owner: str) -> None:
    field = model._meta.get_field(name)
    is_time = isinstance(field, DateField) and field.null
    if not (is_time or (isinstance(field, BooleanField) and not field.null)):
        raise TypeError(
            f"{owner}.soft_delete names {name!r}: name a date that may be null, or a BooleanField"
        )


def _statuses(cls: Any, verb: Verb) -> list[int]:
    """Return the statuses of a verb's errors that only this class makes."""
    owner = next(base for base in cls.__mro__ if "queryset" in vars(base))
    hides = owner.__module__ != f"{__package__}.controllers" and verb in _SAVING
    found = [403] if hides or cls.permissions.get(verb) else []
    # A row names its object, as a path does.
    return [*found, 404] if verb == "bulk_change" else found


def _protection(cls: Any, verb: Verb) -> dict[str, Any]:
    """Return what a route has in place of the controller's permissions and authentication."""
    found: dict[str, Any] = {}
    if verb in cls.permissions:
        found["permissions"] = list(cls.permissions[verb])
    if verb in cls.auth:
        # Ninja takes an empty list for no choice, and then asks the controller.
        found["auth"] = cls.auth[verb] or None
    return found


def _typed(method: Any, types: Mapping[str, Any], owner: str) -> Any:
    """Return a copy of a method, with types for those of its parameters that have none of their own.

    Each controller has its own, because the types and the route are attributes of the function. Raises ``TypeError``
    for a parameter that would become one of the query, because it has no type and another name.
    """
    copy = FunctionType(
        method.__code__,
        method.__globals__,
        method.__name__,
        method.__defaults__,
        method.__closure__,
    )
    copy.__kwdefaults__ = method.__kwdefaults__
    copy.__dict__.update(method.__dict__)
    copy.__doc__, copy.__qualname__ = method.__doc__, method.__qualname__
    copy.__module__ = method.__module__
    signature = _signature(method)
    parameters = []
    for index, (name, each) in enumerate(signature.parameters.items()):
        untyped = each.annotation in (each.empty, Any, "Any")
        if untyped and name in types:
            # A list without parameters: Ninja takes none where the schema has no field.
            if types[name] is not None:
                parameters.append(each.replace(annotation=types[name]))
            continue
        if (
            (untyped and index and each.default is each.empty)
            and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
            and name != "request"
        ):
            names = " or ".join(types)
            raise TypeError(
                f"{owner} has the parameter {name!r}: name it {names}, or give it a type"
            )
        parameters.append(each)
    copy.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    copy.__annotations__ = {
        each.name: each.annotation for each in parameters if each.annotation is not each.empty
    }
    return copy


def _signature(method: Any) -> inspect.Signature:
    try:
        # The texts of ``from __future__ import annotations`` are names of the method's module.
        return inspect.signature(method, eval_str=True)
    except NameError:
        return inspect.signature(method)


def _key_of(model: type[Model], module: str) -> tuple[type[Schema], str]:
    """Return the schema of the key in a path, and the path: a composite key has a segment for each of its columns."""
    definitions: dict[str, Any] = {}
    path = ""
    for field in key_fields(model):
        kind = key_type(field)
        definitions[field.attname] = (kind, ...)
        converter = {int: "int:", str: ""}.get(kind, "")
        path += f"/{{{converter}{field.attname}}}"
    name = f"{model.__name__}Key"
    return make_schema(name, module, definitions), path
