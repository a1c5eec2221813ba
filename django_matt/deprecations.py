"""``@deprecated``: the responses of a route, and its OpenAPI document, announce that it will stop working."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Self

from django.core.exceptions import ImproperlyConfigured
from django.http.response import HttpResponseBase
from django.utils.http import http_date
from ninja.operation import Operation

from django_matt.decorators import View, get_metadata, set_metadata
from django_matt.hooks import Call, OperationHook

__all__ = ["Deprecation", "DeprecationHook", "deprecated"]

_NO_URI = re.compile(r"[\x00-\x20<>\"\x7f-\U0010ffff\\^`{|}]")


@dataclass(frozen=True, slots=True)
class Deprecation:
    """The dates of a deprecated route."""

    since: datetime
    sunset: datetime | None
    link: str | None

    @property
    def headers(self) -> dict[str, str]:
        """The response headers of RFC 9745 and RFC 8594; ``Link`` is not among them, as a response may have others."""
        found = {"Deprecation": f"@{int(self.since.timestamp())}"}
        if self.sunset is not None:
            found["Sunset"] = http_date(self.sunset.timestamp())
        return found


def deprecated(
    *,
    since: str | date,
    sunset: str | date | None = None,
    link: str | None = None,
) -> Callable[[View], View]:
    """Mark a route as deprecated ``since`` a day, until its ``sunset``, from which on it may be gone.

    Each of its responses, errors included, has ``Deprecation: @1796083200`` (RFC 9745), ``Sunset`` (RFC 8594) and
    ``Link: <…>; rel="deprecation"``. The OpenAPI document has ``deprecated``, ``x-deprecated-since``, ``x-sunset`` and
    ``x-deprecation-link``. ``since`` may be in the future. Text is ``2026-12-01``, or a date with a time (ISO 8601); without
    a time zone, it is UTC. ``link`` is the address of a page that says what to use instead, absolute or not.

    The order of this decorator and the route's own does not matter. Raises ``ImproperlyConfigured`` for what is no date, a
    sunset before ``since``, a link that is no address, and on a class.

    >>> @deprecated(since="2026-12-01", sunset="2027-06-01", link="https://example.com/docs/v2")
    ... def list_books(request): ...
    """
    begins, ends = _moment(since, "since"), None if sunset is None else _moment(sunset, "sunset")
    if ends is not None and ends < begins:
        raise ImproperlyConfigured(
            f"@deprecated: the sunset ({sunset}) is before the deprecation ({since})."
        )
    if link is not None and (not link or _NO_URI.search(link)):
        raise ImproperlyConfigured(
            f"@deprecated: the link {link!r} is no address. Percent-encode it."
        )
    return set_metadata("deprecated", Deprecation(begins, ends, link), hook=DeprecationHook)


class DeprecationHook(OperationHook):
    """Adds the headers. The decorator brings it along, so no app has to add it."""

    never_blocks = True

    def __init__(self, deprecation: Deprecation) -> None:
        """Add the headers of one route."""
        self.deprecation = deprecation
        self._headers = deprecation.headers
        self._link = deprecation.link and f'<{deprecation.link}>; rel="deprecation"'

    @classmethod
    def bind(cls, operation: Operation, api: Any) -> Self | None:
        """Mark the operation as deprecated."""
        found = get_metadata("deprecated", operation.view_func)
        if found is None:
            return None
        operation.deprecated = True
        return cls(found)

    def answered(self, call: Call, response: HttpResponseBase) -> None:
        """Add the headers to every response."""
        for name, value in self._headers.items():
            response.headers[name] = value
        if self._link:
            others = response.headers.get("Link")
            response.headers["Link"] = f"{others}, {self._link}" if others else self._link

    def describe(self, details: dict[str, Any], method: str) -> None:
        """Add the dates to the OpenAPI document."""
        since, sunset, link = self.deprecation.since, self.deprecation.sunset, self.deprecation.link
        details["x-deprecated-since"] = since.date().isoformat()
        text = f"**Deprecated** since {since.date().isoformat()}."
        if sunset is not None:
            details["x-sunset"] = sunset.date().isoformat()
            text = f"{text} It may be removed after {sunset.date().isoformat()}."
        if link is not None:
            details["x-deprecation-link"] = link
            text = f"{text} [What to use instead](<{link}>)."
        details["description"] = "\n\n".join(filter(None, [details.get("description"), text]))


def _moment(value: str | date, name: str) -> datetime:
    """Return a day or a time as a time in UTC; a day begins at midnight."""
    found: Any = value
    if isinstance(value, str):
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            raise ImproperlyConfigured(
                f"@deprecated: {name} is {value!r}, and not a date such as 2026-12-01."
            ) from None
    elif isinstance(value, date) and not isinstance(value, datetime):
        found = datetime.combine(value, time.min)
    if not isinstance(found, datetime):
        raise ImproperlyConfigured(f"@deprecated: {name} is {value!r}, and not a date.")
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
