"""The profile of one request: a flame graph under a strict policy, and a file for Speedscope."""

import time
from typing import Any

import pytest

from django_matt import MattAPI
from django_matt.pages import STRICT_CSP

pytestmark = pytest.mark.django_db


def spend_time() -> int:
    until, count = time.perf_counter() + 0.05, 0
    while time.perf_counter() < until:
        count += 1
    return count


def make_api() -> MattAPI:
    api = MattAPI()

    @api.get("/sync")
    def sync(request):
        return {"count": spend_time()}

    @api.get("/async")
    async def async_(request):
        return {"count": spend_time()}

    @api.get("/broken")
    def broken(request):
        spend_time()
        raise RuntimeError("broken")

    return api


@pytest.mark.parametrize("name", ["sync", "async", "broken"])
def test_a_flame_graph_replaces_the_response(project: Any, name: str):
    asked = project(make_api(), debug=True)
    answer = asked.ask(f"/api/{name}?__profile=1")
    shown = answer.content.decode()
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/html")
    assert answer["Content-Security-Policy"] == STRICT_CSP
    assert "no-store" in answer["Cache-Control"]
    assert ">spend_time</text>" in shown
    assert f"GET /api/{name}<" in shown
    assert 'fill="#f59e0b"' in shown
    assert "style=" not in shown
    assert "<script" not in shown
    # The next one is not disturbed by it.
    assert "spend_time" in asked.ask(f"/api/{name}?__profile=1").content.decode()


def test_a_file_for_speedscope(project: Any):
    asked = project(make_api(), debug=True)
    answer = asked.ask("/api/sync?__profile=speedscope")
    assert "attachment" in answer["Content-Disposition"]
    data = answer.json()
    assert data["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    assert any(frame["name"] == "spend_time" for frame in data["shared"]["frames"])


def test_other_values_and_production_answer_as_always(project: Any, settings: Any):
    asked = project(make_api(), debug=True)
    for value in ("0", "", "2", "x" * 5_000, "<b>", "1&__profile=no"):
        assert asked.ask(f"/api/sync?__profile={value}").json()["count"] > 0
    settings.DEBUG = False
    for value in ("1", "speedscope"):
        assert asked.ask(f"/api/sync?__profile={value}").json()["count"] > 0
