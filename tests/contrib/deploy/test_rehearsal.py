"""A rehearsal without a cloud: what the image does, in an empty folder, and then releases under load."""

import asyncio
import fnmatch
import json
import os
import re
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest
import yaml

from benchmarks.ports import free_port
from django_matt.contrib.deploy import images
from tests.contrib.deploy.facts import project_in
from tests.contrib.deploy.proxies import HEALTH, Load, Proxy, request
from tests.contrib.deploy.test_production import Shop, make, options
from tests.e2e.servers import create_database, run_postgres
from tests.projects.conftest import copy_checkout
from tests.waiting import SECONDS

pytestmark = [
    *(pytest.mark.once, pytest.mark.slow, pytest.mark.exhaustive, pytest.mark.timeout(900)),
]

COMPOSE = "deploy/compose.yaml"
RATE = 50
NEXT = """
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial")]
    operations = [
        migrations.AddField("item", "colour", models.CharField(max_length=20, default="white", db_default="white")),
    ]
"""
REMOVAL = """
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("catalog", "0002_colour")]
    operations = [migrations.RemoveField("item", "description")]
"""
SLOW = """

@api.get("/slow", auth=None)
async def slow(request, seconds: float = 2.0):
    import asyncio

    await asyncio.sleep(seconds)
    return {"slept": seconds}
"""


def sh(command: "str | list[str]", folder: Path, **variables: str) -> str:
    """Run a step, in the environment of an image: none of the variables of this test run."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    network = {
        k: v for k, v in os.environ.items() if k.startswith(("PIP_", "UV_", "SSL_", "HTTP", "http"))
    }
    done = subprocess.run(
        command,
        shell=isinstance(command, str),
        cwd=folder,
        env={**kept, **network, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-5000:]}"
    return done.stdout


class Image:
    """What `docker build` makes of the Dockerfile, as folders: its environment, and /app."""

    def __init__(self, shop: Shop, folder: Path, venv: Path) -> None:
        self.app, self.venv = folder, venv
        self.dockerfile = (shop.folder / images.DOCKERFILE).read_text()
        ignored = (shop.folder / f"{images.DOCKERFILE}.dockerignore").read_text().splitlines()
        patterns = [line.removeprefix("**/") for line in ignored if not line.startswith(("#", "!"))]

        def left_out(path: str, names: list[str]) -> set[str]:
            return {name for each in patterns for name in fnmatch.filter(names, each)}

        shutil.copytree(shop.folder, folder, ignore=left_out)
        (collect,) = re.findall(
            r"^RUN (SECRET_KEY=\S+ python manage.py collectstatic .*)$", self.dockerfile, re.M
        )
        sh(collect, folder, **self.variables)

    @property
    def variables(self) -> dict[str, str]:
        """``ENV`` of the last stage."""
        (line,) = re.findall(r"^ENV (PATH=/venv/bin.*)$", self.dockerfile, re.M)
        found = dict(word.split("=", 1) for word in shlex.split(line))
        return {**found, "PATH": f"{self.venv}/bin{os.pathsep}{os.defpath}"}

    def command(self, port: int) -> list[str]:
        """``CMD`` on a port of this machine, with one worker."""
        command: list[str] = json.loads(re.findall(r"^CMD (\[.*\])$", self.dockerfile, re.M)[-1])
        for name, value in (("--port", str(port)), ("--host", "127.0.0.1"), ("--workers", "1")):
            command[command.index(name) + 1] = value
        command[0] = f"{self.venv}/bin/{command[0]}"
        return command


def build_environment(shop: Shop, folder: Path) -> Path:
    """Do what the stage `build` does: an environment, the requirements, and Django Matt from the vendored file."""
    dockerfile = (shop.folder / images.DOCKERFILE).read_text()
    assert "COPY requirements/production.txt requirements.txt" in dockerfile
    assert "COPY deploy/vendor/ vendor/" in dockerfile

    build = folder / "build"
    build.mkdir()
    shutil.copy(shop.folder / "requirements/production.txt", build / "requirements.txt")
    (folder / "facts").mkdir()
    # A clone, because a build leaves files in it.
    copy_checkout(folder / "clone")
    origin = {"url": (folder / "clone").as_uri(), "dir_info": {"editable": True}}
    with mock.patch.object(images, "read_origin", return_value=origin):
        vendored = images.vendor(project_in(folder / "facts"))
    assert vendored is not None
    assert re.fullmatch(r"django_matt-1\.0\.0\.dev0\.tar\.gz", vendored.name)
    shutil.copytree(vendored.parent, build / "vendor")
    venv = folder / "venv"
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    variables = {"PATH": tools, "VIRTUAL_ENV": str(venv), "CFLAGS": "-O0"}
    steps = re.search(r"RUN uv venv /venv \\\n    && (.*)\n", dockerfile)
    install = re.search(r"^RUN (uv pip install --no-deps vendor/.*)$", dockerfile, re.M)
    assert steps
    assert install
    sh(f"uv venv --python {sys.executable} {venv}", build, **variables)
    sh(steps[1], build, **variables)
    sh(install[1], build, **variables)
    (listing,) = re.findall(r"^RUN (uvx --from cyclonedx-bom.*)$", dockerfile, re.M)
    sh(listing.replace("/venv", str(venv)), build, **variables)
    parts = {
        each["name"]: each["version"]
        for each in json.loads((venv / "sbom.json").read_text())["components"]
    }
    assert parts["django-matt"] == "1.0.0.dev0"
    assert {"granian", "psycopg", "Django"} <= {*parts, "Django" if "django" in parts else ""}
    size = sum(
        path.lstat().st_size for path in venv.rglob("*") if path.is_file() and not path.is_symlink()
    )
    sys.stderr.write(f"The environment of the image has {size / 1e6:.0f} MB.\n")
    return venv


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A folder, and an environment for the projects of both databases."""
    folder = tmp_path_factory.mktemp("rehearsal")
    shop = prepare(folder / "first", "postgresql")
    return folder, build_environment(shop, folder)


