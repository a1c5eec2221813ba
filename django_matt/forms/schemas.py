"""Makes the description of a form from a schema: the OpenAPI document says what is accepted, the model how it is called."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import Enum
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, get_args

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db.models import EmailField, Field, ImageField, Model, TextField, URLField
from django.utils.text import capfirst
from django.utils.translation import get_language, override
from pydantic import BaseModel, NaiveDatetime, create_model
from pydantic.fields import FieldInfo

from django_matt.column_bounds import model_of
from django_matt.forms.descriptions import FieldDescription, FormDescription, Kind, Relation, Widget
from django_matt.forms.relations import Lists
from django_matt.openapi.columns import annotated
from django_matt.openapi.components import SchemaBook
from django_matt.upstream import is_patched_schema, patched_schema

if TYPE_CHECKING:
    from ninja import NinjaAPI

__all__ = ["describe", "humanize"]

DEEPEST = 5
"""How many objects may be nested in each other; what is deeper is entered as JSON."""
_INT64 = 2**63 - 1
_LONG_TEXT = 500
_REF = "#/components/schemas/"
_PLACES = re.compile(r"\\d\{0,(\d+)\}0\*\)\?\$$")
_PASSWORD = re.compile(r"(^|_)(password|passphrase)(\d|_|$)")
_NEW_PASSWORD = re.compile(r"(^|_)(new|confirm|confirmation|repeat|again)(_|$)|\d$")
_NEW_ACCOUNT = re.compile(r"sign_?up|regist|reset|create", re.IGNORECASE)
_ENDS = re.compile(
    r"(?<=[a-z0-9])(In|Input|Schema|Payload|Body|Create|Change|Row|Patch|Update|Form|Data)$"
)

_KINDS: dict[Any, tuple[Kind, Widget]] = {
    "string": ("text", "text"),
    "integer": ("integer", "number"),
    "number": ("number", "number"),
    "boolean": ("boolean", "checkbox"),
}
_FORMATS: dict[Any, tuple[Kind, Widget]] = {
    "binary": ("text", "textarea"),
    "color": ("text", "color"),
    "date": ("date", "date"),
    "date-time": ("datetime", "datetime"),
    "time": ("time", "time"),
    "duration": ("duration", "text"),
    "email": ("text", "email"),
    "uri": ("text", "url"),
    "password": ("text", "password"),
    "json-string": ("text", "textarea"),
}
_JSON: tuple[Kind, Widget] = ("json", "json")
_HINTS = frozenset(
    {
        *("label", "help", "widget", "placeholder", "order", "autocomplete", "accept", "labels"),
        "model",
    }
)
_WIDGETS = frozenset(get_args(Widget))


def describe(schema: type[BaseModel], *, api: "NinjaAPI | None" = None) -> FormDescription:
    """Return the form of a schema, in the language that is active.

    ``schema`` is any pydantic model, such as a ``ModelSchema``, a schema of a ``CrudController`` or what
    ``PatchDict[…]`` makes. With ``api``, a relation names the list of that API which shows the objects.
    Raises ``TypeError`` for a schema that has no fields of its own, as a ``RootModel`` of a list.

    >>> describe(BookIn).field("title").max_length    # doctest: +SKIP
    120
    """
    if api is None:
        return _described(schema, get_language())
    return _Reader(api).read(schema)


@lru_cache(maxsize=512)
def _described(schema: type[BaseModel], language: str | None) -> FormDescription:
    return _Reader(None).read(schema)


def humanize(name: str) -> str:
    """Return the words of a name: ``author_id`` and ``AuthorId`` are "Author id"."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[\s_\-]+", " ", name).split()
    if "_" in name and name.isupper():
        # A constant, as the members of an enumeration are.
        words = [word.lower() for word in words]
    return capfirst(" ".join(w if w.isupper() and len(w) > 1 else w.lower() for w in words))


