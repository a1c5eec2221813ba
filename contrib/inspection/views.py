"""The page that shows what ``matt_inspect`` finds, to people who may see it."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_safe

from django_matt.contrib.inspection.schemas import LEVELS
from django_matt.contrib.inspection.services import inspect
from django_matt.contrib.inspection.time_limits import TimeIsUp, limit_time
from django_matt.pages import render_page

__all__ = ["PERMISSION", "SECONDS", "show"]

PERMISSION = "matt_inspection.view_inspection"
"""What a member of the staff needs; a superuser has it."""
SECONDS = 10.0
"""How long a request may query the database."""


@require_safe
@transaction.non_atomic_requests
def show(request: HttpRequest) -> HttpResponse:
    """Show the report of a database: ``?database=`` names its alias. Nothing else of the request is used.

    With ``DEBUG`` on, everybody sees it. Otherwise, people who are not of the staff get a 404, and those of the staff
    without the permission a 403.
    """
    _admit(request)
    using = request.GET.get("database", DEFAULT_DB_ALIAS)
    if using not in connections:
        raise Http404("There is no such database.")
    context: dict[str, Any] = {"database": using, "databases": list(connections)}
    status = 200
    try:
        with limit_time(connections[using], SECONDS):
            report = inspect(using)
        context |= {
            "report": report,
            "counts": [
                (level, sum(each.level == level for each in report.findings)) for level in LEVELS
            ],
            "large": sorted(
                report.tables, key=lambda each: -((each.bytes or 0) + (each.index_bytes or 0))
            ),
        }
    except TimeIsUp:
        status = 503
        context["problem"] = (
            f"The database did not answer within {SECONDS:g} seconds. Run manage.py matt_inspect, which has no limit."
        )
    except (DatabaseError, ImproperlyConfigured) as error:
        status = 503
        text = (str(error).splitlines() or [type(error).__name__])[0]
        context["problem"] = f"The database answered: {text}"
    response = render_page(request, "matt_inspection/report.html", context, status)
    add_never_cache_headers(response)
    return response


def _admit(request: HttpRequest) -> None:
    if settings.DEBUG:
        return
    user = getattr(request, "user", None)
    if user is None or not (user.is_active and getattr(user, "is_staff", False)):
        raise Http404
    if not user.has_perm(PERMISSION):
        raise PermissionDenied(f"You need the permission {PERMISSION}.")
