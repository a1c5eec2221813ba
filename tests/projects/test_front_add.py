"""`matt front add` gives a project what `matt new --front` would have given it, and keeps what its owner changed."""

import json
import shutil
from pathlib import Path

import pytest

from tests.projects.conftest import Invoke, Matt
from tests.projects.fronts import KINDS
from tests.projects.test_update import commit, git

pytestmark = [pytest.mark.once, pytest.mark.slow]

OPTIONS = ("--no-input", "--sign-in=all", "--mode=async", "--layout=layered", "--tokens=yes")


@pytest.fixture
def shop(matt: Matt, tmp_path: Path) -> Path:
    assert matt("new", "lamp-shop", *OPTIONS).returncode == 0
    project = tmp_path / "lamp-shop"
    git(project, "init", "--quiet", "--initial-branch=main")
    commit(project)
    return project


def files(project: Path) -> dict[str, str]:
    own = {".env", "local.mk", ".cruft.json"}
    return {
        str(path.relative_to(project)): path.read_text()
        for path in project.rglob("*")
        if path.is_file() and ".git" not in path.parts and path.name not in own
    }


@pytest.mark.parametrize("kind", KINDS)
def test_it_makes_what_matt_new_makes(shop: Path, matt: Matt, tmp_path: Path, kind: str):
    said = matt("front", "add", kind, "--dry-run", cwd=shop)
    assert '+    "django_matt.contrib.spa",' in said.stdout
    assert git(shop, "status", "--porcelain") == ""
    said = matt("front", "add", kind, cwd=shop / "config")
    assert said.returncode == 0, said.stderr
    assert "make dev" in said.stdout
    (tmp_path / "new").mkdir()
    assert (
        matt("new", "lamp-shop", *OPTIONS, f"--front={kind}", cwd=tmp_path / "new").returncode == 0
    )
    assert files(shop) == files(tmp_path / "new/lamp-shop")
    state = json.loads((shop / ".cruft.json").read_text())
    assert state["context"]["cookiecutter"]["front"] == kind
    commit(shop)
    again = matt("front", "add", kind, cwd=shop)
    assert again.returncode == 1
    assert "has a front end already" in again.stderr


def test_a_project_in_a_folder_of_a_repository_gets_it_too(matt: Matt, tmp_path: Path):
    assert matt("new", "lamp-shop", "--no-input", "--sign-in=password").returncode == 0
    (tmp_path / "Makefile").write_text("# of the whole repository\n")
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    commit(tmp_path)
    said = matt("front", "add", "react", cwd=tmp_path / "lamp-shop")
    assert said.returncode == 0, said.stderr
    assert (tmp_path / "lamp-shop/front/package.json").exists()
    assert "django_matt.contrib.spa" in (tmp_path / "lamp-shop/config/settings.py").read_text()
    assert (tmp_path / "Makefile").read_text() == "# of the whole repository\n"
    assert not (tmp_path / "front").exists()


def test_what_the_owner_changed_is_kept_and_named(shop: Path, matt: Matt):
    settings = shop / "config/settings.py"
    settings.write_text(settings.read_text().replace('"Lamp Shop"', '"Our lamps"'))
    urls = shop / "config/urls.py"
    urls.write_text(
        urls.read_text().replace('"admin/"', '"office/"').replace('url="/api/docs"', 'url="/start"')
    )
    commit(shop)
    said = matt("front", "add", "react", cwd=shop)
    assert said.returncode == 1
    assert "config/urls.py.rej" in said.stderr
    assert "git reset --hard" in said.stderr
    assert "Our lamps" in settings.read_text()
    assert "django_matt.contrib.spa" in settings.read_text()
    assert '"office/"' in urls.read_text()
    assert (shop / "front/package.json").exists()


def test_nothing_is_added_where_it_does_not_fit(shop: Path, matt: Matt, invoke: Invoke):
    (shop / "notes.txt").write_text("mine")
    assert "uncommitted changes" in matt("front", "add", "react", cwd=shop).stderr
    (shop / "front").mkdir()
    assert "exists already" in matt("front", "add", "react", cwd=shop).stderr
    shutil.rmtree(shop / "front")
    assert "is not one of" in matt("front", "add", "angular", cwd=shop).stderr
    state = json.loads((shop / ".cruft.json").read_text())
    state["context"]["cookiecutter"]["audience"] = "b2b"
    (shop / ".cruft.json").write_text(json.dumps(state))
    assert "Choose audience: b2c" in matt("front", "add", "react", cwd=shop).stderr
    (shop / ".cruft.json").unlink()
    assert "cruft link" in matt("front", "add", "react", cwd=shop).stderr
    assert not (shop / "front").exists()
    assert "manage.py" in invoke("front", "add", "react").stderr


def test_matt_new_refuses_a_front_end_without_its_options(invoke: Invoke, tmp_path: Path):
    said = invoke("new", "lamp-shop", "--no-input", "--front=react")
    assert said.exit_code == 1
    assert "Choose a sign-in" in said.stderr
    said = invoke(
        "new", "lamp-shop", "--no-input", "--front=react", "--sign-in=all", "--first-app=empty"
    )
    assert "Choose first_app: example" in said.stderr
    assert list(tmp_path.iterdir()) == []
