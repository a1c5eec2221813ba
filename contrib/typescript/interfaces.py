"""``models.d.ts``: the types of Django models and of schemas that the API itself does not send."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db.models import Model
from django.utils.module_loading import import_string
from pydantic import BaseModel, create_model

from django_matt import ModelSchema
from django_matt.contrib.typescript.declarations import declare_brands, declare_types
from django_matt.contrib.typescript.documents import Document
from django_matt.contrib.typescript.errors import TypesError
from django_matt.contrib.typescript.references import References
from django_matt.contrib.typescript.settings import TypeScriptSettings
from django_matt.contrib.typescript.types import TypeWriter
from django_matt.openapi.components import SchemaBook, Style

__all__ = ["emit"]


def emit(document: Document, options: TypeScriptSettings) -> dict[str, str]:
    """Return ``models.d.ts`` for ``INCLUDE``, or nothing if that is empty. ``document`` is not needed."""
    chosen = dict.fromkeys(each for name in options.INCLUDE for each in _find(name))
    if not chosen:
        return {}
    fields: Any = {f"field_{number}": (_schema_of(each), ...) for number, each in enumerate(chosen)}
    holder = create_model("Included", **fields)
    style = Style(by_alias=True)
    book = SchemaBook(read=[], written=[(holder, style)], strict=True)
    page = book.page(holder, "serialization", style)
    schemas = book.reachable(page)
    references = References(schemas, [("out", page)], book.classes, ())
    writer = TypeWriter(schemas, references.name, options)
    types = "".join(declare_types(references, writer))
    return {"models.d.ts": "".join(declare_brands(writer.used)) + types.rstrip("\n") + "\n"}


def _find(name: str) -> Iterator[type[Model] | type[BaseModel]]:
    """Yield the models or the schema that a name of ``INCLUDE`` means. Raises ``TypesError`` if there are none."""
    app, _, model = name.rpartition(".")
    if not app and name in apps.app_configs:
        yield from apps.get_app_config(name).get_models()
        return
    if app in apps.app_configs and model.lower() in apps.all_models[app]:
        yield apps.get_model(app, model)
        return
    try:
        found = import_string(name)
    except ImportError:
        found = None
    if not (isinstance(found, type) and issubclass(found, (Model, BaseModel))):
        raise TypesError(
            f"--include {name}: that is neither a model (shop.Order), nor an app with models (shop), nor the path of a "
            "schema (shop.events.OrderPlaced)."
        )
    yield found


def _schema_of(found: type[Model] | type[BaseModel]) -> type[BaseModel]:
    """Return the class that describes it: of a model, all of its columns, as a ``ModelSchema`` sends them."""
    if issubclass(found, BaseModel):
        return found
    # As if its module had written ``class Meta`` inside of it, which pydantic then leaves alone.
    place = {"__module__": found.__module__, "__qualname__": found.__name__}
    meta = found._meta
    # Not all fields: a foreign key of several columns has none of its own.
    columns = [each.name for each in meta.fields if each.concrete]
    columns += [each.name for each in meta.many_to_many]
    inner = {**place, "__qualname__": f"{found.__name__}.Meta", "model": found, "fields": columns}
    names = {**place, "__doc__": found.__doc__, "Meta": type("Meta", (), inner)}
    metaclass: Any = type(ModelSchema)
    schema: type[BaseModel] = metaclass(found.__name__, (ModelSchema,), names)
    return schema
