"""``matt new`` makes a project or says why not; it makes no half ones."""

import compileall
import os
import pty
import re
import runpy
import select
import shlex
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.projects.conftest import Invoke, Matt, environment
from tests.projects.rendering import COMBINATIONS, OPTIONS, PROJECT, TEMPLATE, TREE, render
from tests.waiting import SECONDS, wait_until

pytestmark = [pytest.mark.once]


def files_of(project: Path) -> dict[str, str]:
    """Return every file but the record of the template, and the secrets blanked out."""
    found = {
        str(path.relative_to(project)): path.read_text()
        for path in project.rglob("*")
        if path.is_file() and path.name != ".cruft.json"
    }
    found[".env"] = re.sub(r"[A-Za-z]{32,}", "secret", found[".env"])
    return found


@pytest.mark.parametrize("options", [COMBINATIONS[0], COMBINATIONS[-1]], ids=str)
def test_matt_new_and_cookiecutter_make_the_same(
    matt: Matt, tmp_path: Path, options: dict[str, str]
):
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    done = matt("new", "Lamp Shop", "--app-name=lamps", *flags, "--no-input")
    assert done.returncode == 0, done.stderr
    (tmp_path / "other").mkdir()
    other = render(tmp_path / "other", project_name="Lamp Shop", app_name="lamps", **options)
    assert files_of(tmp_path / "lamp-shop") == files_of(other)


def test_every_option_of_the_template_is_a_flag(matt: Matt):
    said = matt("new", "--help", COLUMNS="200").stdout
    for name, values in OPTIONS.items():
        assert f"--{name.replace('_', '-')}" in said
        assert f"<{'|'.join(values)}>" in said
    assert {"--project-slug", "--app-name", "--source"} <= set(re.findall(r"--[\w-]+", said))


def test_the_page_of_the_docs_lists_every_option_with_its_values():
    page = (TREE / "docs/projects.md").read_text()
    section = page.partition("## Options")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `--([\w-]+)` \| (.+?) \|", section, re.M)
    listed = {name.replace("-", "_"): re.findall(r"`([\w-]+)`", values) for name, values in rows}
    assert {name: listed.get(name) for name in OPTIONS} == OPTIONS


def test_the_secrets_are_fresh_and_the_owner_s_alone(matt: Matt, tmp_path: Path):
    for name in ("one", "two"):
        assert matt("new", name, "--database=postgresql", "--no-input").returncode == 0
    texts = [(tmp_path / name / ".env").read_text() for name in ("one", "two")]
    for variable, length in (("SECRET_KEY", 50), ("POSTGRES_PASSWORD", 32)):
        secrets = [re.search(rf"^{variable}=(\S+)$", text, re.M)[1] for text in texts]  # type: ignore[index]
        assert len(set(secrets)) == 2
        assert all(len(secret) >= length for secret in secrets)
    assert (tmp_path / "one" / ".env").stat().st_mode & 0o777 == 0o600
    assert "/.env" in (tmp_path / "one" / ".gitignore").read_text().splitlines()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("class", "keyword"),
        ("json", "shadow the Python module json"),
        ("django", "shadow the Python module django"),
        ("Django Matt", "shadow the Python module django_matt"),
        ("pytest", "shadow the Python module pytest"),
        ("1st", "letter first"),
        ("", "needs a name"),
        ("../up", "slashes"),
        ('say "hi"', "quotes"),
        ("a" * 51, "at most 50"),
        ("{{ cookiecutter }}", "brackets"),
    ],
)
def test_a_name_that_cannot_be_is_refused(invoke: Invoke, tmp_path: Path, name: str, message: str):
    done = invoke("new", "--no-input", "--", name)
    assert done.exit_code == 1
    assert message in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("app", "message"),
    [
        ("import", "keyword"),
        ("email", "shadow"),
        ("ninja", "shadow"),
        ("config", "own package"),
        ("auth", "app of Django"),
        ("account", "app of django-allauth"),
        ("users", "own app"),
        ("static", "own folder"),
        ("watchfiles", "shadow"),
        ("matt_items", "Django Matt's own apps"),
        ("Items", "lower-case"),
        ("my-app", "lower-case"),
    ],
)
def test_an_app_s_name_that_cannot_be_is_refused(
    invoke: Invoke, tmp_path: Path, app: str, message: str
):
    done = invoke("new", "shop", f"--app-name={app}", "--no-input")
    assert done.exit_code == 1
    assert message in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--audience=b2b"], "companies have members who sign in"),
        (["--sign-in=none", "--tokens=yes"], "people who have signed in"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    invoke: Invoke, tmp_path: Path, flags: list[str], message: str
):
    done = invoke("new", "shop", *flags, "--no-input")
    assert done.exit_code == 1
    assert message in done.stderr
    assert "password, magic-link, passkey or all" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_fit_to_a_flag_is_not_offered(tmp_path: Path):
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(tmp_path)
        command = [sys.executable, "-m", "django_matt.cli", "new", "shop", "--audience=b2b"]
        variables = environment(PYTHONPATH=str(TREE), TERM="xterm", COLUMNS="120")
        os.execve(command[0], command, variables)
    try:
        for expected, keys in (("Folder name", "\r"), ("Database", "\r"), ("User model", "\r")):
            read_until(terminal, expected)
            os.write(terminal, keys.encode())
        asked = read_until(terminal, "all: password, magic-link and passkey")
        assert "only staff signs in" not in asked
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(terminal)


