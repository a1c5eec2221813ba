"""A test for your own project: every operation of its API, called as everybody who must not get an answer."""

import json as jsonlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote, urlencode

from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.signals import request_finished
from django.db import close_old_connections, transaction

from django_matt.api import MattAPI
from django_matt.discovery import find_apis
from django_matt.testing.clients import MattClient
from django_matt.testing.samples import Samples

__all__ = ["Actor", "Finding", "IsolationTest", "assert_isolated", "find_leaks"]

_METHODS = ("get", "post", "put", "patch", "delete", "query")
_ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Somebody who calls the API: with ``headers``, or with a client that is signed in.

    ``may`` names what the actor may do: ids of operations, and methods such as ``GET`` for all operations with it. An
    actor with ``has_own_rows`` may also call the operations that do not name one of ``objects``, such as lists; their
    responses must not contain ``secrets``.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    client: MattClient | None = None
    may: Collection[str] = ()
    has_own_rows: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """A response that is wrong; ``kind`` is ``leak``, ``error`` (5xx) or ``untested`` (the owner is refused too)."""

    kind: str
    actor: str
    method: str
    path: str
    operation_id: str
    status: int
    reason: str = ""


class IsolationTest:
    """The test as a class: inherit from it and from Django's ``TestCase``, and set the attributes.

    They are the arguments of ``assert_isolated``. With pytest, the class does not need ``TestCase``, and a fixture may
    set them.
    """

    api: Any
    owner: Any
    actors: Mapping[str, Any] = {}
    objects: Mapping[str, Any] = {}
    secrets: Collection[str] = ()
    public: Collection[str] = ()
    bodies: Mapping[str, Any] = {}
    untested: Collection[str] = ()

    def test_nobody_else_gets_an_answer(self) -> None:
        """Call every operation as everybody, and fail on each answer to somebody who must not get it."""
        assert_isolated(
            self.api,
            owner=self.owner,
            actors=self.actors,
            objects=self.objects,
            secrets=self.secrets,
            public=self.public,
            bodies=self.bodies,
            untested=self.untested,
        )


def assert_isolated(api: MattAPI, *, owner: Any, actors: Mapping[str, Any], **options: Any) -> None:
    """Raise one ``AssertionError`` with everything that ``find_leaks`` finds; it has the same arguments."""
    found = find_leaks(api, owner=owner, actors=actors, **options)
    if found:
        raise AssertionError(_report(found))


def find_leaks(
    api: MattAPI,
    *,
    owner: Any,
    actors: Mapping[str, Any],
    objects: Mapping[str, Any] | None = None,
    secrets: Collection[str] = (),
    public: Collection[str] = (),
    bodies: Mapping[str, Any] | None = None,
    untested: Collection[str] = (),
) -> list[Finding]:
    """Call every operation of the API as every actor, as nobody, and as the owner, and return what is wrong.

    ``owner`` and each of ``actors`` is an ``Actor``, a dictionary of headers, or a ``MattClient``. ``objects`` has the
    ids of the owner's objects, by the names of path parameters, query parameters and fields of bodies. ``secrets`` are
    texts that only the owner may read. ``public`` are the ids of operations that answer everybody. ``bodies`` has the
    body of each operation whose schema is not enough to make a valid one. The owner must get an answer from every
    operation, because the others are not tested otherwise; ``untested`` are the ids of those for which this is right. Ids
    may have the wildcard ``*``.

    The changes of each request are rolled back, so the test needs the database. Hidden operations are called too.
    """
    everybody = {_ANONYMOUS: Actor(), **{name: _actor(each) for name, each in actors.items()}}
    prefix = _prefix_of(api)
    alone = api if prefix is None else None
    everybody = {
        name: replace(each, client=each.client or _client(alone))
        for name, each in everybody.items()
    }
    owning = _actor(owner)
    owning = replace(owning, client=owning.client or _client(alone))
    document = _document(api, "/api/" if prefix is None else prefix)
    calls = [
        _Call(
            Samples(document, objects or {}),
            objects or {},
            bodies or {},
            path=path,
            method=method,
            details={**details, "parameters": _parameters(methods, details)},
        )
        for path, methods in document["paths"].items()
        for method, details in methods.items()
        if method in _METHODS
    ]
    _check_names(calls, {*public, *untested, *(bodies or {})}, everybody)
    found: list[Finding] = []
    for call in calls:
        for name, actor in everybody.items():
            found += _call_as(call, name, actor, secrets, call.is_one_of(public))
        if not call.is_one_of([*untested, *public]):
            found += _call_as_owner(call, owning)
    return found


