"""Makes the routes of a ``CrudController`` of its methods: the path, the schemas and the permissions of each."""

import inspect
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any, Literal, get_args, get_origin

from django.db.models import Model
from ninja import Path, Query, Schema
from ninja_extra import http_delete, http_get, http_patch, http_post, paginate
from pydantic import create_model

from django_matt.contrib.crud.fields import key_fields, key_type
from django_matt.contrib.crud.lists import ListQuery
from django_matt.contrib.crud.model_schemas import Derivation

__all__ = ["ALL", "READ", "STANDARD", "Verb", "make_routes", "model_of"]

Verb = Literal["list", "create", "show", "change", "delete", "bulk_create", "bulk_change"]
"""What a route does."""
READ: tuple[Verb, ...] = ("list", "show")
"""Routes that read."""
STANDARD: tuple[Verb, ...] = ("list", "create", "show", "change", "delete")
"""The routes of a controller that names none."""
ALL: tuple[Verb, ...] = (*STANDARD, "bulk_create", "bulk_change")
"""Those, and those that write many objects at once."""


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
    for attribute in ("verbs", "permissions"):
        if unknown := set(getattr(cls, attribute)) - set(ALL):
            raise TypeError(
                f"{owner}.{attribute} has {sorted(unknown)}: known are {', '.join(ALL)}"
            )
    if "bulk_change" in cls.verbs and len(key_fields(model)) > 1:
        raise TypeError(f"{owner}.verbs has 'bulk_change', which needs a key of one column")
    tables = {each._meta.concrete_model for each in (model, *model._meta.get_parent_list())}
    if "bulk_create" in cls.verbs and len(tables) > 1:
        raise TypeError(
            f"{owner}.verbs has 'bulk_create': Django cannot insert many {model.__name__} at once, "
            "because the columns are in several tables"
        )
    derive = Derivation(
        model=model,
        owner=owner,
        module=module,
        fields=cls.fields,
        read_only=cls.read_only,
        write_only=cls.write_only,
        expand=cls.expand,
    )
    show = cls.schemas.show or derive.show()
    item = cls.schemas.item or show
    cls._query = ListQuery(
        model, owner, module, filters=cls.filters, search=cls.search, ordering=cls.ordering
    )
    create = cls.schemas.create or derive.create()
    row = derive.row() if cls.schemas.create is None and derive.has_many() else create
    many = {field.name for field in model._meta.many_to_many} & row.model_fields.keys()
    if "bulk_create" in cls.verbs and many:
        raise TypeError(
            f"{owner}.verbs has 'bulk_create', which cannot write {sorted(many)} of schemas.create"
        )
    change = cls.schemas.change or derive.change()
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
            )(f),
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
        "show": (
            lambda f, **more: http_get(place, response=show, summary=f"Show {name}", **more)(f),
            lambda: {"key": _PATH[key]},
        ),
        "change": (
            lambda f, **more: http_patch(
                place, response=show, summary=f"Change {name}", **more
            )(f),
            lambda: {"key": _PATH[key], "data": change},
        ),
        "delete": (
            lambda f, **more: http_delete(
                place, response={204: None}, summary=f"Delete {name}", **more
            )(f),
            lambda: {"key": _PATH[key]},
        ),
    }  # fmt: skip
    for verb, (declare, types) in routes.items():
        method, attribute = getattr(cls, verb), f"_route_{verb}"
        if verb in cls.verbs:
            if not any(hasattr(method, mark) for mark in _MARKS):
                # The method stays as it is, for subclasses that call it by super().
                typed = _typed(method, types(), f"{owner}.{verb}")
                setattr(cls, attribute, declare(typed, **_guard(cls, verb)))
            elif verb in cls.permissions:
                raise TypeError(
                    f"{owner}.permissions has {verb!r}, which is a route of its own: "
                    "name its permissions in its decorator"
                )
        elif hasattr(cls, attribute):
            raise TypeError(
                f"{owner}.verbs leaves out {verb!r}, which it inherits as a route: "
                "inherit from a class without that verb"
            )


def _guard(cls: Any, verb: Verb) -> dict[str, Any]:
    return {"permissions": list(cls.permissions[verb])} if verb in cls.permissions else {}


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
    return create_model(name, __base__=Schema, __module__=module, **definitions), path
