"""Loads what a response reads beyond generic foreign keys.

Only the rows say of which models the objects are. So their relations are fetched after the instances, for each model apart.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, cast

from django.db.models import Model, prefetch_related_objects
from django.db.models.query import ModelIterable

from django_matt.serialization.requirements import ModelRequirements

__all__ = ["fill_generic", "filling", "reads_generic"]

# A function that returns the relations to prefetch, for the requirements of a model and the database of its instances.
Lookups = Callable[[ModelRequirements, str | None], Iterable[str]]


def reads_generic(requirements: ModelRequirements) -> bool:
    """Tell whether a generic foreign key is read of a model, or of one that it is related to."""
    below = (requirements.one | requirements.many).values()
    return bool(requirements.generic) or any(reads_generic(each) for each in below)


def fill_generic(values: list[Any], requirements: ModelRequirements, lookups: Lookups) -> None:
    """Load the relations of objects behind generic foreign keys, by one query for each model and relation.

    The objects themselves must be loaded already.
    """
    for name, below in requirements.one.items():
        if reads_generic(below):
            loaded = (value._state.fields_cache.get(name) for value in values)
            fill_generic([value for value in loaded if value is not None], below, lookups)
    for name, below in requirements.many.items():
        if reads_generic(below):
            # all() does not query: it makes a queryset, or finds the prefetched one.
            lists = (getattr(value, name).all()._result_cache or () for value in values)
            fill_generic([value for each in lists for value in each], below, lookups)
    for name in requirements.generic:
        groups: dict[tuple[type[Model], str | None], dict[int, Any]] = {}
        for value in values:
            target = value._state.fields_cache.get(name)
            if target is not None:
                kind = type(target), target._state.db
                groups.setdefault(kind, {})[id(target)] = target
        for (model, using), found in groups.items():
            beyond, targets = requirements.beyond(name, model), list(found.values())
            wanted = list(lookups(beyond, using))
            if wanted:
                prefetch_related_objects(targets, *wanted)
            fill_generic(targets, beyond, lookups)


def filling(requirements: ModelRequirements, lookups: Lookups) -> Any:
    """Return an iterable class for querysets, which calls ``fill_generic`` for the instances that it yields.

    It works however the queryset is evaluated: by a paginator, or by a cursor that reads in chunks.
    """

    class Filled(ModelIterable):  # type: ignore[type-arg] # not generic outside of its stubs
        def __iter__(self) -> Iterator[Any]:
            made, queryset = super().__iter__(), cast("Any", self.queryset)
            size = self.chunk_size if self.chunked_fetch else None
            while instances := list(islice(made, size)):
                # Django prefetches after this, and finds everything loaded.
                prefetch_related_objects(instances, *queryset._prefetch_related_lookups)
                fill_generic(instances, requirements, lookups)
                yield from instances

    return Filled
