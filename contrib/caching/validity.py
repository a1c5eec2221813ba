"""Decides whether an entry is valid: by the tokens of its tables, or by the version of an SQLite file."""

import atexit
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from math import inf
from secrets import token_hex
from threading import Lock, Thread
from time import monotonic, sleep
from typing import Any

from django.core import mail
from django.core.signals import setting_changed
from django.db import connections

from django_matt.contrib.caching.entries import Entry, read_entry
from django_matt.contrib.caching.loads import VERSION
from django_matt.contrib.caching.settings import get_settings
from django_matt.contrib.caching.stores import PREFIX, get_store
from django_matt.contrib.caching.tables import known_tables
from django_matt.contrib.caching.versions import is_in_memory, read_versions, sqlite_files
from django_matt.errors.exceptions import ServiceUnavailable

__all__ = [
    "EVERYTHING",
    "Found",
    "Route",
    "find",
    "keeps_promise",
    "mark",
    "name_of_route",
    "notices_others",
    "read_state",
    "renew",
    "unmark",
    "uses_versions",
]

EVERYTHING = "*"
"""The name of the token that every entry has."""
_MARK_SECONDS = 60
_RETRY_SECONDS = 0.2
_LAST_SECONDS = 5

_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Route:
    """What this process knows of a route: its name, and the tables that it has been seen to read."""

    name: str
    tables: frozenset[str] = frozenset()
    declared: frozenset[str] = frozenset()
    is_learned: bool = False

    def learn(self, tables: Iterable[str]) -> None:
        """Keep more tables."""
        self.tables = self.tables.union(tables)
        self.is_learned = True


@dataclass(slots=True)
class Found:
    """An entry, if there is one, and the state of its tables when it was read."""

    entry: Entry | None
    tokens: dict[str, str] = field(default_factory=dict)
    marked: frozenset[str] = frozenset()
    """The tables that a transaction is writing."""

    @property
    def is_valid(self) -> bool:
        """Whether nothing that the entry depends on was written since it was computed."""
        entry, tokens = self.entry, self.tokens
        if entry is None or (self.marked and not self.marked.isdisjoint(entry.tokens)):
            return False
        return all(tokens.get(name) == token for name, token in entry.tokens.items())


@lru_cache(maxsize=1)
def _files() -> dict[str, str] | None:
    return sqlite_files() if get_store().is_local else None


def uses_versions() -> bool:
    """Tell whether any commit makes entries invalid: memory of one machine, with databases in files of SQLite."""
    return _files() is not None


@lru_cache(maxsize=1)
def keeps_promise() -> bool:
    """Tell whether this process notices every write; log it once if it does not."""
    kept = notices_others() or hasattr(mail, "outbox")  # in tests there is one process
    if not kept:
        _logger.warning(
            "Responses are not cached: the memory of a process (the cache %r) cannot know what another one writes. "
            "Use Redis or Django's database cache.",
            get_store().alias,
        )
    return kept


def notices_others() -> bool:
    """Tell whether the cache is shared, or the version of a file tells of other processes, or there are none."""
    return not get_store().is_local or uses_versions() or all(map(is_in_memory, connections))


def read_state(names: Iterable[str]) -> dict[str, str] | None:
    """Return the tokens of tables, or the version of the files; ``None`` if that cannot be known now."""
    files = _files()
    if files is not None:
        version = read_versions(files)
        return None if version is None else {VERSION: version}
    wanted = {*names}
    kept = _read(wanted) if wanted and not _owed else None
    found = None if kept is None else _complete(None, kept, wanted)
    return None if found is None else found.tokens


def find(route: Route, key: str) -> Found | None:
    """Return the entry of a key with the state of its tables; ``None`` if that cannot be known now.

    The tokens are read before the query of a load, so a write that it does not see renews one of them later.
    """
    files = _files()
    if files is not None:
        version = read_versions(files)
        kept = None if version is None else get_store().get_many([PREFIX + key])
        if version is None or kept is None:
            return None
        return Found(read_entry(kept.get(PREFIX + key)), {VERSION: version})
    if _owed:
        return None
    names = {EVERYTHING, name_of_route(route.name), *route.tables}
    kept = _read(names, PREFIX + key)
    if kept is None:
        return None
    entry = read_entry(kept.get(PREFIX + key))
    more: set[str] = set()
    if entry is not None:
        more = {*entry.tokens} - names
    elif not route.is_learned:
        # The first load of this process: whichever tables it reads, their tokens were read before.
        more = {*known_tables()} - names
    if more:
        others = _read(more)
        if others is None:
            return None
        kept, names = {**kept, **others}, names | more
        if entry is not None:
            route.learn(entry.tables)
    return _complete(entry, kept, names)


