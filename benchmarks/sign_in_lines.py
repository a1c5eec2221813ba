"""``python -m benchmarks.sign_in_lines``: one setup of the sign-in apps, in a process of its own, for ``benchmarks.sign_in``.

Each line is a request with credentials, a limit or a key, and takes turns with the same route without. A line of JSON is
printed for each. With ``--start``, the process measures what it costs to start with some apps.
"""

import argparse
import asyncio
import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from io import BytesIO
from types import ModuleType
from typing import Any

__all__ = ["SETUPS", "Line"]

Headers = Callable[[], dict[str, str]]
_CONTRIB = "django_matt.contrib."


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line: the least CPU and wall seconds of a request, and of the same route without."""

    name: str
    kind: str
    """``sync`` or ``async``."""
    cpu: float
    wall: float
    bare_cpu: float
    bare_wall: float
    queries: int
    """Statements that one request sends to the database, apart from those of the same route without."""


@dataclass(frozen=True, kw_only=True)
class Ask:
    """A request of a line, and what happens before each."""

    name: str
    kind: str
    path: str
    headers: Headers = dict
    method: str = "GET"
    before: Callable[[], Any] | None = None
    bare: str = ""
    """The name of the ask that it is compared with; that of the same kind named ``without`` by default."""


class Site:
    """The project's WSGI and ASGI handlers, called without a server."""

    def __init__(self) -> None:
        """Make both; ``django.setup()`` has run."""
        from django.core.handlers.wsgi import WSGIHandler

        from django_matt.asgi import get_asgi_application

        self._wsgi, self._asgi = WSGIHandler(), get_asgi_application()
        self._loop = asyncio.new_event_loop()

    def runs(self, ask: Ask) -> Callable[[int], int]:
        """Return what sends the request a number of times, and returns the last status."""
        send = self._send_wsgi if ask.kind == "sync" else self._send_asgi
        return send(ask)

    def _send_wsgi(self, ask: Ask) -> Callable[[int], int]:
        environ: dict[str, Any] = {
            "REQUEST_METHOD": ask.method,
            "PATH_INFO": f"/api{ask.path}",
            "SCRIPT_NAME": "",
            "QUERY_STRING": "",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "127.0.0.1:8000",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.errors": BytesIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }
        statuses = [""]

        def start_response(status: str, headers: Any, exc_info: Any = None) -> None:
            statuses[0] = status

        def run(times: int) -> int:
            for _ in range(times):
                if ask.before is not None:
                    ask.before()
                sent = {
                    f"HTTP_{name.upper().replace('-', '_')}": value
                    for name, value in ask.headers().items()
                }
                response = self._wsgi({**environ, **sent, "wsgi.input": BytesIO()}, start_response)
                b"".join(response)
                response.close()
            return int(statuses[0][:3])

        return run

    def _send_asgi(self, ask: Ask) -> Callable[[int], int]:
        path = f"/api{ask.path}"
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": ask.method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": b"",
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 8000),
        }
        forever = self._loop.create_future()

        async def one() -> int:
            sent: list[dict[str, Any]] = []
            received = iter([{"type": "http.request", "body": b"", "more_body": False}])

            async def receive() -> dict[str, Any]:
                for message in received:
                    return message
                return await asyncio.shield(forever)

            async def send(message: Any) -> None:
                sent.append(message)

            headers = [(b"host", b"127.0.0.1:8000")]
            headers += [(k.lower().encode(), v.encode()) for k, v in ask.headers().items()]
            await self._asgi({**scope, "headers": headers}, receive, send)
            return int(sent[0]["status"])

        async def repeat(times: int) -> int:
            status = 0
            for _ in range(times):
                if ask.before is not None:
                    ask.before()
                status = await one()
            return status

        return lambda times: self._loop.run_until_complete(repeat(times))


# ---- setups ----


