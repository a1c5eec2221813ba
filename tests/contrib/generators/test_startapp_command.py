"""`manage.py startapp` as a command: what is Django's own stays so, questions, and what is refused in a sentence."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.projects import SmallProject
from tests.contrib.generators.projects import run_all
from tests.contrib.generators.startapp_projects import answer, make_starting_project, said
from tests.waiting import SECONDS, wait_until

pytestmark = [
    pytest.mark.once,
    pytest.mark.projects,
    pytest.mark.slow,
    pytest.mark.timeout(300),
]

BLOG = ("startapp", "news", "--template", "blog")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[SmallProject]:
    folder = tmp_path / "project"
    folder.mkdir()
    project = make_starting_project(folder)
    before = files(folder)
    yield project
    # Whatever a test has done: no folder of the command stays, complete or not.
    left = {name for name in files(folder) - before if name.startswith(".")}
    assert not left


def files(folder: Path) -> set[str]:
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".log"
    }


def refused(done: "subprocess.CompletedProcess[str]", folder: Path) -> str:
    """Return the sentence of a command that refused; fail if it is a traceback or something was written."""
    assert done.returncode != 0, done.stdout
    assert "Traceback" not in done.stderr
    assert not (folder / "news").exists()
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
    return done.stderr.strip()


def test_without_a_template_it_writes_what_django_writes(project: SmallProject, tmp_path: Path):
    own = tmp_path / "template"
    own.mkdir()
    (own / "notes.py-tpl").write_text("NAME = '{{ app_name }}'\n")
    for options in ((), ("--template", str(own))):
        ours, theirs = tmp_path / f"ours{len(options)}", tmp_path / f"theirs{len(options)}"
        for folder in (ours, theirs):
            (folder / "news").mkdir(parents=True)
        said(project.manage("startapp", "news", str(ours / "news"), *options))
        said(
            project.run(
                *(sys.executable, "-m", "django", "startapp", "news", str(theirs / "news")),
                *options,
                DJANGO_SETTINGS_MODULE="",
            )
        )
        assert files(ours) == files(theirs) != set()
        for name in files(ours):
            assert (ours / name).read_bytes() == (theirs / name).read_bytes()


def test_without_a_terminal_the_defaults_are_taken(project: SmallProject):
    told = said(project.manage(*BLOG))
    assert 'INSTALLED_APPS += ["news"]' in told
    assert (
        "import news.controllers; api.register_controllers(*news.controllers.CONTROLLERS)" in told
    )
    assert "matt_seed news" in told
    news = project.folder / "news"
    assert not (news / "services.py").exists()
    assert "async" not in (news / "controllers.py").read_text()
    assert "author = models.ForeignKey" in (news / "models.py").read_text()


def test_what_is_not_given_is_asked(project: SmallProject):
    shown = answer(project, *BLOG, "--layout", "layered", typed=b"quick\nasync\n\n")
    assert "'quick' is not one of sync, async." in shown
    assert "Layout:" not in shown
    # Organizations are not installed, so they are not offered.
    assert "b2c " in shown
    assert "b2b " not in shown
    news = project.folder / "news"
    assert "async def" in (news / "controllers.py").read_text()
    assert (news / "services.py").exists()


@pytest.mark.parametrize("typed", [b"", b"async\n", b"\x04"], ids=["ctrl-c", "later", "ctrl-d"])
def test_ctrl_c_at_a_question_writes_nothing(project: SmallProject, typed: bytes):
    before = files(project.folder)
    main, theirs = os.openpty()
    with subprocess.Popen(
        [sys.executable, "manage.py", *BLOG],
        cwd=project.folder,
        env=project.variables,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        read_until(main, b"Choose")
        os.write(main, typed)
        if typed == b"async\n":
            read_until(main, b"Choose")
        shown = b""
        while b"written." not in shown:
            if typed != b"\x04":
                # Again, as a person would: one between the question and the wait for its answer is not seen.
                os.killpg(process.pid, signal.SIGINT)
            shown += read_some(main, 10)
        assert b"Stopped. Nothing was written." in shown
        process.wait(60)
    os.close(main)
    assert process.returncode == 130
    assert files(project.folder) == before


def read_until(terminal: int, text: bytes) -> bytes:
    """Read what a terminal shows up to a text."""
    shown = b""
    while text not in shown:
        found = read_some(terminal, SECONDS)
        assert found, shown
        shown += found
    return shown


def read_some(terminal: int, seconds: float) -> bytes:
    """Read what a terminal shows next; nothing if it shows nothing for so long."""
    ready, _, _ = select.select([terminal], [], [], seconds)
    return os.read(terminal, 65536) if ready else b""


def test_ctrl_c_while_it_writes_leaves_nothing(project: SmallProject):
    before = files(project.folder)
    # A formatter that Django finds on the path, and that does not come to its end.
    tools = project.folder.parent / "tools"
    tools.mkdir()
    (tools / "black").write_text('#!/bin/sh\ntouch "$STARTED"\nexec sleep 60\n')
    (tools / "black").chmod(0o755)
    started = tools / "started"
    variables = {
        **project.variables,
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "STARTED": str(started),
    }
    with subprocess.Popen(
        [sys.executable, "manage.py", *BLOG],
        cwd=project.folder,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        wait_until(started.exists)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Stopped. Nothing was written." in errors
    assert files(project.folder) == before


REFUSED = [
    (("class",), "'class' is a keyword of Python and cannot be used as an app name."),
    (("json",), "'json' conflicts with the name of an existing Python module"),
    (("config",), "'config' conflicts with the name of an existing Python module"),
    (("my-news",), "'my-news' is not a valid app name."),
    (("_news",), "'_news' begins with an underscore"),
    (("auth",), "An app with the label 'auth' is installed."),
    (("news", "apps.txt"), "'apps.txt' is not a valid app directory."),
    (
        ("news", "--audience", "b2b"),
        'Add "django_matt.contrib.tenants" to INSTALLED_APPS, run manage',
    ),
]
SAAS = ("news", "--template", "saas", "--audience", "other")
REFUSED_WITHOUT_BLOG = [
    (("news", "--template", "blgo"), "are blog, forum, shop, saas; --template also takes the path"),
    (SAAS, "Choose b2b or b2c."),
    *(
        (("news", *option), f"{option[0]} is an option of the templates blog, forum, shop, saas.")
        for option in (("--mode", "async"), ("--audience", "b2c"), ("--no-input",))
    ),
]


def test_what_it_cannot_do_is_a_sentence(project: SmallProject):
    before = files(project.folder)
    orders = [((*arguments, "--template", "blog"), sentence) for arguments, sentence in REFUSED]
    orders += REFUSED_WITHOUT_BLOG
    answers = run_all(project, [["startapp", *arguments] for arguments, _ in orders])
    for heard, (_, sentence) in zip(answers, orders, strict=True):
        assert heard.startswith("refused: ")
        assert sentence in heard
    assert files(project.folder) == before


def test_an_existing_folder_keeps_its_files(project: SmallProject):
    (project.folder / "apps").mkdir()
    news = project.folder / "apps" / "news"
    news.mkdir()
    (news / "schemas.py").write_text("MINE = True\n")
    done = project.manage("startapp", "news", "apps/news", "--template", "blog")
    assert "schemas.py already exists." in refused(done, project.folder)
    assert files(news) == {"schemas.py"}
    (news / "schemas.py").rename(news / "mine.py")
    told = said(project.manage("startapp", "news", "apps/news", "--template", "blog"))
    assert 'INSTALLED_APPS += ["apps.news"]' in told
    assert 'name = "apps.news"' in (news / "apps.py").read_text()
    assert {"mine.py", "schemas.py", "migrations/0001_initial.py"} <= files(news)
    (project.folder / "shelf").mkdir()
    done = project.manage("startapp", "shelf", "--template", "blog")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr


def test_a_folder_that_cannot_be_written_to_is_named(project: SmallProject):
    # Also for root, which may write into every folder of a disk.
    done = project.manage("startapp", "news", "/proc/news", "--template", "blog")
    sentence = refused(done, project.folder)
    assert "/proc/" in sentence
    assert "Nothing was written." in sentence
