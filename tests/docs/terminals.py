"""The terminal pictures of the docs, made of what the commands really say: ``python -m tests.docs.terminals``."""

import html
import io
import re
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.cli.projects import TREE, make_project
from tests.contrib.environments.projects import make_typed_project
from tests.contrib.generators.startapp_projects import answer, make_starting_project

__all__ = ["PICTURES", "draw", "said_in", "said_now"]

ENV = """\
SECRET_KEY=0123456789-0123456789-0123456789-0123456789-0123
PAYMENT_KEY
DEBGU=true
WORKERS=many
EMAIL_URL=mail.example.com
NAME='The shop
"""
NOTES = """\
from django.contrib.auth.models import Group, User
from django.urls import path
from notes.models import Note

from django_matt import MattAPI, ModelSchema

api = MattAPI(title="Notes")


class NoteOut(ModelSchema):
    class Meta:
        model = Note
        fields = ["id", "text"]


class GroupOut(ModelSchema):
    class Meta:
        model = Group
        fields = ["name"]


class UserOut(ModelSchema):
    full_name: str
    groups: list[GroupOut]

    class Meta:
        model = User
        fields = ["username"]

    @staticmethod
    def resolve_full_name(user):
        return user.get_full_name()


class MemberOut(ModelSchema):
    groups: list[GroupOut]

    class Meta:
        model = User
        fields = ["username"]


@api.get("/notes", response=list[NoteOut])
def list_notes(request): ...


@api.post("/notes", response={201: NoteOut})
def add_note(request): ...


@api.get("/notes/{note_id}", response=NoteOut)
def read_note(request, note_id: int): ...


@api.delete("/notes/{note_id}", response={204: None})
def delete_note(request, note_id: int): ...


@api.get("/members", response=list[MemberOut])
def list_members(request): ...


@api.get("/users", response=list[UserOut])
def list_users(request): ...


@api.get("/hello")
def hello(request): ...


urlpatterns = [path("api/", api.urls)]
"""


def _doctor(folder: Path) -> str:
    project = make_project(folder)
    # A path of this machine is nothing for a page.
    python = project.write(".venv/bin/python", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    project.manage("migrate")
    project.append("notes/models.py", "    more = models.TextField(default='')\n")
    project.append(
        "config/settings.py",
        "INSTALLED_APPS.remove('ninja_extra')\n"
        "__import__('sys').modules['django_matt.serialization._encoder_c'] = None\n",
    )
    return project.terminal("doctor")


def _env(folder: Path) -> str:
    project = make_typed_project(folder)
    project.write(".env", ENV).chmod(0o644)
    return project.terminal("env", "check")


def _plan(folder: Path) -> str:
    project = make_project(folder)
    project.write("config/urls.py", NOTES)
    return project.terminal("plan")


SHELF = """\


class Shelf(models.Model):
    name = models.CharField(max_length=20, unique=True)
    notes = models.ManyToManyField(Note)
"""


def _seed(folder: Path) -> str:
    project = make_project(folder)
    project.append("config/settings.py", "INSTALLED_APPS += ['django_matt.contrib.seeding']\n")
    project.append("notes/models.py", SHELF)
    project.manage("makemigrations", "notes")
    project.manage("migrate")
    project.manage("matt_seed", "notes.Note", "--count", "500")
    return project.terminal("seed", "notes", "--count", "500", "--resume", "--dry-run")


def _inspect(folder: Path) -> str:
    project = make_project(folder)
    project.append("config/settings.py", "INSTALLED_APPS += ['django_matt.contrib.inspection']\n")
    project.manage("migrate")
    with closing(sqlite3.connect(folder / "db.sqlite3")) as database:
        database.executescript(
            "ALTER TABLE notes_note ADD COLUMN old integer;"
            "CREATE INDEX by_text ON notes_note (text); CREATE INDEX by_both ON notes_note (text, old)"
        )
    return project.terminal("inspect", "notes")


def _migrations(folder: Path) -> str:
    project = make_project(folder)
    project.append("config/settings.py", "INSTALLED_APPS += ['django_matt.contrib.inspection']\n")
    project.manage("migrate")
    model = (folder / "notes/models.py").read_text()
    project.write(
        "notes/models.py",
        model.replace("text = models.TextField()", "code = models.IntegerField(default=0)"),
    )
    project.manage("makemigrations", "notes", "-n", "code", "--no-input")
    return project.terminal("migrations", "check")


def _generate(folder: Path) -> str:
    project = make_project(folder)
    project.append(
        "config/settings.py",
        "INSTALLED_APPS += ['django_matt.contrib.crud', 'django_matt.contrib.generators']\n",
    )
    project.manage("matt_generate", "crud", "notes.Note", "--no-input")
    controllers = folder / "notes" / "controllers.py"
    controllers.write_text(controllers.read_text().replace("The routes of notes.", "My notes."))
    project.append("notes/models.py", "    day = models.DateField(null=True)\n")
    return project.terminal("generate", "crud", "notes.Note", "--dry-run")


def _startapp(folder: Path) -> str:
    project = make_starting_project(folder)
    return answer(project, "startapp", "news", "--template", "blog", typed=b"async\nlayered\n\n")


PICTURES = {
    "matt-doctor": _doctor,
    "matt-env": _env,
    "matt-generate": _generate,
    "matt-inspect": _inspect,
    "matt-migrations": _migrations,
    "matt-plan": _plan,
    "matt-seed": _seed,
    "startapp": _startapp,
}
TITLES = {
    "matt-env": "matt env check",
    "matt-generate": "matt generate crud notes.Note --dry-run",
    "matt-inspect": "matt inspect notes",
    "matt-migrations": "matt migrations check",
    "matt-seed": "matt seed notes --count 500 --resume --dry-run",
    "startapp": "manage.py startapp news --template blog",
}
"""Where the command is more than the name of the picture."""


def said_now(name: str, folder: Path) -> str:
    """Return what the command of a picture says, with its colours."""
    return PICTURES[name](folder).replace("\r\n", "\n")


def draw(name: str, said: str, command: str = "") -> str:
    """Return the picture of what a command said; without ``command``, its name is that of the picture."""
    title = command or TITLES.get(name, name.replace("-", " "))
    console = Console(record=True, width=118, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(f"$ {title}\n{said.rstrip()}"))
    drawn = console.export_svg(title=title, unique_id=name)
    # Rich names a font of a content network; a page loads nothing from elsewhere.
    drawn = re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.S)
    return re.sub(r"[ \t]+$", "", drawn, flags=re.M).replace("Fira Code", "ui-monospace")


def said_in(svg: str) -> str:
    """Return the text of a picture, without spaces and numbers: these differ from machine to machine."""
    text = "".join(re.findall(r"<text[^>]*>([^<]*)</text>", svg))
    return re.sub(r"[\s\d.]+", "", html.unescape(text))


if __name__ == "__main__":
    for name in PICTURES:
        with tempfile.TemporaryDirectory() as folder:
            shop = Path(folder) / "shop"
            shop.mkdir()
            (TREE / "docs" / "images" / f"{name}.svg").write_text(draw(name, said_now(name, shop)))