def tokens(api: Any) -> Iterator[Ask]:
    """Access tokens: verified before, and seen for the first time, by algorithm."""
    from django.http import HttpRequest

    from django_matt.contrib.tokens import keys
    from django_matt.contrib.tokens.authentication import TokenAuth
    from django_matt.contrib.tokens.verification import verifier
    from django_matt.sign_in import issue_tokens

    _routes(api, "with", TokenAuth())
    user, issued = _user(), {}
    for algorithm in ("EdDSA", "ES256", "RS256", "HS256"):
        keys.load_signing_ring()
        keys.rotate(algorithm)  # type: ignore[arg-type] # one of them
        pair = issue_tokens(HttpRequest(), user)
        assert pair is not None
        issued[algorithm] = {"Authorization": f"Bearer {pair.access_token}"}
    for kind, path in (("sync", "/with"), ("async", "/awith")):
        yield Ask(
            name="token, verified before", kind=kind, path=path, headers=lambda: issued["EdDSA"]
        )
        for algorithm, headers in issued.items():
            yield Ask(
                name=f"token, first sight, {algorithm}",
                kind=kind,
                path=path,
                headers=lambda headers=headers: headers,  # type: ignore[misc]
                before=verifier._tokens.clear,
            )


def api_keys(api: Any) -> Iterator[Ask]:
    """A key of a user."""
    from django_matt.contrib.api_keys.authentication import ApiKeyAuth
    from django_matt.contrib.api_keys.owners import Owner
    from django_matt.contrib.api_keys.services import create_key

    _routes(api, "with", ApiKeyAuth())
    _, text = create_key(Owner(_user()), name="bench")
    for kind, path in (("sync", "/with"), ("async", "/awith")):
        yield Ask(name="API key", kind=kind, path=path, headers=lambda: {"X-API-Key": text})


