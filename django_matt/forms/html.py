"""``SchemaForm``: a schema as a form in a Django template, which keeps what was typed and says what is wrong with it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Generic, TypeVar, cast
from urllib.parse import unquote

from django.core.exceptions import ValidationError
from django.db.models import Manager, QuerySet
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from pydantic import BaseModel, create_model
from pydantic import ValidationError as SchemaInvalid

from django_matt.forms.descriptions import FieldDescription, FormDescription
from django_matt.forms.schemas import describe
from django_matt.forms.values import (
    entries_of,
    is_blank,
    option_texts,
    read_values,
    split,
    split_rows,
    texts_of,
)
from django_matt.serialization.inputs import build_validators, find_nul

__all__ = ["FormField", "Option", "Row", "SchemaForm"]

S = TypeVar("S", bound=BaseModel)
Choices = QuerySet[Any] | Iterable[tuple[Any, str]]
_MOST_ERRORS = 200
"""How many errors are shown: a post may have thousands of names that nobody asked for."""
_LOCAL_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?", re.ASCII)
_TIME = re.compile(r"\d\d:\d\d(:\d\d(\.\d{1,3})?)?", re.ASCII)
_NUMBER = re.compile(r"-?([0-9]+(\.[0-9]+)?|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_INPUTS = {
    "text": "text",
    "email": "email",
    "url": "url",
    "password": "password",
    "number": "number",
    "date": "date",
    "datetime": "datetime-local",
    "time": "time",
    "file": "file",
    "color": "color",
    "hidden": "hidden",
}
_SHAPES = {"number": _NUMBER, "date": _DATE, "datetime-local": _LOCAL_TIME, "time": _TIME}
"""What a browser shows in an input of a type; it would empty one with anything else."""


class SchemaForm(Generic[S]):
    """A form of a schema, with the texts of a request or with initial values.

    >>> form = SchemaForm(OrderIn, request.POST)    # doctest: +SKIP
    >>> if form.is_valid():                         # doctest: +SKIP
    ...     order = form.clean()                    # an OrderIn

    ``{{ form }}`` shows the fields, without ``<form>``, the CSRF token and the buttons.
    """

    def __init__(
        self,
        schema: type[S],
        data: Mapping[str, Any] | None = None,
        files: Mapping[str, Any] | None = None,
        *,
        initial: Any = None,
        choices: Mapping[str, Choices] | None = None,
        extra_rows: int = 1,
        id_prefix: str = "id",
        ignore: Sequence[str] = (),
    ) -> None:
        """Take ``request.POST`` and ``request.FILES`` to read them, or ``initial`` to show it.

        ``initial`` is an instance of the schema, an object of a model, or a dictionary. ``choices`` names what a field
        may refer to: a queryset, or pairs of a value and a label, by the field's name (``lines.product_id`` in rows);
        other objects are refused then. ``ignore`` are names that your buttons or other inputs send.
        """
        self.schema = schema
        self.description: FormDescription = describe(schema)
        self.is_bound = data is not None or files is not None
        self.choices = dict(choices or {})
        self.extra_rows = extra_rows
        self.id_prefix = id_prefix
        self._initial = initial
        self._extra_errors: dict[str, list[str]] = {}
        self._data = {k: v for k, v in entries_of(data or {}).items() if k not in ignore}
        self._files = {k: v for k, v in entries_of(files or {}).items() if k not in ignore}

    # ---- what was sent ----

    def is_valid(self) -> bool:
        """Whether the form has data, and the schema accepts it."""
        return self.is_bound and not self.errors

    def clean(self) -> S:
        """Return the instance of the schema. Raises Django's ``ValidationError`` if the data is wrong."""
        if not self.is_bound:
            raise ValidationError(_("This form has no data."))
        if self.errors:
            raise ValidationError({name or "__all__": found for name, found in self.errors.items()})
        return cast("S", self._outcome[0])

    @property
    def errors(self) -> dict[str, list[str]]:
        """What is wrong, by the name of the field: ``{"lines.0.quantity": [...]}``. Errors of the whole form are at ``""``."""
        found = {name: list(each) for name, each in self._outcome[1].items()}
        for name, messages in self._extra_errors.items():
            found.setdefault(name, []).extend(messages)
        return found

    def add_error(self, name: str, message: str) -> None:
        """Add an error to a field, or to the whole form with ``""``."""
        self._extra_errors.setdefault(self._nearest(name.split(".") if name else [])[0], []).append(
            message
        )

    def add_problem(self, problem: Mapping[str, Any]) -> None:
        """Add the errors of a response of the API: its problem document, or Ninja's list of errors."""
        listed = problem.get("errors")
        detail = problem.get("detail")
        items = listed if isinstance(listed, list) else detail if isinstance(detail, list) else []
        for item in items:
            place = item.get("pointer")
            if place is not None:
                parts = [_unescape(part) for part in place.removeprefix("#").split("/")[1:]]
                parts = parts[1:] if parts[:1] in (["body"], ["form"]) else parts
                name, rest = self._nearest(parts)
            else:
                # Ninja names the source and the parameter of the view first.
                parts = [str(part) for part in item.get("loc", ())]
                name, rest = self._nearest(parts[2:])
                name, rest = (name, rest) if name else self._nearest(parts[1:])
            message = str(item.get("detail") or item.get("msg") or item.get("message") or "")
            self._extra_errors.setdefault(name, []).append(self._located(name, rest, message))
        if not items and isinstance(detail, str):
            self._extra_errors.setdefault("", []).append(detail)

    @cached_property
    def _outcome(self) -> tuple[S | None, dict[str, list[str]]]:
        if not self.is_bound:
            return None, {}
        values = read_values(self.description, self._data, self._files)
        found: dict[str, list[str]] = {}
        for path, message in values.errors:
            found.setdefault(".".join(map(str, path)), []).append(message)
        nul = find_nul(values.data)
        if nul is not None:
            name, _rest = self._nearest(nul)
            found.setdefault(name, []).append(_("Null characters are not allowed."))
        try:
            made = _validator(self.schema).validate_python({"value": values.data}).value
        except SchemaInvalid as error:
            known = set(found)
            for item in error.errors(include_url=False, include_input=False)[:_MOST_ERRORS]:
                name, rest = self._nearest(item["loc"][1:])
                if name in known:
                    # It has no value, and what is said of that is known already.
                    continue
                missing = item["type"] == "missing"
                message = _("This field is required.") if missing else item["msg"]
                found.setdefault(name, []).append(self._located(name, rest, message))
            return None, found
        if not found:
            self._check_choices(self.description, values.data, "", "", found)
        return (None if found else made), found

    def _nearest(self, loc: Iterable[str | int]) -> tuple[str, list[Any]]:
        """Return the name of the field that a location is in, and the rest of the location."""
        form: FormDescription | None = self.description
        name, rest = "", list(loc)
        many = False
        while rest:
            part = str(rest[0])
            if many:
                if not part.isdecimal():
                    break
                name, many = f"{name}.{part}", False
                rest.pop(0)
                continue
            each = None if form is None else _find(form, part)
            if each is None:
                break
            rest.pop(0)
            name = f"{name}.{part}" if name else part
            form, many = each.form, each.many and each.kind == "object"
            if each.many and not many and rest:
                # The place in a list of single values, which are shown together.
                rest.pop(0)
        return name, rest

    def _located(self, name: str, rest: Sequence[Any], message: str) -> str:
        """Say where in a value of JSON something is wrong, or which name is not known."""
        if name and self._kind(name) != "json":
            return message
        place = ".".join(str(part) for part in rest)[:100]
        return f"{place}: {message}" if place else message

    def _kind(self, name: str) -> str:
        form: FormDescription | None = self.description
        kind = "object"
        for part in name.split("."):
            each = None if form is None else _find(form, part)
            if each is not None:
                form, kind = each.form, each.kind
        return kind

    def _check_choices(
        self,
        form: FormDescription,
        data: Mapping[str, Any],
        path: str,
        name: str,
        found: dict[str, list[str]],
    ) -> None:
        """Refuse a key that the choices of a field do not have."""
        for each in form.fields:
            value = data.get(each.name)
            here, shown = f"{path}{each.name}", f"{name}{each.name}"
            if value is None:
                continue
            if each.form is not None and each.many:
                for at, row in enumerate(value):
                    self._check_choices(each.form, row, f"{here}.", f"{shown}.{at}.", found)
            elif each.form is not None:
                self._check_choices(each.form, value, f"{here}.", f"{shown}.", found)
            elif here in self.choices:
                wanted = {str(item) for item in (value if each.many else [value])}
                if wanted - {text for text, _label in self._pairs(each, here, wanted)}:
                    message = _(
                        "Select a valid choice. That choice is not one of the available choices."
                    )
                    found.setdefault(shown, []).append(message)

    def _pairs(
        self, each: FieldDescription, path: str, wanted: set[str] | None = None
    ) -> list[tuple[str, str]]:
        """Return the keys and the labels of what a field may refer to; with ``wanted``, of these alone."""
        choices: Any = self.choices[path]
        if isinstance(choices, Manager):
            choices = choices.all()
        if not isinstance(choices, QuerySet):
            return [(str(value), str(label)) for value, label in choices]
        key = each.relation.value if each.relation is not None else "pk"
        if wanted is not None and not choices.query.is_sliced:
            column = choices.model._meta.pk if key == "pk" else choices.model._meta.get_field(key)
            try:
                keys = {text: column.to_python(text) for text in wanted}
            except ValidationError:
                return []
            kept = set(choices.filter(**{f"{key}__in": keys.values()}).values_list(key, flat=True))
            return [(text, "") for text, value in keys.items() if value in kept]
        # The choices may be another queryset at the next request, and an iterator here must not use its cache.
        return [(str(getattr(found, key)), str(found)) for found in choices.all()]

    # ---- what is shown ----

    @cached_property
    def fields(self) -> "list[FormField]":
        """The fields, in order."""
        if self.is_bound:
            entries: Mapping[str, Any] = self._data
        else:
            defaults = {e.name: e.default for e in self.description.fields if e.has_default}
            entries = texts_of(self.description, defaults)
            if self._initial is not None:
                entries = {**entries, **texts_of(self.description, self._initial)}
        return _fields_of(self, self.description, entries, "", "", is_live=True)

    def __iter__(self) -> "Iterator[FormField]":
        """Iterate over the fields."""
        return iter(self.fields)

    def __getitem__(self, name: str) -> "FormField":
        """Return a field by its name, ``"address.city"`` or ``"lines.0.sku"``. Raises ``KeyError``."""
        waiting = list(self.fields)
        for each in waiting:
            if each.name == name:
                return each
            if name.startswith(f"{each.name}."):
                waiting.extend(each.fields)
                waiting.extend(inner for row in each.rows for inner in row.fields)
        raise KeyError(name)

    @property
    def form_errors(self) -> list[str]:
        """The errors of the whole form."""
        return self.errors.get("", [])

    @property
    def is_multipart(self) -> bool:
        """Whether the form has files: your ``<form>`` needs ``enctype="multipart/form-data"`` then."""
        return _has_files(self.description)

    def render(self, template: str = "matt/forms/form.html") -> SafeString:
        """Return the HTML of all fields."""
        return render_to_string(template, {"form": self})

    __str__ = __html__ = render


