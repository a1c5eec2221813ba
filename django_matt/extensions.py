"""The Protocols that an app may implement, and how apps extend an API."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from django.apps import AppConfig, apps
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from django_matt.settings import get_settings

if TYPE_CHECKING:
    from django_matt.api import MattAPI
    from django_matt.generation.orders import ForNames, Generator

__all__ = [
    "ContributesPolicy",
    "ExtendsAPI",
    "FileChange",
    "Generates",
    "GuardsWrites",
    "HasLifespan",
    "HealthCheck",
    "HearsFileChanges",
    "PrunesRows",
    "current_request_id",
    "extend_by_apps",
]

current_request_id: ContextVar[str] = ContextVar("current_request_id", default="")
"""The id of the request that is being answered; empty outside of requests, and without the app ``request_logs``."""


@runtime_checkable
class ExtendsAPI(Protocol):
    """An ``AppConfig`` that adds controllers, error handlers, formats or documents to the APIs of a project.

    ``MattAPI`` calls ``extend(api)`` once for each API, before the API is used, in the order of ``INSTALLED_APPS``.
    The app may change every option of the API: ``api.docs_url = None`` turns ``/docs`` off. In a project with two APIs
    it is called twice, so do not store the API in a global.
    """

    def extend(self, api: "MattAPI") -> None:
        """Add the features of the app to ``api``."""


def extend_by_apps(api: "MattAPI", done: list[str]) -> None:
    """Let each installed app that may extend ``api`` do so, and add its label to ``done``.

    Apps whose label is in ``done`` are skipped. Raises ``ImproperlyConfigured`` with the name of the app if an app
    raises an exception, and for a label in ``extensions`` that no installed app has.
    """
    chosen = _chosen_apps(api)
    for app in apps.get_app_configs():
        if app.label in done or not isinstance(app, ExtendsAPI):
            continue
        if chosen is not None and app.label not in chosen:
            continue
        # Before the call: an app may ask for the API's document while it extends it.
        done.append(app.label)
        try:
            app.extend(api)
        except Exception as error:
            done.remove(app.label)
            raise ImproperlyConfigured(
                f"The app {app.name!r} could not extend the API {api.title!r}: "
                f"{type(error).__name__}: {error}"
            ) from error


def _chosen_apps(api: "MattAPI") -> Sequence[str] | None:
    """Return the labels of the apps that may extend an API, None if every app may."""
    chosen: Sequence[str] | None = api.extensions
    where = "MattAPI(extensions=…)"
    if chosen is None:
        chosen = (get_settings().EXTENSIONS or {}).get(api.urls_namespace)
        where = f'settings.MATT["EXTENSIONS"][{api.urls_namespace!r}]'
    for label in chosen or ():
        app: AppConfig | None = apps.app_configs.get(label)
        if not isinstance(app, ExtendsAPI):
            known = [each.label for each in apps.get_app_configs() if isinstance(each, ExtendsAPI)]
            raise ImproperlyConfigured(
                f"{where} names {label!r}; the installed apps that extend APIs are: "
                f"{', '.join(known) or 'none'}."
            )
    return chosen


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file of the project that was written, created or deleted; ``path`` is absolute."""

    path: Path
    kind: Literal["added", "modified", "deleted"]


@runtime_checkable
class HearsFileChanges(Protocol):
    """An ``AppConfig`` that is told about every changed file during development.

    The hot reload app calls it once per change, in a separate thread, one call at a time. The process that calls it always
    runs the changed code: for a template it is called at once, for a module after the restart. Exceptions are logged.
    """

    def file_changed(self, change: FileChange) -> None:
        """React to the change."""


@runtime_checkable
class HasLifespan(Protocol):
    """An ``AppConfig`` that opens something when the server starts, and closes it when the server ends.

    Examples are a pool of connections, a model in memory, and a background task. Lifespans are entered in the order of
    ``INSTALLED_APPS`` before the first request, and exited in reverse order after the last one: in the server's event
    loop under ``django_matt.asgi``, in an event loop of a separate thread under ``django_matt.wsgi``. If an app fails
    to start, the server does not start. ``MATT["LIFESPAN_SECONDS"]`` limits each start and each end.
    """

    def lifespan(self) -> AbstractAsyncContextManager[object]:
        """Return the context to enter; a method with ``@contextlib.asynccontextmanager`` is one."""
        ...


@runtime_checkable
class HealthCheck(Protocol):
    """An ``AppConfig`` that adds checks to ``/health/ready`` of the health app.

    Each check is a function without arguments that raises an exception if something does not work. A plain function runs
    in a separate thread, an ``async def`` in the event loop of the lifespans. Both have ``MATT_HEALTH["TIMEOUT"]`` seconds.
    """

    def health_checks(self) -> Mapping[str, Callable[[], object]]:
        """Return a dictionary of the checks; the response shows their names."""
        ...


@runtime_checkable
class ContributesPolicy(Protocol):
    """An ``AppConfig`` whose pages need a Content-Security-Policy that differs from the project's.

    ``django_matt.policies.PolicyMiddleware`` calls ``policies()`` once, at the first response.
    """

    def policies(self) -> Mapping[str, Mapping[str, Sequence[str]]]:
        """Return paths and their directives: ``{"/admin/": {"style-src": ["'self'", "'unsafe-inline'"]}}``.

        Each directive replaces the same one of the project's policy below its path; the others do not change. A path is a URL
        of the project, such as ``reverse("admin:index")``.
        """
        ...


@runtime_checkable
class GuardsWrites(Protocol):
    """An ``AppConfig`` that compares what a client has read with what is stored.

    The app ``conditional`` is one. An app whose routes write objects uses it without an import of the other app.
    """

    def conditional(self, column: str, *, required: bool = False) -> Callable[[Any], Any]:
        """Return the decorator of a route; ``column`` changes with its object, ``required`` asks writes for a condition."""
        ...

    def check_preconditions(self, request: HttpRequest, instance: Any) -> None:
        """Raise ``PreconditionFailed`` if the client has read another version of the object, whose row is locked."""
        ...


@runtime_checkable
class PrunesRows(Protocol):
    """An ``AppConfig`` whose tables grow with use. ``manage.py matt_prune`` calls it, once a day for example."""

    def prune_rows(self, *, dry_run: bool) -> int:
        """Delete the rows that nothing needs any more, and return how many; only count them if ``dry_run``."""
        ...


@runtime_checkable
class Generates(Protocol):
    """An ``AppConfig`` that adds kinds of source to ``manage.py matt_generate``."""

    def generators(self) -> "Mapping[str, Generator | ForNames]":
        """Return functions by the name of their kind, with the target if that is not HTML: ``{"form:htmx": make_form}``.

        Each takes a ``django_matt.generation.orders.Order`` and returns a ``Generated``. ``ForNames(function)`` takes names
        instead of models.
        """
        ...
