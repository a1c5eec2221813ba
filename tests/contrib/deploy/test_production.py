"""A project of the template: what `check` finds by starting it, in its migrations, and through the doctor; and a release."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.contrib.deploy.facts import GIVEN
from tests.contrib.deploy.tools import Tools
from tests.e2e.servers import create_database, run_postgres
from tests.projects.conftest import environment
from tests.projects.rendering import TREE, render

pytestmark = [pytest.mark.once, pytest.mark.slow]

APPS = '    "django_matt.contrib.health",\n'
FIRST = "MIDDLEWARE = [\n"
PROBE = '    "django_matt.contrib.deploy.middleware.ProbeHostMiddleware",\n'
NEXT = """
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial")]
    operations = [
        migrations.AddField("item", "size", models.IntegerField(default=0)),
        migrations.AddField("item", "label", models.CharField(max_length=20, db_default="")),
        migrations.RemoveField("item", "description"),
    ]
"""
FIELD = """
class {name}(models.Model):
    label = models.CharField(max_length=20)
"""


class Shop:
    """A project that was just made, in git."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def edit(self, path: str, old: str, new: str) -> None:
        text = (self.folder / path).read_text()
        assert old in text
        (self.folder / path).write_text(text.replace(old, new, 1))

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def commit(self) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "A change")
        return self.git("rev-parse", "HEAD")[:12]

    def manage(self, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=self.folder,
            env=environment(PYTHONPATH=str(TREE), **more),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )

    def deploy(self, *arguments: str, **more: str) -> str:
        done = self.manage("matt_deploy", *arguments, **more)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def check(self, target: str, *arguments: str, **more: str) -> dict[str, list[str]]:
        """Return the findings by their level."""
        done = self.manage("matt_deploy", "check", target, "--format", "json", *arguments, **more)
        found: dict[str, list[str]] = {"fine": [], "doubtful": [], "broken": []}
        for each in json.loads(done.stdout):
            found[each["level"]].append(each["what"])
        assert bool(found["broken"]) == bool(done.returncode), done.stderr
        return found


def make(folder: Path, database: str = "sqlite") -> Shop:
    shop = Shop(render(folder, project_name="Shop", database=database))
    shop.edit("config/settings.py", APPS, f'    "django_matt.contrib.deploy",\n{APPS}')
    shop.edit("config/settings.py", FIRST, FIRST + PROBE)
    shop.git("init", "--quiet")
    return shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return make(tmp_path)


def options(target: str) -> list[str]:
    found = ["--domain", "shop.example.com", "--no-input"]
    for name, value in GIVEN[target].items():
        found += [f"--{name}", value if isinstance(value, str) else ",".join(value)]
    return found


def test_a_new_project_passes_and_faults_of_its_settings_are_found(shop: Shop) -> None:
    shop.deploy("init", "fly", *options("fly"))
    found = shop.check("fly")
    assert not found["broken"]
    assert found["doubtful"] == ["SECRET_KEY was not sent to the platform from this clone."]
    settings = "config/settings.py"
    shop.edit(settings, "if not DEBUG and env.HTTPS:", "if False:")
    shop.edit(
        settings, "ALLOWED_HOSTS = [*env.ALLOWED_HOSTS", 'ALLOWED_HOSTS = ["*", *env.ALLOWED_HOSTS'
    )
    shop.edit(settings, APPS, "")
    shop.edit("catalog/models.py", "class Item(", f"{FIELD.format(name='Shelf')}\n\nclass Item(")
    broken = "\n".join(shop.check("fly")["broken"])
    assert "SECURE_SSL_REDIRECT" in broken
    assert "ALLOWED_HOSTS is ['*'" in broken
    assert "/api/health/ready answers 404" in broken
    assert "Models have changed, and no migration was made." in broken


def test_a_project_that_does_not_start_is_not_released(shop: Shop) -> None:
    shop.deploy("init", "fly", *options("fly"))
    shop.edit(
        "config/settings.py",
        "DEBUG = env.DEBUG",
        'DEBUG = env.DEBUG\nif not DEBUG:\n    raise RuntimeError("no payments")',
    )
    (broken,) = shop.check("fly")["broken"]
    assert (
        broken == "The project does not start on its production settings: RuntimeError: no payments"
    )


