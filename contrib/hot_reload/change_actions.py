"""What a changed file requires: a restart, a reload of the page, a new stylesheet, or nothing."""

import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.template.autoreload import get_template_directories
from django.utils import autoreload

from django_matt.extensions import FileChange

__all__ = ["ChangeAction", "ChangeClassifier", "is_source"]

_SOURCES = {".py", ".html", ".toml", ".yaml", ".yml", ".ini", ".cfg", ".env", ".j2", ".jinja"}


def is_source(path: Path) -> bool:
    """Return whether an edit of this file may fix a process that did not start."""
    return path.suffix in _SOURCES or path.name == ".env"


@dataclass(slots=True)
class ChangeAction:
    """What a batch of changes requires. A restart includes a reload, and a reload includes new stylesheets."""

    modules: list[Path] = field(default_factory=list)
    restart: list[Path] = field(default_factory=list)
    reload: list[Path] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)
    """The paths of the changed stylesheets below ``STATIC_URL``."""


class ChangeClassifier(autoreload.BaseReloader):
    """Classifies changes as Django's autoreloader does. It sends the same signals, so receivers of other apps work."""

    def __init__(self) -> None:
        """Collect what the apps want to have watched besides modules."""
        super().__init__()
        autoreload.autoreload_started.send(sender=self)
        self._static = [Path(root).absolute() for root in _static_directories()]
        self._modules: set[Path] = set()
        self._known = 0

    def directories(self) -> list[Path]:
        """Return the directories that the settings and the apps name. They may be outside of the project."""
        named = [*self._static, *get_template_directories(), *self.directory_globs]
        named += [Path(config.path) for config in apps.get_app_configs()]
        return [path for path in named if path.is_dir()]

    def judge(self, changes: Iterable[FileChange]) -> ChangeAction:
        """Return what a batch of changes requires, and clear Django's caches of changed templates and translations."""
        verdict = ChangeAction()
        for change in changes:
            self._judge(change.path, verdict)
        return verdict

    def _judge(self, path: Path, verdict: ChangeAction) -> None:
        answers = autoreload.file_changed.send_robust(sender=self, file_path=path)
        if any(answer and not isinstance(answer, Exception) for _, answer in answers):
            verdict.reload.append(path)
        elif path.suffix == ".py":
            if self._is_loaded(path):
                verdict.modules.append(path)
        elif path in self.extra_files or (path.name == ".env" and self._is_near(path)):
            verdict.restart.append(path)
        elif (name := self._static_name(path)) is not None:
            if path.suffix == ".css":
                verdict.styles.append(name)
            else:
                verdict.reload.append(path)
        elif self._is_template(path):
            verdict.reload.append(path)
        elif self._is_in_globs(path):
            verdict.restart.append(path)

    def _is_loaded(self, path: Path) -> bool:
        if len(sys.modules) != self._known:
            self._known = len(sys.modules)
            self._modules = set()
            for module in list(sys.modules.values()):
                file = getattr(module, "__file__", None)
                if isinstance(file, str):
                    self._modules |= {Path(file), Path(file).absolute()}
                    with suppress(OSError):
                        self._modules.add(Path(file).resolve())
        return path in self._modules

    @staticmethod
    def _is_near(path: Path) -> bool:
        return path.parent in {Path(getattr(settings, "BASE_DIR", ".")).absolute(), Path.cwd()}

    def _static_name(self, path: Path) -> str | None:
        for root in self._static:
            if root in path.parents:
                return path.relative_to(root).as_posix()
        return None

    @staticmethod
    def _is_template(path: Path) -> bool:
        # Other template engines do not report their directories.
        return any(part in {"templates", "jinja2"} for part in path.parts[:-1]) and path.suffix in {
            ".html",
            ".txt",
            ".xml",
            ".svg",
            ".j2",
            ".jinja",
            ".jinja2",
        }

    def _is_in_globs(self, path: Path) -> bool:
        return any(
            directory in path.parents
            and path.relative_to(directory).match(pattern.removeprefix("**/"))
            for directory, patterns in self.directory_globs.items()
            for pattern in patterns
        )


def _static_directories() -> set[str]:
    if not apps.is_installed("django.contrib.staticfiles"):
        return set()
    found: set[str] = set()
    for finder in get_finders():
        storages = getattr(finder, "storages", {})
        found |= {storage.location for storage in storages.values() if hasattr(storage, "location")}
    return found
