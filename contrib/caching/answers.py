"""The responses of one cached route: found, awaited, computed by one request of many, and stored."""

import time
from contextlib import AbstractContextManager
from typing import Any, Literal, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import parse_http_date_safe
from ninja.operation import Operation

from django_matt.contrib.caching.decorators import Caching
from django_matt.contrib.caching.entries import Entry, write_entry
from django_matt.contrib.caching.keys import Key, Keys, NoKey
from django_matt.contrib.caching.loads import Early, Load, open_transactions
from django_matt.contrib.caching.refreshes import REFRESHED_KEY, start_refresh
from django_matt.contrib.caching.responses import add_headers, refusal_of, stay_public
from django_matt.contrib.caching.settings import get_settings
from django_matt.contrib.caching.sights import CONDITIONS, Sight
from django_matt.contrib.caching.stores import PREFIX, get_store
from django_matt.contrib.caching.tables import add_tables, known_tables, table_of
from django_matt.contrib.caching.validity import (
    EVERYTHING,
    Found,
    Route,
    find,
    keeps_promise,
    name_of_route,
    read_state,
    uses_versions,
)
from django_matt.contrib.caching.writes import is_dirty
from django_matt.errors.exceptions import PreconditionFailed
from django_matt.hooks import Call

__all__ = ["WAIT", "Answers", "Asked"]

WAIT: Literal["wait"] = "wait"
"""What :meth:`Answers.look` returns while another request computes the response."""
# Until the view is called; if something refuses the request before, nobody has to wait for it.
_CLAIM_SECONDS = 2
_LEASE_SECONDS = 30
_PASS_SECONDS = 2
_LEASED, _PASSED = b"leased", b"pass"


class Asked:
    """One request to a cached route."""

    __slots__ = (
        "early",
        "found",
        "key",
        "leased",
        "load",
        "of",
        "reason",
        "sight",
        "until",
        "watch",
    )

    def __init__(self, of: Key, early: Early | None) -> None:
        self.of, self.key = of, of.text
        self.early = early
        self.sight: Sight | None = None
        self.until: float | None = None
        """When it stops waiting for another request."""
        self.found: Found | None = None
        self.load: Load | None = None
        self.watch: AbstractContextManager[None] | None = None
        self.leased = False
        self.reason: str | None = None
        """Why the response is not stored."""


