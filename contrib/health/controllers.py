"""The routes: whether the process is alive, and whether it can serve requests."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.db import transaction
from django.http import HttpResponse
from ninja.responses import Status
from ninja_extra import ControllerBase, api_controller, http_get

from django_matt.contrib.health.schemas import Liveness, Readiness
from django_matt.contrib.health.services import HealthChecks
from django_matt.contrib.health.settings import HealthSettings

__all__ = ["make_controller"]

View = TypeVar("View", bound=Callable[..., Any])


def make_controller(options: HealthSettings, checks: HealthChecks) -> type[ControllerBase]:
    """Return the controller class, with its routes at the paths in the settings.

    The routes are ``async def``, so that under ASGI they need no thread: requests may be using all of them. They are
    exempt from ``ATOMIC_REQUESTS``, because to open a transaction needs the database that is being checked.
    """

    @api_controller("", tags=["health"], auth=None, auto_import=False)
    class HealthController(ControllerBase):
        """The health of the process, without authentication, throttling or caching."""

        if options.LIVE_PATH is not None:

            @_route(options.LIVE_PATH, "health_live", Liveness)
            @transaction.non_atomic_requests
            async def live(self, response: HttpResponse) -> Liveness:
                """Show that the process answers. It checks nothing else; if it fails, restart the process."""
                response.headers["Cache-Control"] = "no-store"
                return Liveness()

        if options.READY_PATH is not None:

            @_route(options.READY_PATH, "health_ready", {200: Readiness, 503: Readiness})
            @transaction.non_atomic_requests
            async def ready(self, response: HttpResponse) -> Status[Readiness]:
                """Run every check. If one fails, the response is a 503: send the process no requests."""
                response.headers["Cache-Control"] = "no-store"
                verdicts = await checks.run()
                if "failing" in verdicts.values():
                    return Status(503, Readiness(status="failing", checks=verdicts))
                return Status(200, Readiness(status="ok", checks=verdicts))

    return HealthController


def _route(path: str, name: str, response: Any) -> Callable[[View], View]:
    route: Callable[[View], View] = http_get(
        path, response=response, auth=None, throttle=[], operation_id=name, url_name=name
    )
    return route
