"""``matt_bench`` on a project of its own: real servers, two revisions of a repository."""

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from django_matt.contrib.observability.management.commands.matt_bench import Command

pytestmark = [pytest.mark.slow, pytest.mark.once, pytest.mark.timeout(240)]

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = """
    from pathlib import Path
    SECRET_KEY = "x" * 50
    DEBUG = False
    ALLOWED_HOSTS = ["shop.example.com"]
    SECURE_SSL_REDIRECT = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    ROOT_URLCONF = "config.urls"
    ASGI_APPLICATION = "config.asgi.application"
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": Path(__file__).parent.parent / "db.sqlite3"}}
    INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "ninja_extra",
        "django_matt", "django_matt.contrib.observability"]
    MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware", "django.contrib.auth.middleware.AuthenticationMiddleware"]
    DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
"""
URLS = """
    import asyncio
    from django.contrib.auth.models import User
    from django.urls import path
    from ninja.security import django_auth
    from django_matt import MattAPI
    api = MattAPI()
    @api.get("/users/{user_id}")
    def user(request, user_id: int):
        return {"name": User.objects.get(pk=user_id).username}
    @api.get("/seen")
    def seen(request):
        User.objects.update(first_name="seen")
        return {}
    @api.get("/me", auth=django_auth)
    async def me(request):
        SLEEP
        return {"name": (await request.auser()).username}
    urlpatterns = [path("api/", api.urls)]
"""
ASGI = """
    import os
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django_matt.asgi import get_asgi_application
    application = get_asgi_application()
"""
ENVIRONMENT = {
    **os.environ,
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.com",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in a repository; its second revision answers ``/me`` 0.3 seconds later."""
    made: Path = tmp_path_factory.mktemp("project")
    (made / "config").mkdir()
    for name, text in (("settings", SETTINGS), ("asgi", ASGI), ("urls", URLS)):
        (made / "config" / f"{name}.py").write_text(textwrap.dedent(text).replace("SLEEP", "pass"))
    (made / ".gitignore").write_text("db.sqlite3\n__pycache__\n")

    def git(*arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=made, env=ENVIRONMENT, check=True, timeout=60)

    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message", "One")
    urls = textwrap.dedent(URLS).replace("SLEEP", "await asyncio.sleep(0.3)")
    (made / "config" / "urls.py").write_text(urls)
    git("commit", "--quiet", "--all", "--message", "Two")
    assert manage(made, "migrate", "-v0").returncode == 0
    created = ("createsuperuser", "--no-input", "--username=ada", "--email=ada@example.com")
    assert manage(made, *created, DJANGO_SUPERUSER_PASSWORD="x").returncode == 0
    return made


def manage(folder: Path, *arguments: str, **environment: str) -> Any:
    # Not `-m django`: a folder of the test's own comes first on the path.
    line = "import sys; from django.core.management import execute_from_command_line as e; e(['manage.py', *sys.argv[1:]])"
    path = os.pathsep.join([str(folder), str(ROOT)])
    return subprocess.run(
        [sys.executable, "-c", line, *arguments],
        cwd=folder,
        env={**ENVIRONMENT, "PYTHONPATH": path, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def test_each_get_operation_is_measured_and_what_refuses_is_named(folder: Path):
    done = manage(folder, "matt_bench", "--seconds=0.3", "--connections=2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "GET /api/me is not measured: it answered 401: pass --user or --header." in done.stderr
    assert "GET /api/seen is not measured: it writes to the database; --writes" in done.stderr
    assert "config.asgi:application by granian, one worker; 2 connections by h2load" in done.stdout
    assert "GET /api/users/{user_id}\n" in done.stdout
    assert "requests/s   half within" in done.stdout


def test_an_earlier_revision_is_measured_in_turn_and_a_slower_one_now_is_an_error(folder: Path):
    line = ("--user=ada", "--compare=HEAD~1", "--fail-if-slower=30", "--seconds=3", "--json")
    done = manage(folder, "matt_bench", "me", "--connections=2", *line)
    assert done.returncode == 1
    assert "Slower by more than 30 %: GET /api/me." in done.stderr
    (row,) = json.loads(done.stdout)["routes"]
    # Two connections whose every answer takes 0.3 seconds get less than seven a second.
    assert 0 < row["now"]["rate"] <= 7
    assert row["ratio"] < 0.7
    trees = subprocess.run(
        ["git", "worktree", "list"], cwd=folder, capture_output=True, text=True, check=True
    )
    assert len(trees.stdout.splitlines()) == 1
    sessions = manage(
        folder,
        "shell",
        "-c",
        "from django.contrib.sessions.models import Session as S; print(S.objects.count())",
    )
    assert sessions.stdout.split()[-1] == "0"


def test_without_h2load_a_client_of_pythons_own_sends_the_requests(folder: Path, tmp_path: Path):
    for name in ("git", "python3"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    done = manage(
        folder, "matt_bench", "users", "--seconds=0.3", "--interface=asgi", PATH=str(tmp_path)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "16 connections by Python" in done.stdout
    assert "requests/s" in done.stdout


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        ("--compare=no-such", "Needed a single revision"),
        ("--application=config.nowhere:application", "does not serve config.nowhere"),
    ],
)
def test_what_cannot_be_served_is_said(folder: Path, argument: str, says: str):
    done = manage(folder, "matt_bench", "users", argument)
    assert done.returncode == 1
    assert says in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--seconds=0"], "--seconds from 0.1"),
        (["--connections=0"], "--connections is at least 1"),
        (["--fail-if-slower=5"], "--fail-if-slower needs --compare REV."),
        (["--set=x"], "x: write --set name=value"),
        (["--user=nobody"], "There is no user 'nobody'."),
        (["nothing-like-this"], "No GET operation of a mounted MattAPI matches."),
    ],
)
@pytest.mark.django_db
def test_wrong_arguments_are_said_in_one_line(arguments: list[str], says: str):
    with pytest.raises(CommandError, match=re.escape(says)):
        call_command(Command(), *arguments)
