"""The value of Django's ``LOGGING`` setting."""

from typing import Any

__all__ = ["LOGGER", "logging_config"]

LOGGER = "django_matt.request"
"""The name of the logger that gets the line of each request."""

_HERE = "django_matt.contrib.request_logs"


def logging_config(*, debug: bool, level: str = "INFO") -> dict[str, Any]:
    """Return a value for ``LOGGING``: all records to stderr, one line per request.

    With ``debug`` the lines are short and for people, otherwise each is one JSON object. ``level`` is the lowest level
    that is written. Change the result as you change any dictionary.

    >>> logging_config(debug=True)["root"]
    {'handlers': ['console'], 'level': 'INFO'}
    """
    formatter = "ConsoleFormatter" if debug else "JSONFormatter"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "request_id": {"()": f"{_HERE}.filters.RequestIDFilter"},
            "no_asset_line": {"()": f"{_HERE}.filters.NoAssetLine"},
            "no_second_line": {"()": f"{_HERE}.filters.NoSecondLine"},
            "no_access_line": {"()": f"{_HERE}.filters.NoAccessLine"},
        },
        "formatters": {"line": {"()": f"{_HERE}.formatters.{formatter}"}},
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "formatter": "line",
                "filters": ["request_id"],
            }
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            LOGGER: {"filters": ["no_asset_line"] if debug else []},
            # Django and uvicorn have handlers of their own, which would write each record a second time.
            "django": {"handlers": [], "level": level},
            # At INFO Ninja Extra writes a line for each request.
            "django.request": {"level": "WARNING", "filters": ["no_second_line"]},
            "django.server": {"handlers": [], "propagate": True, "filters": ["no_access_line"]},
            "uvicorn": {"handlers": [], "propagate": True, "level": "WARNING"},
            "uvicorn.error": {"level": "WARNING"},
            "uvicorn.access": {"handlers": [], "propagate": True, "level": "WARNING"},
        },
    }
