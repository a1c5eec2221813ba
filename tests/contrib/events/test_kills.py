"""Workers are killed by ``kill -9``: no event is lost, none is made up, and no effect is written twice.

``MATT_TEST_KILLS=30 MATT_TEST_TRANSACTIONS=5000`` kills more.
"""

import os
from pathlib import Path

import pytest

from tests.contrib.events.conftest import SETTINGS
from tests.own_settings import run_module, without_server

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.timeout(900)]
KILLS = int(os.environ.get("MATT_TEST_KILLS", "6"))
TRANSACTIONS = int(os.environ.get("MATT_TEST_TRANSACTIONS", "300"))


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_killed_workers_lose_and_repeat_nothing(database: str, tmp_path: Path):
    own = {"DJANGO_SETTINGS_MODULE": SETTINGS, "MATT_TEST_DATABASE": database}
    if database == "sqlite":
        # Django's default; the other tests begin each transaction with the lock.
        own |= {"SHOP_DATABASE": str(tmp_path / "shop.sqlite3"), "SHOP_MODE": "DEFERRED"}
    found = run_module(
        "tests.contrib.events.kills",
        str(TRANSACTIONS),
        str(KILLS),
        environment=without_server(**own),
        seconds=850,
    )
    assert found.pop("committed") == TRANSACTIONS - TRANSACTIONS // 10
    assert found.pop("outside twice") <= KILLS
    assert found == {
        "kills": KILLS,
        "lost": 0,
        "phantoms": 0,
        "effects twice": 0,
        "dead": 0,
        "ends of workers": [0, 0, 0],
    }
