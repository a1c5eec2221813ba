"""The tests here run with settings of their own, in one process that ``test_suite.py`` starts."""

import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync

SETTINGS = "tests.contrib.ml.settings"
_IS_INSIDE = os.environ.get("DJANGO_SETTINGS_MODULE") == SETTINGS
_TESTS = [path.name for path in Path(__file__).parent.glob("test_*.py")]
_OUTSIDE = {"test_suite.py", "test_servers.py", "test_example.py", "test_ray.py"}
collect_ignore = [name for name in _TESTS if (name in _OUTSIDE) is _IS_INSIDE]
_numbers = itertools.count()


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    """Let each test have a folder of registered files."""
    settings.MATT_ML = {"FOLDER": tmp_path / "models"}
    return tmp_path / "models"


@pytest.fixture
def options(settings: Any) -> Callable[..., None]:
    """Return ``options(THREADS=1)``, which changes options of the app."""

    def change(**more: Any) -> None:
        settings.MATT_ML = {**settings.MATT_ML, **more}

    return change


@pytest.fixture
def weights(tmp_path: Path) -> Callable[..., Path]:
    """Return ``weights(1, 2, 3)``, which writes the file of a version of ``Linear``."""

    def write(*values: float) -> Path:
        path = tmp_path / f"weights-{next(_numbers)}.json"
        path.write_text(json.dumps(values))
        return path

    return write


@pytest.fixture(params=["async", "sync"])
def api(request: pytest.FixtureRequest, options: Any) -> Any:
    """Return what makes an API with the routes of the models that are served, sync and async."""
    from django_matt import MattAPI

    def make(**more: Any) -> Any:
        options(ASYNC=request.param == "async", **more)
        return MattAPI(urls_namespace=f"ml-{next(_numbers)}", extensions=["matt_ml", "matt_health"])

    make.kind = request.param
    return make


@pytest.fixture
def call(serve: Any, api: Any) -> Callable[..., Any]:
    """Return ``call(path, body)``, which posts JSON to a new API, or gets without a body."""
    clients: list[Any] = []

    def send(path: str, body: Any = None, *, new: bool = False, **more: Any) -> Any:
        if new or not clients:
            clients[:] = [serve(api(**more))]
        client = clients[0].async_client if api.kind == "async" else clients[0]
        wrap: Any = async_to_sync if api.kind == "async" else lambda method: method
        if body is None:
            return wrap(client.get)(f"/api{path}")
        text = body if isinstance(body, str | bytes) else json.dumps(body)
        return wrap(client.post)(f"/api{path}", text, content_type="application/json")

    return send
