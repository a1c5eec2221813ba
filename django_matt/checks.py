"""System checks of the core: ``matt.E…``, ``matt.W006`` and ``matt.W010`` always, other ``matt.W…`` with ``check --deploy``.

See ``database_checks`` too.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's name
from django.core.exceptions import ImproperlyConfigured

from django_matt.discovery import find_apis
from django_matt.rows import row_writers as programs
from django_matt.serialization.encoders import COMPILED
from django_matt.settings import get_settings
from django_matt.urls import HINT, atomic_aliases, transactions_around

if TYPE_CHECKING:
    from django_matt.operations import BoundOperation

__all__ = [
    "check_apps",
    "check_async_routes",
    "check_encoder",
    "check_error_logging",
    "check_persistent_connections",
    "check_proxies",
    "check_routes",
    "check_scopes",
    "check_settings",
    "check_throttles",
]

_HINTS = {
    "matt.E004": "Define or import the name in the module of the view, outside of `if TYPE_CHECKING:`.",
    "matt.E006": "Change what the hook asks of the route, or remove its app from INSTALLED_APPS.",
}
_LOCAL_CACHES = (
    "django.core.cache.backends.locmem.LocMemCache",
    "django.core.cache.backends.dummy.DummyCache",
)


def _operations() -> "Iterator[BoundOperation]":
    """Yield the operations of every API that the project mounts."""
    # Here, as a server imports the checks too, and runs none.
    from django_matt.operations import list_operations

    for api, prefix in find_apis():
        yield from list_operations(api, prefix)


@register("matt")
def check_settings(**_: Any) -> list[CheckMessage]:
    """Report an unknown option in ``settings.MATT``, and an unknown tier."""
    try:
        get_settings()
    except ImproperlyConfigured as error:
        from django_matt import option_names  # not needed to serve

        return [Error(str(error), hint=option_names.hint(), id="matt.E001")]
    return []


@register("matt")
def check_apps(**_: Any) -> list[CheckMessage]:
    """Report that Ninja Extra's app is not installed, although its injector builds the controllers."""
    if (
        "ninja_extra" in settings.INSTALLED_APPS
        or "ninja_extra.apps.NinjaExtraConfig" in settings.INSTALLED_APPS
    ):
        return []
    hint = 'Add "ninja_extra" to INSTALLED_APPS, before "django_matt".'
    return [
        Error(
            "Controllers cannot be injected without the app of Ninja Extra.",
            hint=hint,
            id="matt.E002",
        )
    ]


@register("matt")
def check_routes(**_: Any) -> list[CheckMessage]:
    """Report a route that returns a 500, because its annotations cannot be resolved, or a hook cannot be bound."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return []
    broken = [(each.problem, each.operation) for each in _operations() if each.problem]
    return [
        Error(problem, hint=_HINTS[check], id=check)
        for problem, operation in broken
        for check in [operation._matt_binding.check]  # type: ignore[attr-defined]
    ]


@register("matt")
def check_scopes(**_: Any) -> list[CheckMessage]:
    """Report a scope that cannot work: it is not for a model, or is not a plain function of the request."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return []
    return [
        Error(f"{api.title!r}: {problem}", hint=hint, id="matt.E007")
        for api, _ in find_apis()
        if (scopes := getattr(api, "scopes", None)) is not None
        for problem, hint in scopes.problems()
    ]


@register("matt", "matt_doctor", deploy=True)
def check_encoder(**_: Any) -> list[CheckMessage]:
    """Warn if responses are written by the plain encoder, three to four times slower than the compiled one."""
    if COMPILED and programs.COMPILED:
        return []
    hint = "Install a C compiler (Debian: build-essential) and reinstall django-matt, or install a wheel that was built with one."
    return [
        Warning(
            "The compiled encoder is missing, so responses are written three to four times slower.",
            hint=hint,
            id="matt.W001",
        )
    ]


@register("matt", deploy=True)
def check_error_logging(**_: Any) -> list[CheckMessage]:
    """Warn if unexpected errors in production are not logged anywhere: Django's default only sends mail to ``ADMINS``."""
    if settings.LOGGING or settings.ADMINS or settings.LOGGING_CONFIG is None:
        return []
    hint = 'Set LOGGING with a handler for "django.request", or ADMINS; the deployment page has a LOGGING to copy.'
    return [
        Warning(
            "With DEBUG off, unexpected errors are not logged anywhere.", hint=hint, id="matt.W002"
        )
    ]


@register("matt", deploy=True)
def check_throttles(**_: Any) -> list[CheckMessage]:
    """Warn if throttles count in a cache that processes do not share."""
    local = settings.CACHES.get("default", {}).get("BACKEND") in _LOCAL_CACHES
    if not local or not getattr(settings, "ROOT_URLCONF", None):
        return []
    hint = "Set CACHES to Redis, Memcached or the database."
    throttling = dict.fromkeys(each.api for each in _operations() if each.throttles)
    return [
        Warning(
            f"{api.title!r} has throttles, and each process counts requests separately.",
            hint=hint,
            id="matt.W003",
        )
        for api in throttling
    ]


@register("matt")
def check_async_routes(**_: Any) -> list[CheckMessage]:
    """Warn of async routes that ``ATOMIC_REQUESTS`` makes answer with an error, and name them."""
    if not atomic_aliases() or not getattr(settings, "ROOT_URLCONF", None):
        return []
    names = [
        f"{operation.methods[0]} {operation.path}"
        for operation in _operations()
        if operation.is_async and transactions_around(operation.operation)
    ]
    if not names:
        return []
    shown = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
    return [
        Warning(
            f"Async routes answer with an error while ATOMIC_REQUESTS is on: {shown}.",
            hint=HINT,
            id="matt.W006",
        )
    ]


@register("matt")
def check_proxies(**_: Any) -> list[CheckMessage]:
    """Warn if a library trusts other proxies than Django Matt: the same client would have two addresses."""
    from django_matt import server_checks  # not needed to serve

    return server_checks.check_proxies()


@register("matt", deploy=True)
def check_persistent_connections(**_: Any) -> list[CheckMessage]:
    """Warn if ``CONN_MAX_AGE`` keeps connections under ASGI, whose requests do not find them again."""
    from django_matt import server_checks  # not needed to serve

    return server_checks.check_persistent_connections()
