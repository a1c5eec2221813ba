"""``@html``: a route that also answers with a template, as a page or as a part of one."""

import json
from collections.abc import Callable, Mapping, Sequence
from string import Formatter
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from django.conf import settings
from django.contrib.messages import get_messages
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, get_script_prefix, reverse, set_script_prefix
from django.utils.http import escape_leading_slashes
from django.utils.translation import get_language, override
from ninja.operation import Operation
from ninja.pagination import PaginationBase
from pydantic import BaseModel

from django_matt.contrib.htmx.forms import (
    bound_form,
    filled_form,
    form_id,
    form_values,
    schema_of_body,
)
from django_matt.contrib.htmx.paging import page_of
from django_matt.contrib.htmx.parts import additions_of
from django_matt.contrib.htmx.requests import HEADERS, came_from, target_of, wants_fragment
from django_matt.contrib.htmx.values import Reader, reader_of
from django_matt.errors.answering import is_on_event_loop
from django_matt.errors.exceptions import SAFE
from django_matt.errors.problems import PROBLEM_JSON, ErrorResponse
from django_matt.errors.reports import report
from django_matt.event_formats import StreamedEvent
from django_matt.formats import Format, RenderContext, formats
from django_matt.limits import find_paginators

__all__ = ["HTML", "LatePage", "draw_parts", "html", "redirect"]

View = TypeVar("View", bound=Callable[..., Any])

_PAGE = "html"


def html(
    template: str,
    *,
    fragment: str | Sequence[str] = (),
    invalid: str | None = None,
    form: type[BaseModel] | None = None,
    choices: Mapping[str, Any] | None = None,
    location: str | None = None,
    result: bool = False,
) -> Callable[[View], View]:
    """Let a route answer with HTML too; put it below the route's own decorator.

    Browsers and boosted links get ``template`` as a page, htmx gets a ``fragment`` of it, and programs get JSON as before.

    - ``fragment``: the names of partials of the template, ``{% partialdef row %}``, the default first. If the id of the
      element that htmx replaces is one of them, that partial is sent. Without one, htmx gets the page.
      An event of a stream gets the partial of its name, such as ``upsert``, or else the first.
    - ``invalid``: the partial that shows the form again when the request was refused with a 422.
    - ``form``: the schema of a form on the page of a route that has no body itself.
    - ``choices``: what a field of the form may refer to, such as ``{"author_id": Author.objects.order_by("name")}``.
    - ``location``: where a browser goes after a write: the name of a URL, or a path that may have fields of the response, such as
      ``/books/{id}``, or ``./{id}`` from the URL of the route.
    - ``result``: give the template what the view returned, as ``result``.

    In the template, ``data`` is what the API shows, with dates and numbers as Python values; ``page`` is the page of a
    paginated list, ``form`` the form, and ``status`` the status.
    """
    made = HTML(
        template,
        (fragment,) if isinstance(fragment, str) else tuple(fragment),
        invalid=invalid,
        form=form,
        choices=choices,
        location=location,
        result=result,
    )
    return formats(also=(made, "form"))


