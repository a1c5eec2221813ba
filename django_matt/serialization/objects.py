"""A queryset that answers for one object: which responses mean that, and the object itself, or 404."""

from typing import Any

from django.http import Http404
from pydantic import BaseModel, RootModel

from django_matt.serialization.query_plans import QueryPlan

__all__ = ["get_one", "missing", "takes_one"]


def takes_one(annotation: Any) -> bool:
    """Tell whether a response is one schema, and about an object.

    Ninja hands such a schema the list of the queryset's objects. Where resolvers or a validator of the schema's own
    make every value, they may be about that list, and get it.
    """
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return False
    if issubclass(annotation, RootModel):
        return False
    validators = annotation.__pydantic_decorators__.model_validators
    own = {name for name, each in validators.items() if each.info.mode != "after"}
    if own - {"_run_root_validator"}:
        return False
    resolvers = getattr(annotation, "_ninja_resolvers", {})
    keys = [field.alias or name for name, field in annotation.model_fields.items()]
    return any(key not in resolvers for key in keys)


def get_one(queryset: Any, plan: QueryPlan) -> Any:
    """Return the one object of a queryset, loaded as its schema reads it, or raise ``Http404``.

    Several are a fault of the route: ``MultipleObjectsReturned``.
    """
    try:
        return plan.load(queryset).get()
    except queryset.model.DoesNotExist:
        raise missing(queryset) from None


def missing(queryset: Any) -> Http404:
    """Return what says that a queryset has no object, as ``get_object_or_404`` says it."""
    return Http404(f"No {queryset.model._meta.object_name} matches the given query.")
