"""What identifies the state of what a view returns: a tag and a moment, of an instance, a queryset or a list."""

import json
import time
from datetime import UTC, date, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

from django.conf import settings
from django.core.exceptions import EmptyResultSet, ImproperlyConfigured
from django.db.models import Count, Manager, Max, QuerySet
from django.utils.encoding import force_bytes
from django.utils.http import quote_etag
from django.utils.timezone import get_default_timezone, is_naive, make_aware

__all__ = ["Validator", "digest", "digest_of_body", "seconds", "validator_of"]


class Validator(NamedTuple):
    """What identifies the state of a resource; None where there is nothing to say.

    ``tag`` is the opaque part of an ETag, or one that a callable returned. A tag that was made of columns is
    ``derived``: the ETag of each representation adds an end of its own to it. ``hashed`` says that the answer shows more
    than the state knows of, so that a hash of the body belongs to the ETag.
    """

    tag: str | None = None
    modified: int | None = None
    weak: bool = False
    derived: bool = False
    hashed: bool = False

    def etag(self, end: str = "") -> str | None:
        """Return the ETag of a representation that ``end`` tells from others."""
        if self.tag is None:
            return None
        quoted = quote_etag(self.tag)
        if end:
            quoted = f'{quoted[:-1]}-{end}"'
        return f"W/{quoted}" if self.weak and not quoted.startswith("W/") else quoted


def validator_of(value: Any, column: str, *, one: bool = False) -> Validator:
    """Return the state of what a view returns: an instance, a queryset, or a list of instances or dictionaries.

    With ``one`` a queryset stands for its one object. Raises ``ImproperlyConfigured`` for anything else.
    """
    if isinstance(value, Manager):
        value = value.all()
    if isinstance(value, QuerySet) and one:
        return _state_of_object(value, column)
    if isinstance(value, QuerySet):
        return _state_of_queryset(value, column)
    if isinstance(value, list | tuple):
        return _state_of_items(value, column)
    if value is None:
        return Validator()
    kind = getattr(getattr(value, "_meta", None), "label", type(value).__name__)
    return _state_of_one(kind, _key(value), _read(value, column))


def _state_of_one(kind: str, key: Any, moment: Any) -> Validator:
    if moment is None:
        return Validator()
    return Validator(digest("one", kind, key, moment), seconds(moment), derived=True)


def _state_of_object(queryset: Any, column: str) -> Validator:
    """Return the state that the one object of a queryset has as an instance; none and several are not ours to judge."""
    if queryset._result_cache is not None or queryset.query.combinator:
        found = [(_key(item), _read(item, column)) for item in queryset]
    else:
        found = list(queryset.values_list("pk", column)[:2])
    return _state_of_one(queryset.model._meta.label, *found[0]) if len(found) == 1 else Validator()


def _state_of_queryset(queryset: Any, column: str) -> Validator:
    said = _sql(queryset)
    if queryset._result_cache is not None or queryset.query.combinator:
        return _state_of_items(list(queryset), column, said)
    found = queryset.aggregate(matt_latest=Max(column), matt_number=Count("*"))
    return _state_of_many(found["matt_number"], found["matt_latest"], said)


def _state_of_items(items: Any, column: str, said: Any = None) -> Validator:
    moments = [moment for moment in (_read(item, column) for item in items) if moment is not None]
    latest = max(moments, default=None)
    return _state_of_many(len(items), latest, [said, [_key(item) for item in items]])


def _state_of_many(number: int, latest: Any, said: Any) -> Validator:
    """A change may leave number and latest moment as they are, and so the tag is weak.

    There is no date: the latest moment of the rows that are left says nothing of a row that was deleted.
    """
    if number and latest is None:
        return Validator()
    tag = digest("many", said, number, latest)
    return Validator(tag, None, weak=True, derived=True)


def _sql(queryset: Any) -> Any:
    """Return what a queryset asks: two people's lists may have as many rows, and as late ones."""
    try:
        sql, parameters = queryset.query.get_compiler(queryset.db).as_sql()
    except EmptyResultSet:
        return None
    return sql, [repr(value) for value in parameters]


def _read(value: Any, column: str) -> Any:
    if isinstance(value, dict) and column in value:
        return value[column]
    if isinstance(value, dict) or not hasattr(value, column):
        raise ImproperlyConfigured(
            f'@conditional(last_modified="{column}"): a {type(value).__name__} has none. Return a queryset, an '
            "instance or a list of them, or give a callable."
        )
    return getattr(value, column)


def _key(value: Any) -> Any:
    if isinstance(value, dict):
        return value.get("pk", value.get("id"))
    return getattr(value, "pk", getattr(value, "id", None))


def seconds(moment: Any) -> int | None:
    """Return a moment as HTTP's dates count; one that is no moment, a version or a date, has no such time."""
    if not isinstance(moment, datetime):
        return None
    if is_naive(moment):
        moment = make_aware(moment, UTC if settings.USE_TZ else get_default_timezone())
    # No answer was modified after it was sent (RFC 9110, 8.8.2.1).
    return min(int(moment.timestamp()), int(time.time()))


def digest(*parts: Any) -> str:
    """Return hexadecimal digits that stand for the parts, and from which nobody else can guess them."""
    content = json.dumps(parts, default=_plain).encode()
    return blake2b(content, digest_size=12, key=_secret(settings.SECRET_KEY)).hexdigest()


@lru_cache(maxsize=1)
def _secret(key: str | bytes) -> bytes:
    return blake2b(force_bytes(key), person=b"matt.states").digest()


def digest_of_body(content: bytes) -> str:
    """Return hexadecimal digits that stand for an answer's bytes."""
    return blake2b(content, digest_size=12).hexdigest()


def _plain(part: Any) -> str:
    return part.isoformat() if isinstance(part, date) else repr(part)
