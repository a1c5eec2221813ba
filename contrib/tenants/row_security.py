"""PostgreSQL's row-level security: tells the database the current organization, in the transaction of each query.

``set_config(…, true)`` lasts until the end of a transaction, so connections of a pool never keep it. A query outside of a
transaction gets one of its own: the rows of a stream are read after the request's transaction has ended.
"""

from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import ProgrammingError, connections, router, transaction
from django.db.backends.signals import connection_created
from django.http import HttpRequest

from django_matt.contrib.tenants.current import CURRENT
from django_matt.contrib.tenants.errors import ForeignTenant
from django_matt.contrib.tenants.models import TenantModel
from django_matt.contrib.tenants.settings import get_settings
from django_matt.errors.problems import ErrorResponse

__all__ = ["answer_refused_row", "need_safe_role", "role_problem", "secured_databases", "watch"]

SETTING = "matt.tenant"
_SET = f"SELECT set_config('{SETTING}', %s, true)"
_STATE = "_matt_tenant"
_ROLE = "SELECT rolname FROM pg_catalog.pg_roles WHERE rolname = current_user AND (rolsuper OR rolbypassrls)"
# Nothing may be queried before this, and nothing can be between an error and these.
_AS_THEY_ARE = ("SET TRANSACTION", "RELEASE SAVEPOINT", "ROLLBACK TO")

_safe: set[str] = set()


def secured_databases() -> list[str]:
    """Return the aliases of the PostgreSQL databases that rows of organizations are read from and written to."""
    models = [model for model in apps.get_models() if issubclass(model, TenantModel)]
    found = {find(model) for model in models for find in (router.db_for_read, router.db_for_write)}
    return sorted(alias for alias in found if connections[alias].vendor == "postgresql")


def watch(connection: Any = None, **_: Any) -> None:
    """Let a connection tell PostgreSQL the current organization; without one, every open connection and each later one."""
    if connection is None:
        connection_created.connect(watch, dispatch_uid="matt_tenants")
        for each in connections.all(initialized_only=True):
            watch(each)
    elif (
        connection.vendor == "postgresql"
        and get_settings().ROW_LEVEL_SECURITY
        and _tell_tenant not in connection.execute_wrappers
    ):
        connection.execute_wrappers.append(_tell_tenant)


def _tell_tenant(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
    """Run a statement as the current organization; this is a wrapper of Django's ``execute_wrappers``."""
    connection = context["connection"]
    tenancy = CURRENT.get()
    key = None if tenancy is None else tenancy.known_key()
    wanted = "" if key is None else str(key)
    if sql is _SET or (not wanted and _STATE not in vars(connection)):
        return execute(sql, params, many, context)
    if not connection.in_atomic_block and connection.get_autocommit():
        if not wanted:
            return execute(sql, params, many, context)
        with transaction.atomic(using=connection.alias):
            _tell(connection, wanted)
            return execute(sql, params, many, context)
    if isinstance(sql, str) and sql.startswith(_AS_THEY_ARE):
        return execute(sql, params, many, context)
    if _told(connection) != wanted:
        _tell(connection, wanted)
    return execute(sql, params, many, context)


def _told(connection: Any) -> str | None:
    """Return what the current transaction was told, an empty string for nothing; None if that is not known.

    A rollback to a savepoint takes back what was told inside of it. Django then replaces its list of hooks, as it does at
    the end of a transaction; the block alone is not enough, because a decorated function uses one for all its calls.
    """
    blocks, state = connection.atomic_blocks, vars(connection).get(_STATE)
    if not blocks or state is None:
        return None
    block, hooks, savepoints, told = state
    if hooks is not connection.run_on_commit:
        return None if block is blocks[0] else ""
    return told if connection.savepoint_ids[: len(savepoints)] == savepoints else None


def _tell(connection: Any, wanted: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_SET, [wanted])
    block = connection.atomic_blocks[0] if connection.atomic_blocks else None
    savepoints = list(connection.savepoint_ids)
    vars(connection)[_STATE] = (block, connection.run_on_commit, savepoints, wanted)


def role_problem(connection: Any) -> str | None:
    """Return why row-level security does not apply to the role of a connection; None if it does."""
    with connection.cursor() as cursor:
        cursor.execute(_ROLE)
        found = cursor.fetchone()
    if found is None:
        return None
    return (
        f"The role {found[0]!r} of the database {connection.alias!r} is a superuser or has BYPASSRLS, so PostgreSQL does not "
        "apply row-level security to it."
    )


def need_safe_role(alias: str) -> None:
    """Raise ``ImproperlyConfigured`` if the role of a database bypasses row-level security; it is checked once per process."""
    if alias not in _safe:
        problem = role_problem(connections[alias])
        if problem is not None:
            raise ImproperlyConfigured(problem)
        _safe.add(alias)


def answer_refused_row(request: HttpRequest, exc: ProgrammingError) -> ErrorResponse | None:
    """Return the error of a row that row-level security refused to write; None for every other error of the class."""
    cause: Any = exc.__cause__
    # Missing privileges have the same code, and the message is in the language of the server.
    refused = getattr(cause, "sqlstate", None) == "42501" and (
        getattr(getattr(cause, "diag", None), "source_function", None) == "ExecWithCheckOptions"
    )
    if not refused:
        return None
    return ErrorResponse(
        status=ForeignTenant.status_code,
        detail=ForeignTenant.default_detail,
        code=ForeignTenant.default_code,
        was_mapped=True,
    )
