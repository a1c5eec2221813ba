"""Derives the schemas of a ``CrudController`` from its model: what clients see, send to create, and send to change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import NOT_PROVIDED, Model
from ninja import Schema
from pydantic import BaseModel, ConfigDict, Field, model_validator

from django_matt.contrib.crud.fields import (
    ALL_FIELDS,
    Shown,
    extra_of,
    is_of_other_side,
    is_optional,
    is_password,
    key_fields,
    key_type,
    keys_type,
    make_schema,
    read_type,
    resolve,
    write_type,
)
from django_matt.contrib.crud.uploads import from_text, upload_type, with_files

__all__ = ["Derivation", "Expand", "Schemas"]

_LIST: Any = list
"""For types of the run time."""
Expand = Sequence[str] | Mapping[str, Sequence[str] | type[Schema]]
"""The relations that a response nests, with the fields of each; a list takes the columns of the other model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schemas:
    """The schemas of a controller; what is None is derived from ``fields``.

    ``item`` is an object in a list, ``show`` one alone. ``create`` and ``change`` are the bodies of POST and PATCH.
    """

    show: type[Schema] | None = None
    item: type[Schema] | None = None
    create: type[Schema] | None = None
    change: type[Schema] | None = None


class _Sent(Schema):
    """A request: a key that it does not know is a mistake of the client, and not lost in silence."""

    model_config = ConfigDict(extra="forbid")


class _Form(BaseModel):
    """A request that may be a form. Not a Ninja schema, which would hide the data from the validator that adds files."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True, kw_only=True)
class Derivation:
    """What the schemas are derived from."""

    model: type[Model]
    owner: str
    """The controller, named in errors."""
    module: str
    fields: Sequence[str]
    read_only: Sequence[str] = ()
    write_only: Sequence[str] = ()
    expand: Expand = ()

    def show(self) -> type[Schema]:
        """Return the schema of a response."""
        hidden = {each.name for each in self._named(self.write_only)}
        shown = [each for each in self._named(self.fields) if each.name not in hidden]
        if _has_password(shown):
            raise TypeError(
                f"{self.owner}.fields would show passwords: name 'password' in write_only instead"
            )
        nested: Any = (
            self.expand
            if isinstance(self.expand, Mapping)
            else dict.fromkeys(self.expand, ALL_FIELDS)
        )
        definitions: dict[str, Any] = {}
        for each in shown:
            name = each.field.name if each.is_relation else each.name
            if each.is_relation and (name in nested or each.name in nested):
                fields = nested[name if name in nested else each.name]
                # As the client knows it: the accessor of a reverse relation, the name of any other.
                known = name if each.field.concrete else each.name
                definitions[known] = self._nest(each, fields)
            else:
                definitions[each.name] = _shown(each)
        missing = set(nested) - {
            *(each.name for each in shown),
            *(each.field.name for each in shown if each.is_relation),
        }
        if missing:
            raise TypeError(f"{self.owner}.expand names {sorted(missing)}, and fields does not")
        return self._make("Out", Schema, definitions)

    def create(self) -> type[Schema]:
        """Return the schema of a body that creates an object: what has a default may be left out."""
        return self._make_sent("In", self._sent(self._written()))

    def row(self) -> type[Schema]:
        """Return the schema of one of many objects to create: without many-to-many fields, files and passwords."""
        written = [each for each in self._written() if each.is_written_in_bulk()]
        return self._make_sent("Row", self._sent(written, as_text=True))

    def has_more_than_rows(self) -> bool:
        """Whether a body that creates one object has fields that a row of many has not."""
        return not all(each.is_written_in_bulk() for each in self._written())

    def change(self, *, keyed: bool = False) -> type[Schema]:
        """Return the schema of a body that changes an object: everything may be left out; null is only for columns.

        With ``keyed``, a body names its object, as a row of a bulk change does.
        """
        keys = key_fields(self.model)
        definitions: dict[str, Any] = (
            {field.attname: (key_type(field), ...) for field in keys} if keyed else {}
        )
        written = [
            each
            for each in self._written()
            if each.field not in keys and (each.is_written_in_bulk() or not keyed)
        ]
        for name, (kind, field) in self._sent(written, as_text=keyed).items():
            # A default of null would be in the document, and is not what a client may send.
            options = {
                "title": field.title,
                "description": field.description,
                "json_schema_extra": field.json_schema_extra,
            }
            definitions[name] = (kind, Field(default_factory=_nothing, **options))
        return self._make_sent("ChangeRow" if keyed else "Change", definitions)

    def files(self, schema: type[Schema]) -> list[str]:
        """Return the names of a body's files."""
        names = {each.name for each in self._written() if each.is_file}
        return [name for name in schema.model_fields if name in names]

    def _named(self, names: Sequence[str]) -> list[Shown]:
        return list(resolve(self.model, names, self.owner))

    def _written(self) -> list[Shown]:
        fixed = {each.name for each in self._named(self.read_only)}
        every = {each.name: each for each in self._named(self.fields)}
        every |= {each.name: each for each in self._named(self.write_only)}
        return [each for each in every.values() if each.is_written() and each.name not in fixed]

    def _nest(self, each: Shown, fields: Any) -> tuple[Any, Any]:
        if isinstance(fields, type):
            schema: Any = fields
        else:
            other = each.field.related_model
            if fields == ALL_FIELDS:
                # Resolved once more, to refuse the passwords of a user.
                columns = resolve(other, ALL_FIELDS, f"{self.owner}.expand")
                fields = [found.name for found in columns if not found.is_relation]
            inner = Derivation(
                model=other, owner=f"{self.owner}.expand", module=self.module, fields=fields
            )
            shown = inner._named(fields)
            if _has_password(shown):
                raise TypeError(f"{inner.owner} would show passwords: leave 'password' out")
            schema = inner._make(
                f"In{self.model.__name__}", Schema, {s.name: _shown(s) for s in shown}
            )
        if each.is_many:
            return _LIST[schema], ...
        optional = each.field.null or not each.field.concrete
        return (schema | None, None) if optional else (schema, ...)

    def _sent(self, written: Sequence[Shown], *, as_text: bool = False) -> dict[str, Any]:
        """Return the fields of a body. ``as_text`` and files tell that it may come as texts: as a form, or as CSV."""
        as_text = as_text or any(each.is_file for each in written)
        found = {each.name: (each.field, *_required(each)) for each in written}
        return {
            name: (from_text(kind, field) if as_text else kind, options)
            for name, (field, kind, options) in found.items()
        }

    def _make_sent(self, end: str, definitions: dict[str, Any]) -> type[Schema]:
        """Return the schema of a request: a form brings its files along."""
        if not any(each.is_file and each.name in definitions for each in self._written()):
            return self._make(end, _Sent, definitions)
        return self._make(
            end, _Form, definitions, {"files": model_validator(mode="before")(with_files)}
        )

    def _make(
        self,
        end: str,
        base: Any,
        definitions: dict[str, Any],
        validators: dict[str, Any] | None = None,
    ) -> type[Schema]:
        name = f"{self.model.__name__}{end}"
        made = make_schema(name, self.module, definitions, base=base, validators=validators)
        # From here, Django Matt knows the columns' bounds, and which values are keys.
        made.Meta = type("Meta", (), {"model": self.model})  # type: ignore[attr-defined]
        return made