def prepare(folder: Path, database: str) -> Shop:
    """Return a project whose items anybody may write, with the files of compose."""
    folder.mkdir()
    shop = make(folder, database)
    shop.edit(
        "catalog/controllers.py",
        '@http_post("", response={201: ItemOut})',
        '@http_post("", response={201: ItemOut}, auth=None)',
    )
    (shop.folder / "config/api.py").write_text((shop.folder / "config/api.py").read_text() + SLOW)
    shop.deploy("init", "compose", *options("compose"))
    return shop


class Machine:
    """The machine of compose: its environment, and the two copies that run."""

    def __init__(self, shop: Shop, folder: Path, url: str) -> None:
        self.folder = folder
        document = yaml.safe_load((shop.folder / COMPOSE).read_text())
        plain = document["services"]["web-1"]["environment"]
        (folder / "data").mkdir(parents=True)
        self.variables = {
            name: value.replace("/data/", f"{folder}/data/") for name, value in plain.items()
        }
        self.variables |= {"SECRET_KEY": "k" * 60, **({"DATABASE_URL": url} if url else {})}
        self.ports = [free_port(), free_port()]
        self.running: dict[int, subprocess.Popen[bytes]] = {}
        self.starts: list[float] = []

    def migrate(self, image: Image) -> None:
        sh(
            ["python", "manage.py", "migrate", "--no-input"],
            image.app,
            **{**image.variables, **self.variables, "PATH": image.variables["PATH"]},
        )

    def start(self, image: Image, port: int) -> None:
        with (self.folder / f"{port}.log").open("ab") as log:
            self.running[port] = subprocess.Popen(
                image.command(port),
                cwd=image.app,
                env={**image.variables, **self.variables, "TMPDIR": str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def log(self) -> str:
        return "\n".join(path.read_text()[-3000:] for path in self.folder.glob("*.log"))

    async def until_healthy(self, port: int) -> None:
        """Wait as `up --wait` does."""
        begin = time.monotonic()
        while time.monotonic() < begin + SECONDS:
            assert self.running[port].poll() is None, self.log()
            try:
                status, _ = await request(port, "GET", HEALTH)
                if status == 200:
                    self.starts.append(time.monotonic() - begin)
                    return
            except (OSError, EOFError):
                pass
            await asyncio.sleep(0.05)
        raise AssertionError(self.log())

    async def replace(self, image: Image, proxy: Proxy) -> None:
        """Replace one copy after the other, as the commands of a release do."""
        for port in self.ports:
            proxy.used = {*self.ports} - {port}
            # The two commands of docker take longer.
            await asyncio.sleep(0.2)
            old = self.running.pop(port, None)
            if old is not None:
                old.send_signal(signal.SIGTERM)
                assert await asyncio.to_thread(old.wait, images.DRAIN + 5) == 0, self.log()
            self.start(image, port)
            await self.until_healthy(port)
        proxy.used = {*self.ports}

    def end(self) -> None:
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            process.wait(images.DRAIN + 5)


@contextmanager
def machine_of(shop: Shop, folder: Path, url: str) -> Iterator[Machine]:
    machine = Machine(shop, folder, url)
    try:
        yield machine
    finally:
        machine.end()


@contextmanager
def database_of(kind: str) -> Iterator[str]:
    if kind == "sqlite":
        yield ""
        return
    with run_postgres() as host:
        yield create_database(host, "matt_rehearsal")


def add_colour(shop: Shop) -> None:
    """The next release: a column, with a default in the database, and in the response."""
    (shop.folder / "catalog/migrations/0002_colour.py").write_text(NEXT)
    shop.edit(
        "catalog/models.py",
        "    description = ",
        '    colour = models.CharField(max_length=20, default="white", db_default="white")\n    description = ',
    )
    shop.edit("catalog/schemas.py", '"name", "description"', '"name", "colour", "description"')


def snapshot(folder: Path) -> dict[str, int]:
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if path.is_file()
    }


async def under_load(machine: Machine, port: int, work) -> Load:
    """Do something while requests come in; return what became of them."""
    load = Load(port, RATE)
    async with asyncio.TaskGroup() as group:
        group.create_task(load.run())
        try:
            await asyncio.sleep(1)
            await work()
            await asyncio.sleep(1)
        finally:
            load.end()
    return load


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_release_and_a_rollback_lose_no_request(
    built: tuple[Path, Path], tmp_path: Path, kind: str
) -> None:
    _, venv = built
    shop = prepare(tmp_path / "source", kind)
    first = Image(shop, tmp_path / "first", venv)
    add_colour(shop)
    second = Image(shop, tmp_path / "second", venv)
    before = snapshot(second.app)
    told: dict[str, object] = {}

    async def rehearse() -> None:
        proxy = Proxy(machine.ports)

        async def run() -> None:
            await machine.replace(first, proxy)
            while len(proxy.healthy) < 2:
                await asyncio.sleep(0.05)
            status, _ = await request(
                proxy.port, "POST", "/api/items", {"name": "Kept", "price": "1"}
            )
            assert status == 201

            async def release_second() -> None:
                await asyncio.to_thread(machine.migrate, second)
                await machine.replace(second, proxy)

            load = await under_load(machine, proxy.port, release_second)
            assert load.failed == [], load.failed[:5]
            told["release"] = (load.statuses.total(), load.slowest)
            _, body = await request(proxy.port, "GET", "/api/items?limit=1000")
            items = json.loads(body)["items"]
            assert {each["colour"] for each in items} == {"white"}
            # Each write that was answered is there.
            assert len(items) == min(1000, 1 + load.statuses[201])
            # What is being answered when SIGTERM comes is answered.
            slow = asyncio.create_task(request(machine.ports[0], "GET", "/api/slow"))
            await asyncio.sleep(0.5)
            load = await under_load(machine, proxy.port, lambda: machine.replace(first, proxy))
            assert (await slow)[0] == 200
            assert load.failed == [], load.failed[:5]
            told["rollback"] = (load.statuses.total(), load.slowest)
            _, body = await request(proxy.port, "GET", "/api/items?limit=1")
            assert "colour" not in json.loads(body)["items"][0]

        await proxy.serve(run)

    with database_of(kind) as url, machine_of(shop, tmp_path / "machine", url) as machine:
        machine.migrate(first)
        asyncio.run(rehearse())
        told["starts"] = machine.starts
        # The root file system may be read-only: nothing was written beside the volume.
        assert snapshot(second.app) == before
        if kind == "sqlite":
            machine.end()
            _back_up_and_restore(shop, machine)
    sys.stderr.write(f"{kind}: {told}\n")


def _back_up_and_restore(shop: Shop, machine: Machine) -> None:
    """Run what the services of compose run, with this machine's paths."""
    document = yaml.safe_load((shop.folder / COMPOSE).read_text())
    (copy,) = re.findall(r'python -c "(.*?)" ', document["services"]["backup"]["command"][-1])
    (back,) = re.findall(r'python -c "(.*?)" ', (shop.folder / "deploy/restore.sh").read_text())
    data = machine.folder / "data/db.sqlite3"
    count = "SELECT count(*), sum(price) FROM catalog_item"

    def ask(sql: str) -> object:
        with sqlite3.connect(data) as connection:
            return connection.execute(sql).fetchone()

    before = ask(count)
    sh(
        [
            sys.executable,
            "-c",
            copy.replace("/data/", f"{data.parent}/"),
            str(machine.folder / "copy"),
        ],
        machine.folder,
    )
    ask("DELETE FROM catalog_item")
    assert ask(count) != before
    script = back.replace("/data/", f"{data.parent}/").replace("/backups/", f"{machine.folder}/")
    sh([sys.executable, "-c", script, "copy"], machine.folder)
    assert ask(count) == before


def test_a_migration_that_check_refuses_does_fail_requests(
    built: tuple[Path, Path], tmp_path: Path
) -> None:
    """The rehearsal notices what it is there for."""
    _, venv = built
    shop = prepare(tmp_path / "source", "sqlite")
    add_colour(shop)
    image = Image(shop, tmp_path / "first", venv)
    release = shop.commit()
    (shop.folder / "catalog/migrations/0003_removal.py").write_text(REMOVAL)
    broken = "\n".join(shop.check("compose", "--since", release)["broken"])
    assert "Remove field description from item." in broken
    second = Image(shop, tmp_path / "second", venv)

    async def rehearse() -> None:
        proxy = Proxy(machine.ports)

        async def run() -> None:
            await machine.replace(image, proxy)
            load = await under_load(
                machine, proxy.port, lambda: asyncio.to_thread(machine.migrate, second)
            )
            assert any(" 500 " in each for each in load.failed)

        await proxy.serve(run)

    with machine_of(shop, tmp_path / "machine", "") as machine:
        machine.migrate(image)
        asyncio.run(rehearse())
