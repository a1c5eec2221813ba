"""The description of a form: which fields it has, in which order, and what a person may enter in each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["FieldDescription", "FormDescription", "Kind", "Relation", "Widget"]

Kind = Literal[
    "text",
    "integer",
    "number",
    "decimal",
    "boolean",
    "date",
    "datetime",
    "time",
    "duration",
    "file",
    "json",
    "object",
]
"""What the value of a field is, and of each item where the field takes several."""
Widget = Literal[
    "text", "textarea", "email", "url", "password", "number", "checkbox", "select", "radio", "checkboxes", "date",
    "datetime", "time", "file", "color", "hidden", "relation", "json", "group", "rows"
]  # fmt: skip
"""How a field is shown: ``relation`` is a choice of objects with a search, ``group`` a nested object, ``rows`` a list of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """The model whose objects a field refers to, and where a client finds them."""

    model: str
    """The label of the model: ``"shop.author"``."""
    many: bool = False
    url: str | None = None
    """The list of the API that shows the objects; None if the API has none."""
    search: str | None = None
    """The query parameter of that list that searches; None if it has none."""
    value: str = "id"
    """The field of an object in that list that is sent."""
    label: str | None = None
    """The field of an object in that list that people see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDescription:
    """One field: its name in the JSON, what people read beside it, and what it accepts."""

    name: str
    label: str
    kind: Kind
    widget: Widget
    help: str = ""
    required: bool = False
    nullable: bool = False
    many: bool = False
    """Whether the value is a list."""
    default: Any = None
    has_default: bool = False
    options: Sequence[tuple[Any, str]] = ()
    """The values that are accepted, each with what people read."""
    relation: Relation | None = None
    minimum: Any = None
    maximum: Any = None
    exclusive_minimum: Any = None
    exclusive_maximum: Any = None
    step: Any = None
    min_length: int | None = None
    max_length: int | None = None
    min_items: int | None = None
    max_items: int | None = None
    pattern: str | None = None
    placeholder: str = ""
    autocomplete: str = ""
    accept: str = ""
    """The content types of a file, as in HTML."""
    form: "FormDescription | None" = None
    """The fields of a nested object, or of each of several."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What the schema says under ``json_schema_extra={"ui": {…}}`` that none of the above says."""
    schema: Mapping[str, Any] = field(default_factory=dict)
    """What the OpenAPI document says of a field of the kind ``json``, of which the above says too little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormDescription:
    """The fields of a schema in the order in which they are shown."""

    name: str
    title: str
    help: str = ""
    fields: Sequence[FieldDescription] = ()
    model: str | None = None
    """The label of the model that the schema is for, where it names one."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What the schema says under ``json_schema_extra={"ui": {…}}`` that none of the above says."""

    definitions: Mapping[str, Any] = field(default_factory=dict)
    """The components of the OpenAPI document that the schemas of fields refer to; only the outermost form has them."""

    def field(self, name: str) -> FieldDescription:
        """Return a field by its name. Raises ``KeyError`` for a name that the form does not have."""
        for each in self.fields:
            if each.name == name:
                return each
        raise KeyError(name)