def _has_password(shown: Sequence[Shown]) -> bool:
    return any(each.field is not None and is_password(each.field) for each in shown)


def _shown(each: Shown) -> tuple[Any, Any]:
    if each.field is None:
        return each.type, ...
    if is_of_other_side(each.field):
        raise TypeError(f"{each.name!r} is the other side of a relation: name it in expand too")
    if each.is_many:
        return keys_type(each.field), Field(..., **_described(each.field))
    default = None if is_optional(each.field) else ...
    return read_type(each.field), Field(default, **_described(each.field))


def _required(each: Shown) -> tuple[Any, Any]:
    """Return the type and the default of a field of a body."""
    field = each.field
    options = _described(field)
    if each.is_many:
        kind = _LIST[key_type(field.remote_field.model._meta.pk)]
        return kind, Field(default_factory=list, **options) if field.blank else Field(
            ..., **options
        )
    if each.is_file:
        if field.null or field.blank or field.has_default():
            options["default_factory"] = _nothing
        return upload_type(field), Field(**options)
    if field.has_default():
        if callable(field.default):
            options["default_factory"] = field.default
        else:
            options["default"] = getattr(field.default, "value", field.default)
    elif getattr(field, "db_default", NOT_PROVIDED) is not NOT_PROVIDED:
        options["default_factory"] = _nothing
    elif field.null:
        options["default"] = None
    elif field.blank and field.empty_strings_allowed:
        options["default"] = ""
    return write_type(field), Field(**options)


def _described(field: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"title": _title(field)}
    if help_text := str(getattr(field, "help_text", "")):
        found["description"] = help_text
    if extra := extra_of(field):
        found["json_schema_extra"] = extra
    return found


def _title(field: Any) -> str:
    name = str(getattr(field, "verbose_name", field.name))
    return name.title() if name == name.lower() else name


def _nothing() -> Any:
    return None
