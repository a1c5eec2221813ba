"""The tests here run with settings of their own, in one process that ``test_suite.py`` starts."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SETTINGS = "tests.contrib.rag.settings"
_IS_INSIDE = os.environ.get("DJANGO_SETTINGS_MODULE") == SETTINGS
_TESTS = [path.name for path in Path(__file__).parent.glob("test_*.py")]
_OUTSIDE = {"test_suite.py"}
collect_ignore = [name for name in _TESTS if (name in _OUTSIDE) is _IS_INSIDE]

HASH = {"BACKEND": "django_matt.contrib.rag.embedders.HashEmbedder"}


@pytest.fixture
def options(settings: Any) -> Callable[..., None]:
    """Return ``options(**changes)``, which sets options of the app."""

    def change(**changes: Any) -> None:
        settings.MATT_RAG = {**settings.MATT_RAG, **changes}

    return change
