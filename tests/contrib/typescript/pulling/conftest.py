"""A project for each test."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .pulls import Project


@pytest.fixture
def project(tmp_path: Path, settings: Any) -> Iterator[Project]:
    settings.BASE_DIR = tmp_path
    # Ruff would read the settings of a folder above, such as the machine's temporary one.
    (tmp_path / "ruff.toml").touch()
    found = Project(tmp_path)
    yield found
    for name in found.modules:
        sys.modules.pop(name, None)
