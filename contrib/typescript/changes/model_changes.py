"""What changed in the models: changes that no migration has yet, and migrations that came after a revision."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from django.apps import apps
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.questioner import MigrationQuestioner
from django.db.migrations.state import ProjectState

from django_matt.contrib.typescript.changes.sources import git

__all__ = ["ModelChange", "find_model_changes"]


@dataclass(frozen=True, slots=True)
class ModelChange:
    """One operation on the database, as Django describes it."""

    app: str
    text: str
    """``Add field price to product``."""
    migration: str | None
    """The migration that has it: ``0003_product_price``; None if ``makemigrations`` has to write it."""

    @property
    def next_step(self) -> str:
        """What to run."""
        if self.migration is None:
            return f"manage.py makemigrations {self.app}"
        return f"manage.py migrate {self.app}"


def find_model_changes(revision: str | None = None) -> list[ModelChange]:
    """Return the changes without a migration; with a commit, also those of the migrations that it does not have.

    No database is asked.
    """
    loader = MigrationLoader(None)
    found = list(_find_new(loader, revision)) if revision is not None else []
    state = loader.project_state()
    # Its answers are those of nobody: no default is asked for, as the operations are only described.
    detector = MigrationAutodetector(state, ProjectState.from_apps(apps), MigrationQuestioner())
    for app, migrations in sorted(detector.changes(graph=loader.graph).items()):
        for migration in migrations:
            found += [ModelChange(app, each.describe(), None) for each in migration.operations]
    return found


def _find_new(loader: MigrationLoader, revision: str) -> Iterator[ModelChange]:
    """Yield the operations of migrations whose file a commit does not have; other repositories are not looked at."""
    committed: dict[Path, set[str] | None] = {}
    for (app, name), migration in sorted(loader.disk_migrations.items()):
        path = Path(str(import_module(migration.__module__).__file__)).resolve()
        folder = path.parent
        if "site-packages" in path.parts:
            continue
        if folder not in committed:
            # Fails in another repository, which does not have the commit.
            listed = git(folder, "ls-tree", "--name-only", revision, "./")
            known = {Path(each).name for each in (listed or b"").decode().splitlines()}
            committed[folder] = None if listed is None else known
        names = committed[folder]
        if names is not None and path.name not in names and not _is_ignored(path):
            for operation in migration.operations:
                yield ModelChange(app, operation.describe(), name)


def _is_ignored(path: Path) -> bool:
    """Tell whether git ignores a file."""
    return git(path.parent, "check-ignore", "--quiet", path.name) is not None
