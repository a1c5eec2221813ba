"""Every option of the template, alone and with each other one, is a project that passes its tests and checks."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from tests.e2e.servers import create_database, run_postgres
from tests.projects.conftest import copy_checkout, environment
from tests.projects.rendering import COMBINATIONS, FRONTS, PAGES, PROJECT, Options, render
from tests.projects.running import (
    PRODUCTION,
    add_staff,
    borrow,
    find_python,
    install,
    run,
    serve_development,
    serve_production,
    sign_in,
)
from tests.projects.signing_in import try_sign_in

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.timeout(900)]

TOOLS = Path(sys.executable).parent
NEWEST = find_python("3.13")
LAMP = {"name": "Desk lamp", "price": "39.90"}
# Installed and served too: the defaults, the example in its other form, and all that is not a default.
INSTALLED = [
    COMBINATIONS[0],
    {**COMBINATIONS[0], "layout": "layered", "mode": "async"},
    COMBINATIONS[-1],
]
# Served for development only: each way to sign in.
SIGNED_IN = [options for options in COMBINATIONS if options["sign_in"] != "none"]
CHECK = """
import django
from django.core.management import call_command
django.setup()
call_command("check", deploy=True, fail_level="WARNING")
call_command("makemigrations", check_changes=True, dry_run=True, verbosity=0)
"""
# Of the others, each test that starts their servers takes half a minute.
SAMPLE = [INSTALLED[0], INSTALLED[-1]]
every_combination = pytest.mark.parametrize(
    "options", [*COMBINATIONS, *FRONTS, *PAGES], ids=lambda options: "-".join(options.values())
)


def slug_of(options: Options) -> str:
    return "-".join(options.values())


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Options], Path]:
    folder = tmp_path_factory.mktemp("projects")
    made = {
        slug_of(options): render(folder, project_name=f"Number {number}", **options)
        for number, options in enumerate([*COMBINATIONS, *FRONTS, *PAGES])
    }
    return lambda options: made[slug_of(options)]


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with run_postgres() as host:
        yield host


@pytest.fixture(scope="module")
def carried_out(
    request: pytest.FixtureRequest,
    projects: Callable[[Options], Path],
    everything: Path,
    wheel: Path,
    postgres: str,
) -> Iterator[dict[str, "Future[None]"]]:
    """Carry out the combinations asked for, as many at once as there are cores; each test waits for its own."""
    wanted: list[Any] = [
        item.callspec.params["options"]
        for item in request.session.items
        if isinstance(item, pytest.Function) and "carried_out" in item.fixturenames
    ]

    def carry_out(options: Options) -> None:
        project = projects(options)
        variables = {}
        if options["database"] == "postgresql":
            variables["DATABASE_URL"] = create_database(postgres, project.name)
        if options in INSTALLED[:-1]:
            install(project, wheel)
        else:
            borrow(project, everything)
        examine(project, **variables)
        if options in INSTALLED:
            with serve_production(project, **variables) as (client, log):
                meet_production(client, log, options)
        elif options not in SIGNED_IN:
            return
        with serve_development(project, **variables) as (client, log):
            meet_development(project, client, log, options, variables)

    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        futures = {slug_of(options): pool.submit(carry_out, options) for options in wanted}
        yield futures
        for future in futures.values():
            future.cancel()


def examine(project: Path, **variables: str) -> None:
    """Run the project's own tests, and its checks with the settings of production."""
    said = run(project, "make", "test", **variables)
    assert re.search(r"\d+ passed", said)
    assert not re.search(r"failed|\d skipped|error|warning", said)
    assert re.search(r"^TOTAL .* (9\d|100)%", said, re.M)
    production = {**PRODUCTION, "DJANGO_SETTINGS_MODULE": "config.settings", **variables}
    run(project, ".venv/bin/python", "-c", CHECK, **production)


