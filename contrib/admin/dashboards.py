"""Panels of the dashboard: each is declared with a queryset, asks one query, and its data is cached."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any, ClassVar

from django.core.cache import cache
from django.core.exceptions import EmptyResultSet, FieldDoesNotExist, ImproperlyConfigured
from django.db.models import Count, DateTimeField, Model, QuerySet
from django.db.models.expressions import BaseExpression
from django.db.models.functions import TruncDate
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import localize
from django.utils.module_loading import import_string

from django_matt.contrib.admin.settings import get_settings

__all__ = ["Chart", "Figure", "Panel", "Table", "Trend", "find_panels"]

Rows = QuerySet[Any] | Callable[[HttpRequest], QuerySet[Any]]


class Panel:
    """What all panels share. A user sees a panel with its ``permission``, by default that to view the queryset's model.

    ``queryset`` may be a function of the request, if users see different rows.
    """

    template: ClassVar[str]
    is_wide: ClassVar[bool] = True

    def __init__(self, title: str, queryset: Rows, *, permission: str | None = None) -> None:
        """Declare the panel; nothing is asked yet."""
        self.title = title
        self._queryset = queryset
        self._permission = permission

    def is_allowed(self, request: HttpRequest) -> bool:
        """Return whether the user may see the panel."""
        user: Any = request.user
        return bool(user.has_perm(self._permission or self._default_permission(request)))

    def load(self, request: HttpRequest) -> dict[str, Any]:
        """Return the data of the panel: of the cache, or by one query."""
        queryset = self._rows(request)
        seconds = get_settings().CACHE_SECONDS
        if not seconds:
            return {**self.compute(queryset), "model": queryset.model}
        try:
            asked = str(queryset.query)
        except EmptyResultSet:
            asked = ""
        # Users with different rows have different queries, so that nobody gets the rows of another.
        parts = (type(self).__name__, queryset.db, asked, *self.options())
        key = f"matt_admin:{sha256(repr(parts).encode()).hexdigest()}"
        found: Any = cache.get_or_set(key, lambda: self.compute(queryset), seconds)
        return {**found, "model": queryset.model}

    def options(self) -> tuple[Any, ...]:
        """Return what makes this panel differ from others of the same query."""
        return (self.title,)

    def compute(self, queryset: QuerySet[Any]) -> dict[str, Any]:
        """Return the context of the template, by one query. The cache has to store it."""
        raise NotImplementedError

    def _rows(self, request: HttpRequest) -> QuerySet[Any]:
        return (
            self._queryset.all()
            if isinstance(self._queryset, QuerySet)
            else self._queryset(request)
        )

    def _default_permission(self, request: HttpRequest) -> str:
        meta = self._rows(request).model._meta
        return f"{meta.app_label}.view_{meta.model_name}"


class _Measured(Panel):
    def __init__(
        self,
        title: str,
        queryset: Rows,
        *,
        value: BaseExpression | None = None,
        format: str | None = None,  # noqa: A002 - as in str.format
        permission: str | None = None,
    ) -> None:
        """Declare the panel; ``value`` is an aggregate, ``format`` how it is shown: ``"{:,.2f} €"``."""
        super().__init__(title, queryset, permission=permission)
        self._value = value or Count("pk")
        self._format = format

    def options(self) -> tuple[Any, ...]:
        return (self.title, self._value, self._format)

    def _show(self, value: Any) -> str:
        if value is None:
            return "-"
        return self._format.format(value) if self._format else str(localize(value, use_l10n=True))


class Figure(_Measured):
    """One number: how many rows there are, or another aggregate.

    >>> Figure("Revenue", Order.objects.all(), value=Sum("total"), format="{:,.2f} €")  # doctest: +SKIP
    """

    template = "matt_admin/panels/figure.html"
    is_wide = False

    def compute(self, queryset: QuerySet[Any]) -> dict[str, Any]:
        """Ask for the aggregate."""
        return {"value": self._show(queryset.aggregate(matt_value=self._value)["matt_value"])}


class Trend(_Measured):
    """An aggregate for each of the last days, as a line. ``date`` is a field with a date or a time.

    >>> Trend("Orders", Order.objects.all(), date="placed", days=14)  # doctest: +SKIP
    """

    template = "matt_admin/panels/trend.html"

    def __init__(
        self, title: str, queryset: Rows, *, date: str, days: int = 30, **options: Any
    ) -> None:
        """Declare the panel."""
        super().__init__(title, queryset, **options)
        self._date, self._days = date, max(days, 2)

    def options(self) -> tuple[Any, ...]:
        return (*super().options(), self._date, self._days, timezone.localdate())

    def compute(self, queryset: QuerySet[Any]) -> dict[str, Any]:
        """Ask for the days that have rows; the others are 0."""
        first = timezone.localdate() - timedelta(days=self._days - 1)
        is_time = isinstance(queryset.model._meta.get_field(self._date), DateTimeField)
        day = TruncDate(self._date) if is_time else None
        lookup = f"{self._date}__date__gte" if is_time else f"{self._date}__gte"
        rows = queryset.filter(**{lookup: first}).order_by()
        if day is not None:
            rows = rows.annotate(matt_day=day)
        name = "matt_day" if day is not None else self._date
        found = dict(rows.values_list(name).annotate(matt_value=self._value))
        days = [first + timedelta(days=number) for number in range(self._days)]
        values = [float(found.get(each) or 0) for each in days]
        top, last = max(*values, 0) or 1, len(values) - 1
        points = [
            f"{100 * at / last:.2f},{28 - 26 * max(value, 0) / top:.2f}"
            for at, value in enumerate(values)
        ]
        return {
            "points": " ".join(points),
            "first": localize(days[0]),
            "last": localize(days[-1]),
            "today": self._show(found.get(days[-1]) or 0),
            "top": self._show(max(found.values(), default=0) if found else 0),
        }


class Chart(_Measured):
    """An aggregate for each value of a field, as bars; the largest come first.

    >>> Chart("Orders by status", Order.objects.all(), by="status")  # doctest: +SKIP
    """

    template = "matt_admin/panels/chart.html"

    def __init__(
        self, title: str, queryset: Rows, *, by: str, limit: int = 10, **options: Any
    ) -> None:
        """Declare the panel."""
        super().__init__(title, queryset, **options)
        self._by, self._limit = by, limit

    def options(self) -> tuple[Any, ...]:
        return (*super().options(), self._by, self._limit)

    def compute(self, queryset: QuerySet[Any]) -> dict[str, Any]:
        """Ask for the groups."""
        groups = queryset.order_by().values_list(self._by).annotate(matt_value=self._value)
        found = list(groups.order_by("-matt_value", self._by)[: self._limit])
        top = max((float(value or 0) for _, value in found), default=0) or 1
        bars = [
            (
                _label(queryset.model, self._by, key),
                self._show(value),
                max(0, round(100 * float(value or 0) / top)),
            )
            for key, value in found
        ]
        return {"bars": bars}


class Table(Panel):
    """The first rows of a queryset, with a link to each.

    >>> Table("Latest orders", Order.objects.order_by("-placed"), fields=["number", "total"])  # doctest: +SKIP
    """

    template = "matt_admin/panels/table.html"

    def __init__(
        self,
        title: str,
        queryset: Rows,
        *,
        fields: Sequence[str],
        limit: int = 8,
        permission: str | None = None,
    ) -> None:
        """Declare the panel; ``fields`` may follow relations: ``"customer__name"``."""
        super().__init__(title, queryset, permission=permission)
        self._fields, self._limit = tuple(fields), limit

    def options(self) -> tuple[Any, ...]:
        return (self.title, self._fields, self._limit)

    def compute(self, queryset: QuerySet[Any]) -> dict[str, Any]:
        """Ask for the rows."""
        model = queryset.model
        rows = list(queryset.values_list("pk", *self._fields)[: self._limit])
        shown = [
            [_label(model, name, value) for name, value in zip(self._fields, row[1:], strict=True)]
            for row in rows
        ]
        headers = [_field_label(model, name) for name in self._fields]
        return {"headers": headers, "rows": shown, "keys": [row[0] for row in rows]}


def find_panels() -> Sequence[Panel]:
    """Return the panels of ``MATT_ADMIN["DASHBOARD"]``; raise ``ImproperlyConfigured`` if it names something else."""
    name = get_settings().DASHBOARD
    if name is None:
        return ()
    try:
        found = import_string(name)
    except ImportError as error:
        raise ImproperlyConfigured(
            f'settings.MATT_ADMIN["DASHBOARD"] cannot be imported: {error}'
        ) from None
    if not isinstance(found, list | tuple) or not all(isinstance(each, Panel) for each in found):
        raise ImproperlyConfigured(
            f'settings.MATT_ADMIN["DASHBOARD"] names {name}, which is not a list of panels.'
        )
    return found


def _label(model: type[Model], name: str, value: Any) -> str:
    """Return a value as people read it: the text of a choice, a date in their format."""
    if value is None:
        return "-"
    try:
        choices = dict(getattr(model._meta.get_field(name), "flatchoices", ()))
    except FieldDoesNotExist:
        choices = {}
    return str(choices.get(value, localize(value) if not isinstance(value, bool) else value))


def _field_label(model: type[Model], name: str) -> str:
    try:
        return str(getattr(model._meta.get_field(name), "verbose_name", name))
    except FieldDoesNotExist:
        return name.replace("__", " ").replace("_", " ")
