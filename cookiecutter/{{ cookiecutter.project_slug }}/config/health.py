"""Is the process alive, and can it serve: what a container platform asks."""

import logging
from collections.abc import Callable
from typing import Literal

from django.core.cache import cache
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django_matt import ControllerBase, Schema, Status, api_controller, http_get

logger = logging.getLogger(__name__)

Verdict = Literal["ok", "failing"]


class Live(Schema):
    """The process answers."""

    status: Verdict = "ok"


class Ready(Schema):
    """What a request needs, each by itself."""

    database: Verdict
    cache: Verdict
    migrations: Verdict


@api_controller("/health", tags=["health"])
class HealthController(ControllerBase):
    """For the platform that runs the project; nobody has to sign in."""

    @http_get("/live", response=Live, auth=None)
    def live(self) -> Live:
        """Answer, without asking anything: restart the process where this fails."""
        return Live()

    @http_get("/ready", response={200: Ready, 503: Ready}, auth=None)
    def ready(self) -> Status[Ready]:
        """Ask database, cache and migrations: send no traffic where this fails."""
        found = Ready(
            database=judge(check_database),
            cache=judge(check_cache),
            migrations=judge(check_migrations),
        )
        return Status(503 if "failing" in found.dict().values() else 200, found)


def judge(check: Callable[[], None]) -> Verdict:
    """Run a check; its exception goes to the log and not to the client."""
    try:
        check()
    except Exception:
        logger.exception("Not ready: %s", check.__name__)
        return "failing"
    return "ok"


def check_database() -> None:
    """Raise unless the database answers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def check_cache() -> None:
    """Raise unless the cache keeps what it is given."""
    cache.set("health", "ok", timeout=5)
    if cache.get("health") != "ok":
        raise RuntimeError("The cache does not keep what it is given.")


def check_migrations() -> None:
    """Raise while a migration of the code is not in the database."""
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        raise RuntimeError(f"Not migrated: {', '.join(str(migration) for migration, _ in missing)}")
