"""A small project for each test."""

from pathlib import Path

import pytest

from .projects import SmallProject, make_project


@pytest.fixture
def project(tmp_path: Path) -> SmallProject:
    folder = tmp_path / "shop"
    folder.mkdir()
    return make_project(folder)