@dataclass(frozen=True, slots=True)
class Option:
    """A choice of a field."""

    text: str
    label: str
    is_chosen: bool
    id: str


@dataclass(frozen=True, slots=True)
class Row:
    """One object in a list of objects."""

    label: str
    fields: "list[FormField]"
    marker: str
    """The name under which an empty row is sent, so that it is not taken for one that nobody filled in."""


class FormField:
    """One field of a form as a template shows it: ``{{ field }}``, or its parts."""

    def __init__(
        self,
        form: SchemaForm[Any],
        description: FieldDescription,
        entries: Mapping[str, Sequence[Any]],
        name: str,
        path: str,
        *,
        is_live: bool,
    ) -> None:
        """Take what was sent for the field, by the rest of the names."""
        self.form = form
        self.description = description
        self.entries = entries
        self.name = name
        """The name that is sent."""
        self.path = path
        """The name without the places of rows."""
        self.is_live = is_live
        """Whether it must be filled in, which is not so in a row that nobody needs."""

    @property
    def label(self) -> str:
        """What people read beside it."""
        return self.description.label

    @property
    def help(self) -> str:
        """What people read below it."""
        return self.description.help

    @property
    def id(self) -> str:
        """The ``id`` of its element."""
        return self.form.id_prefix + "_" + re.sub(r"[^\w.\-]", "_", self.name)

    @cached_property
    def errors(self) -> list[str]:
        """What is wrong with it; of a list of objects, also what is wrong with one of them as a whole."""
        errors = self.form.errors
        found = list(errors.get(self.name, ()))
        if self.shape == "rows":
            for name, messages in errors.items():
                if name.removeprefix(f"{self.name}.").isdecimal():
                    found += [f"{name.rpartition('.')[2]}: {message}" for message in messages]
        return found

    @property
    def described_by(self) -> str:
        """The ids of its help and its errors, for ``aria-describedby``."""
        parts = ["help"] * bool(self.help) + ["errors"] * bool(self.errors)
        return " ".join(f"{self.id}_{part}" for part in parts)

    @property
    def texts(self) -> list[str]:
        """What is filled in."""
        return [each for each in self.entries.get("", ()) if isinstance(each, str)]

    @property
    def is_required(self) -> bool:
        """Whether a browser asks for a value."""
        each = self.description
        return each.required and not each.nullable and self.is_live

    @property
    def shape(self) -> str:
        """Which part of ``matt/forms/field.html`` shows it."""
        each = self.description
        if each.kind == "object":
            return "rows" if each.many else "group"
        if each.widget == "hidden" and not each.many:
            return "hidden"
        if each.widget == "checkbox":
            return "checkbox"
        if each.options or self.path in self.form.choices:
            if each.widget in ("checkboxes", "radio"):
                return "choices"
            return "select"
        if each.widget in ("textarea", "json") and not each.many:
            return "textarea"
        return "inputs" if each.many and each.kind != "file" else "input"

    @property
    def text(self) -> str:
        """What is filled in; a password is not sent back."""
        texts = self.texts
        return texts[-1] if texts and self.description.widget != "password" else ""

    @property
    def is_checked(self) -> bool:
        """Whether a checkbox is on."""
        return any(text in ("true", "on", "1") for text in self.texts)

    @property
    def is_multiple(self) -> bool:
        """Whether several values are chosen."""
        return self.description.many

    @property
    def marker(self) -> bool:
        """Whether an empty value says that there is a list or an object, and nothing in it."""
        if self.description.kind == "object" or self.description.many:
            return "" in self.entries.get("", ())
        return False

    @property
    def input_texts(self) -> list[str]:
        """The texts of a list of single values, and an empty one for the next."""
        return [*(text for text in self.texts if text), ""]

    @cached_property
    def options(self) -> list[Option]:
        """The choices; an empty one comes first where the field may be empty."""
        each = self.description
        if self.path in self.form.choices:
            pairs = self.form._pairs(each, self.path)
        else:
            texts = [text for _value, text in option_texts(each)]
            pairs = [(text, label) for text, (_, label) in zip(texts, each.options, strict=True)]
        chosen = set(self.texts) if each.many else set(self.texts[-1:])
        known = {text for text, _label in pairs}
        must = each.required or each.has_default
        may_be_empty = each.nullable or not must or not chosen & known
        if self.shape == "select" and not each.many and "" not in known and may_be_empty:
            pairs = [("", ""), *pairs]
        return [
            Option(text, label, text in chosen, f"{self.id}_{at}")
            for at, (text, label) in enumerate(pairs)
        ]

    @property
    def type(self) -> str:
        """The type of an ``<input>``. A browser would empty one whose value it does not know: that is a text."""
        each = self.description
        if each.widget in ("relation", "json", "select", "checkboxes"):
            return "number" if each.kind == "integer" else "text"
        found = _INPUTS.get(each.widget, "text")
        shape = _SHAPES.get(found)
        if shape is not None and self.text and not shape.fullmatch(self.text):
            return "text"
        return found

    @property
    def attributes(self) -> dict[str, Any]:
        """The attributes of the element besides its name, id and value; True is one without a value."""
        each = self.description
        found: dict[str, Any] = {}
        is_text = self.shape in ("input", "textarea", "inputs")
        kind = self.type if is_text else ""
        if self.is_required and (self.shape not in ("inputs", "choices")):
            only_true = [value for value, _ in each.options] == [True]
            found["required"] = self.shape != "checkbox" or only_true
        if each.many and self.shape == "select":
            found["multiple"] = True
            found["required"] = self.is_required and bool(each.min_items)
        if each.autocomplete:
            found["autocomplete"] = each.autocomplete
        if each.placeholder and is_text:
            found["placeholder"] = each.placeholder
        if each.kind == "text" and is_text:
            found |= {"minlength": each.min_length, "maxlength": each.max_length}
        if kind == "number":
            found |= {"min": _least(each), "max": _most(each), "step": _step(each)}
        elif kind in ("datetime-local", "time"):
            found["step"] = "any"
        elif kind == "file":
            found |= {"accept": each.accept or None, "multiple": each.many}
        if each.kind == "json":
            found["spellcheck"] = "false"
        found["aria-describedby"] = self.described_by or None
        found["aria-invalid"] = "true" if self.errors else None
        return {
            name: value for name, value in found.items() if value is not None and value is not False
        }

    @property
    def attribute_pairs(self) -> list[tuple[str, Any]]:
        """The names and values of ``attributes``, for templates: ``.items`` of a dictionary may be one of its keys."""
        return list(self.attributes.items())

    @cached_property
    def fields(self) -> "list[FormField]":
        """The fields of a nested object."""
        each = self.description
        if each.kind != "object" or each.many or each.form is None:
            return []
        inner = {name: sent for name, sent in self.entries.items() if name}
        is_live = self.is_live and (self.is_required or not is_blank(inner))
        return _fields_of(
            self.form, each.form, inner, f"{self.name}.", f"{self.path}.", is_live=is_live
        )

    @cached_property
    def rows(self) -> list[Row]:
        """The objects of a list, and blank ones to fill in."""
        each = self.description
        if each.kind != "object" or not each.many or each.form is None:
            return []
        kept, _unknown = split_rows(self.entries)
        blank = max(self.form.extra_rows, (each.min_items or 0) - len(kept))
        if each.max_items is not None:
            blank = min(blank, max(each.max_items - len(kept), 0))
        found: list[Row] = []
        for at, row in enumerate([*kept, *[{}] * blank]):
            name = f"{self.name}.{at}"
            is_live = self.is_live and (at < len(kept) or at < (each.min_items or 0))
            inner = {rest: sent for rest, sent in row.items() if rest}
            fields = _fields_of(
                self.form, each.form, inner, f"{name}.", f"{self.path}.", is_live=is_live
            )
            found.append(Row(f"{self.label} {at + 1}", fields, name if "" in row else ""))
        return found

    def render(self, template: str = "matt/forms/field.html") -> SafeString:
        """Return the HTML of the field, with its label, help and errors."""
        return render_to_string(template, {"field": self})

    __str__ = __html__ = render


