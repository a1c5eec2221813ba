"""The fields of a model as a client sees them: which name is which field, of which type, and who may write it."""

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Any, Literal, get_type_hints

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import FieldDoesNotExist
from django.db.models import (
    AutoField,
    BinaryField,
    EmailField,
    FileField,
    ForeignObjectRel,
    Model,
    URLField,
)
from django.utils.timezone import is_naive, make_aware
from ninja import Schema
from ninja.orm import create_schema
from pydantic import (
    AfterValidator,
    BeforeValidator,
    create_model,
)

from django_matt import upstream

__all__ = [
    "ALL_FIELDS",
    "Shown",
    "aware",
    "component_name",
    "extra_of",
    "is_of_other_side",
    "is_optional",
    "is_password",
    "key_fields",
    "key_type",
    "keys_type",
    "make_schema",
    "read_type",
    "resolve",
    "write_type",
]

ALL_FIELDS: Literal["__all__"] = "__all__"
_FORMATS = {EmailField: "email", URLField: "uri"}
_LONGEST_NUMBER = 20
_ADDRESSES: dict[str, Any] = {
    "ipv4": Annotated[IPv4Address, AfterValidator(str)],
    "ipv6": Annotated[IPv6Address, AfterValidator(str)],
    # Not pydantic's IPvAnyAddress, whose format no client knows.
    "both": Annotated[IPv4Address | IPv6Address, AfterValidator(str)],
}
"""The types of addresses by protocol. Their columns take texts, and no objects of ``ipaddress``."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A name among the fields of a controller, and what it is."""

    name: str
    """The name in the JSON: that of the column for a foreign key, so ``author_id``."""
    field: Any
    """The model's field or relation; None for a property."""
    type: Any = None
    """The type of a property."""

    @property
    def is_many(self) -> bool:
        """Whether it is a list of objects or keys."""
        return self.field is not None and bool(self.field.many_to_many or self.field.one_to_many)

    @property
    def is_file(self) -> bool:
        """Whether it is a file or an image."""
        return isinstance(self.field, FileField)

    @property
    def is_relation(self) -> bool:
        """Whether it refers to other objects."""
        return self.field is not None and self.field.is_relation

    def is_written(self) -> bool:
        """Whether a client may write it: no key that the database makes, and nothing that is computed."""
        field: Any = self.field
        if (
            field is None
            or field.auto_created
            or isinstance(field, AutoField)
            or is_of_other_side(field)
            or not field.editable
        ):
            return False
        if field.many_to_many:
            return bool(field.remote_field.through._meta.auto_created)
        parent = field.is_relation and field.remote_field.parent_link
        return not (field.generated or parent)

    def is_written_in_bulk(self) -> bool:
        """Whether a row of many may write it: a row has one value for each column, and no file."""
        return self.is_written() and not (self.is_many or self.is_file or is_password(self.field))


def is_password(field: Any) -> bool:
    """Whether a column has the hash of a user's password, which is neither shown nor stored as it was sent."""
    return field.name == "password" and issubclass(field.model, AbstractBaseUser)


def is_of_other_side(field: Any) -> bool:
    """Whether a relation is declared by the other model. Since Django 6.1, no many-to-many field is ``concrete``."""
    return isinstance(field, ForeignObjectRel) or not (field.concrete or field.many_to_many)


def resolve(model: type[Model], names: Sequence[str], owner: str) -> Iterator[Shown]:
    """Yield what the names of ``owner`` are. ``"__all__"`` is every column and many-to-many field.

    Raises ``TypeError`` for a name that is neither a field nor a property with a type.
    """
    if names == ALL_FIELDS:
        if issubclass(model, AbstractBaseUser):
            raise TypeError(
                f'{owner}: "{ALL_FIELDS}" would show the passwords of {model.__name__}. Name the fields.'
            )
        names = [
            field.name
            for field in (*model._meta.concrete_fields, *model._meta.many_to_many)
            if not (isinstance(field, BinaryField) or field.name.startswith("_"))
        ]
    for name in names:
        yield _resolve(model, name, owner)


def _resolve(model: type[Model], name: str, owner: str) -> Shown:
    if name == "pk":
        name = _single_key(model, owner).name
    try:
        field: Any = model._meta.get_field(name)
    except FieldDoesNotExist:
        return _property(model, name, owner)
    if name.startswith("_"):
        raise TypeError(
            f"{owner} names {name!r}: a schema has no names that begin with an underscore"
        )
    if field.is_relation and field.related_model is None:
        raise TypeError(f"{owner} names {name!r}, which may refer to any model: leave it out")
    if field.auto_created and not field.concrete:
        return Shown(field.get_accessor_name(), field)
    return Shown(name if field.many_to_many else field.attname, field)


