"""The data of requests and responses: fixed schemas, and those that are made from the forms of a ``ModelAdmin``."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, cast

from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import flatten, flatten_fieldsets
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import FieldDoesNotExist
from django.db.models import BooleanField, DateField, Field
from django.http import HttpRequest
from ninja import Schema
from pydantic import Field as SchemaField
from pydantic import RootModel, WithJsonSchema, create_model

from django_matt.contrib.admin_api.fields import describe, describe_column, is_shown
from django_matt.contrib.admin_api.requests import AdminRequest

__all__ = [
    "ActionIn",
    "ActionOut",
    "Deletion",
    "Done",
    "FormOut",
    "HistoryPage",
    "ModelSchemas",
    "Options",
    "Overview",
]

# For types that are made at run time.
_LIST: Any = list
_LOGGER = logging.getLogger("django_matt.admin_api")


class MessageOut(Schema):
    """What the admin says to the user."""

    level: str
    text: str


class Permissions(Schema):
    """What the user may do with a model."""

    add: bool
    change: bool
    delete: bool
    view: bool


class ModelOut(Schema):
    """A model that the user may see."""

    model: str
    name: str
    name_plural: str
    path: str
    operations: str
    permissions: Permissions


class AppOut(Schema):
    """The models of an app."""

    label: str
    name: str
    models: list[ModelOut]


class Overview(Schema):
    """The models of the site."""

    title: str
    apps: list[AppOut]


class Done(Schema):
    """What the admin says about a write that has no object."""

    messages: list[MessageOut]


class DeletedObject(Schema):
    """An object that would be deleted; ``depth`` says below which of the objects before it."""

    depth: int
    text: str


class Deletion(Schema):
    """What a deletion would do, and what forbids it."""

    is_allowed: bool
    objects: list[DeletedObject]
    counts: dict[str, int]
    missing_permissions: list[str]
    protected: list[str]


class ActionIn(Schema):
    """The rows of an action: their keys, or all that match the query of the request."""

    model_config = {"extra": "forbid"}

    ids: list[int | str] = []
    all: bool = False
    confirm: bool = SchemaField(False, description="Carry out what a page would ask about.")
    data: dict[str, str | int | float | bool | list[str]] = SchemaField(
        default_factory=dict, description="The fields of the action's form."
    )


class ActionOut(Done):
    """What an action says. ``location`` is the page to which it leads, if that is not the list."""

    location: str | None = None


class HistoryEntry(Schema):
    """An entry of the log."""

    time: Any = SchemaField(json_schema_extra={"type": "string", "format": "date-time"})
    user: str
    action: str
    text: str


class HistoryPage(Schema):
    """A page of the log of one object, the oldest entry first."""

    items: list[HistoryEntry]
    count: int
    page: int


class Option(Schema):
    """An object or a choice that a field may refer to."""

    id: int | str | bool
    label: str


class Options(Schema):
    """A page of the options of a field."""

    items: list[Option]
    more: bool


class FormOut(Schema):
    """The form of a model as this user gets it, and its list."""

    permissions: Permissions
    schema_: dict[str, Any] = SchemaField(alias="schema", description="JSON Schema of the form.")
    fieldsets: list[dict[str, Any]]
    read_only: list[str]
    initial: dict[str, Any]
    inlines: list[dict[str, Any]]
    list_: dict[str, Any] = SchemaField(alias="list")
    actions: list[dict[str, Any]]


class _Everyone(AnonymousUser):
    """A user that may do everything, for the forms of the document: no request is answered for it."""

    is_active = is_staff = is_superuser = True  # type: ignore[assignment] # False, for type checkers
    is_authenticated = True  # type: ignore[assignment]
    is_anonymous = False  # type: ignore[assignment]

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        return True

    def has_perms(self, perm_list: Any, obj: Any = None) -> bool:
        return True

    def has_module_perms(self, module: str) -> bool:
        return True


@dataclass(slots=True)
class _Form:
    """The JSON Schemas of the properties of one form: as they are sent, and as they are in responses."""

    sent: dict[str, Any] = field(default_factory=dict)
    shown: dict[str, Any] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)


class ModelSchemas:
    """The schemas of one ``ModelAdmin``: ``row``, ``page``, ``shown``, ``create``, ``change``, ``saved``, ``filters``."""

    def __init__(self, model_admin: "ModelAdmin[Any]", name: str) -> None:
        """Make the schemas, whose names begin with ``name``.

        The forms are those of a user with all permissions. If a ``ModelAdmin`` cannot make them outside of a request, a
        body is any object; the form of each request validates it all the same.
        """
        self.admin: Any = model_admin
        self.key = describe_column(model_admin.opts.pk).get("type", "string")
        request = AdminRequest(HttpRequest())
        request.user = _Everyone()
        create = self._form(request, None)
        change = self._form(request, model_admin.model())
        base = {"id": {"type": self.key}, "__str__": {"type": "string"}}
        shown = {**base, **(create.shown if create else {}), **(change.shown if change else {})}
        self.row = _root(f"{name}Row", {**base, **self._columns()}, required=list(base))
        self.shown = _root(f"{name}Out", shown, required=list(base), is_open=change is None)
        self.create = _sent(f"{name}In", create, all_required=True)
        self.change = _sent(f"{name}Change", change, all_required=False)
        self.page = create_model(
            f"{name}Page",
            __base__=Schema,
            __doc__="A page of the list.",
            items=(_LIST[self.row], ...),
            count=(int, ...),
            page=(int, ...),
            pages=(int, ...),
        )
        one = cast("Any", self.shown | None)
        self.saved = create_model(
            f"{name}Saved",
            __base__=Done,
            __doc__="The object after the write, null if the user may not see it; and what the admin says.",
            object=(one, ...),
        )
        self.filters = create_model(f"{name}Query", __base__=Schema, **self._filters())

    def _form(self, request: HttpRequest, obj: Any) -> _Form | None:
        admin = self.admin
        try:
            names = flatten_fieldsets(admin.get_fieldsets(request, obj))
            form = admin.get_form(request, obj, change=obj is not None, fields=names)()
            read_only = admin.get_readonly_fields(request, obj)
            found = self._properties(admin, form, names, read_only)
            pairs = admin.get_formsets_with_inlines(request, *([] if obj is None else [obj]))
            for kind, inline in pairs:
                self._add_rows(found, request, kind, inline, obj)
        except Exception:
            _LOGGER.warning(
                "The form of %s cannot be made outside of a request, so its type in the document is any object.",
                admin,
                exc_info=True,
            )
            return None
        return found

    def _properties(self, owner: Any, form: Any, names: Any, read_only: Any) -> _Form:
        found = _Form()
        for each in flatten(list(names)):
            key = each if isinstance(each, str) else each.__name__
            field = form.fields.get(each)
            column = column_of(owner.model, key)
            if field is None or each in read_only or field.disabled:
                if field is None or is_shown(field):
                    found.shown[key] = describe_column(column) or described_by(owner, each)
                continue
            found.sent[key] = describe(field, sent=True)
            if is_shown(field):
                found.shown[key] = (column and describe_column(column)) or describe(
                    field, sent=False
                )
            if field.required and form.get_initial_for_field(field, key) is None:
                found.required.append(key)
        return found

    def _add_rows(self, found: _Form, request: Any, kind: Any, inline: Any, obj: Any) -> None:
        names = flatten_fieldsets(inline.get_fieldsets(request, obj))
        form = kind.form()
        rows = self._properties(inline, form, names, inline.get_readonly_fields(request, obj))
        key = describe_column(inline.model._meta.pk).get("type", "string")
        name = kind.get_default_prefix()
        found.sent[name] = {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"id": {"type": key}, "delete": {"type": "boolean"}, **rows.sent},
                "additionalProperties": False,
            },
        }
        found.shown[name] = {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"id": {"type": key}, "__str__": {"type": "string"}, **rows.shown},
                "required": ["id", "__str__"],
            },
        }

    def _columns(self) -> dict[str, Any]:
        names = [each for each in flatten([self.admin.list_display]) if each != "__str__"]
        found = {}
        for each in names:
            name = each if isinstance(each, str) else each.__name__
            if name != "action_checkbox":
                found[name] = describe_column(column_of(self.admin.model, name)) or described_by(
                    self.admin, each
                )
        return found

    def _filters(self) -> dict[str, Any]:
        names = list(filter_parameters(self.admin))
        taken = {"q", "o", "page", "page_size", "format"}
        made: dict[str, Any] = {
            "q": (str | None, SchemaField(None, description="Search.")),
            "o": (
                str | None,
                SchemaField(None, description="Columns to sort by: `-price,name`."),
            ),
            "page": (int, SchemaField(1, ge=1)),
            "page_size": (int | None, SchemaField(None, ge=1, le=self.admin.list_max_show_all)),
        }
        for number, name in enumerate(each for each in dict.fromkeys(names) if each not in taken):
            made[f"filter_{number}"] = (str | None, SchemaField(None, alias=name))
        return made


def column_of(model: Any, name: str) -> Any:
    """Return the concrete or many-to-many column of a model with a name; None if there is none."""
    try:
        found = model._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    return found if isinstance(found, Field) else None


def described_by(owner: Any, name: Any) -> dict[str, Any]:
    """Return the JSON Schema of what a method shows, from the type that it is annotated with."""
    found = (
        name if callable(name) else getattr(owner, name, None) or getattr(owner.model, name, None)
    )
    found = getattr(found, "fget", found)
    if getattr(found, "boolean", False):
        return {"type": ["boolean", "null"]}
    kinds: dict[Any, str] = {str: "string", int: "integer", bool: "boolean", float: "number"}
    kind = kinds.get(getattr(found, "__annotations__", {}).get("return"))
    return {"type": [kind, "null"]} if kind else {}


def filter_parameters(model_admin: Any) -> Iterator[str]:
    """Yield the query parameters of the filters that are declared; every other allowed lookup works as well."""
    for each in model_admin.list_filter:
        if isinstance(each, type):
            yield str(getattr(each, "parameter_name", "") or "")
            continue
        name = each[0] if isinstance(each, list | tuple) else each
        column = column_of(model_admin.model, name)
        if column is None:
            continue
        if column.is_relation:
            yield f"{name}__{column.related_model._meta.pk.name}__exact"
        elif isinstance(column, DateField):
            yield from (f"{name}__gte", f"{name}__lt")
        elif isinstance(column, BooleanField) or column.choices:
            yield f"{name}__exact"
        else:
            yield name


def _sent(name: str, form: _Form | None, *, all_required: bool) -> Any:
    if form is None:
        return _root(name, {}, is_open=True)
    return _root(name, form.sent, required=form.required if all_required else [], is_closed=True)


def _root(
    name: str,
    properties: Mapping[str, Any],
    *,
    required: Sequence[str] = (),
    is_open: bool = False,
    is_closed: bool = False,
) -> Any:
    """Return a schema for a dictionary. The document has its properties; the forms of a request validate its values."""
    schema: dict[str, Any] = {"type": "object", "title": name, "properties": dict(properties)}
    if required:
        schema["required"] = list(required)
    if is_open:
        schema["additionalProperties"] = True
    if is_closed:
        schema["additionalProperties"] = False
    base: Any = RootModel[Annotated[dict[str, Any], WithJsonSchema(_spread(schema))]]
    return type(name, (base,), {"__module__": __name__, "__doc__": None})


def _spread(schema: Any) -> Any:
    """Return a schema in which several types are ``anyOf``, as everywhere else in the document."""
    if isinstance(schema, list):
        return [_spread(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _spread(value) for name, value in schema.items()}
    kinds = found.get("type")
    if not isinstance(kinds, list):
        return found
    del found["type"]
    rest = {name: found.pop(name) for name in list(found) if name not in ("title", "description")}
    if "enum" in rest:
        rest["enum"] = [each for each in rest["enum"] if each is not None]
    parts = [{"type": kind, **(rest if kind != "null" else {})} for kind in kinds]
    return {"anyOf": parts, **found}
