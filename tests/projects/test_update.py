"""``matt update`` brings a project to a newer template; what its owner changed survives."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.projects.conftest import Invoke, Matt, environment
from tests.projects.rendering import TEMPLATE

pytestmark = [pytest.mark.once]

NEWER = '    LOG_LEVEL: Literal["DEBUG", "INFO", "WARNING", "ERROR"]'
OLDER = '    VERBOSITY: Literal["DEBUG", "INFO", "WARNING", "ERROR"]'
ENVIRONMENT = "config/environment.py"


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def commit(folder: Path) -> str:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "As it is")
    return git(folder, "rev-parse", "HEAD").strip()


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A repository with the template as it was once: without sign-in, a variable had another name, a file was not there."""
    repository = tmp_path / "django-matt"
    shutil.copytree(TEMPLATE, repository / "cookiecutter")
    project = repository / "cookiecutter/{{ cookiecutter.project_slug }}"
    path = project / ENVIRONMENT
    path.write_text(path.read_text().replace(NEWER, OLDER))
    assert OLDER in path.read_text()
    (project / ".dockerignore").unlink()
    forget_options(repository / "cookiecutter")
    git(tmp_path, "init", "--quiet", "--initial-branch=main", str(repository))
    commit(repository)
    return repository


def forget_options(template: Path) -> None:
    """Take the newest options out of a template; their files and lines are those of the defaults."""
    newest = ("sign_in", "audience", "tokens")
    path = template / "cookiecutter.json"
    options = json.loads(path.read_text())
    for name in newest:
        del options[name], options["__prompts__"][name]
    for name, value in options.items():
        if isinstance(value, str) and any(f"cookiecutter.{each} " in value for each in newest):
            options[name] = ""
    path.write_text(json.dumps(options))
    hook = template / "hooks/pre_gen_project.py"
    lines = hook.read_text().splitlines(keepends=True)
    asked = [f"cookiecutter.{name} | tojson" for name in newest]
    hook.write_text("".join(line for line in lines if not any(each in line for each in asked)))


@pytest.fixture
def renew(template: Path) -> Callable[[], str]:
    """Return a function that makes the template what it is today, and gives the commit."""

    def copy() -> str:
        shutil.rmtree(template / "cookiecutter")
        shutil.copytree(TEMPLATE, template / "cookiecutter")
        return commit(template)

    return copy


@pytest.fixture
def project(matt: Matt, template: Path, tmp_path: Path) -> Path:
    """A project of the older template, under git, with a change of its owner's in each of two files."""
    # As an installation of that time would have made it: by cruft itself.
    subprocess.run(
        [
            *("cruft", "create", str(template), "--directory", "cookiecutter", "--no-input"),
            *("--extra-context", json.dumps({"project_name": "Shop"}), "--output-dir", "."),
        ],
        cwd=tmp_path,
        env=environment(HOME=str(tmp_path)),
        capture_output=True,
        check=True,
    )
    made = tmp_path / "shop"
    (made / "catalog" / "ours.py").write_text('"""Ours."""\n')
    settings = made / "config" / "settings.py"
    settings.write_text(
        settings.read_text().replace('TIME_ZONE = "UTC"', 'TIME_ZONE = "Asia/Hanoi"')
    )
    git(made, "init", "--quiet", "--initial-branch=main")
    commit(made)
    return made


def test_the_newer_template_arrives_and_local_changes_survive(
    matt: Matt, project: Path, renew: Callable[[], str]
):
    newest = renew()
    secrets = (project / ".env").read_text()
    done = matt("update", "--no-input", cwd=project)
    assert done.returncode == 0, done.stderr
    assert f"-{OLDER}" in done.stdout
    assert f"+{NEWER}" in done.stdout
    assert "SECRET_KEY=" not in done.stdout
    assert NEWER in (project / ENVIRONMENT).read_text()
    assert (project / ".dockerignore").exists()
    assert 'TIME_ZONE = "Asia/Hanoi"' in (project / "config/settings.py").read_text()
    assert (project / "catalog/ours.py").exists()
    assert (project / ".env").read_text() == secrets
    assert json.loads((project / ".cruft.json").read_text())["commit"] == newest
    # What is new is at its default, which changes nothing.
    answers = json.loads((project / ".cruft.json").read_text())["context"]["cookiecutter"]
    assert (answers["sign_in"], answers["audience"], answers["tokens"]) == ("none", "b2c", "no")
    changed = {line[3:] for line in git(project, "status", "--porcelain").splitlines()}
    assert changed == {".cruft.json", ".dockerignore", ENVIRONMENT}
    commit(project)
    assert "newest template" in matt("update", "--no-input", cwd=project).stdout


