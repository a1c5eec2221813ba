"""Every template of `startapp` with every answer: it is written well, migrates, passes its own tests, and serves."""

import itertools
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import pytest

from benchmarks.ports import free_port
from django_matt.contrib.generators.starts import ANSWERS, TEMPLATES
from tests.cli.projects import SmallProject
from tests.contrib.generators.projects import run_all
from tests.contrib.generators.startapp_projects import add_apps, make_starting_project, said
from tests.projects.rendering import PROJECT
from tests.waiting import SECONDS, wait_until

pytestmark = [
    pytest.mark.once,
    pytest.mark.projects,
    pytest.mark.slow,
    pytest.mark.timeout(600),
]

USER = """
import django
django.setup()
from django.contrib.auth import get_user_model
user = get_user_model().objects.create_user("ada", "ada@example.com", "of-the-tests", is_staff=True, is_superuser=True)
"""
MYPY = """
[mypy]
strict = true
plugins = mypy_django_plugin.main, pydantic.mypy
exclude = /migrations/
[mypy-*.admin]
disable_error_code = type-arg
[mypy.plugins.django-stubs]
django_settings_module = config.settings
"""


EVERY = [
    (template, *rest)
    for template, kind in TEMPLATES.items()
    for rest in itertools.product(kind.audiences, ANSWERS["mode"], ANSWERS["layout"])
]
# Each two answers meet in one of them, and each template meets each of its audiences.
INSTALLED = [
    ("blog", "b2c", "sync", "plain"),
    ("blog", "other", "async", "layered"),
    ("blog", "b2b", "sync", "layered"),
    ("forum", "b2c", "async", "layered"),
    ("forum", "b2b", "sync", "plain"),
    ("shop", "b2c", "sync", "layered"),
    ("shop", "other", "sync", "plain"),
    ("shop", "b2b", "async", "plain"),
    ("saas", "b2c", "async", "plain"),
    ("saas", "b2b", "sync", "layered"),
]
TYPED = [INSTALLED[1], INSTALLED[4], INSTALLED[7], INSTALLED[9]]


def name_of(answers: tuple[str, ...]) -> str:
    return "_".join(answers)


def start(answers: tuple[str, ...]) -> list[str]:
    template, audience, mode, layout = answers
    options = ["--audience", audience, "--mode", mode, "--layout", layout, "--no-input"]
    return ["startapp", name_of(answers), "--template", template, *options]


def pairs_of(combinations: Sequence[tuple[str, ...]]) -> set[frozenset[tuple[int, str]]]:
    return {
        frozenset(pair)
        for each in combinations
        for pair in itertools.combinations(enumerate(each), 2)
    }


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> SmallProject:
    """A project with organizations, and an app of each combination side by side."""
    project = make_starting_project(tmp_path_factory.mktemp("project"), tenants=True)
    said = run_all(project, map(start, EVERY))
    assert not [each for each in said if each.startswith("refused")], said
    add_apps(project, *map(name_of, INSTALLED))
    return project


