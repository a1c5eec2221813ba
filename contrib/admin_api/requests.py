"""Asks the views of a ``ModelAdmin`` as the HTML admin does, with a copy of the request, and without rendering a page."""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any

from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.admin.utils import quote
from django.contrib.messages.constants import DEFAULT_TAGS
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, QueryDict
from django.urls import NoReverseMatch, Resolver404, get_script_prefix, resolve, reverse
from django.utils.datastructures import MultiValueDict
from django.utils.html import strip_tags

from django_matt.errors.exceptions import NotFound

_MESSAGES = "_messages"  # where Django's messages look for their storage

__all__ = ["AdminRequest", "Desk", "Message", "admin_url", "plain_text", "quiet_site"]


@dataclass(frozen=True, slots=True)
class Message:
    """A message that the ``ModelAdmin`` has for the user, without its HTML."""

    level: str
    text: str


class Messages:
    """Collects messages, where Django's storage would keep them for the next page."""

    level = 0

    def __init__(self) -> None:
        """Start with none."""
        self.found: list[Message] = []

    def add(self, level: int, message: Any, extra_tags: str = "") -> None:
        """Add a message, as ``django.contrib.messages`` does."""
        self.found.append(Message(DEFAULT_TAGS.get(level, str(level)), plain_text(message)))

    def __iter__(self) -> Iterator[Message]:
        """Iterate over the messages."""
        return iter(self.found)

    def __len__(self) -> int:
        """Count the messages."""
        return len(self.found)


class AdminRequest(HttpRequest):
    """The copy of a request that a ``ModelAdmin`` gets: the same user, with a method and data of its own."""

    def __init__(
        self,
        request: HttpRequest,
        method: str = "GET",
        *,
        query: QueryDict | None = None,
        data: QueryDict | None = None,
        files: MultiValueDict[str, Any] | None = None,
        url: str | None = None,
    ) -> None:
        """Copy the session, the user and all that middleware has set."""
        super().__init__()
        self.__dict__.update(request.__dict__)
        self.origin = request
        self.COOKIES = request.COOKIES
        self.method = method
        self.META = {**request.META, "REQUEST_METHOD": method}
        given: Any = self  # QueryDict() is immutable for type checkers only if it is empty
        given.GET = query if query is not None else QueryDict()
        given.POST = data if data is not None else QueryDict()
        self.FILES = files if files is not None else MultiValueDict()
        # The API's authentication has checked the token where the request needs one.
        self.csrf_processing_done = True
        if url is not None:
            # Some admins read the key of the object here.
            self.path = self.path_info = url
            try:
                self.resolver_match = resolve(f"/{url.removeprefix(get_script_prefix())}")
            except Resolver404:
                self.resolver_match = None

    @property
    def scheme(self) -> str | None:
        """The scheme of the request that was copied."""
        return self.origin.scheme


class Desk:
    """One ``ModelAdmin`` for one request: asks its views, and notes what they save and say."""

    def __init__(
        self, request: HttpRequest, model_admin: "ModelAdmin[Any]", site: AdminSite
    ) -> None:
        """Copy the ``ModelAdmin``. Raises ``PermissionDenied`` if the user may not use the site."""
        self.request = request
        self.messages = Messages()
        self.saved: Any = None
        self.query = request.GET.copy()
        """The query of the list, without what the API itself reads."""
        for name in ("page", "page_size", "format"):
            self.query.pop(name, None)
        self.admin: Any = copy.copy(model_admin)
        self.admin.admin_site = site
        # The only way to learn which object a view has saved, and it keeps what a project has overridden.
        for name in ("response_add", "response_change"):
            setattr(self.admin, name, self._noting(getattr(self.admin, name)))
        if not site.has_permission(self.copy()):
            raise PermissionDenied

    def copy(
        self,
        method: str = "GET",
        *,
        query: QueryDict | None = None,
        data: QueryDict | None = None,
        files: MultiValueDict[str, Any] | None = None,
        url: str | None = None,
    ) -> AdminRequest:
        """Return a request for the ``ModelAdmin``; its messages are collected."""
        made = AdminRequest(self.request, method, query=query, data=data, files=files, url=url)
        setattr(made, _MESSAGES, self.messages)
        return made

    def ask(self, view: Callable[..., Any], request: HttpRequest, key: str) -> Any:
        """Call a view for the object with a key; raise ``NotFound`` if there is none."""
        try:
            return view(request, quote(key))
        except NoReverseMatch:
            # Django's views redirect to the list then, which a site without pages does not have.
            is_mounted = admin_url(self.admin, "changelist") is not None
            if is_mounted or self.admin.get_object(request, key) is not None:
                raise
            raise NotFound from None

    def context(self, response: Any) -> Mapping[str, Any] | None:
        """Return what a page would show; None if a view answers with anything but a page."""
        found: Mapping[str, Any] | None = getattr(response, "context_data", None)
        return found

    def _noting(self, respond: Callable[..., Any]) -> Callable[..., Any]:
        def note(request: HttpRequest, obj: Any, *args: Any, **kwargs: Any) -> Any:
            self.saved = obj
            try:
                return respond(request, obj, *args, **kwargs)
            except NoReverseMatch:
                if admin_url(self.admin, "changelist") is not None:
                    raise
                return None  # the site has no pages, so there is none to go to

        return note


def quiet_site(site: AdminSite) -> AdminSite:
    """Return a copy of a site that does not make the navigation of each page, which nobody sees here."""
    made: Any = copy.copy(site)
    made.each_context = lambda request: {}
    return made  # type: ignore[no-any-return]


def admin_url(model_admin: Any, page: str, *args: Any) -> str | None:
    """Return the URL of a page of the HTML admin; None if the site is not in the project's URLs."""
    opts = model_admin.opts
    name = f"admin:{opts.app_label}_{opts.model_name}_{page}"
    try:
        return reverse(name, args=args, current_app=model_admin.admin_site.name)
    except NoReverseMatch:
        return None


def plain_text(value: Any) -> str:
    """Return a text as a person reads it: without tags and entities if it is HTML."""
    text = str(value)
    return unescape(strip_tags(text)) if hasattr(text, "__html__") else text
