"""The one-file example as its README starts it."""

import httpx
import pytest

from benchmarks.ports import free_port
from tests.e2e.servers import ROOT, run_server, shop_environment
from tests.waiting import SECONDS

pytestmark = pytest.mark.slow


def test_hello_serves_and_documents(tmp_path):
    port = free_port()
    environment = shop_environment(tmp_path)
    environment.pop("DJANGO_SETTINGS_MODULE")
    arguments = ["hello.py", f"127.0.0.1:{port}"]
    log = tmp_path / "hello.log"
    with run_server(arguments, ROOT / "examples" / "hello", environment, port, log) as server:
        answer = httpx.get(f"{server.url}/api/hello?name=Ada", timeout=SECONDS)
        assert (answer.status_code, answer.json()) == (200, {"hello": "Ada"})
        assert httpx.get(f"{server.url}/api/docs", timeout=SECONDS).status_code == 200
        document = httpx.get(f"{server.url}/api/openapi.json", timeout=SECONDS).json()
        assert document["info"]["title"] == "Hello"
