"""The tests here run with settings of their own, in one process that ``test_suite.py`` starts."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import wait_until

SETTINGS = "tests.contrib.events.settings"
_IS_INSIDE = os.environ.get("DJANGO_SETTINGS_MODULE") == SETTINGS
_TESTS = [path.name for path in Path(__file__).parent.glob("test_*.py")]
_OUTSIDE = {"test_suite.py", "test_kills.py", "test_asyncapi.py"}
collect_ignore = [name for name in _TESTS if (name in _OUTSIDE) is _IS_INSIDE]


@pytest.fixture
def registry() -> Iterator[Any]:
    """Return the registry of consumers, empty for the length of a test; schemas are forgotten after it too."""
    from django_matt.contrib.events.consumers import consumers
    from django_matt.contrib.events.schemas import registered

    before, schemas = dict(consumers), dict(registered)
    consumers.clear()
    yield consumers
    consumers.clear()
    consumers.update(before)
    registered.clear()
    registered.update(schemas)


@pytest.fixture(autouse=True)
def threads_end() -> Iterator[None]:
    """Wait for the threads of the app, which close their connections: the tables are emptied after each test."""
    yield
    names = {"matt-relay", "matt-positions", "matt-lease"}
    wait_until(lambda: not names & {each.name for each in threading.enumerate()})
