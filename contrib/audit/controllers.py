"""The routes: the events of your own account, and all events for staff."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string
from ninja import Query
from ninja_extra import ControllerBase, api_controller, http_get

from django_matt import paginate
from django_matt.authentication import AnyOf
from django_matt.contrib.audit.models import SecurityEvent
from django_matt.contrib.audit.schemas import EventFilter, EventOut, StaffEventOut
from django_matt.contrib.audit.settings import AuditSettings
from django_matt.errors.exceptions import PermissionDenied

__all__ = ["load_auth", "make_controller"]


def load_auth(paths: Sequence[str]) -> Any:
    """Return one callback for the authenticators with these dotted paths."""
    found = [import_string(path) for path in paths]
    callbacks = [each() if isinstance(each, type) else each for each in found]
    return callbacks[0] if len(callbacks) == 1 else AnyOf(*callbacks)


def make_controller(options: AuditSettings) -> type[ControllerBase]:
    """Return the controller class, with its routes at the paths in the settings."""

    @api_controller("", tags=["security events"], auth=load_auth(options.AUTH), auto_import=False)
    class AuditController(ControllerBase):
        """The audit log, to read."""

        if options.PATH is not None:

            @http_get(
                options.PATH,
                response=list[EventOut],
                operation_id="list_own_security_events",
            )
            @paginate
            def list_own(
                self, request: HttpRequest, response: HttpResponse
            ) -> "QuerySet[SecurityEvent]":
                """Return what happened to your account, the newest first."""
                if not request.user.is_authenticated:  # a client without a user
                    raise PermissionDenied
                response.headers["Cache-Control"] = "no-store"
                found: QuerySet[SecurityEvent] = SecurityEvent.objects.of_user(request.user)
                return found

        if options.STAFF_PATH is not None:

            @http_get(
                options.STAFF_PATH,
                response=list[StaffEventOut],
                operation_id="list_security_events",
            )
            @paginate
            def list_all(
                self, request: HttpRequest, response: HttpResponse, filters: Query[EventFilter]
            ) -> "QuerySet[SecurityEvent]":
                """Return all events, the newest first, to staff with the permission to view them."""
                user: Any = request.user
                if not (user.is_staff and user.has_perm("matt_audit.view_securityevent")):
                    raise PermissionDenied
                response.headers["Cache-Control"] = "no-store"
                found: QuerySet[SecurityEvent] = SecurityEvent.objects.order_by("-at", "-pk")
                if filters.name is not None:
                    found = found.filter(name=filters.name)
                if filters.user_key is not None:
                    found = found.filter(user_key=filters.user_key)
                if filters.since is not None:
                    found = found.filter(at__gte=filters.since)
                return found

    return AuditController
