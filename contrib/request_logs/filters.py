"""Logging filters: the request id on every record, and no second line for a request."""

import logging

from django.conf import settings
from django.http import HttpRequest

from django_matt.errors.reports import get_request_id
from django_matt.extensions import current_request_id

__all__ = ["NoAccessLine", "NoAssetLine", "NoSecondLine", "RequestIDFilter"]


class RequestIDFilter(logging.Filter):
    """Sets ``request_id`` on every record: the id of the request, or ``-`` outside of requests."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep all records."""
        if not getattr(record, "request_id", None):
            request = getattr(record, "request", None)
            # Django logs some responses after all middleware has ended.
            known = get_request_id(request) if isinstance(request, HttpRequest) else ""
            record.request_id = current_request_id.get() or known or "-"
        return True


class NoAssetLine(logging.Filter):
    """Drops the lines of the stylesheets, scripts and images of ``/docs`` and the error page, if they were found.

    And that of a ``/favicon.ico`` that does not exist: browsers ask for it when a person opens a JSON response.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep everything else."""
        status = getattr(record, "status", 0) or 0
        if status == 404 and getattr(record, "path", "") == "/favicon.ico":
            return False
        route = getattr(record, "route", None) or ""
        return not route.endswith("/_matt/<str:name>") or status >= 400


class NoSecondLine(logging.Filter):
    """Drops the lines that Django and Ninja Extra write for a response: the request's own line has the status."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep records with an exception, those of 5xx responses, and those that are about no request."""
        is_fault = getattr(record, "status_code", 0) >= 500
        return is_fault or bool(record.exc_info) or not hasattr(record, "request")


class NoAccessLine(logging.Filter):
    """Drops the lines that ``runserver`` writes for each request, except for static files that do not exist."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep everything else, such as the hint for HTTPS requests."""
        if record.msg != '"%s" %s %s':
            return True
        if getattr(record, "status_code", 0) < 400:
            return False
        # No middleware sees the request of a static file.
        path = str(record.args).partition(" ")[2]
        return bool(settings.STATIC_URL) and path.startswith(settings.STATIC_URL)
