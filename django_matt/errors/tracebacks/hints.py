"""Hints for common mistakes: sentences that say how to fix them. To add one, decorate a function with ``@hint``.

This module has those about the setup of a project and its database. The others are in ``request_hints`` and ``response_hints``.
"""

import re
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from django.core.exceptions import (
    AppRegistryNotReady,
    DisallowedHost,
    ImproperlyConfigured,
    MultipleObjectsReturned,
    ObjectDoesNotExist,
    SynchronousOnlyOperation,
)
from django.db import OperationalError, ProgrammingError
from django.http import HttpRequest
from django.template import TemplateDoesNotExist
from ninja.errors import ConfigError
from pydantic import ValidationError

from django_matt.errors.exceptions import MissingExtra
from django_matt.errors.faults import unset_field
from django_matt.errors.tracebacks.safe_repr import printable
from django_matt.installation import install_line

__all__ = ["find_hint", "hint"]

Hint = Callable[[BaseException, Any, Any], str | None]
_HINTS: list[Hint] = []


def hint(function: Hint) -> Hint:
    """Register ``function(exc, request, api)``, which returns a sentence or ``None``."""
    _HINTS.append(function)
    return function


def find_hint(
    exc: BaseException, request: HttpRequest | None = None, api: Any = None
) -> str | None:
    """Return the first hint for an exception or for one of its causes."""
    for name in ("request_hints", "response_hints"):
        import_module(f"django_matt.errors.tracebacks.{name}")  # they add themselves, once
    registered = getattr(api, "registered_errors", None)
    of_api: list[Hint] = [] if registered is None else [lambda exc, *_: registered.find_hint(exc)]
    for link in _chain(exc):
        for function in (*of_api, *_HINTS):
            try:
                found = function(link, request, api)
            except Exception:  # noqa: BLE001, S112 - a hint that fails must not hide the error it explains
                continue
            if found:
                return printable(found)
    return None


