"""The tests here run with settings of their own, in one process that ``test_suite.py`` starts."""

import os
from pathlib import Path
from typing import Any

import pytest

SETTINGS = "tests.contrib.realtime.settings"
_IS_INSIDE = os.environ.get("DJANGO_SETTINGS_MODULE") == SETTINGS
_TESTS = [path.name for path in Path(__file__).parent.glob("test_*.py")]
_OUTSIDE = {"test_channel_layers.py", "test_page.py", "test_servers.py", "test_suite.py"}
collect_ignore = [name for name in _TESTS if (name in _OUTSIDE) is _IS_INSIDE]


@pytest.fixture
def options(settings: Any) -> Any:
    """Return ``options(**changes)``, which sets options of the app."""

    def change(**changes: Any) -> None:
        settings.MATT_REALTIME = {**settings.MATT_REALTIME, **changes}

    return change
