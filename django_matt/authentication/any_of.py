"""``AnyOf``: several callbacks, of which only the one whose credentials a request has decides."""

from collections.abc import Callable
from functools import cached_property
from inspect import isawaitable
from typing import Any

from django.http import HttpRequest
from ninja.errors import ConfigError

from django_matt.authentication.authenticators import set_user, user_of
from django_matt.errors.exceptions import InvalidCredentials
from django_matt.operation_checks import bind_callback, is_async_callback
from django_matt.security_schemes import challenge_of, reader_of, schemes_of

__all__ = ["AnyOf"]


class AnyOf:
    """Several ways to authenticate. The credentials in the request decide which one is used.

    Wrong credentials are refused, even if the request also has valid ones of another kind. Headers and the query, which
    a client sends on purpose, are checked before cookies, which a browser sends automatically. A CSRF token is only
    needed if a cookie is used. It accepts authenticators and Ninja's own classes: all that have a security scheme.

    >>> auth = AnyOf(BearerToken(), SessionAuthenticator())    # doctest: +SKIP
    """

    def __init__(self, *callbacks: Any) -> None:
        """Take the callbacks; raise ``ConfigError`` without any, or if wrong and missing credentials look the same to one."""
        if not callbacks:
            raise ConfigError(
                "AnyOf() needs at least one authenticator: without one, it refuses every request."
            )
        for each in callbacks:
            if not hasattr(each, "_matt_bind") and not any(
                map(reader_of, schemes_of(each).values())
            ):
                raise ConfigError(
                    f"AnyOf cannot tell whether a request has credentials for {each!r}."
                )
        self._matt_members: tuple[Any, ...] = tuple(sorted(callbacks, key=_is_cookie))

    @property
    def csrf(self) -> bool:
        """Whether one of them checks CSRF tokens; ``/docs`` needs to know."""
        return any(getattr(each, "csrf", False) for each in self._matt_members)

    def __call__(self, request: HttpRequest) -> Any:
        """Authenticate a request on a sync route; Ninja calls this if Django Matt has not bound the route."""
        return self._sync(request)

    @cached_property
    def _sync(self) -> Callable[[HttpRequest], Any]:
        return self._matt_bind(is_async=False)

    def _matt_bind(self, *, is_async: bool) -> Callable[[HttpRequest], Any]:
        asks = [_bind_member(each, is_async=is_async) for each in self._matt_members]

        def ask(request: HttpRequest) -> Any:
            for each in asks:
                if (found := each(request)) is not None:
                    return found
            return None

        async def ask_async(request: HttpRequest) -> Any:
            for each in asks:
                if (found := await each(request)) is not None:
                    return found
            return None

        return ask_async if is_async else ask


def _is_cookie(callback: Any) -> bool:
    if isinstance(callback, AnyOf):
        return any(map(_is_cookie, callback._matt_members))
    return any(scheme.get("in") == "cookie" for scheme in schemes_of(callback).values())


def _bind_member(callback: Any, *, is_async: bool) -> Callable[[HttpRequest], Any]:
    """Return a function that calls one callback, and raises if its credentials are wrong."""
    if hasattr(callback, "_matt_bind"):
        return bind_callback(callback, is_async=is_async)
    readers: list[Any] = list(filter(None, map(reader_of, schemes_of(callback).values())))
    challenge = challenge_of([callback])
    headers = {"WWW-Authenticate": challenge} if challenge else {}

    def accept(request: HttpRequest, found: Any, user_before: Any) -> Any:
        if not found:
            raise InvalidCredentials(headers=headers)
        if request.__dict__.get("user") is user_before:  # the class has not set it by itself
            set_user(request, user_of(found))
        return found

    async def accept_later(request: HttpRequest, found: Any, user_before: Any) -> Any:
        return accept(request, await found, user_before)

    def decide(request: HttpRequest) -> Any:
        user = request.__dict__.get("user")
        found = callback(request)
        return (accept_later if isawaitable(found) else accept)(request, found, user)

    marked: Any = decide
    marked.is_async = is_async_callback(callback)
    marked.is_blocking = getattr(callback, "is_blocking", True)
    ask = bind_callback(decide, is_async=is_async)

    def ask_if_there(request: HttpRequest) -> Any:
        return ask(request) if any(read(request) is not None for read in readers) else None

    async def ask_if_there_async(request: HttpRequest) -> Any:
        return await ask(request) if any(read(request) is not None for read in readers) else None

    return ask_if_there_async if is_async else ask_if_there
