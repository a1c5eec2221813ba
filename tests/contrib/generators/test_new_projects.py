"""`manage.py startapp` and `matt_generate` in a project that `matt new` made."""

import re
import sys
from pathlib import Path

import pytest

from tests.cli.projects import SmallProject, make_project
from tests.contrib.generators.projects import run_all
from tests.projects.rendering import render

pytestmark = [
    pytest.mark.once,
    pytest.mark.projects,
    pytest.mark.slow,
    pytest.mark.timeout(600),
]


@pytest.mark.parametrize(
    ("template", "answers"),
    [
        pytest.param("blog", {}, marks=pytest.mark.exhaustive),
        ("saas", {"audience": "b2b", "sign_in": "password", "first_app": "empty"}),
    ],
    ids=["blog", "saas"],
)
def test_a_new_project_takes_an_app(tmp_path: Path, template: str, answers: dict[str, str]):
    folder = render(tmp_path, project_name="Lamp shop", app_name="lamps", **answers)
    project = SmallProject(folder, make_project(tmp_path / "other").variables)
    settings = folder / "config/settings.py"
    lines = '    "django_matt.contrib.generators",\n    "django_matt.contrib.crud",\n    "lamps",\n'
    settings.write_text(settings.read_text().replace('    "lamps",\n', lines, 1))
    told = run_all(project, [["startapp", "news", "--template", template, "--no-input"]])[0]
    assert "manage.py matt_seed news && pytest news" in told
    assert '"news" in testpaths of pyproject.toml' in told
    # What it says to do.
    settings.write_text(settings.read_text().replace(lines, f'{lines}    "news",\n', 1))
    _, second = re.findall(r"Where your MattAPI is: (import .*); (api\..*)", told)[0]
    project.append("config/api.py", f"import news.controllers\n\n{second}\n")
    rules = folder / "pyproject.toml"
    rules.write_text(rules.read_text().replace('["tests"]', '["tests", "news"]', 1))
    checks = [["check", "--fail-level", "WARNING"], ["makemigrations", "--check", "--dry-run"]]
    said = run_all(project, checks)
    assert "No changes detected" in said[1], said
    done = project.run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "news")
    assert " passed" in done.stdout, done.stdout[-3000:]
    shown = project.run(sys.executable, "-m", "pytest", "-q", "--collect-only")
    assert "news/tests/" in shown.stdout
    assert "tests/test_health.py" in shown.stdout