def test_load_balancers_that_ask_by_address_need_the_middleware(tmp_path: Path) -> None:
    shop = make(tmp_path, "postgresql")
    shop.deploy("init", "digitalocean", *options("digitalocean"))
    assert not shop.check("digitalocean")["broken"]
    shop.edit("config/settings.py", PROBE, "")
    (broken,) = shop.check("digitalocean")["broken"]
    assert "refuses a request whose host is an address" in broken


def test_migrations_that_the_running_release_does_not_survive(shop: Shop) -> None:
    shop.deploy("init", "fly", *options("fly"))
    release = shop.commit()
    (shop.folder / "catalog/migrations/0002_next.py").write_text(NEXT)
    # What was released is not edited.
    shop.edit("catalog/migrations/0001_initial.py", "initial = True", "initial = True  # edited")
    broken = "\n".join(shop.check("fly", "--since", release)["broken"])
    assert "Add field size to item. The last release inserts rows" in broken
    assert "Remove field description from item." in broken
    # A default in the database is enough.
    assert "Add field label" not in broken
    assert f"catalog/migrations/0001_initial.py was changed since {release}." in broken


@pytest.mark.exhaustive
def test_migrations_of_postgresql_are_examined_in_a_database_of_their_own(tmp_path: Path) -> None:
    shop = make(tmp_path, "postgresql")
    shop.deploy("init", "compose", *options("compose"))
    release = shop.commit()
    (shop.folder / "catalog/migrations/0002_next.py").write_text(NEXT)
    # Nothing listens there.
    unknown = shop.check("compose", "--since", release, DATABASE_URL="postgres://a@127.0.0.1:1/a")
    assert "New migrations were not examined: An empty database cannot be made" in "".join(
        unknown["doubtful"]
    )
    with run_postgres() as host:
        url = create_database(host, "matt_deploy_server")
        broken = "\n".join(shop.check("compose", "--since", release, DATABASE_URL=url)["broken"])
        with psycopg.connect(f"host={host} user=postgres dbname=postgres") as connection:
            rows = connection.execute("SELECT datname FROM pg_database").fetchall()
    assert "Add field size to item. The last release inserts rows" in broken
    assert "Remove field description from item." in broken
    assert not [name for (name,) in rows if re.fullmatch(r"matt_deploy_\d+", name)]


def test_a_release_runs_the_tool_and_is_remembered(shop: Shop, tmp_path: Path) -> None:
    tools = Tools(tmp_path / "tools", "fly")
    path = f"{tools.folder}{os.pathsep}{environment()['PATH']}"
    shop.deploy("init", "fly", *options("fly"))
    release = shop.commit()
    wheel = tmp_path / "django_matt-1.0.0.dev0-py3-none-any.whl"
    wheel.write_bytes(b"a wheel")
    # As in an environment into which that wheel was installed.
    origin = json.dumps({"url": wheel.as_uri(), "archive_info": {}})
    (shop.folder / "manage.py").write_text(
        (shop.folder / "manage.py")
        .read_text()
        .replace(
            "import os\n",
            f"import os\n\nfrom django_matt import installation\n\norigin = {origin!r}\ninstallation.read_origin = lambda: __import__('json').loads(origin)\n",
            1,
        )
    )
    release = shop.commit()
    said = shop.deploy("run", "--no-input", PATH=path)
    assert "Django Matt is in deploy/vendor/django_matt-1.0.0.dev0-py3-none-any.whl" in said
    assert (shop.folder / "deploy/vendor" / wheel.name).read_bytes() == b"a wheel"
    assert [call["line"] for call in tools.calls] == [
        "fly auth whoami",
        f"fly deploy --config fly.toml --app shop --yes --image-label {release} --build-arg RELEASE={release} --ha=false",
    ]
    # The vendored file is ignored, so the tree is as it was.
    assert shop.git("status", "--porcelain") == ""
    assert f"Last release of this clone: {release}" in shop.deploy("status")
    assert shop.check("fly")["fine"][-1] == f"The release {release} survives all new migrations."


def test_the_doctor_examines_the_deployment(shop: Shop) -> None:
    def doctor() -> str:
        done = subprocess.run(
            [sys.executable, "-m", "django_matt.cli", "doctor", "--deploy"],
            cwd=shop.folder,
            env=environment(PYTHONPATH=str(TREE), COLUMNS="400"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        return done.stdout

    assert "No target was chosen yet." in doctor()
    shop.deploy("init", "fly", *options("fly"))
    shop.edit("fly.toml", "internal_port = 8000", "internal_port = 80")
    said = doctor()
    assert "✗ fly: fly.toml: internal_port is 80." in said
    assert "→ internal_port = 8000" in said
