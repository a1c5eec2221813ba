"""What a generated project tells docker, the CI and make holds for any name, and for what its owner adds."""

import os
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from tests.projects.conftest import environment
from tests.projects.rendering import render

pytestmark = [pytest.mark.once]


@pytest.mark.parametrize("slug", ["true", "null", "pg-lamp"])
def test_any_name_is_text_to_compose_and_a_role_to_postgresql(tmp_path: Path, slug: str):
    project = render(tmp_path, project_slug=slug, database="postgresql")
    compose = yaml.safe_load((project / "compose.yaml").read_text())
    assert compose["name"] == slug
    assert compose["services"]["web"]["image"] == slug
    role = compose["services"]["database"]["environment"]["POSTGRES_USER"]
    assert re.fullmatch(r"(?!pg_)[a-z_]+", role)
    assert f"postgres://{role}:" in (project / ".env").read_text()
    assert f'DATABASE = "{role}"' in (project / "config/environment.py").read_text()


@pytest.mark.parametrize(
    "options", [{}, {"database": "postgresql"}, {"sign_in": "passkey"}], ids=str
)
def test_compose_hands_on_every_variable_of_the_readme(tmp_path: Path, options: dict[str, str]):
    project = render(tmp_path, project_name="Shop", **options)
    section = (project / "README.md").read_text().partition("## Variables")[2].partition("##")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    named = set(re.findall(r"`([A-Z_]+)`", " ".join(rows)))
    assert {"SECRET_KEY_FALLBACKS", "EMAIL_URL"} <= named
    compose = yaml.safe_load((project / "compose.yaml").read_text())
    assert set(compose["services"]["web"]["environment"]) == named


def test_static_is_the_owner_s_and_what_is_collected_is_ours(tmp_path: Path):
    project = render(tmp_path, project_name="Shop")
    (project / "static/css/shop.css").write_text("p { color: red }\n")
    (project / "staticfiles").mkdir()
    (project / "staticfiles/shop.css").touch()
    subprocess.run(["make", "clean"], cwd=project, env=environment(), check=True)
    assert (project / "static/css/shop.css").exists()
    assert not (project / "staticfiles").exists()
    subprocess.run(["git", "init", "--quiet"], cwd=project, check=True)
    ignored = {"staticfiles/shop.css": 0, "media/a.png": 0, "local.mk": 0, "static/css/shop.css": 1}
    for path, code in ignored.items():
        told = subprocess.run(["git", "check-ignore", "--quiet", path], cwd=project, check=False)
        assert told.returncode == code, path


def test_make_says_that_it_makes_the_virtual_environment(tmp_path: Path):
    project = render(tmp_path, project_name="Shop")
    done = subprocess.run(
        ["make", ".venv/bin/python", f"PYTHON={sys.executable}"],
        cwd=project,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"Creating .venv with {sys.executable}\n"


def test_make_tells_docker_the_source_in_docker_s_words(tmp_path: Path):
    project = render(tmp_path, project_name="Shop")
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "docker").write_text('#!/bin/sh\necho "$DJANGO_MATT_SOURCE $*"\n')
    (tools / "docker").chmod(0o755)
    for source, context in (
        ("git+https://example.com/matt.git@v1", "https://example.com/matt.git#v1"),
        ("git+https://example.com/matt.git", "https://example.com/matt.git"),
        ("git+ssh://git@example.com/matt.git", "ssh://git@example.com/matt.git"),
        ("/srv/django-matt", "/srv/django-matt"),
    ):
        said = subprocess.run(
            ["make", "image"],
            cwd=project,
            env=environment(DJANGO_MATT_SOURCE=source)
            | {"PATH": f"{tools}{os.pathsep}{os.defpath}"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert said == f"{context} compose build\n"


def test_the_image_takes_a_new_app_and_no_secret(tmp_path: Path):
    project = render(tmp_path, project_name="Shop")
    ignored = (project / ".dockerignore").read_text().split()

    def is_left_out(path: str) -> bool:
        return any(fnmatch(path, pattern.removeprefix("**/")) for pattern in ignored)

    for name in (
        *(".env", ".env.production", ".git", ".venv", "db.sqlite3", "db.sqlite3-wal"),
        *("media", "staticfiles", "local.mk", "compose.development.yaml"),
    ):
        assert is_left_out(name), name
    for name in (
        "manage.py",
        "config",
        "catalog",
        "orders",
        "templates",
        "static",
        "locale",
        "requirements",
    ):
        assert not is_left_out(name), name
    assert not is_left_out("requirements/production.txt")


def test_the_ci_tests_with_the_python_of_its_matrix(tmp_path: Path):
    """A runner has other Pythons too, newer ones."""
    project = render(tmp_path, project_name="Shop")
    job = yaml.safe_load((project / ".github/workflows/ci.yml").read_text())["jobs"]["test"]
    assert job["steps"][1]["with"]["python-version"] == "${{ matrix.python }}"
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "python").symlink_to(sys.executable)
    (tools / "python3.13").write_text("#!/bin/sh\necho taken >> taken\n")
    (tools / "python3.13").chmod(0o755)
    subprocess.run(
        ["make", ".venv/bin/python"],
        cwd=project,
        env=environment(PYTHON=job["env"]["PYTHON"])
        | {"PATH": f"{tools}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.defpath}"},
        check=True,
        timeout=60,
    )
    assert not (project / "taken").exists()
    assert (project / ".venv/bin/python").exists()