def _chain(exc: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting: list[BaseException] = [exc]
    while waiting and len(seen) < 20:
        link = waiting.pop(0)
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        following = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
        members = link.exceptions if isinstance(link, BaseExceptionGroup) else ()
        waiting += [other for other in (following, *members) if other is not None]


def _text(exc: BaseException) -> str:
    """Return what an exception says; nothing for one of pydantic, whose text may evaluate a queryset."""
    return "" if isinstance(exc, ValidationError) else str(exc)


def _functions(exc: BaseException) -> set[str]:
    names = set()
    traceback = exc.__traceback__
    while traceback is not None:
        names.add(traceback.tb_frame.f_code.co_name)
        traceback = traceback.tb_next
    return names


@hint
def _of_the_exception(exc: BaseException, request: Any, api: Any) -> str | None:
    """Return the hint that is part of an exception of this package."""
    return getattr(exc, "matt_hint", None)


@hint
def _lazy_relation(exc: BaseException, request: Any, api: Any) -> str | None:
    if not isinstance(exc, SynchronousOnlyOperation):
        return None
    names = _functions(exc)
    if names & {"get_object", "refresh_from_db"}:
        return "An async route reads a relation that was not loaded. Add select_related() or prefetch_related() to the query."
    return (
        "An async route uses a synchronous method of the database: use the async method (aget, afirst, acreate, async for …), "
        "wrap the call in sync_to_async, or make the route a plain def."
    )


@hint
def _missing_table_or_column(exc: BaseException, request: Any, api: Any) -> str | None:
    if not isinstance(exc, OperationalError | ProgrammingError):
        return None
    text = str(exc)
    if re.search(r'no such table|relation ".*" does not exist|Table .* doesn.t exist', text):
        return "The table does not exist: run `python manage.py migrate`, and `makemigrations` before it if the model is new."
    if re.search(
        r'no such column|has no column named|column "?.*"? .*does not exist|Unknown column', text
    ):
        return "A column does not exist: run `python manage.py makemigrations`, then `python manage.py migrate`."
    if "unable to open database file" in text:
        return "SQLite cannot open its file: check that the folder in DATABASES exists and can be written."
    return None


@hint
def _missing_app(exc: BaseException, request: Any, api: Any) -> str | None:
    text = _text(exc)
    found = re.search(r"Model class (\S+?)\.models\S* doesn't declare an explicit app_label", text)
    if isinstance(exc, RuntimeError) and found:
        return f'Add "{found[1]}" to INSTALLED_APPS: its models are imported, but its app is not installed.'
    if isinstance(exc, LookupError) and (
        found := re.search(r"No installed app with label '(\w+)'", text)
    ):
        return f'Add the app whose label is "{found[1]}" to INSTALLED_APPS.'
    return None


@hint
def _ninja_extra_is_not_installed(exc: BaseException, request: Any, api: Any) -> str | None:
    text = _text(exc)
    if "ninja_extra" in text and ("installed" in text.lower() or "INSTALLED_APPS" in text):
        return 'Add "ninja_extra" to INSTALLED_APPS: controllers need the injector of its app.'
    from django.apps import apps

    needs_injector = isinstance(exc, AttributeError | LookupError) and "injector" in text
    if needs_injector and apps.ready and not apps.is_installed("ninja_extra"):
        return 'Add "ninja_extra" to INSTALLED_APPS: controllers need the injector of its app.'
    return None


@hint
def _missing_template(exc: BaseException, request: Any, api: Any) -> str | None:
    if isinstance(exc, TemplateDoesNotExist):
        return (
            f'No engine found "{exc}": check its path under a templates/ folder, APP_DIRS or DIRS in TEMPLATES, and '
            "that its app is in INSTALLED_APPS."
        )
    return None


@hint
def _missing_extra(exc: BaseException, request: Any, api: Any) -> str | None:
    if isinstance(exc, MissingExtra):
        return f"Install it: {install_line(exc.extra)}"
    if isinstance(exc, ModuleNotFoundError) and exc.name:
        return f'The module "{exc.name}" is not installed in this environment, or its name is misspelt.'
    return None


@hint
def _circular_import(exc: BaseException, request: Any, api: Any) -> str | None:
    if isinstance(exc, ImportError) and "circular import" in str(exc):
        return "Two modules import each other: move what both need into a third module, or import inside the function that needs it."
    return None


@hint
def _apps_not_ready(exc: BaseException, request: Any, api: Any) -> str | None:
    if isinstance(exc, AppRegistryNotReady):
        return (
            "A model is used before Django has loaded its apps: call django.setup() first in a script, or move the "
            "import into AppConfig.ready() or a function."
        )
    return None


@hint
def _lost_arguments(exc: BaseException, request: Any, api: Any) -> str | None:
    if isinstance(exc, TypeError) and "required positional argument" in str(exc):
        return (
            "If the view has a decorator, put @functools.wraps(view) above its inner function: without it, the "
            "view's parameters cannot be read, so they are not passed."
        )
    return None


@hint
def _coroutine_not_awaited(exc: BaseException, request: Any, api: Any) -> str | None:
    if re.search(r"'coroutine' object|of type '?coroutine", _text(exc), re.IGNORECASE):
        return "A coroutine was not awaited: write await in front of the call, in an async def."
    return None


@hint
def _disallowed_host(exc: BaseException, request: Any, api: Any) -> str | None:
    if isinstance(exc, DisallowedHost):
        host = re.search(r"'([^']*)'", str(exc))
        return f"Add {host[0] if host else 'the host'} to ALLOWED_HOSTS if the host is yours."
    return None


@hint
def _no_object(exc: BaseException, request: Any, api: Any) -> str | None:
    if isinstance(exc, ObjectDoesNotExist) and not isinstance(exc, AttributeError):
        return (
            "get() found no row. If the client may ask for an object that does not exist, use Django's get_object_or_404() "
            "or aget_object_or_404(): the response is then a 404."
        )
    if isinstance(exc, MultipleObjectsReturned):
        return "get() found more than one row: filter by a unique field, or use filter(…).first()."
    return None


@hint
def _page_under_ninja_s_paginate(exc: BaseException, request: Any, api: Any) -> str | None:
    if isinstance(exc, ConfigError) and "has no collection response" in str(exc):
        return (
            "paginate of ninja.pagination makes the schema of the page itself: declare a list of the items, "
            "response=list[Item]."
        )
    return None


@hint
def _empty_one_to_one(exc: BaseException, request: Any, api: Any) -> str | None:
    if isinstance(exc, ObjectDoesNotExist) and isinstance(exc, AttributeError):
        return "This object has no related object for a one-to-one relation: check with hasattr(), or raise NotFound."
    return None


@hint
def _no_template_engine(exc: BaseException, request: Any, api: Any) -> str | None:
    if isinstance(exc, ImproperlyConfigured) and "DjangoTemplates" in str(exc):
        return "Configure a DjangoTemplates backend in TEMPLATES."
    return None


@hint
def _unset_column(exc: BaseException, request: Any, api: Any) -> str | None:
    unset = unset_field(exc)
    if unset is None:
        return None
    model, field = unset
    return (
        f"The view did not set `{field}` of {model}, and the column does not accept null. The request sent no null for it, "
        "so the answer is a 500 and not a 422."
    )