def meet_production(client: Any, log: Path, options: Options) -> None:
    assert client.get("/api/docs").headers["location"].startswith("https://")
    assert client.get("/api/health/live").status_code == 200
    client.headers["X-Forwarded-Proto"] = "https"
    ready = client.get("/api/health/ready", headers={"X-Request-ID": "asked-by-the-test"})
    assert ready.json()["checks"] == {"database": "ok", "cache": "ok", "migrations": "ok"}
    assert ready.headers["X-Request-ID"] == "asked-by-the-test"
    assert "default-src 'self'" in ready.headers["Content-Security-Policy"]
    assert "includeSubDomains" in ready.headers["Strict-Transport-Security"]
    assert client.get("/api/docs").status_code == 200
    page = client.get("/admin/login/").text
    style = re.search(r'href="(/static/admin/css/base\.[0-9a-f]+\.css)"', page)
    assert style
    assert client.get(style[1]).headers["content-type"].startswith("text/css")
    if options["sign_in"] != "none":
        page = client.get("/accounts/login/", follow_redirects=True).text
        style = re.search(r'href="(/static/matt/accounts\.[0-9a-f]+\.css)"', page)
        assert style
        assert client.get(style[1]).headers["content-type"].startswith("text/css")
        assert client.get("/api/me").status_code == 401
    if options["first_app"] == "example" and options["audience"] == "b2c":
        assert client.get("/api/items").json() == {"items": [], "count": 0}
        assert client.post("/api/items", json=LAMP).status_code == 401
    assert client.get("/api/nothing").headers["content-type"] == "application/problem+json"
    lost = client.get("/nowhere", headers={"Accept": "text/html"})
    assert (lost.status_code, "Page not found" in lost.text) == (404, True)
    assert re.search(r'href="/static/css/site\.[0-9a-f]+\.css"', lost.text)
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    assert [
        (line["level"], line["message"], line["status"])
        for line in lines
        if line["request_id"] == "asked-by-the-test"
    ] == [("INFO", "GET /api/health/ready 200", 200)]


def meet_development(
    project: Path, client: Any, log: Path, options: Options, variables: dict[str, str]
) -> None:
    assert client.get("/").headers["location"] == "/api/docs"
    assert client.get("/api/docs").status_code == 200
    # What people type.
    assert client.get("/api/docs", headers={"Host": "localhost:8000"}).status_code == 200
    assert client.get("/static/admin/css/base.css").status_code == 200
    assert "color-scheme" in client.get("/static/css/site.css").text
    (project / "media").mkdir(exist_ok=True)
    (project / "media" / "lamp.txt").write_text("A lamp.")
    assert client.get("/media/lamp.txt").text == "A lamp."
    page = client.get("/admin/login/").text
    assert "reload.js" in page
    assert ("djdt" in page) == (options["debug_toolbar"] == "yes")
    paths = client.get("/api/openapi.json").json()["paths"]
    if options["sign_in"] != "none":
        assert {"/api/me", "/_allauth/{client}/v1/auth/login"} <= set(paths)
        try_sign_in(client, log, options)
    elif options["first_app"] == "empty":
        assert set(paths) == {"/api/health/live", "/api/health/ready"}
    if options["first_app"] == "empty" or options["audience"] == "b2b":
        return
    assert client.post("/api/items", json=LAMP).status_code == 401
    name = "Grace@example.com" if options["user"] == "email" else "grace"
    add_staff(project, name, **variables)
    sign_in(client, name, "desk-lamps")
    item = client.post("/api/items", json=LAMP)
    assert item.status_code == 201, item.text
    path = f"/api/items/{item.json()['id']}"
    assert client.patch(path, json={"price": "35.00"}).json()["price"] == "35.00"
    assert client.get(path).json()["price"] == "35.00"
    assert client.put(path, json={**LAMP, "name": "Lamp"}).json()["name"] == "Lamp"
    assert client.get("/api/items", params={"search": "lamp"}).json()["count"] == 1
    assert client.post("/api/items", json={"name": "x", "price": "-1"}).status_code == 422
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404
    # Nothing at the start is a warning.
    assert not re.search(r"warn|not set|traceback", log.read_text().partition("GET /")[0], re.I)