def _call_as(
    call: "_Call", name: str, actor: Actor, secrets: Collection[str], is_public: bool
) -> Iterator[Finding]:
    status, text, error = call.send(actor)
    if status >= 500:
        yield call.finding("error", name, status, error or text[:200])
    if call.method in actor.may or call.is_one_of(actor.may):
        return
    shown = [each for each in secrets if each in text]
    if shown:
        yield call.finding("leak", name, status, f"contains {shown[0]!r}")
    elif status < 300 and not (is_public or (actor.has_own_rows and not call.names_object)):
        yield call.finding("leak", name, status)


def _call_as_owner(call: "_Call", owner: Actor) -> Iterator[Finding]:
    status, text, error = call.send(owner)
    if status >= 500:
        yield call.finding("error", "owner", status, error or text[:200])
    elif status >= 400:
        yield call.finding("untested", "owner", status, text[:300])


class _Call:
    """One operation, with a request that should be valid."""

    def __init__(
        self,
        samples: Samples,
        objects: Mapping[str, Any],
        bodies: Mapping[str, Any],
        *,
        path: str,
        method: str,
        details: Mapping[str, Any],
    ) -> None:
        self.method = method.upper()
        self.id = str(details.get("operationId", f"{self.method} {path}"))
        self.query: dict[str, Any] = {}
        self.headers: dict[str, str] = {}
        self.cookies: dict[str, str] = {}
        places: dict[str, dict[str, Any]] = {
            "query": self.query,
            "header": self.headers,
            "cookie": self.cookies,
        }
        for each in details.get("parameters", ()):
            parameter = samples.resolve(each)
            name, place = parameter["name"], parameter["in"]
            if place == "path":
                value = quote(str(samples.value(parameter.get("schema"), name)), safe="/")
                path = path.replace(f"{{{name}}}", value)
            elif parameter.get("required") or name in objects:
                value = samples.value(parameter.get("schema"), name)
                places[place][name] = value if place == "query" else str(value)
        self.path = path
        self.body = self._body(samples, details, bodies)
        self.names_object = bool(samples.used)

    def _body(
        self, samples: Samples, details: Mapping[str, Any], bodies: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the body as options of ``MattClient.request``."""
        content = samples.resolve(details.get("requestBody", {})).get("content", {})
        kind = next((each for each in content if each == "application/json"), None)
        kind = kind or next(iter(content), None)
        if kind is None:
            return {}
        schema = content[kind].get("schema", {})
        value = bodies[self.id] if self.id in bodies else samples.value(schema)
        if kind == "application/x-www-form-urlencoded":
            return {"data": urlencode(value, doseq=True).encode(), "content_type": kind}
        if kind == "multipart/form-data":
            schema = samples.resolve(schema)
            files = {name for name, each in schema.get("properties", {}).items() if _is_file(each)}
            uploads = {
                name: SimpleUploadedFile("sample.txt", b"sample") for name in files & {*value}
            }
            return {"data": {k: v for k, v in value.items() if k not in files}, "files": uploads}
        return {
            "data": jsonlib.dumps(value, default=str).encode(),
            "content_type": "application/json",
        }

    def is_one_of(self, patterns: Iterable[str]) -> bool:
        """Return whether one of the patterns matches the id."""
        return any(fnmatchcase(self.id, each) for each in patterns)

    def send(self, actor: Actor) -> tuple[int, str, str]:
        """Send the request; return the status, the text of the response, and the exception of a 5xx."""
        client: Any = actor.client
        with _unchanged(client):
            client.django.cookies.load(self.cookies)
            response = client._prepare(
                self.method,
                self.path,
                query=self.query,
                headers={**self.headers, **actor.headers},
                **deepcopy(self.body),
            )()
            # A stream may be endless.
            text = "" if response.streaming else response.content.decode("utf-8", "replace")
            raised = getattr(response, "exc_info", None)
            if response.streaming:
                _close(response)
        reason = "" if raised is None else f"{raised[0].__name__}: {raised[1]}"
        return response.status_code, text, reason

    def finding(self, kind: str, actor: str, status: int, reason: str = "") -> Finding:
        return Finding(kind, actor, self.method, self.path, self.id, status, reason)


@contextmanager
def _unchanged(client: MattClient) -> Iterator[None]:
    """Undo what a request changes: rows, and the cookies of the client. Exceptions of views are responses with 500."""
    django = client.django
    cookies, raises = deepcopy(django.cookies), django.raise_request_exception
    django.raise_request_exception = False
    try:
        with transaction.atomic():
            yield
            transaction.set_rollback(True)
    finally:
        django.cookies, django.raise_request_exception = cookies, raises


def _parameters(methods: Mapping[str, Any], details: Mapping[str, Any]) -> list[Any]:
    """Return the parameters of an operation, after those of its path, which it may replace."""
    return [*methods.get("parameters", ()), *details.get("parameters", ())]


def _close(response: Any) -> None:
    """Close a stream that was not read, without Django's end of a request, which closes the database connection."""
    request_finished.disconnect(close_old_connections)
    try:
        response.close()
    finally:
        request_finished.connect(close_old_connections)


def _is_file(schema: Any) -> bool:
    items = schema.get("items", {}) if isinstance(schema, Mapping) else {}
    return any(
        each.get("format") == "binary" or each.get("contentMediaType") == "application/octet-stream"
        for each in (schema, items)
        if isinstance(each, Mapping)
    )


def _actor(given: Any) -> Actor:
    if isinstance(given, Actor):
        return given
    return Actor(client=given) if isinstance(given, MattClient) else Actor(headers=given)


def _client(api: Any) -> MattClient:
    return MattClient(api, raise_request_exception=False)


def _prefix_of(api: MattAPI) -> str | None:
    """Return the path at which the project's URLs mount the API; None if they do not."""
    for found, prefix in find_apis():
        if found is api:
            return "/" + re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", prefix).lstrip("/")
    return None


def _document(api: MattAPI, prefix: str) -> Mapping[str, Any]:
    """Return the document with the operations that are hidden from it."""
    hidden = [each.operation for each in api.operations() if not each.documented]
    for operation in hidden:
        operation.include_in_schema = True
    try:
        made = api.get_openapi_schema(path_prefix=prefix)
        return dict(jsonlib.loads(jsonlib.dumps(made, default=str)))
    finally:
        for operation in hidden:
            operation.include_in_schema = False


def _check_names(calls: Sequence[_Call], named: set[str], actors: Mapping[str, Actor]) -> None:
    """Raise ``ValueError`` for an operation that does not exist: a typo, or one that was renamed."""
    methods = {method.upper() for method in _METHODS}
    named |= {each for actor in actors.values() for each in actor.may if each not in methods}
    unknown = [each for each in sorted(named) if not any(call.is_one_of([each]) for call in calls)]
    if unknown:
        raise ValueError(
            f"The API has no operation {', '.join(map(repr, unknown))}; "
            f"it has: {', '.join(sorted(call.id for call in calls))}."
        )


_TITLES = {
    "leak": "answers to somebody who must not get them (if one is right, name its operation in `public`, or in `may` of the actor)",
    "error": "errors of the server",
    "untested": "operations that the owner may not call either, so they are not tested (complete `objects` or `bodies`, or name them in `untested`)",
}


def _report(found: Sequence[Finding]) -> str:
    lines: list[str] = []
    for kind, title in _TITLES.items():
        mine = [each for each in found if each.kind == kind]
        if not mine:
            continue
        widths = [
            max(len(getattr(each, name)) for each in mine)
            for name in ("actor", "method", "path", "operation_id")
        ]
        lines.append(f"{len(mine)} {title}:")
        for each in mine:
            columns = (each.actor, each.method, each.path, each.operation_id)
            shown = "  ".join(
                text.ljust(width) for text, width in zip(columns, widths, strict=True)
            )
            lines.append(f"  {shown}  {each.status}  {each.reason}".rstrip())
    return "\n".join(lines)
