"""Which format answers: ``FormatSet`` chooses by ``?format=`` and ``Accept`` (RFC 9110, 12.5.1)."""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial
from importlib import import_module
from typing import Any, Self, TypeVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from ninja.operation import Operation
from ninja.params.models import QueryModel

from django_matt.errors.exceptions import MissingExtra, NotAcceptable
from django_matt.formats.accept import preferred
from django_matt.formats.protocol import Format
from django_matt.settings import get_settings

__all__ = [
    "FORM",
    "FORM_TYPES",
    "FormatSet",
    "formats",
    "operation_formats",
    "route_formats",
]

FORM = "form"
"""The name that lets bodies come in as forms too; nothing is answered in it."""
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")

BUILT_IN = {
    "json": "django_matt.formats.json.JSON",
    "msgpack": "django_matt.formats.msgpack.MessagePack",
    "yaml": "django_matt.formats.yaml.YAML",
    "xml": "django_matt.formats.xml.XML",
    "csv": "django_matt.formats.csv.CSV",
    "jsonl": "django_matt.formats.jsonl.JSONLines",
}
_LONGEST_KEPT = 256

View = TypeVar("View", bound=Callable[..., Any])


class FormatSet:
    """The formats of an API or of a route, the default first; built once, shared by threads.

    ``format_parameter`` names the query parameter that wins over ``Accept``; ``None`` for no such parameter. With
    ``"form"`` among the names, bodies may be forms as well.

    >>> FormatSet(["json", "csv"]).names
    ('json', 'csv')
    """

    def __init__(
        self,
        formats: Iterable[str | Format] | None = None,
        *,
        format_parameter: str | None = "format",
    ) -> None:
        """Take names and instances; without any, ``MATT["FORMATS"]`` less those whose library is missing.

        Raises ``MissingExtra`` for a named format whose library is missing, ``ImproperlyConfigured`` for an unknown
        name, for the same name twice and for none at all.
        """
        self.named = formats is not None or "FORMATS" in getattr(settings, "MATT", {})
        """Whether somebody chose the formats: the document names only formats that were chosen."""
        given = get_settings().FORMATS if formats is None else tuple(formats)
        self.reads_forms = FORM in given
        named = [each for each in given if each != FORM]
        self._formats = tuple(_installed(named) if formats is None else map(_made, named))
        self.names = tuple(made.name for made in self._formats)
        if not self._formats or len(set(self.names)) != len(self.names):
            raise ImproperlyConfigured(
                f"Formats must be at least one to answer in, each once: {self.names}."
            )
        self.default = self._formats[0]
        self.format_parameter = format_parameter
        self._named = dict(zip(self.names, self._formats, strict=True))
        self._readers: dict[str, Format] = {}
        self._suffixes: dict[str, Format] = {}
        for made in reversed(self._formats):
            if made.can_load:
                self._suffixes[made.name] = made
                for media_type in (made.media_type, *made.aliases):
                    self._readers[media_type] = made
        self._of_values = tuple(made for made in self._formats if not made.only_lists)
        self.value_default = (*self._of_values, self.default)[0]
        # Clients send few different headers; long ones are not kept, so that hostile ones cost no memory.
        self._chosen = lru_cache(maxsize=256)(preferred)
        at_once = {None, "", "*/*"}
        if self.default.name == "json":
            at_once |= {"application/json", "application/json, text/plain, */*"}
        self._at_once = frozenset(at_once)
        self.varies = len(self._formats) > 1

    def __copy__(self) -> Self:
        """Return the set itself, which never changes."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return the set itself: several APIs may share it."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the formats alone; the rest is made of them."""
        forms = (FORM,) if self.reads_forms else ()
        made = partial(type(self), format_parameter=self.format_parameter)
        return made, ((*self._formats, *forms),)

    def __iter__(self) -> Any:
        """Iterate over the formats, the default first."""
        return iter(self._formats)

    def __len__(self) -> int:
        """Count the formats."""
        return len(self._formats)

    def select(self, request: HttpRequest, *, rows: bool = True) -> Format:
        """Return the format to answer in; raise ``NotAcceptable`` (406) with what is offered.

        ``rows=False`` leaves out the formats that carry lists only: for a route that never answers one.
        """
        meta = request.META
        query = meta.get("QUERY_STRING")
        if query and self.format_parameter is not None and self.format_parameter in query:
            name = request.GET.get(self.format_parameter)
            if name is not None:
                return self._by_name(name, rows=rows)
        accept: Any = meta.get("HTTP_ACCEPT")
        if accept in self._at_once:
            if rows or not self.default.only_lists:
                return self.default
            accept = "*/*"
        offered = self._formats if rows else self._of_values
        choose = self._chosen if len(accept) <= _LONGEST_KEPT else preferred
        chosen = choose(accept, offered)
        if chosen is None:
            raise self._not_acceptable(offered)
        return chosen

    def vary(self, response: HttpResponseBase) -> None:
        """Tell caches that the answer depends on ``Accept``, where it does."""
        if self.varies:
            patch_vary_headers(response, ("Accept",))

    def reader(self, media_type: str) -> Format | None:
        """Return the format that reads a media type, by its name, an alias or a suffix (``+json``)."""
        found = self._readers.get(media_type)
        if found is None:
            _, plus, suffix = media_type.partition("/")[2].rpartition("+")
            found = self._suffixes.get(suffix) if plus else None
        return found

    def media_types(self, *, rows: bool = True, named: bool = False) -> list[str]:
        """Return what answers may come in; ``named`` leaves out the formats that nobody named but the default."""
        offered = self._formats if rows else self._of_values
        return [made.media_type for made in offered if not named or self._is_named(made)]

    def readable_types(self, *, rows: bool = True, named: bool = False) -> list[str]:
        """Return what request bodies may come in, for OpenAPI and ``Accept-Post``; see ``media_types``."""
        read = [
            made.media_type
            for made in self._formats
            if made.can_load
            and (rows or not made.only_lists)
            and (not named or self._is_named(made))
        ]
        return [*read, *FORM_TYPES] if self.reads_forms else read

    def _is_named(self, made: Format) -> bool:
        return self.named or made is self.value_default

    def without_parameter(self) -> "FormatSet":
        """Return the same formats, chosen by ``Accept`` only: for a route with its own ``format`` parameter."""
        forms = (FORM,) if self.reads_forms else ()
        found = FormatSet((*self._formats, *forms), format_parameter=None)
        found.named = self.named
        return found

    def _by_name(self, name: str, *, rows: bool) -> Format:
        found = self._named.get(name)
        if found is None or (found.only_lists and not rows):
            raise self._not_acceptable(self._formats if rows else self._of_values)
        return found

    def _not_acceptable(self, offered: tuple[Format, ...]) -> NotAcceptable:
        types = [made.media_type for made in offered]
        return NotAcceptable(
            f"{NotAcceptable.default_detail} Offered: {', '.join(types)}.", offered=types
        )


