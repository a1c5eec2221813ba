"""Writes the migrations of the templates of `startapp`: ``python -m tests.contrib.generators.startapp_migrations``."""

import re
import sys
import tempfile
from pathlib import Path

from django_matt.contrib.generators.starts import FOLDER, TEMPLATES
from tests.contrib.generators.startapp_projects import add_apps, make_starting_project, said

NAME = "zzapp"


def write(template: str, audience: str, folder: Path) -> None:
    """Let Django make the migration of an app, and put the variables of the template into it."""
    project = make_starting_project(folder, tenants=audience == "b2b")
    options = ("--template", template, "--audience", audience, "--no-input")
    made = FOLDER / template / "migrations" / f"0001_initial.{audience}.py-tpl"
    made.unlink(missing_ok=True)
    said(project.manage("startapp", NAME, *options))
    add_apps(project, NAME)
    said(project.manage("makemigrations", NAME, "--no-header"))
    said(project.run("ruff", "format", "--isolated", "--line-length", "100", f"{NAME}/migrations"))
    text = (folder / NAME / "migrations" / "0001_initial.py").read_text()
    text = re.sub(rf'name="{NAME}_', 'name="{{ prefix }}_', text)
    made.parent.mkdir(exist_ok=True)
    made.write_text(text.replace(NAME, "{{ label }}").strip() + "\n")


if __name__ == "__main__":
    for name in sys.argv[1:] or TEMPLATES:
        for audience in TEMPLATES[name].audiences:
            with tempfile.TemporaryDirectory() as folder:
                write(name, audience, Path(folder))
