"""The tests here run with settings of their own, in one process that ``test_suite.py`` starts."""

import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from asgiref.sync import async_to_sync

from django_matt import MattAPI

SETTINGS = "tests.contrib.search.settings"
_IS_INSIDE = os.environ.get("DJANGO_SETTINGS_MODULE") == SETTINGS
_TESTS = [path.name for path in Path(__file__).parent.glob("test_*.py")]
collect_ignore = [name for name in _TESTS if (name == "test_suite.py") is _IS_INSIDE]
_numbers = itertools.count()


def new_api() -> MattAPI:
    return MattAPI(urls_namespace=f"search-{next(_numbers)}")


def getter(client: Any, kind: str) -> Callable[..., Any]:
    """Return what sends a GET by Django's sync or async client."""
    if kind == "sync":
        return client.get  # type: ignore[no-any-return]
    return async_to_sync(client.async_client.get)  # type: ignore[no-any-return]