def _property(model: type[Model], name: str, owner: str) -> Shown:
    found = getattr(model, name, None)
    if not isinstance(found, property):
        known = ", ".join(sorted(field.name for field in model._meta.get_fields()))
        raise TypeError(f"{owner} names {name!r}. {model.__name__} has the fields {known}")
    kind = get_type_hints(found.fget).get("return")
    if kind is None:
        raise TypeError(f"{owner} names {name!r}: declare what {model.__name__}.{name} returns")
    return Shown(name, None, kind)


def _single_key(model: type[Model], owner: str) -> Any:
    fields = key_fields(model)
    if len(fields) > 1:
        names = ", ".join(field.name for field in fields)
        raise TypeError(f"{owner}: the key of {model.__name__} has the fields {names}")
    return fields[0]


def key_fields(model: type[Model]) -> list[Any]:
    """Return the fields of the primary key, which has several where it is composite."""
    return list(model._meta.pk_fields)


def key_type(field: Any) -> Any:
    """Return the type of what a column stores: for a foreign key, that of the column that it refers to."""
    while field.is_relation:
        field = field.target_field
    kind = field.get_internal_type()
    if kind not in upstream.TYPES:
        raise TypeError(
            f"{field.model.__name__}.{field.name} is a {kind}, and Ninja knows no type for it. "
            f'Call ninja.orm.register_field("{kind}", …) before the controller is defined'
        )
    return upstream.TYPES[kind]


def keys_type(field: Any) -> Any:
    """Return Ninja's type for the keys of a many-to-many field, which it reads from the objects too."""
    name = f"{field.model.__name__}{field.name.title()}Keys"
    made = create_schema(field.model, name=name, fields=[field.name])
    return made.model_fields[field.name].annotation


def component_name(name: str) -> str:
    """Return the name of a schema in the document. OpenAPI has component names of ASCII only."""
    return re.sub(r"[^A-Za-z0-9_]", lambda found: f"_{ord(found[0]):x}_", name)


def make_schema(
    name: str,
    module: str,
    definitions: Mapping[str, Any],
    *,
    base: Any = Schema,
    validators: Mapping[str, Any] | None = None,
) -> type[Schema]:
    """Return a schema whose fields may have any name that a column may have."""
    name = component_name(name)
    with warnings.catch_warnings():
        # Some are those of pydantic's methods, such as ``json`` and ``copy``. Nothing here calls these.
        warnings.filterwarnings("ignore", "Field name .* shadows an attribute")
        make: Any = create_model
        made: type[Schema] = make(
            name,
            __base__=base,
            __module__=module,
            __validators__=dict(validators or {}),
            **dict(definitions),
        )
    return made


def read_type(field: Any) -> Any:
    """Return the type of a column in responses. What is stored need not be one of the choices any more."""
    kind = field.get_internal_type()
    if kind == "JSONField":
        return Any
    found: Any = str if kind == "GenericIPAddressField" else key_type(field)
    return found | None if is_optional(field) else found


def is_optional(field: Any) -> bool:
    """Return whether a response may have null for a column: an empty file has no URL."""
    return bool(field.null) or isinstance(field, FileField)


def write_type(field: Any) -> Any:
    """Return the type of a column in requests: its choices where it has some, null only where the column takes it."""
    kind = field.get_internal_type()
    if choices := [value for value, _ in field.flatchoices]:
        if field.blank and isinstance(choices[0], str):
            choices.append("")
        kinds = set(map(type, choices))
        found: Any = Literal[tuple(choices)] if kinds <= {str, int} else key_type(field)
        if kinds == {int}:
            found = Annotated[found, BeforeValidator(_number)]
    elif kind == "JSONField":
        found = Any
    elif kind == "DateTimeField":
        found = _AWARE
    else:
        found = (
            _ADDRESSES[field.protocol.lower()]
            if kind == "GenericIPAddressField"
            else key_type(field)
        )
    return found | None if field.null and found is not Any else found


def _number(value: Any) -> Any:
    """Return the number that a text has, as pydantic does for ``int``: a query and a CSV have only texts."""
    is_number = isinstance(value, str) and value.removeprefix("-").isdecimal()
    return int(value) if is_number and len(value) < _LONGEST_NUMBER else value


def extra_of(field: Any) -> dict[str, Any]:
    """Return what the document says of a column besides its type."""
    # A column that may be blank has empty texts, which are no addresses.
    kinds = () if field.blank else _FORMATS.items()
    found = next((form for kind, form in kinds if isinstance(field, kind)), None)
    return {"format": found} if found else {}


def aware(value: Any) -> Any:
    """Return a time without a zone in that of the project, as Django's forms do; other values as they are."""
    if isinstance(value, datetime) and settings.USE_TZ and is_naive(value):
        value = make_aware(value)
        try:
            value.astimezone(UTC)
        except OverflowError:
            raise ValueError("a time must be between the years 1 and 9999 in UTC") from None
    return value


_AWARE = Annotated[datetime, AfterValidator(aware)]