def run(project: SmallProject, *command: str, **variables: str) -> str:
    """Run a command that may take minutes on a busy machine."""
    return said(
        subprocess.run(
            command,
            cwd=project.folder,
            env={**project.variables, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )
    )


def tools(project: SmallProject, *command: str) -> str:
    tool, *arguments = command
    return run(project, str(Path(sys.executable).parent / tool), *arguments)


def test_each_two_answers_meet_in_an_app_that_is_installed():
    assert pairs_of(INSTALLED) == pairs_of(EVERY)
    assert {each[0] for each in TYPED} == {*TEMPLATES}


def test_it_is_written_well(project: SmallProject):
    """By the rules of a project that `matt new` makes."""
    rules = (PROJECT / "pyproject.toml").read_text()
    rules = rules[rules.index("[tool.ruff]") : rules.index("[tool.mypy]")]
    project.write("rules/pyproject.toml", rules)
    config = ("--config", "rules/pyproject.toml", "--no-cache")
    names = list(map(name_of, EVERY))
    tools(project, "ruff", "check", *config, *names)
    tools(project, "ruff", "format", "--check", *config, *names)
    for name in names:
        for path in (project.folder / name).rglob("*.py"):
            text = path.read_text()
            assert "{%" not in text, path
            assert "{{" not in text, path
            assert not text or text.endswith("\n"), path
        assert (project.folder / name / "services.py").exists() is name.endswith("layered")


CHECKS = [
    ["check", "--fail-level", "WARNING"],
    ["makemigrations", "--check", "--dry-run"],
]


def test_it_passes_its_checks_and_its_migrations_are_complete(project: SmallProject):
    said = run_all(project, CHECKS)
    assert not [each for each in said if each.startswith("refused")], said
    assert "No changes detected" in said[1]


def test_a_project_without_organizations_has_it_too(project: SmallProject, tmp_path: Path):
    other = make_starting_project(tmp_path)
    names = [name_of(each) for each in INSTALLED if each[1] != "b2b"]
    for name in names:
        shutil.copytree(project.folder / name, tmp_path / name)
    add_apps(other, *names)
    said = run_all(other, CHECKS)
    assert not [each for each in said if each.startswith("refused")], said
    assert "No changes detected" in said[1]


def test_it_passes_its_own_tests(project: SmallProject):
    command = (sys.executable, "manage.py", "test", "--parallel", "2")
    assert "OK" in run(project, *command, *map(name_of, INSTALLED))


@pytest.mark.exhaustive
def test_its_tests_run_with_pytest_too(project: SmallProject):
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    name = name_of(INSTALLED[0])
    assert " passed" in run(project, *command, name, DJANGO_SETTINGS_MODULE="config.settings")


def test_its_types_are_right(project: SmallProject):
    """Of one app of each template."""
    project.write("mypy.ini", MYPY)
    names = map(name_of, TYPED)
    assert "Success" in tools(project, "mypy", "--config-file", "mypy.ini", *names)


@pytest.fixture(scope="module")
def served(project: SmallProject) -> Iterator[httpx.Client]:
    """A server of the project, whose tables are filled."""
    run(project, sys.executable, "manage.py", "migrate", "--verbosity", "0")
    run(
        project, sys.executable, "manage.py", "matt_seed", *map(name_of, INSTALLED), "--count", "12"
    )
    run(project, sys.executable, "-c", USER, DJANGO_SETTINGS_MODULE="config.settings")
    port = free_port()
    log = project.folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "config.asgi:application", "--port", str(port)],
            cwd=project.folder,
            env=project.variables,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=SECONDS)

    def answers() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            return client.get("/admin/login/").status_code == 200
        except httpx.TransportError:
            return False

    try:
        wait_until(answers, log.read_text)
        yield client
    finally:
        client.close()
        process.terminate()
        process.wait(30)


LISTS = {"blog": "posts", "forum": "threads", "shop": "products", "saas": "projects"}
BODIES = {
    "blog": ("tags", {"name": "new"}),
    "forum": ("boards", {"name": "New", "slug": "new"}),
    "shop": ("categories", {"name": "New"}),
    "saas": ("projects", {"name": "New"}),
}


def test_a_server_lists_creates_and_refuses(project: SmallProject, served: httpx.Client):
    names = list(map(name_of, INSTALLED))
    for name in names:
        template, audience, *_ = name.split("_")
        listed = served.get(f"/{name}/{LISTS[template]}")
        is_open = audience != "b2b" and template != "saas"
        assert listed.status_code == (200 if is_open else 401), (name, listed.text)
        path, body = BODIES[template]
        assert served.post(f"/{name}/{path}", json=body).status_code == 401, name
    sign_in(served)
    first = next(name for name in names if "b2b" in name)
    made = served.post(f"/{first}/organizations", json={"name": "Acme", "slug": "acme"})
    assert made.status_code == 201, made.text
    served.headers["X-Tenant"] = "acme"
    for name in names:
        template, *_ = name.split("_")
        path, body = BODIES[template]
        made = served.post(f"/{name}/{path}", json=body)
        assert made.status_code == 201, (name, made.text)
        again = served.post(f"/{name}/{path}", json=body)
        assert again.status_code == 409, (name, again.text)
        assert served.post(f"/{name}/{path}", json={}).status_code == 422, name
        assert served.get(f"/{name}/{path}").json()["count"] >= 1, name


def sign_in(client: httpx.Client) -> None:
    """Sign in as the form of the admin does."""
    client.get("/admin/login/")
    form = {
        "username": "ada",
        "password": "of-the-tests",
        "csrfmiddlewaretoken": client.cookies["csrftoken"],
        "next": "/admin/",
    }
    answer = client.post("/admin/login/", data=form, headers={"Referer": str(client.base_url)})
    assert answer.status_code == 302, answer.text
    client.headers["X-CSRFToken"] = client.cookies["csrftoken"]
