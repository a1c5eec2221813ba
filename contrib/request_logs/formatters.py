"""Log records as text: a short line while you develop, one JSON object per line in production."""

import json
import logging
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django_matt.contrib.request_logs.configurations import LOGGER

__all__ = ["ConsoleFormatter", "JSONFormatter"]

_NOT_WRITTEN = {
    *vars(logging.LogRecord("", 0, "", 0, "", (), None)),
    *("message", "asctime", "taskName"),
    # What Django adds to its records.
    *("request", "server_time"),
}
"""The attributes of a record that are not in the JSON object under their own name."""

_COLORS = {"DEBUG": 2, "WARNING": 33, "ERROR": 31, "CRITICAL": 31}
_STATUS_COLORS = {2: 32, 3: 36, 4: 33, 5: 31}


class _Formatter(logging.Formatter):
    @staticmethod
    def has_traceback(record: logging.LogRecord) -> bool:
        """Tell whether to write the traceback. Of a refused request (a wrong host …) it says nothing."""
        return not record.name.startswith("django.security")


class ConsoleFormatter(_Formatter):
    """``14:03:07 GET /api/items 200 12 ms 3 queries``; coloured if stderr is a terminal."""

    def __init__(self, *, colors: bool | None = None) -> None:
        """Use colours if stderr is a terminal, unless ``colors`` says otherwise."""
        super().__init__()
        self._colors = _wants_colors() if colors is None else colors

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and the traceback below it if there is one."""
        clock = self._paint(time.strftime("%H:%M:%S", time.localtime(record.created)), 2)
        if record.name == LOGGER and hasattr(record, "ms"):
            return f"{clock} {self._describe(record)}"
        lines = [f"{clock} {self._level(record.levelname)}{record.name} {record.getMessage()}"]
        if record.exc_info and 400 <= getattr(record, "status_code", 0) < 500:
            # The request is at fault and was answered: its line has the status, this one has the reason.
            lines[0] += f" ({_reason(record)})" if self.has_traceback(record) else ""
            return lines[0]
        if record.exc_info and not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)
        if record.exc_text and "\n" not in record.exc_text:
            # It says that the traceback is shown above.
            lines[0] += f" {record.exc_text}"
        elif record.exc_text and self.has_traceback(record):
            lines.append(record.exc_text)
        if record.stack_info:
            lines.append(self.formatStack(record.stack_info))
        return "\n".join(lines)

    def _describe(self, record: Any) -> str:
        status = record.status
        shown = "-" if status is None else self._paint(status, _STATUS_COLORS.get(status // 100, 0))
        ms = f"{record.ms:.0f}" if record.ms >= 10 else f"{record.ms:.1f}"
        rest = [f"{ms} ms"]
        if record.queries:
            rest.append(f"{record.queries} {'query' if record.queries == 1 else 'queries'}")
        if record.ended is not None:
            rest.append(_ENDED[record.ended])
        return f"{record.method} {record.path} {shown} {self._paint(' '.join(rest), 2)}"

    def _level(self, name: str) -> str:
        return "" if name == "INFO" else f"{self._paint(name, _COLORS.get(name, 0))} "

    def _paint(self, text: object, code: int) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colors and code else str(text)


def _reason(record: Any) -> str:
    kind, error, _ = record.exc_info
    place = record.pathname.removeprefix(f"{Path.cwd()}{os.sep}")
    return f"{kind.__name__}: {' '.join(_as_text(error).split())}; {place}:{record.lineno}"


_ENDED = {"disconnected": "client disconnected", "failed": "broken off"}


def _wants_colors() -> bool:
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or sys.stderr.isatty()


class JSONFormatter(_Formatter):
    """One JSON object per line, of ASCII: time, level, logger, message, request id, and what ``extra`` adds."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as an object."""
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": getattr(record, "request_id", "-"),
        }
        for name, value in vars(record).items():
            if value is not None and name not in _NOT_WRITTEN and name not in entry:
                entry[name] = value
        if record.exc_info and self.has_traceback(record):
            entry["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            entry["stack"] = self.formatStack(record.stack_info)
        try:
            return _to_json(entry)
        except (TypeError, ValueError):
            return _to_json({name: _fitting(value) for name, value in entry.items()})


def _as_text(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a log line is not the place to fail
        return f"<{type(value).__name__}>"


def _fitting(value: object) -> object:
    """Return a value, or its text if JSON has none: NaN, a key that is no string, a value that contains itself."""
    try:
        _to_json(value)
    except (TypeError, ValueError):
        return _as_text(value)
    return value


# Made once: json.dumps would make one for each record.
_to_json = json.JSONEncoder(default=_as_text, allow_nan=False).encode
