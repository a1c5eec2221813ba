"""A small project for each test."""

from pathlib import Path

import pytest

from tests.cli.projects import SmallProject

from .projects import make_typed_project


@pytest.fixture
def project(tmp_path: Path) -> SmallProject:
    folder = tmp_path / "shop"
    folder.mkdir()
    return make_typed_project(folder)
