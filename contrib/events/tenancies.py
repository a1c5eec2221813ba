"""Which tenant an event belongs to if ``publish`` is not told: that of the request, or of the event that is processed."""

from contextvars import ContextVar
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from django_matt.hooks import Call, OperationHook
from django_matt.sign_in import current_tenant

__all__ = ["CURRENT", "RemembersRequest", "tenant_key"]

CURRENT: ContextVar[HttpRequest | str] = ContextVar("matt_events_tenant", default="")
"""The request that is being answered, or the tenant of the event that is being processed."""


def tenant_key(tenant: Any = None) -> str:
    """Return how events name a tenant: a model instance, its primary key, or the current one for ``None``."""
    if tenant is None:
        current = CURRENT.get()
        tenant = current if isinstance(current, str) else current_tenant(current)
    return "" if tenant is None else str(getattr(tenant, "pk", tenant))


class RemembersRequest(OperationHook):
    """Makes the request the current one from the end of authentication to the response."""

    order = -1_200
    """Around the transactions of other apps."""
    never_blocks = True

    def admitted(self, call: Call) -> HttpResponseBase | None:
        """Begin. The tenant is looked up only if an event is published."""
        call.state[self] = CURRENT.get()
        CURRENT.set(call.request)
        return None

    def answered(self, call: Call, response: HttpResponseBase) -> HttpResponseBase | None:
        """End."""
        if self in call.state:
            CURRENT.set(call.state.pop(self))
        return None
