"""The typed client of an admin, and the providers over it: compiled, and run in Node against a live server."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from benchmarks.ports import free_port
from tests.contrib.typescript.conftest import bundle, compile_types  # noqa: F401 - fixtures
from tests.e2e.servers import ROOT, Server, run_server

HERE = Path(__file__).parent
MODULE = "tests.contrib.admin_api.site"
TABLES = """
from django.contrib.auth.models import User
User.objects.create_superuser("root")
"""


def manage(environment: dict[str, str], *arguments: object) -> None:
    done = subprocess.run(
        [sys.executable, "-m", MODULE, *map(str, arguments)],
        cwd=ROOT,
        env=environment,
        check=False,
        timeout=120,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("admin-site")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")},
        "PYTHONPATH": str(ROOT),
        "SITE_FOLDER": str(folder),
    }
    manage(environment, "migrate", "--run-syncdb", "--verbosity", "0")
    manage(environment, "shell", "-v0", "-c", TABLES)
    return environment


@pytest.fixture(scope="module")
def front(site: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("front")
    manage(site, "matt_types", "write", "--output", folder)
    for name in ("refine", "react-admin"):
        manage(site, "matt_admin_provider", name, "--output", folder)
    (folder / "uses.ts").write_text((HERE / "uses.ts").read_text())
    return folder


@pytest.fixture(scope="module")
def server(site: dict[str, str]) -> Iterator[Server]:
    port = free_port()
    command = f"-m uvicorn --lifespan off --host 127.0.0.1 --port {port} {MODULE}:application"
    log = Path(site["SITE_FOLDER"]) / "server.log"
    with run_server(command.split(), ROOT, site, port, log) as running:
        yield running


@pytest.mark.once
@pytest.mark.slow
@pytest.mark.timeout(600)
class TestFront:
    def test_the_client_and_the_providers_compile_strictly(
        self,
        front: Path,
        compile_types: Callable[..., str],  # noqa: F811
    ):
        assert compile_types(front, "uses.ts") == ""

    def test_the_providers_do_their_work_against_a_server(
        self,
        front: Path,
        server: Server,
        bundle: Callable[..., Path],  # noqa: F811
    ):
        script = bundle(front, front / "uses.ts", "--platform=node")
        done = subprocess.run(
            ["node", str(script), server.url],
            check=False,
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.stdout.endswith("passed\n"), done.stderr


def test_a_provider_that_was_changed_is_not_replaced_unasked(settings: Any, tmp_path: Path):
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "django_matt.contrib.admin_api"]
    call_command("matt_admin_provider", "refine", output=str(tmp_path / "new"))
    file = tmp_path / "new" / "refine.ts"
    file.write_text("// mine")
    with pytest.raises(CommandError, match="--force"):
        call_command("matt_admin_provider", "refine", output=str(file.parent))
    call_command("matt_admin_provider", "refine", output=str(file.parent), force=True)
    assert "refineProvider" in file.read_text()
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("matt_admin_provider", "refine", output=str(file))
