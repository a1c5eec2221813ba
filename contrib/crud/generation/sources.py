"""Writes the schemas of a ``CrudController`` as the classes that a person would write."""

import datetime
import types
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

from django.conf import settings
from django.db.models import Model
from ninja import Schema
from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticUndefined

from django_matt.contrib.crud.fields import component_name, key_type
from django_matt.contrib.crud.generation.choices import Chosen
from django_matt.generation.names import module_of
from django_matt.generation.templates import quoted

__all__ = ["Writer"]

_ADDRESSES = (IPv4Address, IPv6Address, IPv4Address | IPv6Address)
_TIMES = {datetime.date, datetime.datetime, datetime.time, datetime.timedelta}


class Writer:
    """Collects classes, and what they import."""

    def __init__(self, model: type[Model], app: str) -> None:
        """Take the model."""
        self._model = model
        self._app = app
        self._imports: set[str] = {"from django_matt import Schema"}
        self._classes: list[dict[str, Any]] = []
        self._leaves_out = False
        # A field that is called like its type hides the type from the fields below it.
        self._hidden: set[str] = set()

    def values(self) -> dict[str, Any]:
        """Return the values of the template."""
        imports = sorted(self._imports)
        return {"imports": imports, "classes": self._classes, "leaves_out": self._leaves_out}

    def add_class(
        self,
        schema: type[Schema],
        *,
        sent: bool = False,
        many: list[str] | None = None,
    ) -> None:
        """Add a schema; ``sent`` is one of a request, which refuses what it does not know."""
        self._hidden = set(schema.model_fields)
        fields = []
        for name, field in schema.model_fields.items():
            is_many = name in (many or ())
            annotation: Any = self._many_type(name) if is_many else self._field_type(field, sent)
            fields.append(self._line(name, annotation, field, sent=sent))
        if sent:
            self._imports.add("from pydantic import ConfigDict")
        resolvers = [
            {"name": name, "type": self._many_type(name)}
            for name in many or ()
            if name in schema.model_fields
        ]
        if resolvers or sent:
            self._imports.add(f"from {module_of(self._model)} import {self._model.__name__}")
        self._classes.append(
            {
                "name": schema.__name__,
                "sent": sent,
                "fields": fields,
                "resolvers": resolvers,
                "model": self._model.__name__,
            }
        )

    def add_key(self, field: Any) -> None:
        """Add the schema of the key in a path."""
        self._hidden = {field.attname}
        line = f"    {field.attname}: {self._type(key_type(field))}"
        self._add(f"{component_name(self._model.__name__)}Key", [line])

    def add_query(self, schema: type[Schema], chosen: Chosen) -> None:
        """Add the schema of a list's query parameters."""
        self._hidden = set(schema.model_fields)
        lines = []
        for name, field in schema.model_fields.items():
            if name in {"search", "ordering"}:
                self._imports.add("from django_matt import Field")
                text = self._type(str)
                arguments = self._query_arguments(name, chosen)
                lines.append(f"    {name}: {text} | None = Field({', '.join(arguments)})")
            else:
                annotation = self._type(_without_none(field.annotation), is_query=True)
                lines.append(f"    {name}: {annotation} | None = None")
        self._add(schema.__name__, lines)

    def _add(self, name: str, lines: list[str]) -> None:
        self._classes.append({"name": name, "fields": lines, "sent": False, "resolvers": []})

    def _query_arguments(self, name: str, chosen: Chosen) -> list[str]:
        if name == "search":
            words = quoted(f"Each word is in {', '.join(chosen.search)}.")
            return ["None", "max_length=200", f"description={words}"]
        one = f"-?({'|'.join(chosen.ordering)})"
        longest = sum(map(len, chosen.ordering)) + 2 * len(chosen.ordering)
        described = quoted(f"Names of {', '.join(chosen.ordering)}, with a minus for descending.")
        return [
            "None",
            f"pattern={quoted(f'^{one}(,{one})*$')}",
            f"max_length={longest}",
            f"description={described}",
        ]

    def _many_type(self, name: str) -> str:
        target: Any = self._model._meta.get_field(name).related_model
        return f"{self._builtin('list')}[{self._type(key_type(target._meta.pk))}]"

    def _field_type(self, field: Any, sent: bool) -> str:
        annotation = field.annotation
        if sent and any(isinstance(each, WithJsonSchema) for each in field.metadata):
            # A file: JSON has none, and null removes it.
            return "None"
        # pydantic keeps the validators of a whole field apart from its type.
        if field.metadata and annotation in _ADDRESSES:
            annotation = Annotated[annotation, field.metadata[0]]
        return self._type(annotation, sent=sent)

    def _line(self, name: str, annotation: str, field: Any, *, sent: bool) -> str:
        options = []
        automatic = name.title().replace("_", " ").strip()
        # The bounds of the columns are those of fields with a title.
        if field.title is not None and (sent or field.title != automatic):
            options.append(f"title={quoted(field.title)}")
        if field.description:
            options.append(f"description={quoted(field.description)}")
        if field.json_schema_extra:
            pairs = ", ".join(
                f"{quoted(k)}: {quoted(v)}" for k, v in field.json_schema_extra.items()
            )
            options.append(f"json_schema_extra={{{pairs}}}")
        default = self._default(field)
        if default == "left_out":
            options.insert(0, "default_factory=left_out")
        elif default is not None:
            if "AfterValidator" in annotation:
                # For the checker, the text of an address is no address.
                options.append("validate_default=True")
            if not options:
                return f"    {name}: {annotation} = {default}"
            options.insert(0, default)
        if not options:
            return f"    {name}: {annotation}"
        self._imports.add("from django_matt import Field")
        return f"    {name}: {annotation} = Field({', '.join(options)})"

    def _default(self, field: Any) -> str | None:
        if field.default_factory is not None:
            self._leaves_out = True
            self._imports.add("from typing import Any")
            return "left_out"
        value = field.default
        if value is PydanticUndefined:
            return None
        if value is None or isinstance(value, bool | int | float):
            return repr(value)
        if isinstance(value, str):
            return quoted(str(value))
        if isinstance(value, Decimal):
            self._imports.add("from decimal import Decimal")
            return (
                f"Decimal({value})"
                if value == int(value) and "." not in str(value)
                else f'Decimal("{value}")'
            )
        if isinstance(value, UUID):
            self._imports.add("from uuid import UUID")
            return f'UUID("{value}")'
        if type(value) in _TIMES and getattr(value, "tzinfo", None) in {None, datetime.UTC}:
            return (
                repr(value)
                .replace("datetime.timezone.utc", "datetime.UTC")
                .replace("datetime.", f"{self._datetime()}.")
            )
        self._leaves_out = True
        self._imports.add("from typing import Any")
        return "left_out"

    def _type(self, kind: Any, *, is_query: bool = False, sent: bool = False) -> str:
        """Return the source of a type."""
        origin, arguments = get_origin(kind), get_args(kind)
        if origin in {Union, types.UnionType}:
            return " | ".join(self._type(each, is_query=is_query, sent=sent) for each in arguments)
        if origin is Annotated:
            return self._annotated(arguments, is_query=is_query, sent=sent)
        if origin is Literal:
            self._imports.add("from typing import Literal")
            return f"Literal[{', '.join(quoted(v) if isinstance(v, str) else repr(v) for v in arguments)}]"
        if origin is list:
            return (
                f"{self._builtin('list')}[{self._type(arguments[0], is_query=is_query, sent=sent)}]"
            )
        if kind is None or kind is type(None):
            return "None"
        if kind is datetime.datetime and sent and settings.USE_TZ:
            self._imports.add("from pydantic import AwareDatetime")
            return "AwareDatetime"
        if kind in _TIMES:
            return f"{self._datetime()}.{kind.__name__}"
        if kind in {Decimal, UUID, IPv4Address, IPv6Address}:
            self._imports.add(f"from {kind.__module__} import {kind.__name__}")
            return str(kind.__name__)
        if isinstance(kind, type) and kind.__module__ == "builtins":
            return self._builtin(kind.__name__)
        self._imports.add("from typing import Any")
        return "Any"

    def _annotated(self, arguments: Any, *, is_query: bool, sent: bool) -> str:
        inner = self._type(arguments[0], is_query=is_query, sent=sent)
        if arguments[0] in _ADDRESSES:
            self._imports |= {"from typing import Annotated", "from pydantic import AfterValidator"}
            return f"Annotated[{inner}, AfterValidator({self._builtin('str')})]"
        if is_query and any(isinstance(each, BeforeValidator) for each in arguments[1:]):
            # A query has only texts, and a choice of numbers takes no text.
            self._imports |= {
                "from typing import Annotated",
                "from pydantic import BeforeValidator",
            }
            return f"Annotated[{inner}, BeforeValidator({self._builtin('int')})]"
        return inner

    def _builtin(self, name: str) -> str:
        if name not in self._hidden:
            return name
        self._imports.add("import builtins")
        return f"builtins.{name}"

    def _datetime(self) -> str:
        name = "dates" if "datetime" in self._hidden else "datetime"
        self._imports.add("import datetime as dates" if name == "dates" else "import datetime")
        return name


def _without_none(kind: Any) -> Any:
    rest = [each for each in get_args(kind) if each is not type(None)]
    is_union = get_origin(kind) in {Union, types.UnionType}
    return rest[0] if is_union and len(rest) == 1 else kind
