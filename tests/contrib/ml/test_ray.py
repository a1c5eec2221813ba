"""A served model in Ray Serve. Ray is in no lock, as it is large: run it with ``pip install 'ray[serve]'``."""

import os
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from benchmarks.ports import free_port
from tests.e2e.servers import ROOT, run_server

pytestmark = [
    pytest.mark.once,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed"),
]


def test_ray_serve_predicts_batches_of_a_served_class(tmp_path: Path):
    port = free_port()
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.contrib.ml.settings",
        "PYTHONPATH": str(ROOT),
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    command = ["-m", "tests.contrib.ml.ray_application", str(port)]
    log = tmp_path / "ray.log"
    with run_server(command, ROOT, environment, port, log) as server, server.client() as client:

        def ask(number: int) -> Any:
            return client.post("/", json={"features": [number, 1, 1]}, timeout=60).json()

        with ThreadPoolExecutor(16) as pool:
            found = [*pool.map(ask, range(32))]
        assert [each["score"] for each in found] == [number + 2.0 for number in range(32)]
        assert max(each["largest"] for each in found) > 1
