"""An API with tokens, users, and requests from many threads at once."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections
from django.http import HttpRequest
from django.test import Client

from django_matt import MattAPI
from django_matt.authentication import AnyOf, SessionAuthenticator
from django_matt.contrib.tokens import services
from django_matt.contrib.tokens.authentication import TokenAuth
from django_matt.contrib.tokens.verification import verifier
from django_matt.sign_in import IssuedTokens, is_impersonated

THREADS = 16


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    """Start each test as a new process would."""
    verifier.clear()
    yield
    verifier.clear()


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_user("ada", password="correct horse")


@pytest.fixture
def login() -> Callable[..., IssuedTokens]:
    """Return ``login(user, **more)``: the tokens of a new login."""

    def issue(user: User, **more: Any) -> IssuedTokens:
        return services.issue(HttpRequest(), user, **more).tokens

    return issue


@pytest.fixture
def api() -> MattAPI:
    """An API whose routes, sync and async, return whom they were called by."""
    api = MattAPI(extensions=["matt_tokens"])

    @api.get("/sync", auth=TokenAuth())
    def sync(request):
        return {"user": request.auth.user_id}

    @api.get("/async", auth=TokenAuth())
    async def asynchronous(request):
        return {"user": request.auth.user_id}

    @api.get("/name", auth=TokenAuth())
    def name(request):
        return {"name": request.user.username}

    @api.get("/aname", auth=TokenAuth())
    async def aname(request):
        user = await request.auser()
        return {"name": user.username, "same": request.user.username == user.username}

    @api.post("/scoped", auth=TokenAuth(scopes=["books:write"]))
    def scoped(request):
        return {}

    @api.get("/impersonated", auth=TokenAuth())
    def impersonated(request):
        return is_impersonated(request)

    either = AnyOf(TokenAuth(), SessionAuthenticator())

    @api.api_operation(["GET", "POST"], "/either", auth=either)
    def any_of(request):
        return {"name": request.user.username}

    @api.api_operation(["GET", "POST"], "/aeither", auth=either)
    async def any_of_async(request):
        return {"name": (await request.auser()).username}

    return api


@pytest.fixture
def client(serve: Callable[..., Client], api: MattAPI) -> Client:
    return serve(api)


@pytest.fixture(params=["/api/sync", "/api/async"])
def me(client: Client, request: pytest.FixtureRequest) -> Callable[[str], Any]:
    """Return ``me(token)``: send the token to a sync or an async route."""

    def ask(token: str, scheme: str = "Bearer") -> Any:
        return client.get(request.param, headers={"Authorization": f"{scheme} {token}"})

    return ask


@pytest.fixture
def refresh(client: Client) -> Callable[..., Any]:
    """Return ``refresh(token)``."""

    def send(token: str) -> Any:
        return client.post(
            "/api/tokens/refresh", {"refresh_token": token}, content_type="application/json"
        )

    return send


@pytest.fixture
def shared(transactional_db: None, tmp_path: Path, django_db_blocker: Any) -> Iterator[None]:
    """A database that threads can share: a file instead of SQLite in memory."""
    if connection.vendor != "sqlite":
        yield
        return
    path = tmp_path / "shared.sqlite3"
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(path)])
    memory, options = connections["default"], connections.databases["default"]
    file = {**options, "NAME": str(path), "OPTIONS": {**options["OPTIONS"], "timeout": 60}}
    connections.databases["default"] = file
    del connections["default"]
    yield
    connections["default"].close()
    connections.databases["default"] = options
    connections["default"] = memory


@pytest.fixture
def at_once(shared: None) -> Callable[[Callable[[], Any]], list[Any]]:
    """Return ``at_once(call)``: what 16 threads get that call a function at the same time."""

    def run(call: Callable[[], Any], threads: int = THREADS) -> list[Any]:
        barrier, found = threading.Barrier(threads), []

        def work() -> None:
            with suppress(threading.BrokenBarrierError):
                barrier.wait(60)
            try:
                found.append(call())
            finally:
                connections.close_all()

        workers = [threading.Thread(target=work) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(100)
        assert len(found) == threads
        return found

    return run


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[Any]]:
    """Return ``events(name)``: the users of the security events of that name; ``events.all`` has the events."""
    from django.apps import apps

    found: list[Any] = []
    config: Any = apps.get_app_config("sign_in")
    monkeypatch.setattr(config, "record_security_event", found.append, raising=False)

    def users(name: str) -> list[Any]:
        return [event.user for event in found if event.name == name]

    users.all = found
    return users
