"""A small Django project in a folder, and the real commands run in it."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["TREE", "SmallProject", "make_project"]

TREE = Path(__file__).resolve().parents[2]
MANAGE = """\
import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
"""
SETTINGS = """\
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = "only-for-tests-0123456789-0123456789-0123456789-01"
DEBUG = True
ROOT_URLCONF = "config.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth", "django.contrib.contenttypes", "ninja_extra", "django_matt", "notes",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}
"""
URLS = """\
from django.urls import path

from django_matt import MattAPI

api = MattAPI(title="Notes")


@api.get("/hello")
def hello(request):
    return {"hello": "world"}


urlpatterns = [path("api/", api.urls)]
"""
MODELS = """\
from django.db import models


class Note(models.Model):
    text = models.TextField()
"""
MIGRATION = """\
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            "Note",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.TextField()),
            ],
        )
    ]
"""
COMMAND = """\
import sys

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    def add_arguments(self, parser):
        parser.add_argument("name")
        parser.add_argument("--code", type=int, default=0)

    def handle(self, *args, **options):
        self.stdout.write(f"Good day, {options['name']}.")
        sys.exit(options["code"])
"""


@dataclass(frozen=True)
class SmallProject:
    """A project, and the environment that its commands run with."""

    folder: Path
    variables: dict[str, str]

    def write(self, path: str, text: str) -> Path:
        """Write a file of the project."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def append(self, path: str, text: str) -> None:
        """Add to a file of the project."""
        file = self.folder / path
        file.write_text(file.read_text() + text)

    def run(
        self, *command: str, within: str = ".", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command and return what it said."""
        return subprocess.run(
            command,
            cwd=self.folder / within,
            env={**self.variables, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )

    def matt(
        self, *arguments: str, within: str = ".", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run ``matt``."""
        return self.run(
            sys.executable, "-m", "django_matt.cli", *arguments, within=within, **variables
        )

    def manage(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run ``manage.py``."""
        return self.run(sys.executable, "manage.py", *arguments, **variables)

    def terminal(self, *arguments: str, **variables: str) -> str:
        """Run ``matt`` at a terminal and return what it shows, colours and all."""
        main, theirs = os.openpty()
        command = [sys.executable, "-m", "django_matt.cli", *arguments]
        environment = {**self.variables, "TERM": "xterm-256color", **variables}
        parts = []
        with subprocess.Popen(
            command, cwd=self.folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
        ):
            os.close(theirs)
            while True:
                try:
                    part = os.read(main, 65536)
                except OSError:
                    # Linux answers so when the last process has left the terminal.
                    break
                if not part:
                    break
                parts.append(part)
        os.close(main)
        return b"".join(parts).decode()


def make_project(folder: Path) -> SmallProject:
    """Write a project with one app, one table, one API and one command."""
    left_out = (
        "DJANGO_",
        "MATT_",
        "VIRTUAL_ENV",
        "PYTEST",
        "COV",
        "SECRET_KEY",
        "NO_COLOR",
        "FORCE_COLOR",
        "GITHUB_ACTIONS",
    )
    variables = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    variables |= {"PYTHONPATH": str(TREE), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "200"}
    project = SmallProject(folder, variables)
    for path, text in {
        "manage.py": MANAGE,
        "config/__init__.py": "",
        "config/settings.py": SETTINGS,
        "config/urls.py": URLS,
        "notes/__init__.py": "",
        "notes/models.py": MODELS,
        "notes/migrations/__init__.py": "",
        "notes/migrations/0001_initial.py": MIGRATION,
        "notes/management/commands/matt_greet.py": COMMAND,
    }.items():
        project.write(path, text)
    return project