@pytest.mark.sampled(5)
@every_combination
def test_it_is_written_well(projects: Callable[[Options], Path], options: Options):
    project = projects(options)
    run(project, "ruff", "check", "--no-cache", ".")
    run(project, "ruff", "format", "--check", "--no-cache", ".")
    run(project, "hadolint", "Dockerfile")
    schemas = {
        "compose-spec": ("compose.yaml", "compose.development.yaml"),
        "github-workflows": (".github/workflows/ci.yml",),
        "dependabot": (".github/dependabot.yml",),
    }
    for schema, files in schemas.items():
        run(project, "check-jsonschema", "--builtin-schema", f"vendor.{schema}", *files)
    for path in filter(Path.is_file, project.rglob("*")):
        text = path.read_text()
        assert text, f"{path} is empty"
        assert text.endswith("\n"), path
        assert not text.endswith("\n\n"), path
        assert "cookiecutter" not in text or path.name == "README.md", path
        has_marks = path.suffix in {".html", ".yml"} or path.parent.name == "locale"
        assert has_marks or not re.search(r"\{%|\{\{", text), path
        assert path.suffix == ".md" or "\n\n\n\n" not in text, path


@every_combination
def test_its_locks_hold_what_it_declares(projects: Callable[[Options], Path], options: Options):
    project = projects(options)
    declared = tomllib.loads((project / "pyproject.toml").read_text())
    wanted = {
        "production.txt": declared["project"]["dependencies"],
        "development.txt": declared["project"]["dependencies"]
        + declared["dependency-groups"]["dev"],
    }
    for name, requirements in wanted.items():
        pins = {}
        for line in (project / "requirements" / name).read_text().splitlines():
            if not line.startswith("#"):
                assert re.fullmatch(r"[a-z0-9-]+==[\w.]+( ; [a-z_]+ [^/@]+)?", line), line
                pin = Requirement(line)
                pins.setdefault(pin.name, []).append(next(iter(pin.specifier)).version)
        for requirement in map(Requirement, requirements):
            if requirement.name == "django-matt":
                assert not requirement.specifier.contains("0.10")
                continue
            assert all(requirement.specifier.contains(pin) for pin in pins[requirement.name])
        assert "django-matt" not in pins
        assert ("psycopg" in pins) == (options["database"] == "postgresql")
        assert ("boto3" in pins) == (options["media"] == "s3")
        assert ("django-allauth" in pins) == (options["sign_in"] != "none")
        assert ("django-vite" in pins) == (options.get("front") == "react")
        assert ("django-htmx" in pins) == (options.get("front") == "htmx")
        assert ("pillow" in pins) == ("front" in options)
    assert ("django-debug-toolbar" in pins) == (options["debug_toolbar"] == "yes")


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(each, marks=() if each in SAMPLE else pytest.mark.exhaustive)
        for each in COMBINATIONS
    ],
    ids=lambda options: "-".join(options.values()),
)
def test_it_passes_its_tests_and_checks_and_serves(
    carried_out: dict[str, "Future[None]"], options: Options
):
    carried_out[slug_of(options)].result()


@pytest.mark.parametrize("options", [COMBINATIONS[-1]], ids=slug_of)
def test_what_is_locked_for_production_is_enough(
    tmp_path: Path, wheel: Path, postgres: str, options: Options
):
    """As the Dockerfile installs it."""
    project = render(tmp_path, project_name="Shop", **options)
    run(project, "uv", "venv", "--quiet", "--python", sys.executable, ".venv")
    python = ("--quiet", "--python", ".venv")
    run(project, "uv", "pip", "sync", *python, "requirements/production.txt")
    run(project, "uv", "pip", "install", *python, "--no-deps", str(wheel))
    run(project, "uv", "pip", "check", *python)
    variables = {}
    if options["database"] == "postgresql":
        variables["DATABASE_URL"] = create_database(postgres, "production")
    (project / ".env").unlink()
    with serve_production(project, **variables) as (client, log):
        meet_production(client, log, options)


