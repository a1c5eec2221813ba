"""The lifecycle of an operation: deprecation, and the day on which it stops working."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

__all__ = ["compare_deprecation", "parse_day", "removal"]

Rule = tuple[str, str]


def parse_day(value: Any) -> date | None:
    """Return the day of an ``x-sunset``: ``2027-06-01``, or a date with a time (RFC 3339)."""
    try:
        return datetime.fromisoformat(value).date()
    except (TypeError, ValueError):
        return None


def removal(operation: Mapping[str, Any], prefix: str, today: date) -> Rule:
    """Return the rule of an operation that was removed: was it deprecated, and has its sunset passed?

    ``prefix`` is ``api-path`` if nothing of the path is left, else ``api``.
    """
    if not operation.get("deprecated"):
        return f"{prefix}-removed-without-deprecation", "was removed without being deprecated"
    if "x-sunset" not in operation:
        return f"{prefix}-removed-with-deprecation", "was removed; it was deprecated"
    sunset = parse_day(operation["x-sunset"])
    if sunset is None:
        return "api-path-sunset-parse", "was removed; its x-sunset is no date"
    if today < sunset:
        return f"{prefix}-removed-before-sunset", f"was removed before its sunset, {sunset}"
    return "api-removed-after-sunset", f"was removed after its sunset, {sunset}"


def compare_deprecation(
    old: Mapping[str, Any], new: Mapping[str, Any], today: date
) -> Iterator[Rule]:
    """Compare ``deprecated`` and ``x-sunset`` of two operations."""
    was, now = bool(old.get("deprecated")), bool(new.get("deprecated"))
    before, after = old.get("x-sunset"), new.get("x-sunset")
    day = parse_day(after)
    if was and not now:
        yield "endpoint-reactivated", "is no longer deprecated"
    elif now and not was:
        yield _deprecated(after, day, today)
    elif now and before != after:
        if after is None:
            yield "sunset-deleted", f"the sunset {before} was removed"
        elif day is None:
            yield "api-path-sunset-parse", f"x-sunset is no date: {after}"
        elif (earlier := parse_day(before)) is not None and day < earlier and day < today:
            yield "api-sunset-date-changed-too-small", f"the sunset moved from {before} to {after}"
        else:
            yield "api-sunset-changed", f"the sunset moved from {before} to {after}"
    elif before != after:
        yield "extension-changed", "x-sunset changed"


def _deprecated(sunset: Any, day: date | None, today: date) -> Rule:
    if sunset is None:
        return "endpoint-deprecated", "is deprecated"
    if day is None:
        return "api-deprecated-sunset-parse", f"is deprecated; x-sunset is no date: {sunset}"
    if day < today:
        return "api-sunset-date-too-small", f"is deprecated, with a sunset in the past: {day}"
    return "endpoint-deprecated-with-sunset", f"is deprecated and works until {day}"
