"""What the current request may read: a context variable, which is also set in threads of ``sync_to_async`` and in streams."""

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
    """A response has a row that the request may not read, or for which this cannot be decided: a fault of the view."""


def narrow_by_request(queryset: Any) -> Any:
    """Narrow a queryset of a manager to what the current request may read."""
    current = CURRENT.get()
    return queryset if current is None else current.narrow(queryset)


def narrowed(source: type[M] | Manager[M] | QuerySet[M]) -> QuerySet[M]:
    """Return the part of a model or a queryset that the current request may read; outside of a request, all of it.

    Managers do this automatically. Use it for a queryset that was created elsewhere, such as one at the top of a module.
    """
    queryset: Any = source._default_manager if isinstance(source, type) else source
    current, made = CURRENT.get(), queryset.all()
    found: QuerySet[M] = made if current is None else current.narrow_all(made)
    return found


@contextmanager
def unscoped() -> Iterator[None]:
    """Read everything, without scopes. You can count and compare it, but the response is narrowed anyway."""
    token = CURRENT.set(None)
    try:
        yield
    finally:
        CURRENT.reset(token)


@contextmanager
def entered(api: Any, request: HttpRequest | None) -> Iterator[None]:
    """Apply the scopes of an API outside of its requests: in a WebSocket, a task or a test.

    Raises ``OutOfScope`` if the API has scopes and ``request`` is None.
    """
    scopes = api.scopes
    if scopes is None:
        yield
        return
    if request is None:
        raise OutOfScope(f"{api.title!r} has scopes: pass the request whose rows you want.")
    # Here, because this module is below it.
    from django_matt.scopes.queries import RequestScopes

    scopes.install()
    token = CURRENT.set(RequestScopes(scopes, request))
    try:
        yield
    finally:
        CURRENT.reset(token)
