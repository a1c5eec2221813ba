"""The options of the template stand in its ``cookiecutter.json``: one more there is one more flag of ``matt new``."""

import json
import shutil
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from django_matt.cli import projects, templates

pytestmark = [pytest.mark.once]


@pytest.fixture
def matt_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return ``matt_new(*arguments)`` of a template with two more options and a file that says what they are."""
    template = shutil.copytree(templates.TEMPLATE, tmp_path / "template")
    options = json.loads((template / "cookiecutter.json").read_text())
    options |= {"color": ["red", "blue"], "motto": "light for all"}
    options["__prompts__"] |= {
        "color": {"__prompt__": "Color of the lamps", "red": "like fire", "blue": "like the sea"},
        "motto": "What the shop believes in",
    }
    (template / "cookiecutter.json").write_text(json.dumps(options))
    (template / "{{ cookiecutter.project_slug }}" / "motto.txt").write_text(
        "{{ cookiecutter.color }}: {{ cookiecutter.motto }}"
    )
    monkeypatch.setattr(templates, "TEMPLATE", template)
    application = typer.Typer()
    projects.register(application)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(
            application, ["new", *arguments], env={"COLUMNS": "200", "NO_COLOR": "1"}
        )

    return run


def test_the_flag_has_the_choices_and_the_words_of_the_template(matt_new):
    said = matt_new("--help").stdout
    assert "--color" in said
    assert "<red|blue>" in said
    assert "Color of the lamps. red: like fire; blue: like the sea." in said
    assert "What the shop believes in." in said


def test_the_help_of_each_flag_reads_as_sentences(matt_new):
    said = matt_new("--help").stdout
    assert "Add django-debug-toolbar in development: no or yes." in said
    assert "example: a model with routes to create, read, update and delete" in said
    assert "to read and replace" not in said


@pytest.mark.parametrize(
    ("flags", "made"),
    [
        ([], "red: light for all"),
        (["--color=blue", "--motto=more light"], "blue: more light"),
    ],
)
def test_what_the_flag_says_is_in_the_project(matt_new, tmp_path: Path, flags, made):
    done = matt_new("lamp-shop", "--no-input", f"--into={tmp_path}", *flags)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "lamp-shop/motto.txt").read_text() == made


def test_another_choice_is_refused(matt_new, tmp_path: Path):
    done = matt_new("lamp-shop", "--no-input", f"--into={tmp_path}", "--color=green")
    assert done.exit_code == 2
    assert "'red', 'blue'" in done.output
    assert not (tmp_path / "lamp-shop").exists()


def test_without_the_template_the_other_commands_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(templates, "TEMPLATE", tmp_path)
    application = typer.Typer()
    projects.register(application)
    assert CliRunner().invoke(application, ["update", "--help"]).exit_code == 0