class _Reader:
    """Reads the definitions of one schema."""

    def __init__(self, api: "NinjaAPI | None") -> None:
        self._lists = None if api is None else Lists(api)
        self._known: dict[str, FormDescription] = {}
        # Whether a form that is being read ends in JSON, because it contains itself or is nested too deep.
        self._cut = False
        self.loose: list[Mapping[str, Any]] = []

    def read(self, schema: Any) -> FormDescription:
        schema = patched_schema(schema) or schema
        # Inside of another model, so that a schema that refers to itself has a definition.
        wrapper = create_model("Form", value=(schema, ...))
        self._book = SchemaBook([wrapper], [], strict=True)
        node = self._book.page(wrapper, "validation")["properties"]["value"]
        _, name, target = self._follow(node)
        if "properties" not in target and not _is_closed(target):
            raise TypeError(
                f"{schema.__name__} has no fields, so it has no form: a form needs a schema with fields"
            )
        cls = self._book.classes.get(name, schema) if name else schema
        form = self._form(cls, target, (name,))
        return replace(form, definitions=self._book.reachable(self.loose))

    def _follow(self, node: Mapping[str, Any]) -> tuple[dict[str, Any], str, Mapping[str, Any]]:
        """Return what a field says itself, and the name and the content of the definition that it refers to."""
        own, name = dict(node), ""
        seen = set()
        while True:
            parts = own.get("allOf")
            if isinstance(parts, list) and len(parts) == 1:
                own = {**parts[0], **{k: v for k, v in own.items() if k != "allOf"}}
            reference = own.get("$ref", "")
            if not reference.startswith(_REF) or reference in seen:
                return own, name, own
            seen.add(reference)
            name = reference.removeprefix(_REF)
            target = self._book.definitions.get(name, {})
            if "$ref" not in target and "allOf" not in target:
                return own, name, target
            own = {**target, **{k: v for k, v in own.items() if k != "$ref"}}

    def _form(self, cls: Any, node: Mapping[str, Any], path: tuple[str, ...]) -> FormDescription:
        is_model = isinstance(cls, type) and issubclass(cls, BaseModel)
        model = model_of(cls) if is_model else None
        config = getattr(cls, "model_config", {}) if is_model else {}
        infos = dict(_keys(cls)) if is_model else {}
        properties = node.get("properties", {})
        required = set(node.get("required", ()))
        name = getattr(cls, "__name__", "") or str(node.get("title", ""))
        title = config.get("title")
        if not title and model is not None:
            title = capfirst(str(model._meta.verbose_name))
        is_patch = is_model and is_patched_schema(cls)
        # Ninja made these optional to tell what is missing: null was not one of their values before.
        never_null = annotated(cls) if is_patch else set()
        hints = _hints(node)
        has_password = any(_PASSWORD.search(each) for each in properties)
        found: list[tuple[float, int, FieldDescription]] = []
        listed = {each: at for at, each in enumerate(hints["order"])} if _is_order(hints) else {}
        for at, (key, property_) in enumerate(properties.items()):
            python_name, info = infos.get(key, (key, None))
            each = _Property(
                reader=self,
                key=key,
                own=property_,
                python_name=python_name,
                info=info,
                model=model,
                owner=name,
                has_password=has_password,
                path=path,
            )
            description = each.describe(
                is_required=key in required,
                never_null=python_name in never_null,
                is_patch=is_patch,
            )
            order = each.hints.get("order", 0)
            place = listed.get(key, listed.get(python_name, len(listed) + at))
            found.append((order if isinstance(order, int | float) else 0, place, description))
        return FormDescription(
            name=name,
            title=str(hints.get("label") or title or humanize(_ENDS.sub("", name))),
            help=str(hints.get("help") or node.get("description", "")),
            fields=tuple(each for *_, each in sorted(found, key=lambda place: place[:2])),
            model=None if model is None else model._meta.label_lower,
            extra={k: v for k, v in hints.items() if k not in _HINTS},
        )

    def nested(self, name: str, node: Mapping[str, Any], path: tuple[str, ...]) -> Any:
        """Return the form of a nested object; None where it would not end."""
        if name in path or len(path) > DEEPEST:
            self._cut = True
            return None
        if name in self._known:
            return self._known[name]
        outside, self._cut = self._cut, False
        form = self._form(self._book.classes.get(name), node, (*path, name))
        if not self._cut and name:
            self._known[name] = form
        self._cut |= outside
        return form


