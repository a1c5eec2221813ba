"""The tests here run with settings of their own, in one process that ``test_suite.py`` starts."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .receivers import Receiver, receive

SETTINGS = "tests.contrib.webhooks.settings"
_IS_INSIDE = os.environ.get("DJANGO_SETTINGS_MODULE") == SETTINGS
_TESTS = [path.name for path in Path(__file__).parent.glob("test_*.py")]
_OUTSIDE = {"test_suite.py", "test_kills.py"}
collect_ignore = [name for name in _TESTS if (name in _OUTSIDE) is _IS_INSIDE]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receive() as made:
        yield made


@pytest.fixture
def publish() -> Callable[..., str]:
    """Return ``publish(**data)``, which stores an event in the log, with a position, and returns its id."""
    from django_matt.contrib.events.services import give_positions, store_event

    def publish(topic: str = "order.paid", tenant: str = "", **data: Any) -> str:
        text = json.dumps(data)
        made = store_event(topic, text, key="", tenant=tenant, autocommit=True)
        give_positions()
        return str(made)

    return publish


@pytest.fixture
def send() -> Callable[[], int]:
    """Return ``send()``, which sends what is due and returns how many attempts were made."""
    from django_matt.contrib.webhooks.workers import work

    return lambda: work(threading.Event(), once=True)


@pytest.fixture
def endpoint(receiver: Receiver) -> Any:
    from django_matt.contrib.webhooks.services import create_endpoint

    made, secret = create_endpoint(url=receiver.url, topics=["order.paid"])
    made.plain = secret
    return made
