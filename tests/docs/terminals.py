"""The terminal pictures of the docs, made of what the commands really say: ``python -m tests.docs.terminals``."""

import html
import io
import re
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.cli.projects import TREE, make_project
from tests.contrib.environments.projects import make_typed_project

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


PICTURES = {"matt-doctor": _doctor, "matt-env": _env, "matt-plan": _plan}


def said_now(name: str, folder: Path) -> str:
    """Return what the command of a picture says, with its colours."""
    return PICTURES[name](folder).replace("\r\n", "\n")


def draw(name: str, said: str) -> str:
    """Return the picture of what a command said."""
    title = name.replace("-", " ").replace("env", "env check")
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
