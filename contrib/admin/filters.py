"""Filters of a change list from a ``FilterSchema``: one for each of its fields."""

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import FilterSchema
from pydantic import ValidationError

from django_matt.contrib.admin.forms import choices_of, plain_type

__all__ = ["filters_of"]


def filters_of(schema: type[FilterSchema]) -> list[type[SimpleListFilter]]:
    """Return the filters for ``list_filter``: links for choices and booleans, an input for everything else."""
    return [_filter(schema, name) for name in schema.model_fields]


def _filter(schema: type[FilterSchema], field: str) -> type[SimpleListFilter]:
    info = schema.model_fields[field]
    options = choices_of(info.annotation)
    if plain_type(info.annotation) is bool:
        options = [("true", "Yes"), ("false", "No")]

    class SchemaFilter(SimpleListFilter):
        title = info.title or field.replace("_", " ")
        parameter_name = field
        template = "admin/filter.html" if options else "matt_admin/filter.html"

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return options

        def has_output(self) -> bool:
            return True

        def choices(self, changelist: Any) -> Any:
            if options:
                yield from super().choices(changelist)
                return
            # The input keeps the other filters, the search and the order.
            kept = changelist.params | changelist.filter_params
            yield {
                "value": self.value() or "",
                "kept": [
                    (name, value)
                    for name, values in kept.items()
                    if name not in (field, "p", "e")
                    for value in (values if isinstance(values, list) else [values])
                ],
                "clear": changelist.get_query_string(remove=[field]),
            }

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            value = self.value()
            if value in (None, ""):
                return queryset
            try:
                return schema.model_validate({field: value}).filter(queryset)
            except ValidationError as error:
                raise IncorrectLookupParameters(str(error)) from error

    return SchemaFilter
