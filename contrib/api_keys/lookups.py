"""The one query of a request with a key. Its text is always the same, so Django compiles it once for each database."""

from functools import lru_cache
from typing import Any

from django.core.signals import setting_changed
from django.db import connections, router

from django_matt.contrib.api_keys.models import ApiKey

__all__ = ["find_key"]


def find_key(public_id: str) -> ApiKey | None:
    """Return the row of a key with its user, None if there is none: one query, by a unique index.

    To compile the query would take longer than everything else that a request with a key does.
    """
    return _lookup(router.db_for_read(ApiKey)).find(public_id)


class _Lookup:
    """The compiled query for one database: the columns of the key, then those of its user."""

    def __init__(self, using: str) -> None:
        self._using = using
        owner: Any = ApiKey._meta.get_field("user")
        self._users: Any = owner.remote_field.model
        self._key_names = [field.attname for field in ApiKey._meta.concrete_fields]
        self._user_names = [field.attname for field in self._users._meta.concrete_fields]
        found: Any = ApiKey.objects.using(using).filter(public_id="")
        values = found.values_list(
            *self._key_names, *(f"user__{name}" for name in self._user_names)
        )
        self._compiler = values.query.get_compiler(using=using)
        self._sql, _ = self._compiler.as_sql()
        self._converters = self._compiler.get_converters(
            [expression for expression, *_ in self._compiler.select]
        )

    def find(self, public_id: str) -> ApiKey | None:
        with connections[self._using].cursor() as cursor:
            cursor.execute(self._sql, (public_id,))
            row: Any = cursor.fetchone()
        if row is None:
            return None
        if self._converters:
            [row] = self._compiler.apply_converters([row], self._converters)
        split = len(self._key_names)
        key: ApiKey = ApiKey.from_db(self._using, self._key_names, row[:split])
        if key.user_id is not None:
            key.user = self._users.from_db(self._using, self._user_names, row[split:])
        return key


_lookup = lru_cache(maxsize=8)(_Lookup)


def _forget(*, setting: str, **_: Any) -> None:
    if setting in {"AUTH_USER_MODEL", "DATABASES", "INSTALLED_APPS"}:
        _lookup.cache_clear()


setting_changed.connect(_forget)