class Answers:
    """The responses of one operation."""

    def __init__(self, operation: Operation, api: Any, caching: Caching) -> None:
        """Prepare everything that does not depend on a request."""
        self.caching = caching
        self.keys = Keys(operation, api, caching)
        declared = frozenset(map(table_of, caching.reads or ()))
        add_tables(declared)
        self._route = Route(self.keys.route, declared, declared)
        self._is_async = operation.is_async
        self.hook: Any = None
        self.sees_early = self.keys.is_guarded or self.keys.has_tenant
        """Whether what is read before the view may decide what the view answers."""
        self._early: frozenset[str] | None = None

    def begin(self) -> Early:
        """Return what notes the tables that authentication and permissions read, with their state before."""
        names = known_tables() if self._early is None else self._early
        return Early(read_state(names))

    def note(self, call: Call, early: Early | None) -> Asked:
        """Return the request with its key."""
        try:
            noted = Asked(self.keys.key_of(call), early)
        except NoKey as error:
            noted = Asked(Key(self.keys.known), early)
            noted.reason = str(error)
        if early is not None:
            early.leave(call.request)
            self._early = frozenset(early.tables).union(self._early or ())
        if not keeps_promise():
            noted.reason = "the memory of a process cannot know what others write to this database"
        if not self._is_async and noted.reason is None:
            noted.reason = open_transactions(is_dirty)
        repeated = call.request.__dict__.get(REFRESHED_KEY)
        if repeated not in (None, noted.key):
            noted.reason = "the repeated request has another key"
        return noted

    def look(self, call: Call, noted: Asked) -> HttpResponseBase | Literal["wait"] | None:
        """Return the stored response, ``wait`` if another request computes it, or ``None`` to call the view."""
        if noted.reason is not None:
            return None
        found = noted.found = find(self._route, noted.key)
        if found is None:
            noted.reason = "the cache does not answer"
            return None
        if REFRESHED_KEY in call.request.__dict__:
            noted.leased = True
            return None
        served = self._answer(call, noted, found)
        if served is not None:
            return served
        step = self._wait(noted)
        if noted.leased:
            # The one that had the lease may have stored its response since the entry was read.
            found = noted.found = find(self._route, noted.key)
            served = None if found is None else self._answer(call, noted, found)
            if served is not None or found is None:
                noted.leased = False
                get_store().delete(_lease_of(noted.key))
                noted.reason = "the cache does not answer"
                return served
        return step

    def _answer(self, call: Call, noted: Asked, found: Found) -> HttpResponseBase | None:
        """Return the response of an entry that is valid, and let it be computed again if it is old."""
        entry, caching = found.entry, self.caching
        if entry is None or not found.is_valid:
            return None
        age = time.time() - entry.made_at
        if age < caching.seconds:
            return self._serve(call, entry, age, "hit")
        if age < caching.seconds + caching.stale:
            may = noted.leased or self._lease(noted.key) is True
            if may and not start_refresh(call, self.hook, noted.key, noted.early):
                get_store().delete(_lease_of(noted.key))
            return self._serve(call, entry, age, "stale")
        return None

    def _wait(self, noted: Asked) -> Literal["wait"] | None:
        """Return ``None`` if this request must call the view: it has the lease, nobody stores, or it has waited."""
        leased = self._lease(noted.key)
        if leased is not False:
            noted.leased = leased is True
            return None
        kept = get_store().get_many([_lease_of(noted.key)])
        if kept is None or kept.get(_lease_of(noted.key)) == _PASSED:
            return None
        if noted.until is None:
            noted.until = time.monotonic() + get_settings().WAIT
        return None if time.monotonic() >= noted.until else WAIT

    @staticmethod
    def _lease(key: str) -> bool | None:
        return get_store().add(_lease_of(key), _LEASED, _CLAIM_SECONDS)

    @staticmethod
    def extend(noted: Asked) -> None:
        """Keep the lease while the view runs."""
        get_store().set_many({_lease_of(noted.key): _LEASED}, _LEASE_SECONDS)

    def _serve(self, call: Call, entry: Entry, age: float, how: str) -> HttpResponseBase:
        response = entry.respond()
        stay_public(response)
        response.headers["Age"] = str(max(0, int(age)))
        if settings.DEBUG:
            response.headers["X-Matt-Cache"] = _shown(how, entry.tables)
        return _unless_current(call.request, response)

    @staticmethod
    def pass_on(noted: Asked) -> None:
        """Let those who wait call the view themselves: what this request answered is not stored."""
        if noted.leased:
            noted.leased = False
            get_store().set_many({_lease_of(noted.key): _PASSED}, _PASS_SECONDS)

    def prepare(self, call: Call, noted: Asked, response: HttpResponseBase) -> bytes | None:
        """Return the entry to store; ``None`` if the response must not be stored."""
        load, found = noted.load, noted.found
        tables = frozenset[str]() if load is None else self._route.declared.union(load.tables)
        refusal = refusal_of(call.request, response, self.caching, noted.of)
        if refusal is None and noted.sight is not None and noted.sight.unknown:
            unknown = ", ".join(sorted(noted.sight.unknown))
            refusal = f"the view reads {unknown}; declare it, or let a function of vary read it"
        if response.status_code == 200:
            is_public = self.caching.public and refusal is None and noted.reason is None
            key = noted.of if is_public and not noted.of.is_personal else None
            add_headers(response, self.caching, self.keys.route, tables, key)
        if load is None or found is None or noted.reason is not None:
            return None
        new = not tables <= self._route.tables
        self._route.learn(tables)
        noted.reason = load.reason or refusal
        if not tables and self.caching.reads is None and not uses_versions():
            noted.reason = noted.reason or "no query was seen; write reads=[] if there is none"
        if noted.early is not None:
            tables |= noted.early.tables
            self._route.learn(tables)
            noted.reason = noted.reason or noted.early.reason_beside(found.tokens)
        if noted.reason is not None:
            return None
        tokens = found.tokens
        if not uses_versions():
            names = {EVERYTHING, name_of_route(self._route.name), *self._route.tables}
            if not names <= tokens.keys():
                noted.reason = "it reads a new table" if new else "another route's table is new"
                return None
            if not found.marked.isdisjoint(names):
                noted.reason = "a transaction is writing what it reads"
                return None
            tokens = {name: tokens[name] for name in names}
        else:
            # The names are only shown: the version decides.
            tokens = {**tokens}
        return write_entry(time.time(), tokens, cast("HttpResponse", response))

    def store(self, noted: Asked, stored: bytes | None) -> None:
        """Store an entry, if there is one, and let those who wait go on."""
        if stored is None:
            self.pass_on(noted)
            return
        lasts = self.caching.seconds + self.caching.stale
        if get_store().set_many({PREFIX + noted.key: stored}, lasts) and noted.leased:
            noted.leased = False
            get_store().delete(_lease_of(noted.key))

    def finish(self, call: Call, noted: Asked, response: HttpResponseBase) -> HttpResponseBase:
        """Return the response of the view, or a 304 if the client has it."""
        if settings.DEBUG:
            read = () if noted.load is None else sorted(noted.load.tables)
            how = "miss" if noted.reason is None else "skip"
            response.headers["X-Matt-Cache"] = _shown(how, read, noted.reason or "stored")
        if response.status_code != 200 or response.streaming or noted.load is None:
            return response
        return _unless_current(call.request, response)


def _lease_of(key: str) -> str:
    return f"{PREFIX}l:{key}"


def _unless_current(request: HttpRequest, response: Any) -> HttpResponseBase:
    """Return the response, or a 304 if the client has it."""
    headers = response.headers
    if not any(name in request.META for name in CONDITIONS) or not (
        "ETag" in headers or "Last-Modified" in headers
    ):
        return response  # type: ignore[no-any-return]
    modified = parse_http_date_safe(response.headers.get("Last-Modified", ""))
    found = get_conditional_response(
        request, etag=response.headers.get("ETag"), last_modified=modified, response=response
    )
    if found is None or found is response:
        return response  # type: ignore[no-any-return]
    if found.status_code == 412:
        raise PreconditionFailed
    for name in ("Age", "X-Matt-Cache"):
        if name in response.headers:
            found.headers[name] = response.headers[name]
    return found


def _shown(how: str, tables: Any, why: str = "") -> str:
    return "; ".join(filter(None, (how, ", ".join(tables), why.replace("\n", " "))))
