"""Real servers: models are loaded before the first request, other processes change them, and ``Remote`` calls them."""

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.ports import free_port
from django_matt.contrib.ml.errors import RemoteFailed
from django_matt.contrib.ml.remotes import Remote
from django_matt.errors.exceptions import ServiceUnavailable, UnprocessableContent
from tests.e2e.servers import ROOT, Server, run_server
from tests.waiting import wait_until

from .shelf.served import Linear

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.timeout(300)]

COMMANDS = {
    "asgi": ["granian", "--interface", "asgi", "--no-ws", "tests.contrib.ml.asgi:application"],
    "wsgi": [
        "gunicorn",
        "--no-control-socket",
        "--threads",
        "16",
        "tests.contrib.ml.wsgi:application",
    ],
}


class Project:
    """The database and the files of a server, and the commands that change them."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder = folder
        self.kind = kind
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("DJANGO_", "MATT_"))}
        self.environment = {
            **kept,
            "DJANGO_SETTINGS_MODULE": "tests.contrib.ml.settings",
            "PYTHONPATH": str(ROOT),
            "ML_DATABASE": str(folder / "db.sqlite3"),
            "ML_FOLDER": str(folder / "models"),
            **({"ML_SYNC": "1"} if kind == "wsgi" else {}),
        }
        self.manage("migrate", "-v", "0", "matt_ml")

    def manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "django", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def load(self, version: str, *weights: float) -> None:
        path = self.folder / f"{version}.json"
        path.write_text(json.dumps(weights))
        self.manage("matt_ml", "load", "linear", version, str(path), "--stage", "live")

    def command(self, port: int) -> list[str]:
        name, *options = COMMANDS[self.kind]
        where = ["--host", "127.0.0.1", "--port", str(port)]
        bind = where if name == "granian" else ["--bind", f"127.0.0.1:{port}"]
        return ["-m", name, *bind, *options]


@pytest.fixture(params=["asgi", pytest.param("wsgi", marks=pytest.mark.exhaustive)])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    return Project(tmp_path, request.param)


@pytest.fixture
def server(project: Project, tmp_path: Path) -> Iterator[Server]:
    project.load("2", 1, 0, 0)
    port = free_port()
    log = tmp_path / "server.log"
    with run_server(project.command(port), ROOT, project.environment, port, log) as made:
        yield made
    assert "Traceback" not in log.read_text()


@pytest.fixture
def remote() -> Iterator[Callable[..., Remote[Any]]]:
    """Return ``remote(server)``, which makes a client of the model ``linear``."""
    made: list[Remote[Any]] = []

    def make(url: str, **more: Any) -> Remote[Any]:
        made.append(Remote(f"{url}/api/v2", "linear", Linear.Input, Linear.Output, **more))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_a_server_is_called_and_swaps_versions_under_load(
    project: Project, server: Server, remote: Any
):
    client = remote(server.url, timeout=90)
    assert client.is_ready()
    items = [Linear.Input(features=[n, 10 * n, 100 * n]) for n in range(20)]
    assert [each.score for each in client.infer(items)] == [float(n) for n in range(20)]
    seen: Counter[str] = Counter()
    wrong: list[Any] = []
    stop = threading.Event()
    scores = {"2": 1.0, "3": 10.0, "4": 100.0}

    def ask() -> None:
        with server.client() as http:
            while not stop.is_set():
                found = http.post("/api/ml/linear", json={"features": [1, 10, 100]})
                body = found.json()
                version = found.headers.get("X-Model-Version")
                if body != {"version": version, "score": scores.get(str(version))}:
                    wrong.append((found.status_code, version, body))
                    return
                seen[body["version"]] += 1

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for each in threads:
        each.start()
    try:
        for version, weights in (("3", (0, 1, 0)), ("4", (0, 0, 1))):
            project.load(version, *weights)
            wait_until(lambda version=version: seen[version] > 5 or wrong)
    finally:
        stop.set()
        for each in threads:
            each.join()
    assert wrong == []
    assert set(seen) == {"2", "3", "4"}
    assert remote(server.url, version="4").infer(items[:1])[0].version == "4"
    for path in ("/api/v2/health/ready", "/api/v2/models/linear/ready", "/api/health/live"):
        with server.client() as http:
            assert http.get(path).status_code == 200
    with pytest.raises(RemoteFailed):
        remote(server.url, version="2").infer(items)
    with pytest.raises(UnprocessableContent):
        client.infer([Linear.Input.model_construct(features=[1.0])])


def test_a_server_does_not_start_with_a_file_that_has_changed(project: Project, tmp_path: Path):
    project.load("2", 1, 0, 0)
    [path] = (tmp_path / "models" / "linear").iterdir()
    path.write_text("[9, 9, 9]")
    done = subprocess.run(
        [sys.executable, *project.command(free_port())],
        cwd=ROOT,
        env=project.environment,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode != 0
    assert str(path) in done.stdout + done.stderr


def test_a_server_that_is_not_there_is_a_503(remote: Any):
    client = remote(f"http://127.0.0.1:{free_port()}")
    assert not client.is_ready()
    with pytest.raises(ServiceUnavailable, match="cannot be reached"):
        client.infer([Linear.Input(features=[1, 2, 3])])


def test_tensors_are_sent_and_answered_as_bytes(server: Server, remote: Any):
    items = [Linear.Input(features=[n + 0.5, 10, 100]) for n in range(20)]
    expected = remote(server.url, timeout=90).infer(items)
    for datatypes in ({}, {"features": "FP32"}):
        client = remote(server.url, timeout=90, binary=True, datatypes=datatypes)
        assert client.infer(items) == expected
    narrow = remote(server.url, timeout=90, binary=True, datatypes={"features": "FP16"})
    with pytest.raises(UnprocessableContent, match="FP16"):
        narrow.infer([Linear.Input(features=[1e6, 0, 0])])


def test_the_client_of_triton_is_answered(server: Server):
    triton = pytest.importorskip("tritonclient.http")
    numpy = pytest.importorskip("numpy")
    client = triton.InferenceServerClient(f"{server.url.removeprefix('http://')}/api")
    try:
        assert client.is_server_live()
        assert client.is_model_ready("linear")
        described = client.get_model_metadata("linear")
        assert described["inputs"] == [{"name": "features", "datatype": "FP64", "shape": [-1, 3]}]
        assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
        tensor = triton.InferInput("features", [4, 3], "FP32")
        tensor.set_data_from_numpy(numpy.arange(12, dtype=numpy.float32).reshape(4, 3))
        for outputs in (None, [triton.InferRequestedOutput("score")]):
            found = client.infer("linear", [tensor], outputs=outputs)
            assert found.as_numpy("score").tolist() == [0.0, 3.0, 6.0, 9.0]
        found = client.infer("linear", [tensor])
        assert found.as_numpy("version").tolist() == [b"2"] * 4
        wrong = triton.InferInput("features", [2, 2], "FP32")
        wrong.set_data_from_numpy(numpy.zeros((2, 2), numpy.float32))
        with pytest.raises(triton.InferenceServerException, match="the model takes 3"):
            client.infer("linear", [wrong])
    finally:
        client.close()
