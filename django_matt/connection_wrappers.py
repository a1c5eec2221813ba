"""An execute wrapper around the statements of every database connection, in whichever thread it is used."""

from collections.abc import Callable
from typing import Any

from django.db import connections
from django.db.backends.signals import connection_created

__all__ = ["wrap_connections"]


def wrap_connections(wrapper: Callable[..., Any]) -> None:
    """Add a wrapper, a module's function, to the connections that are open and those that will be opened, once each."""

    def add(connection: Any, **_: Any) -> None:
        if wrapper not in connection.execute_wrappers:
            # First: connection.execute_wrapper() ends by removing the last, and may be what opens the connection.
            connection.execute_wrappers.insert(0, wrapper)

    name = f"{wrapper.__module__}.{wrapper.__qualname__}"
    connection_created.connect(add, weak=False, dispatch_uid=name)
    for connection in connections.all(initialized_only=True):
        add(connection)
