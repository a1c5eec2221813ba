"""Workers are killed by ``kill -9`` in the middle of deliveries: nothing is lost, and nothing is sent by two at the same time."""

import os
from pathlib import Path

import pytest

from tests.contrib.webhooks.conftest import SETTINGS
from tests.own_settings import run_module, without_server

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.timeout(300)]
KILLS = int(os.environ.get("MATT_TEST_KILLS", "1"))
EVENTS = 12 * KILLS


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_killed_workers_lose_nothing(database: str, tmp_path: Path):
    own = {"DJANGO_SETTINGS_MODULE": SETTINGS, "MATT_TEST_DATABASE": database}
    own |= {"WEBHOOKS_TIMEOUT": "2"}
    if database == "sqlite":
        own |= {"WEBHOOKS_DATABASE": str(tmp_path / "shop.sqlite3")}
    found = run_module(
        "tests.contrib.webhooks.kills",
        str(EVENTS),
        str(KILLS),
        environment=without_server(**own),
        seconds=280,
    )
    # What was under way when a worker was killed: four deliveries of an endpoint at most.
    assert 1 <= found.pop("repeated") <= 4 * KILLS
    assert found == {
        "lost": 0,
        "made up": 0,
        "not delivered": 0,
        "at the same time": 0,
        "ends of workers": [0],
    }
