"""Files in bodies: a body with files is a form, and without one it may be JSON as well."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile as DjangoUploadedFile
from django.db.models import FileField
from django.http import HttpRequest
from ninja import UploadedFile
from pydantic import AfterValidator, BaseModel, BeforeValidator, ValidationInfo, WithJsonSchema
from pydantic.json_schema import SkipJsonSchema

from django_matt.contrib.crud.settings import get_settings
from django_matt.errors.exceptions import PayloadTooLarge

__all__ = ["MULTIPART", "form_schema", "from_text", "upload_type", "with_files"]

MULTIPART = "multipart/form-data"
_TEXTS = frozenset({MULTIPART, "application/x-www-form-urlencoded", "text/csv", "application/csv"})
"""The types of bodies in which every value is a text."""


def upload_type(field: Any) -> Any:
    """Return the type of a file in a body. JSON has no files, so there it is in no document; null removes a file."""
    kind: Any = Annotated[UploadedFile, AfterValidator(partial(_check, field))]
    if not (field.null or field.blank):
        skipped: Any = SkipJsonSchema
        return skipped[kind]
    return Annotated[kind | None, BeforeValidator(_empty_is_null), WithJsonSchema({"type": "null"})]


def from_text(kind: Any, field: Any) -> Any:
    """Return a type of a body's field that also takes what a form or a CSV writes for null, a list and JSON."""
    if isinstance(field, FileField):
        return kind
    if field.many_to_many:
        return Annotated[kind, BeforeValidator(_list)]
    if field.get_internal_type() == "JSONField":
        return Annotated[kind, BeforeValidator(_json)]
    return Annotated[kind, BeforeValidator(_empty_is_null)] if field.null else kind


def with_files(data: Any, info: ValidationInfo) -> Any:
    """Return the data of a form with its files, which the parser of the body has left aside."""
    request = _request(info)
    if request is None or request.content_type != MULTIPART or not isinstance(data, Mapping):
        return data
    files = request.FILES
    # Also those that nobody knows, and several of one name, which are mistakes of the client.
    return {
        **data,
        **{name: found[0] if len(found) == 1 else found for name, found in files.lists()},
    }


def form_schema(schema: type[BaseModel], names: list[str]) -> dict[str, Any]:
    """Return the JSON Schema of a form: that of the body, with its files."""
    described: dict[str, Any] = schema.model_json_schema()
    required = [name for name in names if schema.model_fields[name].is_required()]
    files = {
        name: {"title": schema.model_fields[name].title, "type": "string", "format": "binary"}
        for name in names
    }
    return {
        **described,
        "properties": described.get("properties", {}) | files,
        "required": [*described.get("required", ()), *required],
    }


def _check(field: Any, file: Any) -> Any:
    """Refuse what Django's form refuses: an empty file, a name that is too long, an image that Pillow cannot open."""
    most = get_settings().MAX_FILE_BYTES
    if most is not None and (file.size or 0) > most:
        raise PayloadTooLarge(
            f"A file has more than {most:,} bytes.", code="file_too_large", limit=most
        )
    form_field = field.formfield()
    try:
        form_field.clean(file)
    except ValidationError as error:
        raise ValueError(" ".join(error.messages)) from None
    file.seek(0)
    return file


def _request(info: ValidationInfo) -> HttpRequest | None:
    return (info.context or {}).get("request")


def _is_text(info: ValidationInfo) -> bool:
    request = _request(info)
    return request is not None and request.content_type in _TEXTS


def _empty_is_null(value: Any, info: ValidationInfo) -> Any:
    return None if value == "" and _is_text(info) else value


def _list(value: Any, info: ValidationInfo) -> Any:
    if isinstance(value, str) and _is_text(info):
        return [value] if value else []
    return value


def _json(value: Any, info: ValidationInfo) -> Any:
    if isinstance(value, DjangoUploadedFile):
        raise ValueError("a file, where JSON is expected")
    if not isinstance(value, str) or not _is_text(info):
        return value
    try:
        return json.loads(value, parse_constant=_refuse_constant) if value else None
    except (ValueError, RecursionError):
        raise ValueError("not valid JSON") from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)
