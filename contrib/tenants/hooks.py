"""The hook that makes the organization of a request the current one, with row-level security in one transaction."""

from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from sys import exc_info
from typing import Any, Self

from asgiref.sync import sync_to_async
from django.db import transaction
from django.http.response import HttpResponseBase
from ninja.operation import Operation

from django_matt.contrib.tenants.current import CURRENT
from django_matt.contrib.tenants.errors import NoTenant
from django_matt.contrib.tenants.resolution import RequestTenancy, find_tenant
from django_matt.contrib.tenants.row_security import need_safe_role, secured_databases
from django_matt.contrib.tenants.settings import get_settings
from django_matt.hooks import Call, OperationHook
from django_matt.urls import non_atomic_aliases

__all__ = ["EntersTenant"]


class EntersTenant(OperationHook):
    """Makes the request's organization the current one, from the end of authentication to the finished response."""

    order = -1_100
    """Outside of the scopes of the core, so that the transaction is around everything that they query."""

    def __init__(self, databases: list[str], without: Collection[str] = ()) -> None:
        """Take the databases that need a transaction per request, except those of ``without``."""
        self._databases = databases
        self._atomic = [alias for alias in databases if alias not in without]

    @classmethod
    def bind(cls, operation: Operation, api: Any) -> Self:
        """Return the hook, with the databases that have row-level security.

        A route with ``@transaction.non_atomic_requests`` opens its own transactions: it keeps some of what it writes
        when it refuses the request. PostgreSQL is told the organization in each of them.
        """
        databases = secured_databases() if get_settings().ROW_LEVEL_SECURITY else []
        return cls(databases, non_atomic_aliases(operation))

    def admitted(self, call: Call) -> HttpResponseBase | None:
        """Begin."""
        self._enter(call)
        self._find(call)
        return None

    async def aadmitted(self, call: Call) -> HttpResponseBase | None:
        """Do the same on an async route."""
        self._enter(call)
        if self._databases:
            await sync_to_async(self._find)(call)
        return None

    def _enter(self, call: Call) -> None:
        call.state[self] = CURRENT.get()
        CURRENT.set(RequestTenancy(call.request))

    def _find(self, call: Call) -> None:
        """Find the organization before the first query that needs it. Without one, PostgreSQL shows no rows."""
        for alias in self._databases:
            need_safe_role(alias)
        if self._databases:
            with suppress(NoTenant):
                find_tenant(call.request)

    def _leave(self, call: Call) -> None:
        if self in call.state:
            CURRENT.set(call.state.pop(self))

    def _begin(self) -> ExitStack:
        """Begin the transactions in which PostgreSQL is told the organization."""
        with ExitStack() as stack:
            for alias in self._atomic:
                stack.enter_context(transaction.atomic(using=alias))
            return stack.pop_all()

    @contextmanager
    def around(self, call: Call) -> Iterator[None]:
        """End after the view and its response, whatever they raise."""
        try:
            with self._begin():
                yield
        finally:
            self._leave(call)

    @asynccontextmanager
    async def aaround(self, call: Call) -> AsyncIterator[None]:
        """Do the same on an async route."""
        try:
            if not self._atomic:
                yield
                return
            stack = await sync_to_async(self._begin)()
            try:
                yield
            except BaseException:
                await sync_to_async(stack.__exit__)(*exc_info())
                raise
            await sync_to_async(stack.close)()
        finally:
            self._leave(call)

    def answered(self, call: Call, response: HttpResponseBase) -> HttpResponseBase | None:
        """End where another hook has answered instead of the view."""
        self._leave(call)
        return None

    async def aanswered(self, call: Call, response: HttpResponseBase) -> HttpResponseBase | None:
        """Do the same on an async route."""
        self._leave(call)
        return None
