"""The images are built by their Dockerfiles and start: of ``matt deploy``, and of the project template.

buildah builds them without a daemon. Base images cannot be pulled here, so stand-ins of the same names are made: Debian by
debootstrap, with this Python at the place and in the state of the real one, without any bytecode.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from benchmarks.ports import free_port
from django_matt.contrib.deploy import images
from tests.contrib.deploy.facts import project_in
from tests.contrib.deploy.test_production import make, options
from tests.projects.conftest import copy_checkout

pytestmark = [
    *(pytest.mark.once, pytest.mark.slow, pytest.mark.exhaustive, pytest.mark.timeout(1800)),
    pytest.mark.skipif(
        not (shutil.which("buildah") and shutil.which("debootstrap") and os.geteuid() == 0),
        reason="needs buildah and debootstrap, as root",
    ),
    pytest.mark.skipif(sys.base_prefix == "/usr", reason="needs a Python that can be copied"),
]
LIBRARIES = "ca-certificates,libssl3,libsqlite3-0,libffi8,zlib1g,libbz2-1.0,liblzma5,libreadline8,libncursesw6,libexpat1,libuuid1"
CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"
ADDED = 135
"""What an image may add to its base, in MB."""
SITE = {
    "SECRET_KEY": "k" * 60,
    "ALLOWED_HOSTS": "shop.example.com",
    "DATABASE_URL": "sqlite:////data/db.sqlite3",
    "STORAGE_URL": "file:///data/media",
    "HTTPS": "true",
    "BEHIND_PROXY": "true",
    "SITE_URL": "https://shop.example.com",
}


class Buildah:
    """buildah with a store of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "storage.conf"
        self.store.write_text(
            f'[storage]\ndriver = "overlay"\nrunroot = "{folder}/run"\ngraphroot = "{folder}/graph"\n'
        )

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "CONTAINERS_STORAGE_CONF": str(self.store)}

    def __call__(self, *arguments: str, fails: bool = False) -> str:
        done = subprocess.run(
            ["buildah", *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=1200,
            check=False,
        )
        assert bool(done.returncode) == fails, (done.stdout + done.stderr)[-5000:]
        return done.stdout.strip()

    def build(self, context: Path, tag: str, *arguments: str) -> None:
        network = ("--isolation", "chroot", "--network", "host")
        self("bud", *network, "--format", "docker", "--tag", tag, *arguments, str(context))


def make_base(buildah: Buildah, tag: str) -> None:
    """Make a stand-in for ``python:…-slim``."""
    container = buildah("from", "scratch")
    root = Path(buildah("mount", container))
    debian = ["debootstrap", "--variant=minbase", f"--include={LIBRARIES}", "bookworm", str(root)]
    made = subprocess.run(
        debian, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, check=False
    )
    assert made.returncode == 0, made.stdout[-3000:]
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"

    def left_out(folder: str, names: list[str]) -> set[str]:
        kept_out = {"__pycache__", "test", "tests", "site-packages"}
        return {name for name in names if name in kept_out or name.endswith((".a", ".pyc"))}

    for name in ("include", "lib"):
        shutil.copytree(
            Path(sys.base_prefix) / name,
            root / "usr/local" / name,
            symlinks=True,
            ignore=left_out,
            dirs_exist_ok=True,
        )
    shutil.copy(Path(sys.base_prefix) / "bin" / python, root / "usr/local/bin")
    for name in ("python", "python3"):
        (root / "usr/local/bin" / name).symlink_to(python)
    # A machine behind a proxy that ends TLS has certificates of its own.
    shutil.copy(f"/{CERTIFICATES}", root / CERTIFICATES)
    for folder in ("var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc"):
        shutil.rmtree(root / folder)
    (root / "var/cache/apt/archives/partial").mkdir(parents=True)
    buildah("run", "--isolation", "chroot", container, "ldconfig")
    buildah("run", "--isolation", "chroot", container, "python", "-m", "ensurepip")
    (root / "usr/local/bin/pip").symlink_to("pip3")
    for path in (root / "usr/local").rglob("__pycache__"):
        shutil.rmtree(path)
    variables = (f"PIP_CERT=/{CERTIFICATES}", f"SSL_CERT_FILE=/{CERTIFICATES}")
    places = "PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
    buildah("config", *(f"--env={each}" for each in (places, *variables)), container)
    buildah("umount", container)
    buildah("commit", "--rm", "--quiet", container, f"docker.io/library/{tag}")


@pytest.fixture(scope="module")
def buildah(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Buildah]:
    found = Buildah(tmp_path_factory.mktemp("buildah"))
    make_base(found, f"python:{images.PYTHON}-slim")
    yield found
    found("rm", "--all")
    found("rmi", "--all", "--force")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source") / "clone"
    copy_checkout(folder)
    return folder


def size(folder: Path) -> float:
    """Return the size of all files of a folder, in MB."""
    found = (path.lstat() for path in folder.rglob("*"))
    return sum(each.st_size for each in found) / 1e6


class Container:
    """A container of an image that was built."""

    def __init__(self, buildah: Buildah, image: str) -> None:
        self.buildah, self.name = buildah, buildah("from", "--pull-never", image)
        self.root = Path(buildah("mount", self.name))
        about = json.loads(buildah("inspect", image))
        self.config = about["Docker"]["config"]
        self.port = free_port()
        self.variables = [f"--env={name}={value}" for name, value in SITE.items()]

    def run(self, *command: str, fails: bool = False) -> str:
        return self.buildah(*self._run(*command), fails=fails)

    def _run(self, *command: str) -> list[str]:
        isolated = ("--isolation", "chroot", "--network", "host")
        return ["run", *isolated, *self.variables, self.name, "--", *command]

    def is_healthy(self, *, fails: bool) -> None:
        """Run the HEALTHCHECK of the image."""
        kind, *test = self.config["Healthcheck"]["Test"]
        assert kind == "CMD"
        self.run(*(each.replace("8000", str(self.port)) for each in test), fails=fails)

    def start(self) -> tuple["subprocess.Popen[bytes]", float]:
        """Start the server, and return it with the seconds until it was healthy."""
        command = list(self.config["Cmd"])
        for name, value in (("--port", str(self.port)), ("--host", "127.0.0.1")):
            command[command.index(name) + 1] = value
        begin = time.monotonic()
        server = subprocess.Popen(
            ["buildah", *self._run(*command)],
            env=self.buildah.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        request = b"GET /api/health/ready HTTP/1.0\r\nHost: shop.example.com\r\nX-Forwarded-Proto: https\r\n\r\n"
        while time.monotonic() < begin + 60:
            assert server.poll() is None
            try:
                with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
                    connection.sendall(request)
                    if b" 200 " in connection.recv(64):
                        break
            except OSError:
                pass
            time.sleep(0.02)
        return server, time.monotonic() - begin


def examine(buildah: Buildah, image: str) -> None:
    """See that an image is small, has nothing that it should not have, and starts."""
    base = buildah("from", "--pull-never", f"python:{images.PYTHON}-slim")
    before = size(Path(buildah("mount", base)))
    container = Container(buildah, image)
    added = size(container.root) - before
    assert added < ADDED
    assert container.config["User"] == "10001"
    assert not list((container.root / "app").glob(".env*"))
    # Nothing is compiled at the start, because the server could not write it.
    library = (
        container.root / "usr/local/lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    )
    for module in (library / "asyncio", container.root / "app/config"):
        assert list(module.glob("__pycache__/*.pyc"))
    container.is_healthy(fails=True)
    container.run("python", "manage.py", "migrate", "--no-input")
    starts = []
    for _ in range(3):
        server, seconds = container.start()
        try:
            container.is_healthy(fails=False)
        finally:
            server.terminate()
            server.wait(40)
        starts.append(seconds)
    # By the fastest: the machine may be busy.
    assert min(starts) < 3, starts
    sys.stderr.write(
        f"{image}: {added:.0f} MB, healthy after {[round(each, 1) for each in starts]} s\n"
    )


def test_the_image_of_matt_deploy(buildah: Buildah, clone: Path, tmp_path: Path) -> None:
    shop = make(tmp_path, "sqlite")
    shop.deploy("init", "compose", *options("compose"))
    (tmp_path / "facts").mkdir()
    origin = {"url": clone.as_uri(), "dir_info": {"editable": True}}
    project = project_in(tmp_path / "facts")
    with mock.patch.object(images, "read_origin", return_value=origin):
        vendored = images.vendor(project)
    assert vendored is not None
    shutil.copy(vendored, shop.folder / images.VENDOR)
    buildah.build(shop.folder, "shop:1", "--file", str(shop.folder / images.DOCKERFILE))
    examine(buildah, "shop:1")


def test_the_image_of_the_template(buildah: Buildah, clone: Path, tmp_path: Path) -> None:
    shop = make(tmp_path, "sqlite")
    buildah.build(shop.folder, "shop:2", "--build-context", f"django-matt={clone}")
    examine(buildah, "shop:2")