def _complete(entry: Entry | None, kept: dict[str, Any], names: set[str]) -> Found | None:
    """Return what was found, with new tokens for those that are missing: what depends on them is no longer valid."""
    store = get_store()
    missing = [_token(name) for name in names if not _is_token(kept.get(_token(name)))]
    if missing:
        for key in missing:
            # Not over the token of another request, which would make its response invalid.
            if not store.add(key, _new_token(), None) and key in kept:
                store.set_many({key: _new_token()}, None)
        kept |= store.get_many(missing) or {}
    tokens: dict[str, str] = {}
    for name in names:
        token: Any = kept.get(_token(name))
        if not _is_token(token):
            return None
        tokens[name] = token.decode("ascii", "replace")
    marked = frozenset(name for name in names if _is_marked(kept.get(_mark(name))))
    return Found(entry, tokens, marked)


def _read(names: Iterable[str], *keys: str) -> dict[str, Any] | None:
    wanted = [*keys, *map(_token, names)]
    if get_settings().STRICT:
        wanted += map(_mark, names)
    return get_store().get_many(wanted)


def _is_token(value: Any) -> bool:
    return isinstance(value, bytes) and 0 < len(value) < 100


def _new_token() -> bytes:
    # Random, and not a number that is increased: two writers must not set the same one.
    return token_hex(8).encode()


def _is_marked(number: Any) -> bool:
    return isinstance(number, int) and number > 0


def _token(name: str) -> str:
    return f"{PREFIX}t:{_short(name)}"


def _mark(name: str) -> str:
    return f"{PREFIX}m:{_short(name)}"


@lru_cache(maxsize=4_096)
def _short(name: str) -> str:
    """Return the name of a table as a key of any cache: without spaces, and not longer than it may be."""
    from hashlib import blake2b

    if len(name) < 100 and name.isascii() and name.isprintable() and " " not in name:
        return name
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def name_of_route(name: str) -> str:
    """Return the name of the token of a route."""
    return f"/{name}"


def renew(names: Iterable[str]) -> None:
    """Make everything invalid that depends on tables, or on :data:`EVERYTHING`, or on ``/`` and the name of a route.

    If the cache does not answer, this process serves nothing from it until the tokens have been renewed.
    """
    wanted = {*names}
    if not wanted or uses_versions():
        return
    # While others are owed, nobody waits for the cache again.
    if _owed or not _renew_now(wanted):
        _owe(wanted)


def _renew_now(names: set[str]) -> bool:
    values = {_token(name): _new_token() for name in names}
    return bool(get_store(patient=True).set_many(values, None))


_owed: set[str] = set()
_owing = Lock()


def _owe(names: set[str]) -> None:
    with _owing:
        starts = not _owed
        _owed.update(names)
    if starts:
        _logger.error(
            "The tokens of written tables could not be renewed. Until the cache answers, this process does not use it; "
            "other processes may serve older responses."
        )
        Thread(target=_pay, name="matt-caching-renewals", daemon=True).start()


@atexit.register
def _pay_last() -> None:
    """Renew what is owed before the process ends: afterwards nobody would."""
    if _owed:
        _pay(monotonic() + _LAST_SECONDS)


def _pay(until: float = inf) -> None:
    while monotonic() < until:
        with _owing:
            names = {*_owed}
        if not names or _renew_now(names):
            with _owing:
                _owed.difference_update(names)
                if not _owed:
                    return
        else:
            sleep(_RETRY_SECONDS)


def mark(names: Iterable[str]) -> None:
    """Store and serve nothing of tables from now on (``STRICT``). It ends by itself if this process dies.

    Raises ``ServiceUnavailable`` if the cache does not answer: others would serve what is older than the commit.
    """
    for name in names:
        if get_store(patient=True).count(_mark(name), 1, _MARK_SECONDS) is None:
            raise ServiceUnavailable("The cache does not answer, so nothing can be written.")
    # What was stored before must not become valid again when the mark has ended by itself.
    renew(names)


def unmark(names: Iterable[str]) -> None:
    """End :func:`mark`."""
    for name in names:
        get_store(patient=True).count(_mark(name), -1, _MARK_SECONDS)


def _changed(*, setting: str, **_: Any) -> None:
    if setting in ("CACHES", "DATABASES", "MATT_CACHING"):
        _files.cache_clear()
        keeps_promise.cache_clear()


setting_changed.connect(_changed)
