"""The example shop, which has no mistakes: the command must not find any."""

import json
from pathlib import Path

import pytest

from tests.e2e.servers import fill_shop, manage, shop_environment

pytestmark = [pytest.mark.slow, pytest.mark.once, pytest.mark.timeout(300)]

SETTINGS = """
from config.settings import *

INSTALLED_APPS += ["django_matt.contrib.observability"]
ALLOWED_HOSTS = ["localhost"]
SILENCED_SYSTEM_CHECKS = ["matt_observability.W002"]
# The machine of the tests may be busy.
MATT_OBSERVABILITY = {"SLOW_MS": 60_000}
"""


def test_the_shop_has_no_false_alarm(tmp_path: Path):
    fill_shop(tmp_path, products=400)
    (tmp_path / "observed_settings.py").write_text(SETTINGS)
    environment = shop_environment(tmp_path, SHOP_DEBUG="1")
    environment["PYTHONPATH"] += f":{tmp_path}"
    environment["DJANGO_SETTINGS_MODULE"] = "observed_settings"
    printed = manage(environment, "matt_advise", "--json", "--user", "staff", "--times", "2")
    # The log lines of the requests are in the same stream.
    report = json.JSONDecoder().raw_decode(printed[printed.index('{\n  "advice"') :])[0]
    assert report["advice"] == []
    assert len(report["not_called"]) <= 6, report["not_called"]
