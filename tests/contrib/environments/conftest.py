"""A small project for each test."""

from pathlib import Path

import pytest

from django_matt.contrib.environments import DjangoEnvironment
from django_matt.contrib.environments import environment as environments
from tests.cli.projects import SmallProject

from .commands import EnvCommand
from .projects import make_typed_project


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no variable of this process, and no class of another test, be found."""
    monkeypatch.setattr(environments, "loaded", [])
    for name in (*DjangoEnvironment.model_fields, "PAYMENT_KEY", "WORKERS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def env(tmp_path: Path) -> EnvCommand:
    return EnvCommand(tmp_path)


@pytest.fixture
def project(tmp_path: Path) -> SmallProject:
    folder = tmp_path / "shop"
    folder.mkdir()
    return make_typed_project(folder)