def formats(
    *chosen: str | Format, format_parameter: str | None = "format"
) -> Callable[[View], View]:
    """Choose the formats of one route; put it below the route's own decorator.

    >>> @formats("json", "csv")
    ... def report(request): ...
    >>> route_formats(report).names
    ('json', 'csv')
    """
    made = FormatSet(chosen, format_parameter=format_parameter)

    def mark(view: View) -> View:
        view._matt_formats = made  # type: ignore[attr-defined]
        return view

    return mark


def operation_formats(operation: Operation, formats: FormatSet) -> FormatSet | None:
    """Return the formats of one operation where they are not its API's, ``formats``.

    They are those that ``@formats`` chose, else the API's without ``?format=`` where the operation has a query
    parameter of that name itself.
    """
    chosen = route_formats(operation.view_func)
    if chosen is None and formats.format_parameter is not None:
        for model in operation.models:
            if issubclass(model, QueryModel) and formats.format_parameter in _parameters(model):
                return formats.without_parameter()
    return chosen


def _parameters(model: Any) -> set[str]:
    names: set[str] = set(getattr(model, "__ninja_flatten_map__", None) or ())
    for name, field in model.model_fields.items():
        names |= {name, field.alias or name}
    return names


def route_formats(view: Callable[..., Any]) -> FormatSet | None:
    """Return the formats that ``@formats`` chose for a view, through decorators that keep ``__wrapped__``."""
    while True:
        found: FormatSet | None = getattr(view, "_matt_formats", None)
        wrapped: Callable[..., Any] | None = getattr(view, "__wrapped__", None)
        if found is not None or wrapped is None:
            return found
        view = wrapped


def _made(given: str | Format) -> Format:
    if isinstance(given, Format):
        return given
    if given not in BUILT_IN:
        raise ImproperlyConfigured(
            f"There is no format {given!r}; there are {', '.join([*BUILT_IN, FORM])}."
        )
    module, _, name = BUILT_IN[given].rpartition(".")
    made: Format = getattr(import_module(module), name)()
    return made


def _installed(names: Iterable[str | Format]) -> Sequence[Format]:
    found = []
    for name in names:
        try:
            found.append(_made(name))
        except MissingExtra:
            continue
    return found
