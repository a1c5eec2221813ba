"""Content negotiation: ``FormatSet`` chooses a format by ``?format=`` and ``Accept`` (RFC 9110, 12.5.1)."""

from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import Any, Self, TypeAlias, TypeVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from ninja.operation import Operation

from django_matt.errors.exceptions import NotAcceptable
from django_matt.formats.accept import preferred
from django_matt.formats.protocol import Format
from django_matt.formats.registry import FORM, FORM_TYPES, installed_formats, make_format
from django_matt.settings import get_settings
from django_matt.upstream import flat_names, source_of

__all__ = [
    "FormatSet",
    "formats",
    "operation_formats",
    "route_formats",
]

READS = frozenset({"GET", "HEAD", "OPTIONS"})
_LONGEST_KEPT = 256

View = TypeVar("View", bound=Callable[..., Any])
_Added: TypeAlias = "partial[FormatSet]"
"""What adds a route's own formats to those of its API."""


class FormatSet:
    """The formats of an API or of a route, the default first; built once, shared by threads.

    ``format_parameter`` is the query parameter that overrides ``Accept``; ``None`` turns it off. If the names contain
    ``"form"``, bodies may be forms as well.

    >>> FormatSet(["json", "csv"]).names
    ('json', 'csv')
    """

    def __init__(
        self,
        formats: Iterable[str | Format] | None = None,
        *,
        format_parameter: str | None = "format",
    ) -> None:
        """Take names and instances; by default, those of ``MATT["FORMATS"]`` whose library is installed.

        Raises ``MissingExtra`` for a named format whose library is not installed, and ``ImproperlyConfigured`` for an
        unknown name, for a name that appears twice, and if there is no format at all.
        """
        self.named = formats is not None or "FORMATS" in getattr(settings, "MATT", {})
        """Whether somebody chose the formats: the document names only formats that were chosen."""
        given = get_settings().FORMATS if formats is None else tuple(formats)
        self.reads_forms = FORM in given
        named = [each for each in given if each != FORM]
        self._formats = tuple(
            installed_formats(named) if formats is None else map(make_format, named)
        )
        self.names = tuple(made.name for made in self._formats)
        if not self._formats or len(set(self.names)) != len(self.names):
            raise ImproperlyConfigured(
                f"Name at least one format for responses, and each format only once: {self.names}."
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
        writers = [made for made in self._of_values if made.dumps]
        self.value_default = (*writers, *self._of_values, self.default)[0]
        self._added: frozenset[str] = frozenset()
        self.renders = any(made.renders for made in self._formats)
        self.renders_errors = any(made.renders_errors for made in self._formats)
        # Clients send few different headers; long ones are not kept, so that hostile ones cost no memory.
        self._chosen = lru_cache(maxsize=256)(preferred)
        at_once = {None, "", "*/*"}
        if self.default.name == "json":
            at_once |= {"application/json", "application/json, text/plain, */*"}
        self._at_once = frozenset(at_once)
        names = dict.fromkeys(name for made in self._formats for name in made.vary)
        self._vary = ("Accept", *names)
        self.vary_header = ("Vary", ", ".join(self._vary))
        self.varies = len(self._formats) > 1 or bool(names)

    def __copy__(self) -> Self:
        """Return the set itself, which never changes."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return the set itself: several APIs may share it."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle only the formats; everything else is derived from them."""
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
        """Return the format of the response; raise ``NotAcceptable`` (406) with the available formats.

        ``rows=False`` leaves out the formats that can only write lists, for a route that never returns one.
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

    def choose(self, request: HttpRequest, status: int) -> Format:
        """Return the format of the response.

        If the client accepts none of the formats, a successful read raises ``NotAcceptable``. Errors and writes are sent in
        the default format instead, because a 406 would hide what happened.
        """
        try:
            return self.select(request)
        except NotAcceptable:
            if status < 400 and request.method in READS:
                raise
            return self.value_default

    def vary(self, response: HttpResponseBase) -> None:
        """Add ``Vary`` with the headers on which the choice of a format and each of the formats depend."""
        if self.varies:
            patch_vary_headers(response, self._vary)

    @property
    def variants(self) -> tuple[str, ...]:
        """All suffixes that formats may add to the ETag of an object."""
        return (*self.names, *(name for made in self._formats for name in made.variants))

    def reader(self, media_type: str) -> Format | None:
        """Return the format that reads a media type, found by its name, an alias or a suffix (``+json``)."""
        found = self._readers.get(media_type)
        if found is None:
            _, plus, suffix = media_type.partition("/")[2].rpartition("+")
            found = self._suffixes.get(suffix) if plus else None
        return found

    def media_types(self, *, rows: bool = True, named: bool = False) -> list[str]:
        """Return the media types of responses.

        ``named`` leaves out formats that nobody chose, except the default; ``rows=False`` those that only write lists.
        """
        offered = self._formats if rows else self._of_values
        return [made.media_type for made in offered if not named or self._is_named(made)]

    def readable_types(self, *, rows: bool = True, named: bool = False) -> list[str]:
        """Return the media types of request bodies, for OpenAPI and ``Accept-Post``; see ``media_types``."""
        offered = self._formats if rows else self._of_values
        chosen = [made for made in offered if not named or self._is_named(made)]
        read = [made.media_type for made in chosen if made.can_load]
        return [*read, *FORM_TYPES] if self.reads_forms else read

    def _is_named(self, made: Format) -> bool:
        return self.named or made is self.value_default or made.name in self._added

    def without_parameter(self) -> "FormatSet":
        """Return the same formats, chosen by ``Accept`` only: for a route with its own ``format`` parameter."""
        return self.also((), format_parameter=None)

    def also(
        self, more: Iterable[str | Format], *, format_parameter: str | None = "format"
    ) -> "FormatSet":
        """Return a set of these formats followed by ``more``; a format that is already there is not added."""
        more = tuple(more)
        forms = (FORM,) if self.reads_forms or FORM in more else ()
        made = [make_format(each) for each in more if each not in (FORM, *self.names)]
        added = [each for each in made if each.name not in self.names]
        found = FormatSet((*self._formats, *added, *forms), format_parameter=format_parameter)
        found.named = self.named
        found._added = self._added | {each.name for each in added}
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
    *chosen: str | Format,
    also: Iterable[str | Format] = (),
    format_parameter: str | None = "format",
) -> Callable[[View], View]:
    """Choose the formats of one route; put it below the route's own decorator.

    With only ``also``, the route keeps the formats of its API and adds these.

    >>> @formats("json", "csv")
    ... def report(request): ...
    >>> route_formats(report).names
    ('json', 'csv')
    """
    also = tuple(also)
    made: FormatSet | _Added
    if also and not chosen:
        made = partial(FormatSet.also, more=also, format_parameter=format_parameter)
    else:
        made = FormatSet((*chosen, *also), format_parameter=format_parameter)

    def mark(view: View) -> View:
        view._matt_formats = made  # type: ignore[attr-defined]
        return view

    return mark


def operation_formats(operation: Operation, formats: FormatSet) -> FormatSet | None:
    """Return the formats of one operation if they differ from ``formats``, those of its API.

    They are those of ``@formats``, or else those of the API without ``?format=``, if the operation itself has a query
    parameter of that name.
    """
    view = operation.view_func
    chosen = route_formats(view)
    if chosen is not None:
        return chosen
    found = route_formats(view, formats) or formats
    if found.format_parameter is not None:
        for model in operation.models:
            if source_of(model) == "query" and found.format_parameter in _parameters(model):
                return found.without_parameter()
    return None if found is formats else found


def route_formats(view: Callable[..., Any], of_api: FormatSet | None = None) -> FormatSet | None:
    """Return the formats that ``@formats`` chose for a view, through decorators that keep ``__wrapped__``.

    If the view adds formats to those of its API, pass the latter as ``of_api``.
    """
    while True:
        found: FormatSet | _Added | None = getattr(view, "_matt_formats", None)
        wrapped: Callable[..., Any] | None = getattr(view, "__wrapped__", None)
        if isinstance(found, partial):
            return None if of_api is None else found(of_api)
        if found is not None or wrapped is None:
            return found
        view = wrapped


def _parameters(model: Any) -> set[str]:
    names: set[str] = set(flat_names(model) or ())
    for name, field in model.model_fields.items():
        names |= {name, field.alias or name}
    return names
