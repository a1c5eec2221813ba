"""The query parameters of a list: its filters, its search, and its order."""

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, time
from functools import reduce
from typing import Annotated, Any

from django.core.exceptions import FieldDoesNotExist, FieldError
from django.db.models import Field, Model, Q, QuerySet
from ninja import Schema
from pydantic import AfterValidator
from pydantic import Field as Parameter

from django_matt.contrib.crud.fields import is_password, key_type, make_schema, write_type

__all__ = ["ListQuery"]

_LIST: Any = list
"""For types of the run time."""
_LONGEST = 200
_TEXT_LOOKUPS = frozenset(
    {
        *("contains", "icontains", "startswith", "istartswith", "endswith", "iendswith"),
        "has_key",
    }
)
_YEARS = frozenset({"year", "iso_year"})
_REGEXES = frozenset({"regex", "iregex"})


@dataclass(frozen=True, slots=True)
class _Filter:
    """A query parameter, which is a lookup of Django: ``price__gte``."""

    name: str
    type: Any
    follows_many: bool


class ListQuery:
    """Makes the schema of the parameters, and applies what a client has sent to a queryset."""

    def __init__(
        self,
        model: type[Model],
        owner: str,
        module: str,
        *,
        filters: Sequence[str],
        search: Sequence[str],
        ordering: Sequence[str],
    ) -> None:
        """Raise ``TypeError`` for a name that is not a lookup of the model's fields."""
        self._filters = [_filter(model, name, f"{owner}.filters") for name in filters]
        self._search = search
        # Each of them is looked at, so that a wrong one is found.
        searched = [_path(model, name, f"{owner}.search")[2] for name in search]
        self._search_follows_many = any(searched)
        for name in search:
            try:
                QuerySet(model).filter(**{f"{name}__icontains": ""})
            except FieldError as error:
                raise TypeError(
                    f"{owner}.search names {name!r}, which has no text: {error}"
                ) from None
        for name in ordering:
            field, rest, follows_many = _path(model, name, f"{owner}.ordering")
            if follows_many:
                raise TypeError(f"{owner}.ordering: {name!r} has several values for one row")
            if rest and field.get_transform(rest[0]) is None:
                raise TypeError(f"{owner}.ordering names {name!r}: {field.name} has no {rest[0]!r}")
        self.schema = self._make(model, module, ordering)

    def apply(self, queryset: QuerySet[Any], query: Any) -> QuerySet[Any]:
        """Return the queryset as the parameters ask; pages need an order, so the key decides what is equal."""
        given: dict[bool, dict[str, Any]] = {False: {}, True: {}}
        for each in self._filters:
            if (value := getattr(query, each.name, None)) is not None:
                given[each.follows_many][each.name] = value
        if given[False]:
            queryset = queryset.filter(**given[False])
        if given[True]:
            queryset = _filter_by_key(queryset, Q(**given[True]))
        for word in dict.fromkeys((getattr(query, "search", None) or "").split()):
            found = reduce(
                operator.or_, (Q(**{f"{name}__icontains": word}) for name in self._search)
            )
            queryset = (
                _filter_by_key(queryset, found)
                if self._search_follows_many
                else queryset.filter(found)
            )
        if asked := getattr(query, "ordering", None):
            return queryset.order_by(*asked.split(","), "pk")
        known = queryset.query.order_by or queryset.model._meta.ordering
        return queryset.order_by(*(known if queryset.ordered else ()), "pk")

    def _make(self, model: type[Model], module: str, ordering: Sequence[str]) -> type[Schema]:
        definitions: dict[str, Any] = {each.name: (each.type, None) for each in self._filters}
        if self._search:
            words = ", ".join(self._search)
            definitions["search"] = (
                str | None,
                Parameter(None, max_length=_LONGEST, description=f"Each word is in {words}."),
            )
        if ordering:
            one = f"-?({'|'.join(ordering)})"
            definitions["ordering"] = (
                str | None,
                Parameter(
                    None,
                    pattern=f"^{one}(,{one})*$",
                    max_length=sum(map(len, ordering)) + 2 * len(ordering),
                    description=f"Names of {', '.join(ordering)}, with a minus for descending.",
                ),
            )
        name = f"{model.__name__}Query"
        return make_schema(name, module, definitions)


def _filter_by_key(queryset: QuerySet[Any], condition: Q) -> QuerySet[Any]:
    """Filter by several values of one row in a subquery: a join would repeat rows, and change what is counted in them."""
    rows = queryset.model._base_manager.using(queryset._db).filter(condition)  # type: ignore[attr-defined]
    return queryset.filter(pk__in=rows.values("pk"))


def _filter(model: type[Model], name: str, owner: str) -> _Filter:
    if name in {"search", "ordering", "format", "limit", "offset", "page", "page_size"}:
        raise TypeError(f"{owner}: {name!r} is the name of another parameter")
    field, rest, follows_many = _path(model, name, owner)
    kind: Any = write_type(field) if not field.is_relation else key_type(field)
    kind = _without_null(kind)
    for index, part in enumerate(rest):
        found = field.get_lookup(part) if index == len(rest) - 1 else None
        change = field.get_transform(part)
        if change is None and found is None:
            raise TypeError(f"{owner} names {name!r}: {field.name} has no lookup {part!r}")
        if part in _REGEXES:
            raise TypeError(f"{owner} names {name!r}: a client's expression may never end")
        if part == "isnull":
            kind = bool
        elif part == "in":
            kind = _LIST[kind]
        elif part == "range":
            raise TypeError(f"{owner} names {name!r}: use __gte and __lte instead")
        elif part in _TEXT_LOOKUPS:
            kind = str
        elif found is None:
            if not isinstance(change, type):
                raise TypeError(f"{owner} names {name!r}: the type of {part!r} is not known")
            output = getattr(change, "output_field", None)
            if isinstance(output, Field):
                field, kind = output, key_type(output)
            if part in _YEARS:
                kind = Annotated[int, Parameter(gt=MINYEAR, lt=MAXYEAR)]
    if kind is time:
        kind = Annotated[time, AfterValidator(_naive)]
    return _Filter(name, kind | None, follows_many)


def _naive(value: time) -> time:
    if value.tzinfo is not None:
        raise ValueError("a time of day has no time zone")
    return value


def _path(model: type[Model], name: str, owner: str) -> tuple[Any, list[str], bool]:
    """Return the field that a path leads to, the lookups after it, and whether one object has several values."""
    parts = name.split("__")
    field: Any = None
    follows_many = False
    while parts:
        try:
            found: Any = model._meta.pk if parts[0] == "pk" else model._meta.get_field(parts[0])
        except FieldDoesNotExist:
            if field is None:
                raise TypeError(
                    f"{owner} names {name!r}, and {model.__name__} has no {parts[0]!r}"
                ) from None
            break
        field = found
        parts.pop(0)
        follows_many |= bool(field.many_to_many or field.one_to_many)
        if not field.is_relation:
            break
        if field.related_model is None:
            raise TypeError(f"{owner} names {name!r}, which may refer to any model")
        model = field.related_model
    if field.is_relation and not field.concrete:
        # By the key of the other side's object.
        field = field.related_model._meta.pk
    if is_password(field):
        raise TypeError(f"{owner} names {name!r}: clients could guess the hash of a password by it")
    return field, parts, follows_many


def _without_null(kind: Any) -> Any:
    rest = [each for each in getattr(kind, "__args__", ()) if each is not type(None)]
    is_optional = len(rest) == len(getattr(kind, "__args__", ())) - 1 and hasattr(kind, "__or__")
    return reduce(operator.or_, rest) if is_optional and rest else kind