@dataclass(kw_only=True)
class _Property:
    """Reads one field of a schema."""

    reader: _Reader
    key: str
    own: Mapping[str, Any]
    """What the definition of the schema says of the field."""
    python_name: str
    info: FieldInfo | None
    model: type[Model] | None
    owner: str
    """The name of the schema."""
    has_password: bool
    """Whether the schema has a password."""
    path: tuple[str, ...]
    facts: dict[str, Any] = field(default_factory=dict)
    options: list[tuple[Any, str]] = field(default_factory=list)
    nullable: bool = False

    @cached_property
    def column(self) -> "Field[Any, Any] | None":
        """The model's field of that name; what refers to any model, or is declared by another, is none."""
        fields = () if self.model is None else _columns(self.model)
        return next((f for f in fields if self.python_name in (f.name, f.attname)), None)

    @cached_property
    def types(self) -> set[Any]:
        return set() if self.info is None else set(_types(self.info.annotation))

    @cached_property
    def hints(self) -> dict[str, Any]:
        return _hints(self.own)

    def describe(self, *, is_required: bool, never_null: bool, is_patch: bool) -> FieldDescription:
        many, kind, widget = self._shape(self.own)
        default, has_default = self._default()
        if is_patch:
            # What is missing stays as it is stored.
            default, has_default = None, False
        relation = self._relation(many, kind)
        if relation is not None:
            widget = "relation"
        elif self.options and kind != "json":
            widget = "checkboxes" if many else "select"
        nullable = self.nullable and not never_null
        if kind == "boolean" and not many:
            widget = self._boolean(nullable, may_be_absent=not (is_required or has_default))
        if kind == "file" and isinstance(self.column, ImageField):
            self.facts["accept"] = "image/*"
        if kind == "text" and widget == "text":
            widget = self._text()
        hinted: Any = self.hints.get("widget")
        if hinted in _WIDGETS and _suits(hinted, kind, many):
            widget = hinted
        elif isinstance(hinted, str) and hinted not in _WIDGETS:
            # One of the front end's own.
            self.facts["extra"] = {"widget": hinted}
        extra = {k: v for k, v in self.hints.items() if k not in _HINTS}
        if kind == "json":
            self.reader.loose.append(self.own)
        return FieldDescription(
            name=self.key,
            label=self._label(relation),
            kind=kind,
            widget=widget,
            help=self._help(),
            required=is_required,
            nullable=nullable,
            many=many,
            default=default,
            has_default=has_default,
            options=tuple(self.options),
            relation=relation,
            placeholder=str(self.hints.get("placeholder", "")),
            autocomplete=str(self.hints.get("autocomplete", self._autocomplete(widget))),
            accept=str(self.hints.get("accept", self.facts.pop("accept", ""))),
            extra={**extra, **self.facts.pop("extra", {})},
            schema=self.own if kind == "json" else {},
            **self.facts,
        )

    # ---- what it accepts ----

    def _shape(self, node: Mapping[str, Any]) -> tuple[bool, Kind, Widget]:
        """Return whether the value is a list, its kind and its widget, and note the rest."""
        _, name, target = self.reader._follow(node)
        choices = target.get("anyOf") or target.get("oneOf")
        if choices:
            rest = [each for each in choices if each.get("type") != "null"]
            self.nullable |= len(rest) < len(choices)
            if len(rest) == 1:
                return self._shape(rest[0])
            return self._union(rest)
        if target.get("type") == "null":
            self.nullable = True
            return False, *_JSON
        if target.get("type") == "array":
            return self._list(target)
        return False, *self._single(name, target)

    def _single(self, name: str, node: Mapping[str, Any]) -> tuple[Kind, Widget]:
        kind = node.get("type")
        values = [node["const"]] if "const" in node else node.get("enum")
        if values is not None:
            return self._choice(values, self.reader._book.classes.get(name))
        if kind == "object" and ("properties" in node or _is_closed(node)):
            form = self.reader.nested(name, node, self.path)
            if form is None:
                return _JSON
            self.facts["form"] = form
            return "object", "group"
        if any(isinstance(each, type) and issubclass(each, UploadedFile) for each in self.types):
            return "file", "file"
        if not isinstance(kind, str) or kind not in _KINDS:
            return _JSON
        found = _KINDS[kind]
        if kind == "string":
            found = _FORMATS.get(node.get("format"), found)
            if node.get("format") == "date-time" and NaiveDatetime in self.types:
                self.facts["extra"] = {"naive": True}
        self._bounds(node)
        if kind == "integer":
            self.facts["step"] = node.get("multipleOf", 1)
        return found

    def _choice(self, values: list[Any], cls: Any) -> tuple[Kind, Widget]:
        if None in values:
            self.nullable = True
            values = [each for each in values if each is not None]
        labels = self._labels(cls)
        kinds = {type(each) for each in values}
        for value in values:
            label = labels.get(str(value))
            if label is None:
                label = humanize(value) if isinstance(value, str) and value else str(value)
            self.options.append((value, str(label) or "None"))
        if kinds == {bool}:
            return "boolean", "select"
        if kinds == {int}:
            return "integer", "select"
        if kinds == {float}:
            return "number", "select"
        if not all(issubclass(kind, str | int | float) for kind in kinds):
            self.options.clear()
            return _JSON
        return "text", "select"

    def _labels(self, cls: Any) -> dict[str, Any]:
        """Return what people read for each value: as the hints say, the model, or the enumeration."""
        found: dict[str, Any] = {}
        if isinstance(cls, type) and issubclass(cls, Enum):
            for member in cls:
                found[str(member.value)] = getattr(member, "label", humanize(f"{member.name}_"))
        if self.column is not None and self.column.choices:
            found |= {str(value): label for value, label in self.column.flatchoices if label}
        hinted = self.hints.get("labels")
        if isinstance(hinted, Mapping):
            found |= {str(value): label for value, label in hinted.items()}
        return found

    def _list(self, node: Mapping[str, Any]) -> tuple[bool, Kind, Widget]:
        items = node.get("items")
        if not isinstance(items, Mapping) or "prefixItems" in node:
            return False, *_JSON
        nullable = self.nullable
        self.nullable = False
        many, kind, widget = self._shape(items)
        item_is_nullable, self.nullable = self.nullable, nullable
        if many or kind in ("json", "boolean") or item_is_nullable:
            self.facts.clear()
            self.options.clear()
            return False, *_JSON
        self.facts |= {"min_items": node.get("minItems"), "max_items": node.get("maxItems")}
        return True, kind, "rows" if kind == "object" else widget

    def _union(self, choices: list[Mapping[str, Any]]) -> tuple[bool, Kind, Widget]:
        kinds = [each.get("type") for each in choices]
        if kinds == ["number", "string"] and self._is_decimal(choices[1]):
            number, text = choices
            self._bounds(number)
            self.facts["pattern"] = text.get("pattern")
            self.facts["step"] = number.get("multipleOf") or _digits(text)
            return False, "decimal", "number"
        followed = [self.reader._follow(each) for each in choices]
        if all("enum" in target or "const" in target for *_, target in followed):
            kinds_found = []
            for _, name, target in followed:
                kinds_found.append(self._single(name, target)[0])
            if "json" not in kinds_found:
                same = len(set(kinds_found)) == 1
                return False, kinds_found[0] if same else "text", "select"
        self.options.clear()
        if {*kinds} == {"string"}:
            # Such as an address of either version: what is typed is the value.
            return False, "text", "text"
        return False, *_JSON

    def _is_decimal(self, text: Mapping[str, Any]) -> bool:
        return Decimal in self.types if self.info is not None else "pattern" in text

    def _bounds(self, node: Mapping[str, Any]) -> None:
        for name, key in (
            ("minimum", "minimum"),
            ("maximum", "maximum"),
            ("exclusive_minimum", "exclusiveMinimum"),
            ("exclusive_maximum", "exclusiveMaximum"),
        ):
            value = node.get(key)
            # The bounds of every integer: they tell a person nothing.
            if value is not None and not (isinstance(value, int) and abs(value) >= _INT64):
                self.facts[name] = value
        if node.get("type") in ("number", "integer"):
            self.facts["step"] = node.get("multipleOf")
        self.facts |= {
            "min_length": node.get("minLength"),
            "max_length": node.get("maxLength"),
            "pattern": node.get("pattern"),
        }

    def _default(self) -> tuple[Any, bool]:
        if "default" in self.own:
            return self.own["default"], True
        factory = None if self.info is None else self.info.default_factory
        if factory in (list, dict, set, tuple):
            return ({} if factory is dict else []), True
        return None, False

    # ---- how it is shown ----

    def _boolean(self, nullable: bool, *, may_be_absent: bool) -> Widget:
        if not self.options:
            if not nullable and not may_be_absent:
                return "checkbox"
            labels = self._labels(None)
            self.options = [(True, labels.get("True", "Yes")), (False, labels.get("False", "No"))]
        is_true = [value for value, _ in self.options] == [True]
        return "checkbox" if is_true and not nullable and not may_be_absent else "select"

    def _text(self) -> Widget:
        if _PASSWORD.search(self.python_name.lower()):
            return "password"
        if isinstance(self.column, EmailField):
            return "email"
        if isinstance(self.column, URLField):
            return "url"
        longest = self.facts.get("max_length")
        if isinstance(self.column, TextField) or (longest is not None and longest > _LONG_TEXT):
            return "textarea"
        return "text"

    def _autocomplete(self, widget: Widget) -> str:
        if widget == "password":
            is_new = _NEW_PASSWORD.search(self.python_name.lower()) or _NEW_ACCOUNT.search(
                self.owner
            )
            return "new-password" if is_new else "current-password"
        if self.has_password and (widget == "email" or self.python_name == "username"):
            return "email" if widget == "email" else "username"
        return ""

    def _label(self, relation: Relation | None) -> str:
        if label := self.hints.get("label"):
            return str(label)
        title = None if self.info is None else self.info.title
        if self.column is not None:
            with override(settings.LANGUAGE_CODE):
                usual = str(self.column.verbose_name)
            if title is None or title.lower() == usual.lower():
                return capfirst(str(self.column.verbose_name))
        if title:
            return title
        name = self.python_name
        if relation is not None and not relation.many:
            name = name.removesuffix("_id") or name
        return humanize(name)

    def _help(self) -> str:
        if text := self.hints.get("help"):
            return str(text)
        said = None if self.info is None else self.info.description
        if self.column is not None and self.column.help_text:
            with override(settings.LANGUAGE_CODE):
                usual = str(self.column.help_text)
            if not said or said == usual:
                return str(self.column.help_text)
        return said or str(self.own.get("description", ""))

    def _relation(self, many: bool, kind: Kind) -> Relation | None:
        if kind in ("object", "json", "file"):
            return None
        model, value = None, "id"
        if hinted := self.hints.get("model"):
            from django.apps import apps

            model = apps.get_model(str(hinted))
            value = model._meta.pk.name
        elif self.column is not None and self.column.is_relation:
            field: Any = self.column
            model = field.related_model
            value = model._meta.pk.name if field.many_to_many else field.target_field.attname
        if model is None:
            return None
        found = {} if self.reader._lists is None else self.reader._lists.find(model, value)
        return Relation(
            model=model._meta.label_lower, many=many, value=found.pop("value", value), **found
        )


