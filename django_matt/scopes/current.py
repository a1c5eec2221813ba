"""What the current request may read: a context variable, which threads of ``sync_to_async`` and streams see too."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

from django.db.models import Manager, Model, QuerySet
from django.http import HttpRequest

from django_matt.stream_contexts import keep_in_streams

if TYPE_CHECKING:
    from django_matt.scopes.queries import RequestScopes

__all__ = ["CURRENT", "OutOfScope", "entered", "narrow_by_request", "narrowed", "unscoped"]

M = TypeVar("M", bound=Model)

CURRENT: "ContextVar[RequestScopes | None]" = ContextVar("matt_scopes", default=None)
keep_in_streams(CURRENT)


class OutOfScope(Exception):  # noqa: N818 - says where the row is
    """A response holds a row that the request may not read, or that cannot be shown to be one it may: a fault of the view."""


def narrow_by_request(queryset: Any) -> Any:
    """Return what the current request may read of a queryset that a manager has made."""
    current = CURRENT.get()
    return queryset if current is None else current.narrow(queryset)


def narrowed(source: type[M] | Manager[M] | QuerySet[M]) -> QuerySet[M]:
    """Return what the current request may read of a model or a queryset; outside of a request, all of it.

    Managers do this by themselves. It is for a queryset that was made elsewhere, as one at the top of a module.
    """
    queryset: Any = source._default_manager if isinstance(source, type) else source
    current, made = CURRENT.get(), queryset.all()
    found: QuerySet[M] = made if current is None else current.narrow_all(made)
    return found


@contextmanager
def unscoped() -> Iterator[None]:
    """Read without scopes. The response obeys them anyway: what is read here can be counted and compared, not returned."""
    token = CURRENT.set(None)
    try:
        yield
    finally:
        CURRENT.reset(token)


@contextmanager
def entered(api: Any, request: HttpRequest | None) -> Iterator[None]:
    """Read as a request to an API may: for a WebSocket, a task or a test, which no operation runs.

    Raises ``OutOfScope`` where the API has scopes and there is no request to ask.
    """
    scopes = api.scopes
    if scopes is None:
        yield
        return
    if request is None:
        raise OutOfScope(f"{api.title!r} has scopes: pass the request whose rows are wanted.")
    # Here, as this module stands below it.
    from django_matt.scopes.queries import RequestScopes

    scopes.install()
    token = CURRENT.set(RequestScopes(scopes, request))
    try:
        yield
    finally:
        CURRENT.reset(token)
