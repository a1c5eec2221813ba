"""The key of a response: what the route lets it depend on, and nothing else of the request."""

import json
import warnings
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from hashlib import blake2b
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db.models import DateTimeField, Model
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language
from ninja.operation import Operation
from ninja_extra import ControllerBase
from ninja_extra.permissions import AllowAny
from pydantic import BaseModel

from django_matt import upstream
from django_matt.contrib.caching.decorators import Caching, Vary
from django_matt.contrib.caching.sights import Sight, header_of, watch
from django_matt.controllers import route_function_of
from django_matt.errors.exceptions import NotAcceptable, PermissionDenied
from django_matt.hooks import Call
from django_matt.sign_in import (
    ResolvesTenant,
    current_tenant,
    installed,
    pinned_tenant,
    principal_of,
)

__all__ = ["Key", "Keys", "NoKey"]

_BASIC = (str, bytes, int, float, bool, Decimal, UUID, date, datetime, time, timedelta, Enum)
_AT_ONCE = frozenset({str, int, bool, float, type(None)})
# Of an object that is request.auth: two keys of a user may have different ones.
_ROLES = ("scopes", "scope", "role", "roles", "tenant_role")


class NoKey(Exception):  # noqa: N818 - a reason, which only becomes a header in DEBUG
    """A part of the key cannot be told apart from another."""


class Key:
    """The key of one request."""

    __slots__ = ("has_user", "is_personal", "known", "text")

    def __init__(self, known: frozenset[str]) -> None:
        self.text = ""
        self.has_user = False
        self.is_personal = False
        """Whether it is that of a user or a tenant, so that a CDN must not store the response."""
        self.known = known
        """The headers and cookies on which the response may depend."""


class Keys:
    """Makes the keys of one operation."""

    def __init__(self, operation: Operation, api: Any, caching: Caching) -> None:
        """Find what responses differ by. Raises ``ImproperlyConfigured`` if that is not known."""
        name = operation.operation_id or api.get_openapi_operation_id(operation)
        self.route = f"{api.urls_namespace}:{name}"
        sources: dict[str, Any] = {upstream.source_of(model): model for model in operation.models}
        if {"body", "form", "file"} & {*sources}:
            raise ImproperlyConfigured("a route with a body cannot be cached.")
        query = sources.get("query")
        self.query = () if query is None else _names(query)
        headers, cookies = _names(sources.get("header")), _names(sources.get("cookie"))
        if headers is None or cookies is None:
            raise ImproperlyConfigured(
                "a schema of headers or cookies that accepts any name cannot be a part of the key."
            )
        self._headers = [header_of(name) for name in headers]
        self._cookies = cookies
        self.known = frozenset({*self._headers, *(f"cookie {each}" for each in cookies)})
        self._fingerprint = f"{self.route} {_schema_of(operation)}"
        self.vary: tuple[Vary, ...] = caching.vary or ()
        self.is_shared = caching.vary == ()
        """Whether the route says that every user gets the same."""
        is_scoped = getattr(api, "scopes", None) is not None
        self.is_guarded = bool(operation.auth_callbacks) or is_scoped or _has_permissions(operation)
        self._has_user = not self.is_shared and (self.is_guarded or "user" in self.vary)
        if self._has_user and "user" not in self.vary:
            self.vary = ("user", *self.vary)
        if caching.public and (self.is_guarded and not self.is_shared):
            raise ImproperlyConfigured(
                "public=True needs vary=[] on a route with authentication or permissions, because a CDN sends one response "
                "to everyone, also to those whom the route refuses."
            )
        self.has_tenant = any(True for _ in installed(ResolvesTenant))  # type: ignore[type-abstract]
        self._functions = [each for each in self.vary if callable(each)]

    def key_of(self, call: Call) -> Key:
        """Return the key of a request. Raises ``NoKey`` if nothing tells a part of it apart from another."""
        request: Any = call.request
        found, meta = Key(self.known), request.META
        host = request.get_host()  # of the links to other pages
        port = host.rpartition(":")[2]
        if port.isdigit() and port not in (request.get_port(), meta.get("SERVER_PORT")):
            raise NoKey("the Host has another port than the server")
        parts: list[Any] = [self._fingerprint, request.method, request.scheme, host, request.path]
        parts.append(self._parameters(request))
        parts.append([meta.get(name) for name in self._headers])
        parts.append([request.COOKIES.get(name) for name in self._cookies])
        parts.append(_format_of(call, found))
        if self._functions:
            sight = Sight(frozenset())
            with watch(request, sight, is_secret=True):
                parts += [_plain(function(request)) for function in self._functions]
            found.known |= sight.unknown
        found.has_user = self._has_user or (not self.is_shared and _was_read(request))
        if found.has_user:
            parts.append(_user_of(request, found))
        if self.has_tenant:
            parts.append(_tenant_of(request, found))
        if settings.USE_I18N:
            parts.append(get_language())
        if settings.USE_TZ:
            parts.append(timezone.get_current_timezone_name())
        # Two lists of parts never have the same text. Control characters and lone surrogates are escaped in it.
        found.text = blake2b(repr(parts).encode(), digest_size=16).hexdigest()
        return found

    def _parameters(self, request: HttpRequest) -> list[Any]:
        if not request.META.get("QUERY_STRING") or self.query == ():
            return []
        sent = request.GET
        names = sorted(sent) if self.query is None else self.query
        return [[name, sent.getlist(name)] for name in names if name in sent]