class HTML(Format):
    """The HTML of one route."""

    name = "html"
    media_type = "text/html"
    vary = HEADERS
    needs_result = False

    def __init__(
        self,
        template: str,
        fragments: tuple[str, ...],
        *,
        invalid: str | None,
        form: type[BaseModel] | None,
        choices: Mapping[str, Any] | None,
        location: str | None,
        result: bool,
    ) -> None:
        """Take the arguments of ``html``."""
        super().__init__()
        self.load_form = form_values
        self.template = template
        self.fragments = fragments
        self.invalid = invalid
        self.form = form
        self.choices = choices
        self.location = location
        self.needs_result = result
        self.variants = tuple(f"html-{each}" for each in fragments)  # type: ignore[misc]
        self._readers: dict[int, Reader | None] = {}
        self._event_readers: dict[Any, Reader | None] = {}
        self._paginators: tuple[PaginationBase, ...] | None = None

    # ---- which part ----

    def part(self, request: HttpRequest) -> str:
        """Return the name of the partial that a request gets; empty for the page."""
        if not self.fragments or not wants_fragment(request):
            return ""
        target = target_of(request)
        return target if target in self.fragments else self.fragments[0]

    def variant(self, request: HttpRequest) -> str:
        """Return one name for the page, and one for each partial."""
        part = self.part(request)
        return f"html-{part}" if part else _PAGE

    def describe(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Describe a text: the JSON's schema says nothing about the page."""
        return {"schema": {"type": "string"}}

    # ---- results ----

    def render(self, result: Any, context: RenderContext) -> str | HttpResponse:
        """Render the page, or the fragment and what was added to it."""
        request, part = context.request, self.part(context.request)
        if not part and self.location and request.method not in SAFE and context.status < 300:
            return redirect(self.place(request, context.operation, context.data))
        values = self._values(context)
        if self.needs_result:
            values["result"] = result
        return self._draw(request, part, values) + (draw_parts(request) if part else "")

    def place(self, request: HttpRequest, operation: Operation | None, data: Any) -> str:
        """Return where a browser goes after a write."""
        location = self.location or ""
        fields = data if isinstance(data, dict) else {}
        if location.startswith(("/", "./", "../")):
            # Two slashes at the beginning would lead to another site.
            return escape_leading_slashes(_Quoting().vformat(location, (), fields))
        try:
            return reverse(location)
        except NoReverseMatch:
            if operation is None or ":" in location:
                raise
            return reverse(f"{operation.api.urls_namespace}:{location}")

    def _values(self, context: RenderContext) -> dict[str, Any]:
        read = self._reader(context)
        data = context.data if read is None else read(context.data)
        values: dict[str, Any] = {"data": data, "status": context.status}
        if context.operation is not None:
            if self._paginators is None:
                found = find_paginators(context.operation.view_func)
                self._paginators = tuple(paginator for _, paginator in found)
            for paginator in self._paginators:
                # They are valid, because the view had them.
                sent = paginator.Input.model_validate(context.request.GET.dict())
                values["page"] = page_of(context.request, data, paginator, sent)
        if self.form is not None:
            values["form"] = filled_form(self.form, data, self._fresh_choices())
        return values

    def _reader(self, context: RenderContext) -> Reader | None:
        status = context.status
        if status not in self._readers and context.operation is not None:
            models: Any = context.operation.response_models
            model = models.get(status, models.get(...))
            fields = getattr(model, "model_fields", {})
            found = fields["response"].annotation if "response" in fields else None
            self._readers[status] = reader_of(found)
        return self._readers.get(status)

    # ---- events of streams ----

    def renders_event(self, name: str) -> bool:
        """Return whether there is a partial for events of this name."""
        return name in self.fragments

    def render_event(self, event: StreamedEvent, request: HttpRequest) -> str:
        """Render the partial that is named like the event, or else the first one."""
        if event.kind not in self._event_readers:
            self._event_readers[event.kind] = reader_of(event.kind)
        read = self._event_readers[event.kind]
        values = {
            "data": event.data if read is None else read(event.data),
            "event": event.name,
            "key": event.key,
            "status": 200,
        }
        part = event.name if event.name in self.fragments else "".join(self.fragments[:1])
        # A stream writes in a thread that knows nothing of the request.
        set_script_prefix(request.META.get("SCRIPT_NAME") or "/")
        with override(getattr(request, "LANGUAGE_CODE", None) or get_language()):
            return self._draw(request, part, values)

    # ---- errors ----

    def render_error(
        self, error: ErrorResponse, context: RenderContext
    ) -> str | HttpResponse | None:
        """Show the form with its errors for a 422, lead to the sign-in for a 401, and tell everything else in a toast or a page."""
        if error.status == 401:
            return _sign_in(context.request)
        if is_on_event_loop():
            # Templates may query the database, for the user of the page's head: Django renders it in a thread.
            return LatePage(lambda: self._draw_safely(error, context), status=error.status)
        return self._draw_safely(error, context)

    def _draw_safely(self, error: ErrorResponse, context: RenderContext) -> HttpResponse:
        """Return the page of an error, or its problem document if the page fails: the client learns what was refused."""
        try:
            return self._draw_error(error, context)
        except Exception as failure:  # noqa: BLE001 - it is reported
            report(context.request, failure, error.status, title="The page of an error failed")
            body = json.dumps(context.data, cls=DjangoJSONEncoder)
            return HttpResponse(body, status=error.status, content_type=PROBLEM_JSON)

    def _draw_error(self, error: ErrorResponse, context: RenderContext) -> HttpResponse:
        request = context.request
        values = {"status": error.status, "problem": context.data, "start": get_script_prefix()}
        if error.status == 422 and self.invalid and context.operation is not None:
            schema = schema_of_body(context.operation)
            if schema is not None:
                part = self.invalid if wants_fragment(request) else ""
                values["form"] = bound_form(schema, request, context.data, self._fresh_choices())
                response = HttpResponse(self._draw(request, part, values), status=422)
                if part:
                    # The fields alone: the form keeps its address, its target and what is beside its fields.
                    fields = f"#{form_id(schema)}-fields"
                    response.headers["HX-Retarget"] = response.headers["HX-Reselect"] = fields
                    response.headers["HX-Reswap"] = "outerHTML"
                return response
        name = "matt_htmx/toast.html" if wants_fragment(request) else "matt_htmx/error.html"
        response = HttpResponse(render_to_string(name, values, request), status=error.status)
        if wants_fragment(request):
            response.headers["HX-Retarget"] = "#matt-toasts"
            response.headers["HX-Reswap"] = "beforeend"
        for name, value in error.headers.items():
            response.headers[name] = value
        return response

    def _fresh_choices(self) -> dict[str, Any] | None:
        """Return the querysets as new ones, which query the database again."""
        if self.choices is None:
            return None
        return {
            name: each.all() if hasattr(each, "all") else each
            for name, each in self.choices.items()
        }

    def _draw(self, request: HttpRequest, part: str, values: dict[str, Any]) -> str:
        name = f"{self.template}#{part}" if part else self.template
        return str(render_to_string(name, values, request))


class LatePage(HttpResponse):
    """A response whose content Django asks for where the database may be queried, as it does for a ``TemplateResponse``."""

    def __init__(self, draw: Callable[[], HttpResponse], **more: Any) -> None:
        """Take the function that makes the response."""
        super().__init__(**more)
        self._draw = draw

    def render(self) -> HttpResponse:
        """Return the response, with what was added to this one. Django calls it before a middleware sees the response."""
        made = self._draw()
        made.cookies.update(self.cookies)
        for name, value in self.headers.items():
            made.headers.setdefault(name, value)
        return made


class _Quoting(Formatter):
    """Formats a path whose fields are data: a slash or a question mark in one does not change where the path leads."""

    def format_field(self, value: Any, format_spec: str) -> str:
        return quote(super().format_field(value, format_spec), safe="")


def redirect(url: str) -> HttpResponse:
    """Lead a browser to a page; ``HtmxMiddleware`` makes it an ``HX-Redirect`` for a fragment."""
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response


def _sign_in(request: HttpRequest) -> HttpResponse:
    came = came_from(request)
    url = resolve_url(settings.LOGIN_URL)
    if came:
        url += ("&" if "?" in url else "?") + urlencode({"next": came})
    if wants_fragment(request):
        return HttpResponse(status=401, headers={"HX-Redirect": url})
    response = HttpResponseRedirect(url)
    if request.method not in SAFE:
        response.status_code = 303
    return response


def draw_parts(request: HttpRequest) -> str:
    """Return the parts that a view added for other places of the page, and its messages as toasts."""
    added = additions_of(request)
    drawn = [
        render_to_string(name, values, request) for name, values in (added.parts if added else ())
    ]
    # No messages without their middleware.
    if len(get_messages(request)):
        drawn.append(render_to_string("matt_htmx/messages.html", {}, request))
    return "".join(drawn)
