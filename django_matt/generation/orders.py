"""What is asked of a generator, and what it returns."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

from django.apps import AppConfig, apps
from django.db.models import Model

from django_matt.extensions import Generates

__all__ = [
    "ForNames",
    "Generated",
    "GenerationError",
    "Generator",
    "NamedOrder",
    "NamedSources",
    "Order",
    "Source",
    "find_generators",
    "folder_of",
    "refuse_options",
    "sources_of_tests",
    "uses_pytest",
]


class GenerationError(Exception):
    """Why nothing is generated, and what to do about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A model that source is written for, and how."""

    model: type[Model]
    asynchronous: bool = False
    write_schemas: bool = False
    tests: bool = False
    pytest: bool = False
    """Whether tests are functions for pytest; otherwise they are classes for ``manage.py test``."""

    @property
    def app(self) -> AppConfig:
        """The app of the model."""
        return apps.get_app_config(self.model._meta.app_label)


@dataclass(frozen=True, slots=True)
class Source:
    """The text of one file.

    ``path`` begins in the folder of the model's app: ``"forms.py"``. The text of a ``.py`` file is a module: its imports
    and definitions are added to a file that exists. Any other text is the whole file.
    """

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Generated:
    """The files of one order, and sentences that say what to do next."""

    sources: Sequence[Source]
    next: Sequence[str] = field(default=())


Generator: TypeAlias = Callable[[Order], Generated]
"""Makes source for a model. Raises ``GenerationError`` for a model that it cannot write source for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedOrder:
    """What source is written for that is no model, such as schemas and operations of an API."""

    names: Sequence[str]
    project: Path
    """The folder of the project, which contains ``manage.py``."""
    output: str | None = None
    """The folder that was asked for; None for the usual one."""


@dataclass(frozen=True, slots=True)
class NamedSources:
    """The whole files of one order by their paths in ``folder``, and sentences that say what to do next."""

    folder: Path
    texts: Mapping[str, str]
    next: Sequence[str] = field(default=())


@dataclass(frozen=True, slots=True)
class ForNames:
    """A generator that takes names instead of models. Its function raises ``GenerationError`` as others do."""

    make: Callable[[NamedOrder], NamedSources]


def find_generators() -> dict[str, Generator | ForNames]:
    """Return the generators of all installed apps. If two apps have one of the same name, that of the first app is used."""
    found: dict[str, Generator | ForNames] = {}
    for app in apps.get_app_configs():
        if isinstance(app, Generates):
            for name, generator in app.generators().items():
                found.setdefault(name, generator)
    return found


def folder_of(app: AppConfig, project: Path) -> Path:
    """Return the folder of an app. Raises ``GenerationError`` if it is not in the project."""
    folder = Path(app.path).resolve()
    if not folder.is_relative_to(project):
        raise GenerationError(
            f"The app {app.label!r} is in {folder}, outside of the project ({project}). "
            "matt_generate only writes files of the project."
        )
    return folder


_OPTIONS = {"asynchronous": "--async", "write_schemas": "--write-schemas", "tests": "--tests"}


def refuse_options(order: Order, kind: str, *names: str) -> None:
    """Raise ``GenerationError`` if an order has one of the options ``names``, for a kind that does nothing with them."""
    for name in names:
        if getattr(order, name):
            raise GenerationError(
                f"{_OPTIONS[name]} does nothing for {kind}. Leave it out; nothing was written."
            )


def uses_pytest(project: Path) -> bool:
    """Return whether the tests of a project are run by pytest-django."""
    if find_spec("pytest_django") is None:
        return False
    files = [project / name for name in ("pytest.ini", "pytest.toml", "conftest.py", ".pytest.ini")]
    pyproject = project / "pyproject.toml"
    has_table = pyproject.is_file() and "[tool.pytest" in pyproject.read_text(
        encoding="utf-8", errors="replace"
    )
    return has_table or any(file.is_file() for file in files)


def sources_of_tests(order: Order, name: str, text: str) -> list[Source]:
    """Return the files of a test module: in the package ``tests`` of the app, or beside its ``tests.py``."""
    if (Path(order.app.path) / "tests.py").is_file():
        return [Source(f"{name}.py", text)]
    return [Source("tests/__init__.py", ""), Source(f"tests/{name}.py", text)]
