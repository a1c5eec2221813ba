"""Limits sign-in by address and by account, also on views that are not routes, such as allauth's."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any
from unicodedata import normalize

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve

from django_matt.contrib.rate_limits.addresses import address_bucket
from django_matt.contrib.rate_limits.services import check_limit
from django_matt.contrib.rate_limits.settings import get_settings
from django_matt.errors.exceptions import Problem
from django_matt.errors.middlewares import ANSWER

__all__ = ["SignInLimits"]

_METHODS = frozenset({"POST", "PUT", "PATCH"})
_FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
_ACCOUNTS = ("email", "username", "login", "phone")
"""The members of a body that name an account: allauth's, Django's and ours."""


class SignInLimits:
    """Counts the attempts to sign in by address (``sign_in``) and by account (``sign_in_account``).

    Both limits are closed: while the store does not answer, nobody signs in.
    """

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        """Take what handles the request afterwards."""
        self._next: Any = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Refuse the request if it signs in too often."""
        response: Any = None
        if request.method in _METHODS and _signs_in(request.path_info):
            response = self._limit_async(request) if self._is_async else _refuse(request)
        if response is None:
            response = self._next(request)
        return response  # type: ignore[no-any-return] # a response, or an awaitable of it

    async def _limit_async(self, request: HttpRequest) -> HttpResponseBase:
        response = await sync_to_async(_refuse)(request)
        if response is None:
            response = await self._next(request)
        return response


@lru_cache(maxsize=4)
def _pattern(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{each})" for each in patterns) or r"(?!)")


def _signs_in(path: str) -> bool:
    return _pattern(tuple(get_settings().SIGN_IN_PATHS)).search(path) is not None


def _refuse(request: HttpRequest) -> HttpResponseBase | None:
    try:
        check_limit("sign_in", address_bucket(request), request=request)
        for account in _accounts(request):
            check_limit("sign_in_account", account, request=request)
    except Problem as problem:
        return _answer(request, problem)
    return None


def _accounts(request: HttpRequest) -> list[str]:
    """Return every account that a body names, whether it exists or not; none if the view will refuse the body.

    A view may read JSON whatever the ``Content-Type`` says, as allauth's do, and only one of several names.
    """
    found: dict[str, None] = {}
    try:
        # Before POST, which would leave nothing of a multipart body for the view.
        content = request.body
        bodies: list[Any] = [request.POST] if request.content_type in _FORMS else []
        with suppress(ValueError, RecursionError):
            bodies.append(json.loads(content))
    except Exception:  # noqa: BLE001 - a body that is malformed, too large or cut off: the view answers it
        return []
    for body in bodies:
        given = (
            [body.get(name) for name in _ACCOUNTS] if isinstance(body, Mapping | QueryDict) else []
        )
        # As Django's forms read a name: other spellings of it are the same account.
        found |= {
            normalize("NFKC", text).strip().casefold(): None
            for text in given
            if isinstance(text, str)
        }
    return [account for account in found if account]


def _answer(request: HttpRequest, problem: Problem) -> HttpResponseBase:
    """Return the error in the format of the API that answers the view's errors; as plain text without one."""
    try:
        view: Any = resolve(request.path_info, getattr(request, "urlconf", None)).func
    except Resolver404:
        view = None
    answer = getattr(view, ANSWER, None)
    if answer is not None:
        response: HttpResponseBase = answer(request, problem)
        return response
    return HttpResponse(
        str(problem.detail),
        status=problem.status_code,
        content_type="text/plain; charset=utf-8",
        headers=problem.headers,
    )