def test_a_dry_run_shows_and_changes_nothing(matt: Matt, project: Path, renew: Callable[[], str]):
    renew()
    done = matt("update", "--dry-run", cwd=project / "config")
    assert done.returncode == 0, done.stderr
    assert f"+{NEWER}" in done.stdout
    assert git(project, "status", "--porcelain") == ""
    assert OLDER in (project / ENVIRONMENT).read_text()


def test_where_both_changed_a_line_nothing_is_lost(
    matt: Matt, project: Path, renew: Callable[[], str]
):
    renew()
    path = project / ENVIRONMENT
    mine = OLDER.replace("VERBOSITY", "LOUDNESS")
    path.write_text(path.read_text().replace(OLDER, mine))
    commit(project)
    done = matt("update", "--no-input", cwd=project)
    assert done.returncode == 1
    assert "Resolve each conflict" in done.stderr
    assert ENVIRONMENT in done.stderr
    text = path.read_text() + "".join(file.read_text() for file in project.rglob("*.rej"))
    assert mine in text
    assert NEWER in text


def test_changes_that_are_not_committed_stop_it(
    matt: Matt, project: Path, renew: Callable[[], str]
):
    renew()
    (project / "notes.txt").write_text("mine")
    done = matt("update", "--no-input", cwd=project)
    assert done.returncode == 1
    assert "uncommitted changes" in done.stderr
    assert (project / "notes.txt").read_text() == "mine"
    assert OLDER in (project / ENVIRONMENT).read_text()


def test_a_template_that_moved_is_named_and_can_be_given(
    matt: Matt, project: Path, template: Path, renew: Callable[[], str]
):
    renew()
    moved = template.rename(template.with_name("moved"))
    done = matt("update", "--no-input", cwd=project)
    assert done.returncode == 1
    assert str(template) in done.stderr
    assert "--source" in done.stderr
    assert git(project, "status", "--porcelain") == ""
    done = matt("update", "--no-input", f"--source={moved}", cwd=project)
    assert done.returncode == 0, done.stderr
    assert NEWER in (project / ENVIRONMENT).read_text()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda project: shutil.rmtree(project / ".git"), "not a git repository"),
        (lambda project: (project / ".cruft.json").unlink(), "cruft link"),
        (lambda project: (project / ".cruft.json").write_text("{"), "is not JSON"),
        (lambda project: (project / ".cruft.json").write_text("{}"), "does not name a template"),
        (lambda project: (project / "manage.py").unlink(), "no manage.py"),
    ],
)
def test_what_is_no_project_of_the_template_is_told_apart(
    invoke: Invoke, tmp_path: Path, spoil: Callable[[Path], object], message: str
):
    (tmp_path / "manage.py").touch()
    (tmp_path / ".cruft.json").write_text('{"template": "elsewhere", "commit": "abc"}')
    git(tmp_path, "init", "--quiet")
    spoil(tmp_path)
    done = invoke("update", "--no-input")
    assert done.exit_code == 1
    assert message in done.stderr


def test_a_project_of_matt_new_can_be_updated(matt: Matt, tmp_path: Path, template: Path):
    """The record that ``matt new`` writes is what cruft reads."""
    shutil.rmtree(template / "cookiecutter")
    shutil.copytree(TEMPLATE, template / "cookiecutter")
    before = commit(template)
    assert matt("new", "lamps", "--no-input", f"--source={template}").returncode == 0
    project = tmp_path / "lamps"
    assert json.loads((project / ".cruft.json").read_text())["commit"] == before
    git(project, "init", "--quiet")
    commit(project)
    readme = template / "cookiecutter/{{ cookiecutter.project_slug }}/README.md"
    readme.write_text(readme.read_text() + "\nA newer line.\n")
    commit(template)
    done = matt("update", "--no-input", cwd=project)
    assert done.returncode == 0, done.stderr
    changed = {line[3:] for line in git(project, "status", "--porcelain").splitlines()}
    assert changed == {".cruft.json", "README.md"}
