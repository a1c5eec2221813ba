"""The Protocols that a contrib app may offer to the core, or need from a sibling."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from ninja_extra import NinjaExtraAPI

__all__ = ["ExtendsAPI", "FileChange", "HearsFileChanges"]


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