def _keys(cls: type[BaseModel]) -> Iterator[tuple[str, tuple[str, FieldInfo]]]:
    """Yield the key of each field in the JSON, with its name in Python."""
    for name, info in cls.model_fields.items():
        alias: Any = info.validation_alias
        alias = getattr(alias, "choices", [alias])[0]
        path = getattr(alias, "path", None)
        if path and isinstance(path[0], str):
            alias = path[0]
        yield (alias if isinstance(alias, str) else name), (name, info)


def _columns(model: type[Model]) -> "list[Field[Any, Any]]":
    return [
        field
        for field in (*model._meta.concrete_fields, *model._meta.many_to_many)
        if not (field.is_relation and field.related_model is None)
    ]


def _types(annotation: Any) -> Iterator[Any]:
    """Yield each type that an annotation names."""
    waiting = [annotation]
    while waiting:
        each = waiting.pop()
        waiting.extend(get_args(each))
        try:
            hash(each)
        except TypeError:
            continue
        yield each


def _hints(node: Mapping[str, Any]) -> dict[str, Any]:
    found = node.get("ui")
    return dict(found) if isinstance(found, Mapping) else {}


def _is_order(hints: Mapping[str, Any]) -> bool:
    return isinstance(hints.get("order"), list | tuple)


def _is_closed(node: Mapping[str, Any]) -> bool:
    """Tell an object without any fields from a dictionary of any keys."""
    return node.get("type") == "object" and node.get("additionalProperties") in (None, False)


def _digits(text: Mapping[str, Any]) -> Any:
    found = _PLACES.search(str(text.get("pattern", "")))
    if found is None:
        return None
    places = int(found.group(1))
    return 1 if places == 0 else float(f"1e-{places}")


def _suits(widget: str, kind: Kind, many: bool) -> bool:
    """Tell whether a value can be entered in a widget: a hint cannot make a group of a number."""
    if widget in ("group", "rows") or kind in ("object", "file"):
        return (
            (widget == "rows" and many and kind == "object")
            or (widget == "group" and not many and kind == "object")
            or (widget == "file" and kind == "file")
            or widget in ("json", "hidden")
        )
    return True
