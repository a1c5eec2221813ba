"""Validators: the ETag and the time of the last change of an instance, a queryset or a list."""

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
    """What identifies the state of a resource. ``tag`` and ``modified`` are None if they are not known.

    ``tag`` is the ETag without its quotes, or the text that a function returned. ``modified`` is in seconds since 1970.
    A tag that was made from columns is ``derived``: each representation adds an end of its own to it. ``hashed`` means
    that the response shows more than the columns, so that a hash of the body must be part of the ETag.
    """

    tag: str | None = None
    modified: int | None = None
    weak: bool = False
    derived: bool = False
    hashed: bool = False

    def etag(self, end: str = "") -> str | None:
        """Return the ETag, with ``end`` added, which differs for each representation; None without a tag."""
        if self.tag is None:
            return None
        quoted = quote_etag(self.tag)
        if end:
            quoted = f'{quoted[:-1]}-{end}"'
        return f"W/{quoted}" if self.weak and not quoted.startswith("W/") else quoted


def validator_of(value: Any, column: str, *, one: bool = False) -> Validator:
    """Return the state of a view's result: an instance, a queryset, or a list of instances or dictionaries.

    With ``one``, it is the state of the one object that a queryset finds. Raises ``ImproperlyConfigured`` for other
    values.
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
    """Return the state of the one object of a queryset, as for an instance; an empty state if there is not just one."""
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
    """Return the state of several rows. The tag is weak, because a change may leave the number and the latest time.

    It has no ``modified``: after a row is deleted, the latest time of the other rows does not show it.
    """
    if number and latest is None:
        return Validator()
    tag = digest("many", said, number, latest)
    return Validator(tag, None, weak=True, derived=True)


def _sql(queryset: Any) -> Any:
    """Return the SQL of a list with its values, as two users' lists may have the same length and the same latest time."""
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
            f'@conditional(last_modified="{column}"): a {type(value).__name__} has no {column}. Return a queryset, '
            "an instance or a list of instances, or give a function."
        )
    return getattr(value, column)


def _key(value: Any) -> Any:
    if isinstance(value, dict):
        return value.get("pk", value.get("id"))
    return getattr(value, "pk", getattr(value, "id", None))


def seconds(moment: Any) -> int | None:
    """Return a ``datetime`` as the whole seconds of HTTP dates; None for other values, such as a version number."""
    if not isinstance(moment, datetime):
        return None
    if is_naive(moment):
        moment = make_aware(moment, UTC if settings.USE_TZ else get_default_timezone())
    # A response cannot have changed after it is sent (RFC 9110, 8.8.2.1).
    return min(int(moment.timestamp()), int(time.time()))


def digest(*parts: Any) -> str:
    """Return a hash of the parts as hexadecimal digits, keyed with ``SECRET_KEY`` so that it reveals nothing."""
    content = json.dumps(parts, default=_plain).encode()
    return blake2b(content, digest_size=12, key=_secret(settings.SECRET_KEY)).hexdigest()


@lru_cache(maxsize=1)
def _secret(key: str | bytes) -> bytes:
    return blake2b(force_bytes(key), person=b"matt.states").digest()


def digest_of_body(content: bytes) -> str:
    """Return a hash of a response's bytes as hexadecimal digits."""
    return blake2b(content, digest_size=12).hexdigest()


def _plain(part: Any) -> str:
    return part.isoformat() if isinstance(part, date) else repr(part)
