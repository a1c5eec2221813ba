"""``manage.py matt_migrations squash-advice``: advice that squashmigrations and migrate then carry out."""

from pathlib import Path

import pytest

from tests.cli.projects import SmallProject, make_project

pytestmark = [pytest.mark.once, pytest.mark.timeout(400)]
MIGRATION = """\
from django.db import migrations, models


def fill(apps, editor):
    apps.get_model("notes", "Note").objects.update(text="x")


class Migration(migrations.Migration):
    dependencies = {dependencies}
    operations = [{operations}]
    {more}
"""
NEEDS = [("notes", "0001_initial")]


@pytest.fixture
def project(tmp_path: Path) -> SmallProject:
    folder = tmp_path / "shop"
    folder.mkdir()
    found = make_project(folder)
    found.append(
        "config/settings.py", "INSTALLED_APPS += ['django_matt.contrib.inspection', 'tags']\n"
    )
    for path in ("tags/__init__.py", "tags/migrations/__init__.py"):
        found.write(path, "")
    return found


def write(project: SmallProject, name: str, operations: str, *needs: str, more: str = "") -> None:
    app, _, own = name.partition(".")
    dependencies = [tuple(each.split(".")) for each in needs]
    text = MIGRATION.format(dependencies=dependencies, operations=operations, more=more)
    project.write(f"{app}/migrations/{own}.py", text)


def add(name: str) -> str:
    return f"migrations.AddField('note', '{name}', models.IntegerField(null=True))"


def advice(project: SmallProject, *arguments: str) -> str:
    done = project.manage("matt_migrations", "squash-advice", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_advice_is_a_command_that_works(project: SmallProject):
    write(project, "notes.0002_width", add("width"), "notes.0001_initial")
    write(project, "notes.0003_height", add("height"), "notes.0002_width")
    write(
        project,
        "notes.0004_no_height",
        "migrations.RemoveField('note', 'height')",
        "notes.0003_height",
    )
    assert "notes  4 migrations, nothing to squash\n  0001_initial is not applied yet" in advice(
        project
    )
    assert project.manage("migrate", "-v0").returncode == 0
    said = advice(project)
    assert "0001_initial to 0004_no_height: 4 migrations become one, and 4 operations 1\n" in said
    assert "auth  " not in said
    assert "auth  " in advice(project, "auth")
    command = next(line for line in said.splitlines() if "squashmigrations" in line).split()[1:]
    done = project.manage(*command, "--no-input")
    assert "Optimized from 4 operations to 1 operations." in done.stdout, done.stderr
    assert project.manage("migrate", "-v0").returncode == 0
    (project.folder / "db.sqlite3").unlink()
    assert project.manage("migrate", "-v0").returncode == 0
    assert "is a squash itself" in advice(project)


@pytest.mark.exhaustive
def test_what_is_in_the_way_is_said(project: SmallProject):
    write(project, "notes.0002_width", add("width"), "notes.0001_initial")
    write(project, "tags.0001_initial", "", "notes.0002_width")
    write(project, "notes.0003_tags", add("height"), "notes.0002_width", "tags.0001_initial")
    write(project, "notes.0004_depth", add("depth"), "notes.0003_tags")
    write(project, "notes.0005_alone", add("code"), "notes.0004_depth", more="atomic = False")
    write(project, "notes.0006_fill", "migrations.RunPython(fill)", "notes.0005_alone")
    write(project, "notes.0007_size", add("size"), "notes.0006_fill")
    assert project.manage("migrate", "-v0").returncode == 0
    write(project, "notes.0008_later", add("later"), "notes.0007_size")
    said = advice(project, "notes")
    assert "0001_initial to 0002_width: 2 migrations" in said
    assert "0003_tags to 0004_depth: 2 migrations" in said
    assert "0006_fill to 0007_size: 2 migrations" in said
    assert "0003_tags needs tags.0001_initial, which needs an earlier migration of notes" in said
    assert "0005_alone has `atomic = False`" in said
    assert "0006_fill has RunPython without `elidable=True`" in said
    assert "0008_later is not applied yet" in said
    # Without the advice, Django finds the circle only after it was written.
    for line in said.splitlines():
        if "squashmigrations notes 0001" in line or "squashmigrations notes 0003" in line:
            assert project.manage(*line.split()[1:], "--no-input").returncode == 0
    assert project.manage("migrate", "-v0").returncode == 0


def test_a_history_without_an_order_and_an_app_that_is_not_there_are_sentences(
    project: SmallProject,
):
    write(project, "notes.0002_width", add("width"), "notes.0001_initial")
    write(project, "notes.0002_height", add("height"), "notes.0001_initial")
    assert "have no order: run makemigrations --merge" in advice(project)
    done = project.manage("matt_migrations", "squash-advice", "moon")
    assert "There is no app 'moon'. Known are " in done.stderr
    write(project, "notes.0003_lost", add("lost"), "notes.0002_moon")
    done = project.manage("matt_migrations", "squash-advice")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "0002_moon" in done.stderr