def sessions(api: Any) -> Iterator[Ask]:
    """Django's session, with the middleware that it needs; the route without has the same middleware."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from django_matt.authentication import SessionAuthenticator

    _routes(api, "with", SessionAuthenticator())
    user, store = _user(), SessionStore()
    store[SESSION_KEY], store[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
    store[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    store.save()
    cookie = {"Cookie": f"sessionid={store.session_key}"}
    for kind, path in (("sync", "/with"), ("async", "/awith")):
        yield Ask(name="session", kind=kind, path=path, headers=lambda: cookie)


def rate_limits(api: Any) -> Iterator[Ask]:
    """A limit that no request exceeds, by address, and by user beside the same authenticated route without a limit."""
    from django_matt.authentication import BearerAuthenticator
    from django_matt.contrib.rate_limits.limits import rate_limit

    class Named(BearerAuthenticator):
        is_blocking = False

        def authenticate(self, request: Any, credentials: Any) -> str:
            return str(credentials.value)

    never, ada = "100000000/second", {"Authorization": "Bearer ada"}
    _routes(api, "by-address", None, rate_limit(never, by="address"))
    _routes(api, "named", Named())
    _routes(api, "by-user", Named(), rate_limit(never))
    for kind, letter in (("sync", ""), ("async", "a")):
        yield Ask(name="rate limit by address", kind=kind, path=f"/{letter}by-address")
        yield Ask(name="without limit", kind=kind, path=f"/{letter}named", headers=lambda: ada)
        yield Ask(
            name="rate limit by user",
            kind=kind,
            path=f"/{letter}by-user",
            headers=lambda: ada,
            bare="without limit",
        )


def idempotency(api: Any) -> Iterator[Ask]:
    """A write with a new key, and a repeated one; the route without is the same write without a key."""
    from django.contrib.auth.models import Group

    from django_matt.contrib.idempotency.decorators import idempotent

    names = (f"group {number}" for number in itertools.count())

    @api.post("/write")
    @idempotent()
    def write(request: Any) -> dict[str, Any]:
        return {"id": Group.objects.create(name=next(names)).pk}

    @api.post("/awrite")
    @idempotent()
    async def awrite(request: Any) -> dict[str, Any]:
        return {"id": (await Group.objects.acreate(name=next(names))).pk}

    numbers = itertools.count(10**30)
    for kind, path in (("sync", "/write"), ("async", "/awrite")):
        yield Ask(name="without write", kind=kind, path=path, method="POST")
        yield Ask(
            name="idempotent write, new key",
            kind=kind,
            path=path,
            method="POST",
            headers=lambda: {"Idempotency-Key": str(next(numbers))},
            bare="without write",
        )
        yield Ask(
            name="idempotent write, repeated",
            kind=kind,
            path=path,
            method="POST",
            headers=lambda: {"Idempotency-Key": "the-same-key-again-and-again"},
            bare="without write",
        )


def ninja_jwt(api: Any) -> Iterator[Ask]:
    """The token of django-ninja-jwt, for comparison."""
    from ninja_jwt.authentication import AsyncJWTAuth, JWTAuth  # type: ignore[import-untyped]
    from ninja_jwt.tokens import AccessToken  # type: ignore[import-untyped]

    _routes(api, "with", JWTAuth(), other=AsyncJWTAuth())
    headers = {"Authorization": f"Bearer {AccessToken.for_user(_user())}"}
    for kind, path in (("sync", "/with"), ("async", "/awith")):
        yield Ask(name="ninja-jwt, HS256", kind=kind, path=path, headers=lambda: headers)


SETUPS: dict[str, tuple[Callable[[Any], Iterator[Ask]], list[str]]] = {
    "tokens": (tokens, [f"{_CONTRIB}tokens"]),
    "api_keys": (api_keys, [f"{_CONTRIB}api_keys"]),
    "sessions": (sessions, []),
    "rate_limits": (rate_limits, [f"{_CONTRIB}rate_limits"]),
    "idempotency": (idempotency, [f"{_CONTRIB}idempotency"]),
    "ninja_jwt": (ninja_jwt, ["ninja_jwt"]),
}
"""The setups by name, each with the apps that it installs."""


def _routes(api: Any, name: str, auth: Any, mark: Any = None, *, other: Any = None) -> None:
    """Add a sync and an async route that do nothing."""

    def sync(request: Any) -> dict[str, bool]:
        return {"ok": True}

    async def asynchronous(request: Any) -> dict[str, bool]:
        return {"ok": True}

    mark = mark or (lambda view: view)
    api.get(f"/{name}", auth=auth)(mark(sync))
    api.get(f"/a{name}", auth=other or auth)(mark(asynchronous))


def _user() -> Any:
    from django.contrib.auth.models import User

    return User.objects.create_user("ada")


# ---- measuring ----


def _configure(
    apps: list[str], *, sessions: bool, database: dict[str, Any], store: str
) -> ModuleType:
    from django.conf import settings

    urls: Any = ModuleType("benchmarks_sign_in_urls")
    urls.urlpatterns = []
    sys.modules[urls.__name__] = urls
    middleware = (
        [
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ]
        if sessions
        else []
    )
    settings.configure(
        SECRET_KEY="only-for-benchmarks-0123456789-0123456789-0123456789",
        ALLOWED_HOSTS=["127.0.0.1"],
        USE_TZ=True,
        ROOT_URLCONF=urls.__name__,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "ninja_extra",
            "django_matt",
            "benchmarks",
            *apps,
        ],
        MIDDLEWARE=middleware,
        DATABASES={"default": {**database, "CONN_MAX_AGE": None}},
        MATT_RATE_LIMITS={"STORE": store},
        LOGGING={"version": 1, "loggers": {"django.request": {"level": "WARNING"}}},
    )
    return urls  # type: ignore[no-any-return] # a module


def _database(args: argparse.Namespace) -> dict[str, Any]:
    if args.postgres:
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": args.postgres,
            "USER": "postgres",
            "HOST": os.environ["MATT_TEST_POSTGRES_HOST"],
        }
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": args.sqlite,
        "OPTIONS": {
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
            "transaction_mode": "IMMEDIATE",
        },
    }


def _measure(site: Site, asks: list[Ask], rounds: int, times: int) -> Iterator[Line]:
    from benchmarks.measuring import take_turns

    # The first requests bind the routes, and fill what an app remembers.
    runs: dict[str, Callable[[int], int]] = {}
    for ask in asks:
        runs[f"{ask.kind} {ask.name}"] = run = site.runs(ask)
        status = run(3)
        if status != 200:
            sys.exit(f"{ask.name} ({ask.kind}) was answered by {status}.")
    queries = {key: _queries(run) for key, run in runs.items()}
    turns = take_turns(runs, times)
    for _ in range(rounds - 1):
        next(turns)
    least = next(turns)
    for ask in asks:
        if ask.name.startswith("without"):
            continue
        key, bare = f"{ask.kind} {ask.name}", f"{ask.kind} {ask.bare or 'without'}"
        cpu, wall = least[key]
        bare_cpu, bare_wall = least[bare]
        yield Line(
            name=ask.name,
            kind=ask.kind,
            cpu=cpu,
            wall=wall,
            bare_cpu=bare_cpu,
            bare_wall=bare_wall,
            queries=queries[key] - queries[bare],
        )


def _queries(run: Callable[[int], int]) -> int:
    """Return how many statements one request sends, in whichever thread: the least of three, as some are sent now and then."""
    from django.db.backends.utils import CursorWrapper

    execute, counted = CursorWrapper.execute, 0

    def counting(self: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal counted
        counted += 1
        return execute(self, *args, **kwargs)

    CursorWrapper.execute = counting  # type: ignore[method-assign]
    try:
        found = []
        for _ in range(3):
            before = counted
            run(1)
            found.append(counted - before)
        return min(found)
    finally:
        CursorWrapper.execute = execute  # type: ignore[method-assign]


def _start(apps: list[str]) -> None:
    """Start a project with some apps, answer a request, and print the CPU seconds and the peak of the memory."""
    from benchmarks.memory import peak

    cpu = time.process_time()
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
    urls = _configure(apps, sessions=False, database=database, store="memory")
    site = _prepare(urls, lambda api: iter(()))[0]
    started = time.process_time() - cpu
    site.runs(Ask(name="without", kind="sync", path="/without"))(1)
    print(json.dumps({"start": started, "first": time.process_time() - cpu, "memory": peak()}))


def _prepare(
    urls: Any, setup: Callable[[Any], Iterator[Ask]], *, migrate: bool = False
) -> tuple[Site, list[Ask]]:
    import django

    django.setup()
    from django.core.management import call_command
    from django.urls import get_resolver, path

    from django_matt import MattAPI

    if migrate:
        call_command("migrate", verbosity=0)
    api = MattAPI()
    _routes(api, "without", None)
    asks = [
        Ask(name="without", kind="sync", path="/without"),
        Ask(name="without", kind="async", path="/awithout"),
        *setup(api),
    ]
    urls.urlpatterns.append(path("api/", api.urls))
    assert get_resolver().url_patterns
    return Site(), asks


def main() -> None:
    """Measure one setup, or one start."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sign_in_lines", description=__doc__)
    parser.add_argument("setup", choices=[*SETUPS, "start"])
    parser.add_argument("--apps", nargs="*", default=[], help="the apps of a start")
    parser.add_argument("--sqlite", help="the file of the database")
    parser.add_argument("--postgres", help="the name of the database instead")
    parser.add_argument("--store", default="memory", help="the store of rate limits")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--times", type=int, default=100, help="requests of a sample")
    args = parser.parse_args()
    if args.setup == "start":
        _start(args.apps)
        return
    setup, apps = SETUPS[args.setup]
    urls = _configure(
        apps, sessions=args.setup == "sessions", database=_database(args), store=args.store
    )
    site, asks = _prepare(urls, setup, migrate=True)
    for line in _measure(site, asks, args.rounds, args.times):
        print(json.dumps(asdict(line)), flush=True)


if __name__ == "__main__":
    main()