def _fields_of(
    form: SchemaForm[Any],
    description: FormDescription,
    entries: Mapping[str, Any],
    prefix: str,
    path: str,
    *,
    is_live: bool,
) -> list[FormField]:
    known, _unknown = split(description, entries)
    return [
        FormField(
            form,
            each,
            known.get(each.name, {}),
            f"{prefix}{each.name}",
            f"{path}{each.name}",
            is_live=is_live,
        )
        for each in description.fields
    ]


@lru_cache(maxsize=512)
def _validator(schema: type[BaseModel]) -> Any:
    """Return the validator of the API's requests, with the bounds of columns."""
    wrapper = cast("Any", create_model("Form", value=(schema, ...)))
    return build_validators(wrapper, {})[0]


def _find(form: FormDescription, name: str) -> FieldDescription | None:
    try:
        return form.field(name)
    except KeyError:
        return None


def _has_files(form: FormDescription) -> bool:
    return any(
        each.kind == "file" or (each.form is not None and _has_files(each.form))
        for each in form.fields
    )


def _unescape(part: str) -> str:
    return unquote(part).replace("~1", "/").replace("~0", "~")


def _least(each: FieldDescription) -> Any:
    if each.minimum is None and each.kind == "integer" and each.exclusive_minimum is not None:
        return each.exclusive_minimum + 1
    return each.minimum


def _most(each: FieldDescription) -> Any:
    if each.maximum is None and each.kind == "integer" and each.exclusive_maximum is not None:
        return each.exclusive_maximum - 1
    return each.maximum


def _step(each: FieldDescription) -> Any:
    return each.step if each.step is not None else "any"
