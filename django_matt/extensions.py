"""The Protocols that a contrib app may offer to the core, or need from a sibling."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from ninja_extra import NinjaExtraAPI

__all__ = ["ExtendsAPI", "FileChange", "HasLifespan", "HealthCheck", "HearsFileChanges"]


@runtime_checkable
class ExtendsAPI(Protocol):
    """An ``AppConfig`` that adds controllers, handlers, formats or documents to every API.

    ``MattAPI`` calls ``extend(api)`` once for each API, when its URLs are first asked for, in the order of
    ``INSTALLED_APPS``. Two APIs in one project make two calls: keep nothing of the API in a global.
    """

    def extend(self, api: "NinjaExtraAPI") -> None:
        """Register what the app adds on ``api``."""


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
    """An ``AppConfig`` with checks of its own for ``/health/ready`` of ``django_matt.contrib.health``.

    Each check is a function without arguments that raises where something does not work. A plain function runs in a
    thread of its own, an ``async def`` in the event loop of the lifespans. Both have ``MATT_HEALTH["TIMEOUT"]`` seconds.
    """

    def health_checks(self) -> Mapping[str, Callable[[], object]]:
        """Return the checks by the names that the response shows."""
        ...
