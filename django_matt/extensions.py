"""The Protocols that a contrib app may offer to the core, or need from a sibling."""

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from ninja_extra import NinjaExtraAPI

__all__ = ["ExtendsAPI"]


@runtime_checkable
class ExtendsAPI(Protocol):
    """An ``AppConfig`` that adds controllers, handlers, formats or documents to every API.

    ``MattAPI`` calls ``extend(api)`` once for each API, when its URLs are first asked for, in the order of
    ``INSTALLED_APPS``. Two APIs in one project make two calls: keep nothing of the API in a global.
    """

    def extend(self, api: "NinjaExtraAPI") -> None:
        """Register what the app adds on ``api``."""
