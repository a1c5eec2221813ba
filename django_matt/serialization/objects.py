"""Responses for one object: a view may return a queryset, and the client gets its one object, or 404."""

from typing import Any

from django.http import Http404
from pydantic import BaseModel, RootModel

from django_matt import upstream
from django_matt.serialization.query_plans import QueryPlan

__all__ = ["get_one", "missing", "takes_one"]


def takes_one(annotation: Any) -> bool:
    """Tell whether a response is a single schema of one object.

    Ninja gives such a schema the list of the queryset's objects. If resolvers or a validator of the schema compute every field,
    they may be about that list, and still get it.
    """
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return False
    if issubclass(annotation, RootModel):
        return False
    validators = upstream.own_model_validators(annotation).values()
    if any(each.info.mode != "after" for each in validators):
        return False
    resolvers = upstream.resolvers_of(annotation)
    keys = [field.alias or name for name, field in annotation.model_fields.items()]
    return any(key not in resolvers for key in keys)


def get_one(queryset: Any, plan: QueryPlan) -> Any:
    """Return the one object of a queryset, loaded as its schema reads it, or raise ``Http404``.

    Raises ``MultipleObjectsReturned`` if there are several, because that is a fault of the view.
    """
    try:
        return plan.load(queryset).get()
    except queryset.model.DoesNotExist:
        raise missing(queryset) from None


def missing(queryset: Any) -> Http404:
    """Return the ``Http404`` for a queryset without an object, with the message of ``get_object_or_404``."""
    return Http404(f"No {queryset.model._meta.object_name} matches the given query.")