def _names(model: Any) -> tuple[str, ...] | None:
    """Return the names that clients send, sorted; ``None`` if a schema accepts any."""
    if model is None:
        return ()
    flat = upstream.flat_names(model)
    if flat is None or any(_accepts_any(field.annotation) for field in model.model_fields.values()):
        return None
    return tuple(sorted(flat))


def _accepts_any(annotation: Any) -> bool:
    return (
        isinstance(annotation, type)
        and issubclass(annotation, BaseModel)
        and annotation.model_config.get("extra") == "allow"
    )


def _has_permissions(operation: Operation) -> bool:
    route = route_function_of(operation)
    if route is None:
        return False
    controller, cls = route.api_controller, route.api_controller.controller_class
    own = cls.check_permissions is not ControllerBase.check_permissions
    own |= cls.async_check_permissions is not ControllerBase.async_check_permissions
    permissions = route.route.permissions or controller.permission_classes
    return own or any(each is not AllowAny for each in permissions)


def _was_read(request: Any) -> bool:
    """Tell whether somebody may have found out who the user is: then an attribute of the request may depend on it."""
    user = request.__dict__.get("user")
    known = user is not None and not isinstance(user, SimpleLazyObject)
    return known or bool(getattr(getattr(request, "session", None), "accessed", False))


def _format_of(call: Call, found: Key) -> Any:
    """Return the format of the response, and not the ``Accept`` that asks for it: there are many for each format."""
    formats, request = call.formats, call.request
    if formats is not None:
        with suppress(NotAcceptable):
            chosen = formats.select(request)
            if not chosen.vary:
                return f"{chosen.name} {chosen.variant(request)}"
            names = [header_of(name) for name in chosen.vary]
            found.known |= {*names}
            return [chosen.name, *map(request.META.get, names)]
    return None


def _user_of(request: Any, found: Key) -> list[Any]:
    """Return who sent the request, with the values of the user, because the view need not query them again."""
    auth, user = getattr(request, "auth", None), getattr(request, "user", None)
    is_signed_in = user is not None and user.is_authenticated
    found.is_personal = is_signed_in or bool(auth)
    if auth is True and not is_signed_in:
        raise NoKey("request.auth is True; return the user, or write vary=[] if all get the same")
    try:
        principal = principal_of(request)
    except TypeError as error:
        raise NoKey(str(error)) from error
    parts: list[Any] = [principal, pinned_tenant(request), type(auth).__qualname__]
    if is_signed_in:
        parts.append(_fields_of(user))
    if isinstance(auth, Model):
        parts.append(None if auth is user else _fields_of(auth))
    elif isinstance(auth, Mapping | list | tuple | str):
        parts.append(_plain(auth))
    elif auth is not None:
        parts += [_plain(getattr(auth, name, None)) for name in _ROLES]
        rows = getattr(auth, "__dict__", {}).values()
        parts += [_fields_of(each) for each in rows if isinstance(each, Model)]
    return parts


def _tenant_of(request: Any, found: Key) -> Any:
    try:
        tenant = current_tenant(request)
    except PermissionDenied as error:
        return type(error).__qualname__
    found.is_personal |= tenant is not None
    return _fields_of(tenant) if isinstance(tenant, Model) else _plain(tenant)


def _fields_of(instance: Any) -> list[Any]:
    deferred = instance.get_deferred_fields()
    found: list[Any] = [instance._meta.label]
    for field in instance._meta.concrete_fields:
        name = field.attname
        if name in deferred or (name.startswith("last_") and isinstance(field, DateTimeField)):
            continue  # as ``last_login``, it changes with each sign-in
        value = getattr(instance, name)
        if type(value) not in _AT_ONCE:
            value = repr(value)
            if " at 0x" in value:
                # The address of an object would be that of another one later.
                raise NoKey(f"{name} is an object without a representation of its own")
        found.append(value)
    return found


def _plain(value: Any) -> Any:
    """Return a value of which equal ones, and no others, have the same text."""
    if value is None or isinstance(value, _BASIC):
        return [type(value).__qualname__, repr(value)]
    if isinstance(value, Model) and value.pk is not None:
        return [value._meta.label, repr(value.pk)]
    if isinstance(value, Mapping):
        return sorted([repr(_plain(name)), _plain(each)] for name, each in value.items())
    if isinstance(value, list | tuple):
        return [*map(_plain, value)]
    if isinstance(value, set | frozenset):
        return sorted(repr(_plain(each)) for each in value)
    raise NoKey(f"a part of the key is a {type(value).__name__}; return a text, a number or a row")


def _schema_of(operation: Operation) -> str:
    """Return a hash of the response schemas: after a new release, an old response may not fit."""
    found: list[Any] = []
    for status, model in operation.response_models.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found.append([str(status), model.model_json_schema(mode="serialization")])
        except Exception:  # noqa: BLE001 - no schema, or one that JSON Schema cannot describe
            found.append([str(status), str(getattr(model, "__name__", None))])
    return blake2b(json.dumps(found, default=str).encode(), digest_size=8).hexdigest()
