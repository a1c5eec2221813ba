"""The migration of pulled models, made by ``makemigrations`` in a process of its own, which has not loaded the old ones."""

import os
import subprocess
import sys
from pathlib import Path

from django.apps import apps
from django.conf import settings

__all__ = ["MigrationError", "app_label_of", "make_migration"]

SECONDS = 120


class MigrationError(Exception):
    """``makemigrations`` failed; the text is what it printed."""


def app_label_of(folder: Path) -> str | None:
    """Return the label of the installed app in a folder, or None."""
    for each in apps.get_app_configs():
        if Path(each.path).resolve() == folder:
            return each.label
    return None


def make_migration(label: str, project: Path) -> str:
    """Write the migration of an app's models, and return what ``makemigrations`` printed.

    It asks nothing: a change that needs an answer, such as a default for existing rows, raises ``MigrationError``.
    """
    manage = project / "manage.py"
    command = [str(manage)] if manage.exists() else ["-m", "django"]
    paths = [str(project), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": settings.SETTINGS_MODULE,
        "PYTHONPATH": os.pathsep.join(paths),
    }
    try:
        done = subprocess.run(  # noqa: S603 - Django's own command
            [sys.executable, *command, "makemigrations", label, "--no-input", "--no-color"],
            cwd=project,
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise MigrationError(f"makemigrations has not ended after {SECONDS} seconds") from None
    if done.returncode:
        raise MigrationError((done.stderr or done.stdout).strip()[-3000:])
    return done.stdout.strip()