def test_without_a_source_the_other_package_of_that_name_is_not_taken(tmp_path: Path):
    project = render(tmp_path, project_name="Shop")
    done = subprocess.run(
        ["make", "install", f"PYTHON={sys.executable}", "DJANGO_MATT_SOURCE="],
        cwd=project,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "Installing requirements/development.txt, and django-matt>=1.0.0.dev0" in done.stdout
    assert not list(project.glob(".venv/lib/*/site-packages/django_matt*"))


@pytest.mark.exhaustive
def test_make_check_and_the_hooks_of_git_hold_and_can_fail(
    tmp_path: Path, wheel: Path, postgres: str
):
    """The whole of ``make check`` on the largest of them, the types of all others; then a fault for each tool."""
    largest = {**COMBINATIONS[-1], "first_app": "example"}
    project = render(tmp_path, project_name="Lamp Shop", app_name="orders", **largest)
    variables = {"DATABASE_URL": create_database(postgres, "checked")}
    install(project, wheel)
    run(project, "make", "check", **variables)
    deploy = (".venv/bin/python", "manage.py", "check", "--deploy", "--fail-level", "WARNING")
    with pytest.raises(AssertionError, match=r"security\.W020"):
        run(project, *deploy, DEBUG="false", **variables)
    # As in a fresh clone.
    (project / ".env").unlink()
    run(project, "make", ".env")
    assert (project / ".env").stat().st_mode & 0o777 == 0o600
    run(project, ".venv/bin/python", "manage.py", "matt_env", "check")
    run(project, "git", "init", "--quiet")
    run(project, "git", "add", "--all")
    hooks = (".venv/bin/pre-commit", "run", "--all-files")
    run(project, *hooks, PRE_COMMIT_HOME=str(tmp_path / "hooks"), **variables)
    # By the same environment. What mypy read of the libraries is in its cache, of which each process has its own copy.
    others = [
        render(tmp_path, project_name=f"Other{number}", **options)
        for number, options in enumerate(COMBINATIONS)
        if options["database"] == "sqlite"
    ]
    count = os.cpu_count() or 2

    def check_types(first: int) -> None:
        cache = shutil.copytree(project / ".mypy_cache", tmp_path / f"cache{first}")
        for other in others[first::count]:
            borrow(other, project)
            run(other, ".venv/bin/mypy", "--cache-dir", str(cache))

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(check_types, range(count)))
    services = project / "orders" / "services.py"
    services.write_text(f"import orders.controllers\n{services.read_text()}\nx: int = ''\n")
    done = subprocess.run(
        ["make", "check"],
        cwd=project,
        env=environment(**variables),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "Failed: ruff ruff mypy lint-imports" in done.stderr


@pytest.mark.skipif(NEWEST is None, reason="no Python 3.13")
def test_the_newest_python_and_django_hold_too(tmp_path: Path):
    """From a folder, which is built by the installer."""
    copy_checkout(tmp_path / "django-matt")
    project = render(tmp_path, project_name="Shop", layout="layered", mode="async")
    source = {"DJANGO_MATT_SOURCE": str(tmp_path / "django-matt"), "CFLAGS": "-O0"}
    run(project, "make", "install", f"PYTHON={NEWEST}", **source)
    told = run(project, ".venv/bin/python", "-c", "import django; print(django.VERSION[0])")
    assert told == "6\n"
    assert re.search(r"\d+ passed", run(project, "make", "test"))
    run(project, "make", "check")


def test_the_wheel_holds_the_whole_template(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        inside = {
            name.removeprefix("django_matt/project_template/")
            for name in archive.namelist()
            if name.startswith("django_matt/project_template/")
        }
    template = PROJECT.parent
    paths = [path for path in template.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert inside == {str(path.relative_to(template)) for path in paths}


def test_the_template_names_no_place_of_a_machine():
    for path in filter(Path.is_file, PROJECT.parent.rglob("*")):
        # Digests of packages have any letters.
        text = re.sub(r'"integrity": ".*"', "", path.read_text())
        assert not re.search(r"/(home|tmp/|Users|work\b|root/)", text), path
