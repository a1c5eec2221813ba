"""Structured logging: one JSON object a line in production, a readable line while you develop."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

from config.requests import request_id

FIELDS = ("status", "milliseconds", "status_code")
"""What a record may carry besides its message, by `extra=`."""


class RequestIDFilter(logging.Filter):
    """Give every record the id of the request that it was written in."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep all records."""
        record.request_id = getattr(record, "request_id", None) or request_id.get()
        return True


class JSONFormatter(logging.Formatter):
    """One line of JSON a record, for whatever collects the logs."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as an object with time, level, logger, request_id, message and its fields."""
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "request_id": getattr(record, "request_id", "-"),
            "message": record.getMessage(),
        }
        entry |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


def configure(level: str, *, as_json: bool) -> dict[str, Any]:
    """Return Django's LOGGING."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request_id": {"()": RequestIDFilter}},
        "formatters": {
            "json": {"()": JSONFormatter},
            "line": {"format": "%(levelname)s %(name)s [%(request_id)s] %(message)s"},
        },
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "formatter": "json" if as_json else "line",
                "filters": ["request_id"],
            }
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # Django's own handlers would write a second time, and mail; ours has the line of each request.
            "django": {"handlers": [], "propagate": True, "level": level},
            "django.request": {"level": "WARNING"},
            "django.server": {"handlers": [], "propagate": True, "level": "WARNING"},
        },
    }
