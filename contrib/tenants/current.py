"""The current organization: a context variable, which threads of ``sync_to_async`` and streams have too."""

from contextvars import ContextVar
from typing import Any, Protocol

from django_matt.contrib.tenants.errors import NoTenant
from django_matt.stream_contexts import keep_in_streams

__all__ = ["CURRENT", "Tenancy", "current_key"]


class Tenancy(Protocol):
    """What knows the current organization: a request, or a ``tenant_scope()``."""

    def key(self) -> Any:
        """Return the primary key of the organization; raise ``NoTenant`` if there is none."""
        ...

    def known_key(self) -> Any:
        """Return the primary key if it was found already, or else None; it never queries."""
        ...


CURRENT: ContextVar[Tenancy | None] = ContextVar("matt_tenancy", default=None)
keep_in_streams(CURRENT)


def current_key() -> Any:
    """Return the primary key of the current organization; raise ``NoTenant`` if there is none."""
    tenancy = CURRENT.get()
    if tenancy is None:
        raise NoTenant("There is no current organization: use tenant_scope(organization).")
    return tenancy.key()
