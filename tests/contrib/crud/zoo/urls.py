"""A controller for each model, and what a client of the tests must know of the models."""

from typing import Any

from django.apps import apps
from django.db.models import BinaryField, FileField
from django.http import JsonResponse
from django.urls import path

from django_matt import MattAPI, api_controller
from django_matt.contrib.crud.controllers import ALL, STANDARD, AsyncCrudController, CrudController

MODELS = list(apps.get_app_config("zoo").get_models())
TEXTS = {"CharField", "TextField", "SlugField", "EmailField", "URLField"}
PARAMETERS = {"page", "page_size", "ordering", "search", "limit", "offset", "format"}


def is_written_in_bulk(model: Any) -> bool:
    meta = model._meta.concrete_model._meta
    return len(meta.pk_fields) == 1 and not meta.parents and not meta.order_with_respect_to


def controller_of(model: Any, base: Any) -> Any:
    columns = [
        f
        for f in model._meta.concrete_fields
        if f.name != "_order" and not isinstance(f, BinaryField)
    ]
    is_user = issubclass(model, apps.get_model("zoo", "Keeper"))
    shown = [f.name for f in columns if not (is_user and f.name == "password")]
    compared = [
        f.name
        for f in columns
        if f.name in shown and not isinstance(f, FileField) and f.name not in PARAMETERS
    ]

    class ModelController(base[model]):
        fields = [*shown, *(field.name for field in model._meta.many_to_many)]
        write_only = ["password"] if is_user else []
        soft_delete = "deleted_at" if "deleted_at" in shown else ""
        filters = [name for name in compared if not name.endswith("_")]
        ordering = compared
        search = [
            f.name
            for f in columns
            if f.name in compared and not f.name.endswith("_") and f.get_internal_type() in TEXTS
        ]
        verbs = [*(ALL if is_written_in_bulk(model) else STANDARD), "export"] + (
            ["bulk_import"] if is_written_in_bulk(model) else []
        )

    return api_controller(f"/{model._meta.model_name}", tags=[model.__name__])(ModelController)


api = MattAPI(formats=["json", "csv", "jsonl"])
for number, model in enumerate(MODELS):
    api.register_controllers(
        controller_of(model, AsyncCrudController if number % 2 else CrudController)
    )


def facts(request):
    """Return the relations, the keys and the kinds of the models by their paths."""

    def relations(model: Any) -> dict[str, str]:
        return {
            field.attname: field.related_model._meta.model_name
            for field in model._meta.concrete_fields
            if field.is_relation and not field.null and not field.remote_field.parent_link
        }

    def required(model: Any) -> dict[str, str]:
        return {
            field.name: field.related_model._meta.model_name
            for field in model._meta.many_to_many
            if not field.blank and field.remote_field.through._meta.auto_created
        }

    return JsonResponse(
        {
            model._meta.model_name: {
                "name": model.__name__,
                "keys": [field.attname for field in model._meta.pk_fields],
                "relations": relations(model),
                "columns": {
                    field.attname: field.target_field.attname
                    for field in model._meta.concrete_fields
                    if field.is_relation
                },
                "many": required(model),
                "files": [f.name for f in model._meta.concrete_fields if isinstance(f, FileField)],
                "bulk": is_written_in_bulk(model),
            }
            for model in MODELS
        }
    )


urlpatterns = [path("api/", api.urls), path("facts", facts)]
