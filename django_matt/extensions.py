"""The Protocols that an app may offer to the core, or need from another app; and how apps extend an API."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from django.apps import AppConfig, apps
from django.core.exceptions import ImproperlyConfigured

from django_matt.settings import get_settings

if TYPE_CHECKING:
    from django_matt.api import MattAPI

__all__ = [
    "ContributesPolicy",
    "ExtendsAPI",
    "FileChange",
    "HasLifespan",
    "HealthCheck",
    "HearsFileChanges",
    "extend_by_apps",
]


@runtime_checkable
class ExtendsAPI(Protocol):
    """An ``AppConfig`` that adds controllers, error handlers, formats or documents to the APIs of a project.

    ``MattAPI`` calls ``extend(api)`` once for each API, before anything of it is read, in the order of
    ``INSTALLED_APPS``. The app may still change every option of the API: ``api.docs_url = None`` turns ``/docs`` off.
    A project with two APIs makes two calls: keep nothing of the API in a global.
    """

    def extend(self, api: "MattAPI") -> None:
        """Register what the app adds on ``api``."""


def extend_by_apps(api: "MattAPI", done: list[str]) -> None:
    """Let each installed app that may extend ``api`` do so, and add its label to ``done``.

    Apps whose label is in ``done`` are left out. Raises ``ImproperlyConfigured`` with the name of the app for whatever
    an app raises, and for a label in ``extensions`` that no installed app has.
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
    """Return the labels of the apps that may extend an API, None where every app may."""
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
    """A file of the project that was written, made or removed; ``path`` is absolute."""

    path: Path
    kind: Literal["added", "modified", "deleted"]


@runtime_checkable
class HearsFileChanges(Protocol):
    """An ``AppConfig`` that wants to know of every changed file during development.

    Called by the hot reload app, once a change, in a thread of its own, one call at a time, and always
    in a process that runs the changed code: for a template at once, for a module after the restart. What it raises is
    logged.
    """

    def file_changed(self, change: FileChange) -> None:
        """Do what the change asks for."""


@runtime_checkable
class HasLifespan(Protocol):
    """An ``AppConfig`` that opens something when the server starts, and closes it when the server ends.

    A pool of connections, a model in memory, a task that runs beside the requests. The lifespans are entered in the order
    of ``INSTALLED_APPS`` before the first request, and left in reverse after the last one: in the server's event loop
    under ``django_matt.asgi``, in an event loop of a thread of its own under ``django_matt.wsgi``. An app that
    fails to start keeps the server from starting. ``MATT["LIFESPAN_SECONDS"]`` bounds each start and each end.
    """

    def lifespan(self) -> AbstractAsyncContextManager[object]:
        """Return the context to enter; a method with ``@contextlib.asynccontextmanager`` is one."""
        ...


@runtime_checkable
class HealthCheck(Protocol):
    """An ``AppConfig`` with checks of its own for ``/health/ready`` of the health app.

    Each check is a function without arguments that raises where something does not work. A plain function runs in a
    thread of its own, an ``async def`` in the event loop of the lifespans. Both have ``MATT_HEALTH["TIMEOUT"]`` seconds.
    """

    def health_checks(self) -> Mapping[str, Callable[[], object]]:
        """Return the checks by the names that the response shows."""
        ...


@runtime_checkable
class ContributesPolicy(Protocol):
    """An ``AppConfig`` whose pages need another Content-Security-Policy than the project's.

    ``django_matt.policies.PolicyMiddleware`` asks for it once, at the first response.
    """

    def policies(self) -> Mapping[str, Mapping[str, Sequence[str]]]:
        """Return directives by the path below which they apply: ``{"/admin/": {"style-src": ["'self'", "'unsafe-inline'"]}}``.

        What is named here replaces the directive of the project's policy, and the other directives stay. The path is the one that the
        project's URLs have, ``reverse("admin:index")`` for example.
        """
        ...
