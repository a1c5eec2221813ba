"""Makes the user of a request the one as whom a member of staff has signed in, and shows it on every page."""

import re
from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve, reverse
from django.utils.cache import patch_cache_control
from django.utils.functional import SimpleLazyObject, cached_property

from django_matt.contrib.admin import acting
from django_matt.sign_in import Impersonation

__all__ = ["SignInAsMiddleware"]

# Unfold's has JavaScript with arrows in its attributes.
_BODY = re.compile(rb"""<body(?:"[^"]*"|'[^']*'|[^"'>])*>""", re.IGNORECASE)


class SignInAsMiddleware:
    """Put it behind ``AuthenticationMiddleware``. A request that does not ask for its user costs nothing.

    Below the admin, a member of staff stays who they are.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        """Take the next middleware or the view."""
        self.get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        """Answer the request; a coroutine under ASGI."""
        if self._is_async:
            return self._acall(request)
        watched = _Watched(request)
        return watched.finish(self.get_response(request))

    async def _acall(self, request: HttpRequest) -> Any:
        watched = _Watched(request)
        response = await self.get_response(request)
        return await sync_to_async(watched.finish)(response) if watched.is_acting else response


class _Watched:
    """One request, whose impersonation is looked up when its user is asked for."""

    def __init__(self, request: Any) -> None:
        self.request = request
        self.user = request.user
        self.auser: Any = getattr(request, "auser", None)
        self.request.user = SimpleLazyObject(self._find_user)
        self.request.auser = self._find_user_async
        self.request.find_impersonation = self._find_outside

    @cached_property
    def found(self) -> Impersonation | None:
        return acting.find(self.request)

    @cached_property
    def namespace(self) -> str:
        """The namespace of the admin site that answers; empty for other pages."""
        try:
            match = resolve(self.request.path_info, getattr(self.request, "urlconf", None))
        except Resolver404:
            return ""
        return match.namespace if "admin" in match.app_names else ""

    @property
    def is_acting(self) -> bool:
        """Whether the user was asked for, and it was another one than that of the session, or would have been."""
        return self.__dict__.get("found") is not None

    def _find_outside(self) -> Impersonation | None:
        return None if self.found is None or self.namespace else self.found

    def _find_user(self) -> Any:
        found = self._find_outside()
        return self.user if found is None else found.user

    async def _find_user_async(self) -> Any:
        found = await sync_to_async(self._find_outside)()
        return await self.auser() if found is None else found.user

    def finish(self, response: Any) -> Any:
        """Add the banner to a page, and let no cache keep it."""
        if not self.is_acting:
            return response
        patch_cache_control(response, private=True, no_store=True)
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        if response.streaming or not is_page or response.has_header("Content-Encoding"):
            return response
        begin = _BODY.search(response.content)
        if begin is not None:
            banner = self._banner().encode(response.charset)
            content = response.content
            response.content = content[: begin.end()] + banner + content[begin.end() :]
            if response.has_header("Content-Length"):
                response.headers["Content-Length"] = str(len(response.content))
        return response

    def _banner(self) -> str:
        values = {
            "impersonation": self.found,
            "csrf_token": get_token(self.request),
            "end": reverse("admin:matt_stop_acting", current_app=self.namespace or None),
        }
        return render_to_string("matt_admin/acting.html", values)
