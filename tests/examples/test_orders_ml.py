"""examples/orders_ml, as its README says: a network is trained on the shop's orders and served; without torch it says what to install."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.ports import free_port
from tests.e2e.servers import ROOT, run_server, shop_environment
from tests.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FOLDER = ROOT / "examples" / "orders_ml"
HAS_TORCH = importlib.util.find_spec("torch") is not None
if not HAS_TORCH and os.environ.get("MATT_REQUIRE_TORCH") == Path(sys.prefix).name:
    raise RuntimeError("MATT_REQUIRE_TORCH is set and torch is not installed: make .venv/.torch")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    found = shop_environment(tmp_path, SHOP_DEBUG="1")
    return {**found, "DJANGO_SETTINGS_MODULE": "forecast.settings"}


def manage(environment: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=FOLDER,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=200,
        check=False,
    )


@pytest.mark.skipif(HAS_TORCH, reason="torch is installed")
def test_without_torch_it_says_what_to_install(environment: dict[str, str]):
    manage(environment, "migrate", "-v", "0")
    done = manage(environment, "train")
    assert done.returncode == 1
    assert "CommandError: torch is not installed: pip install" in done.stdout
    assert "ml]" in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.skipif(not HAS_TORCH, reason="torch is not installed: make .venv/.torch")
def test_a_network_is_trained_served_and_trained_again(environment: dict[str, str], tmp_path: Path):
    for arguments in (
        ["migrate", "-v", "0"],
        ["check", "--fail-level", "WARNING"],
        ["load_demo", "--no-input", "--products", "20"],
        ["train", "--epochs", "2"],
    ):
        done = manage(environment, *arguments)
        assert done.returncode == 0, done.stdout
    assert "quantity:1 answers requests." in done.stdout
    assert "2 of 2" not in done.stdout
    checked = manage(environment, "matt_ml", "check", "quantity")
    assert "3 of 3 answers are equal alone and in a batch" in checked.stdout
    port = free_port()
    command = ["-m", "granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", str(port)]
    log = tmp_path / "server.log"
    with (
        run_server(
            [*command, "forecast.asgi:application"], FOLDER, environment, port, log
        ) as server,
        server.client() as client,
    ):

        def ask() -> Any:
            found = client.post("/api/ml/quantity", json={"price": 19.9, "weight": 0.5})
            assert found.status_code == 200, found.text
            assert found.json()["quantity"] >= 0
            return found.headers["X-Model-Version"]

        assert ask() == "1"
        assert client.get("/api/v2/models/quantity").json()["versions"] == ["1"]
        again = manage(environment, "train", "--epochs", "1")
        assert again.returncode == 0, again.stdout
        wait_until(lambda: ask() == "2")
        assert client.post("/api/ml/quantity", json={"price": -1}).status_code == 422