def test_cookiecutter_alone_refuses_the_same_names(tmp_path: Path):
    done = subprocess.run(
        [
            *(sys.executable, "-m", "cookiecutter", str(TREE), "--directory", "cookiecutter"),
            *("--no-input", "project_name=Json", "app_name=import", "audience=b2b"),
        ],
        cwd=tmp_path,
        env=environment(HOME=str(tmp_path / "home")),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode != 0
    assert "shadow the Python module json" in done.stderr
    assert "'import' cannot name the app" in done.stderr
    assert "companies have members who sign in" in done.stderr
    assert not (tmp_path / "json").exists()


def test_no_module_that_a_project_installs_is_an_app_s_name():
    locked = {
        line.partition("==")[0].rpartition("}")[2]
        for line in (PROJECT / "requirements/development.txt").read_text().splitlines()
        if "==" in line
    }
    modules = {
        module
        for module, packages in packages_distributions().items()
        if locked & {package.lower().replace("_", "-") for package in packages}
        and re.fullmatch("[a-z][a-z0-9_]*", module)
    }
    assert {"watchfiles", "dotenv", "h11"} <= modules
    refused = runpy.run_path(str(TEMPLATE / "hooks/pre_gen_project.py"))["INSTALLED"]
    assert modules - refused == set()


@pytest.mark.parametrize("by", ["matt", "cookiecutter"])
def test_what_lies_among_temporary_files_refuses_no_name(tmp_path: Path, by: str):
    temporary, work = tmp_path / "temporary", tmp_path / "work"
    temporary.mkdir()
    work.mkdir()
    (temporary / "orders.py").write_text("raise SystemExit('not mine')")
    commands = {
        "matt": ["django_matt.cli", "new", "shop", "--no-input", "--app-name=orders"],
        "cookiecutter": [
            *("cookiecutter", str(TREE), "--directory", "cookiecutter", "--no-input"),
            *("project_name=Shop", "app_name=orders"),
        ],
    }
    done = subprocess.run(
        [sys.executable, "-m", *commands[by]],
        cwd=work,
        env=environment(PYTHONPATH=str(TREE), TMPDIR=str(temporary), HOME=str(tmp_path / "home")),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (work / "shop/orders/models.py").exists()
    if by == "matt":
        assert [path.name for path in temporary.iterdir()] == ["orders.py"]


def test_a_disk_that_is_full_is_one_sentence(tmp_path: Path):
    command = shlex.join([sys.executable, "-m", "django_matt.cli", "new", "shop", "--no-input"])
    done = subprocess.run(
        ["sh", "-c", f"ulimit -f 1; exec {command}"],
        cwd=tmp_path,
        env=environment(PYTHONPATH=str(TREE), PYTHONDONTWRITEBYTECODE="1"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "nothing was made" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.count("File too large") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_stays_as_it_is(invoke: Invoke, tmp_path: Path):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "mine.txt").write_text("mine")
    done = invoke("new", "shop", "--no-input")
    assert done.exit_code == 1
    assert "not empty" in done.stderr
    assert [path.name for path in (tmp_path / "shop").iterdir()] == ["mine.txt"]
    assert [path.name for path in tmp_path.iterdir()] == ["shop"]


def test_an_empty_folder_is_taken(invoke: Invoke, tmp_path: Path):
    (tmp_path / "shop").mkdir()
    assert invoke("new", "shop", "--no-input").exit_code == 0
    assert (tmp_path / "shop" / "manage.py").exists()


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_file_or_a_link_in_the_way_is_not_replaced(invoke: Invoke, tmp_path: Path, kind: str):
    way = tmp_path / "shop"
    way.write_text("mine") if kind == "file" else way.symlink_to(tmp_path / "nowhere")
    done = invoke("new", "shop", "--no-input")
    assert done.exit_code == 1
    assert "exists already" in done.stderr
    assert list(tmp_path.iterdir()) == [way]


def test_a_folder_that_is_not_there_is_named(invoke: Invoke, tmp_path: Path):
    done = invoke("new", "shop", "--into=nowhere", "--no-input")
    assert done.exit_code == 1
    assert "does not exist; make it first." in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_nobody_to_ask_and_no_name(invoke: Invoke):
    for arguments in (["new"], ["new", "--no-input"]):
        done = invoke(*arguments)
        assert done.exit_code == 1
        assert "name" in done.stderr


def test_what_an_installer_compiled_stays_out(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    template = tmp_path / "template"
    shutil.copytree(TEMPLATE, template)
    compileall.compile_dir(template, quiet=2)
    assert list(template.rglob("*.pyc"))
    monkeypatch.setattr("django_matt.cli.templates.TEMPLATE", template)
    assert invoke("new", "shop", "--no-input").exit_code == 0
    assert (tmp_path / "shop/tests/conftest.py").exists()
    assert not list((tmp_path / "shop").rglob("*.pyc"))


@pytest.mark.parametrize(
    ("given", "recorded", "context"),
    [
        ("https://example.com/matt", "git+https://example.com/matt", "https://example.com/matt"),
        (
            "git+https://example.com/matt.git@v1",
            "git+https://example.com/matt.git@v1",
            "https://example.com/matt.git#v1",
        ),
        (
            "https://example.com/m-1.whl",
            "https://example.com/m-1.whl",
            "https://example.com/m-1.whl",
        ),
        ("gh:owner/matt", "git+https://github.com/owner/matt", "https://github.com/owner/matt"),
    ],
)
def test_a_source_is_recorded_as_uv_and_docker_write_it(
    tmp_path: Path, given: str, recorded: str, context: str
):
    project = render(tmp_path, project_name="Shop", django_matt_source=given)
    assert f"DJANGO_MATT_SOURCE ?= {recorded}\n" in (project / "Makefile").read_text()
    line = f"django-matt: ${{DJANGO_MATT_SOURCE:-{context}}}\n"
    for name in ("compose.yaml", "compose.development.yaml"):
        assert line in (project / name).read_text()
    assert not (project / "local.mk").exists()


@pytest.mark.parametrize("given", ["./django-matt", "", "git+file:///srv/matt@abc"])
def test_no_file_of_a_project_names_a_place_on_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
):
    """Except the one that git ignores."""
    monkeypatch.setenv("PWD", str(tmp_path))  # as a shell does
    project = render(tmp_path, project_name="Shop", django_matt_source=given)
    place = {"./django-matt": str(tmp_path / "django-matt"), "": str(TREE)}.get(given, given)
    last = (project / "local.mk").read_text().splitlines()[-1]
    assert last == f"DJANGO_MATT_SOURCE ?= {place}"
    for path in filter(Path.is_file, project.rglob("*")):
        if path.name != "local.mk":
            assert place not in path.read_text(), path
            assert str(tmp_path) not in path.read_text(), path


def test_the_source_is_recorded_and_can_be_named(matt: Matt, tmp_path: Path):
    matt("new", "ours", "--no-input")
    matt("new", "theirs", "--no-input", DJANGO_MATT_SOURCE="git+https://example.com/matt.git")
    found = {
        name: re.search(
            r"^DJANGO_MATT_SOURCE \?= (.*)$", (tmp_path / name / file).read_text(), re.M
        )[1]  # type: ignore[index]
        for name, file in (("ours", "local.mk"), ("theirs", "Makefile"))
    }
    assert found == {"ours": str(TREE), "theirs": "git+https://example.com/matt.git"}
    done = matt("new", "lost", "--no-input", DJANGO_MATT_SOURCE="no/such/folder")
    assert done.returncode == 1
    assert "no/such/folder" in done.stderr
    assert not (tmp_path / "lost").exists()


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_generation_leaves_nothing(tmp_path: Path, sent: signal.Signals):
    """A hook that never ends stands for a slow one: the signal meets the generation in its middle."""
    package = tmp_path / "package"
    package.mkdir()
    for path in TREE.iterdir():
        if path.name not in {"cookiecutter", "django_matt", ".git"}:
            (package / path.name).symlink_to(path)
    subprocess.run(["cp", "-a", str(TEMPLATE), str(TREE / "django_matt"), str(package)], check=True)
    (package / "cookiecutter/hooks/post_gen_project.py").write_text(
        "import time; time.sleep(600)\n"
    )
    work = tmp_path / "work"
    work.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "django_matt.cli", "new", "shop", "--no-input"],
        cwd=work,
        env=environment(PYTHONPATH=str(package)),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_until(lambda: any(work.glob(".shop-*/made/shop/tests/conftest.py")))
    assert not (work / "shop").exists()
    if sent is signal.SIGINT:
        os.killpg(process.pid, sent)  # as a terminal does: the hook gets it too
    else:
        process.send_signal(sent)
    process.wait(timeout=SECONDS)
    # The hook of this test sleeps on, with the pipe in its hand.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    _, said = process.communicate(timeout=SECONDS)
    assert process.returncode not in {0, None}
    assert "nothing was made" in said
    assert list(work.iterdir()) == []


def test_what_is_not_said_is_asked(tmp_path: Path):
    """In a real terminal: a refused name is corrected, the arrow keys choose."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(tmp_path)
        variables = environment(PYTHONPATH=str(TREE), TERM="xterm", COLUMNS="120")
        command = [sys.executable, "-m", "django_matt.cli", "new", "--layout=plain"]
        os.execve(command[0], command, variables)
    try:
        for expected, keys in (
            ("Project name", "Json\r"),
            ("Folder name", "\r"),
            ("shadow", "\x7f" * 4 + "lamp-shop\r"),
            ("Database", "\x1b[B\r"),
            ("User model", "\r"),
            # Without sign-in, there is nothing to choose about who signs up and about tokens.
            ("How people sign up and in", "\r"),
            ("Routes", "\r"),
            ("First app", "\r"),
            ("Name of the first app", "\r"),
            ("Uploaded files", "\r"),
            ("django-debug-toolbar", "\r"),
            ("make dev", ""),
        ):
            read_until(terminal, expected)
            os.write(terminal, keys.encode())
    except BaseException:
        os.kill(process, signal.SIGKILL)
        raise
    finally:
        _, status = os.waitpid(process, 0)
        os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0
    assert "psycopg" in (tmp_path / "lamp-shop/requirements/production.txt").read_text()


def test_what_a_flag_says_wrong_is_refused_before_the_questions(tmp_path: Path):
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(tmp_path)
        command = [sys.executable, "-m", "django_matt.cli", "new", "--app-name=json"]
        os.execve(command[0], command, environment(PYTHONPATH=str(TREE), TERM="xterm"))
    try:
        read_until(terminal, "shadow")
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(terminal)


def read_until(terminal: int, expected: str) -> str:
    seen, give_up = "", time.monotonic() + SECONDS
    while expected not in seen:
        assert time.monotonic() < give_up, seen
        if select.select([terminal], [], [], 1)[0]:
            try:
                seen += os.read(terminal, 4096).decode(errors="replace")
            except OSError:
                break
    assert expected in seen
    return seen
