"""``matt new --single``: what it refuses, and the page about it, walked from an empty folder as a reader would."""

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.docs.snippets import TREE, blocks_of
from tests.projects.conftest import Invoke, Matt
from tests.projects.walking import Walk

pytestmark = pytest.mark.once

PAGE = TREE / "docs" / "single-file.md"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_step_of_the_page_does_what_it_says(tmp_path: Path, wheel: Path):
    assert "django_matt/cli/single.py-tpl" in ZipFile(wheel).namelist()
    blocks = blocks_of(PAGE.read_text())
    assert {"console", "http", "python"} <= {block.language for block in blocks}
    with ExitStack() as until_the_end:
        reader = Walk(tmp_path, until_the_end)
        reader.variables["DJANGO_MATT_SOURCE"] = str(wheel)
        for block in blocks:
            reader.take(block)


def test_the_file_has_a_name_and_a_key_of_its_own(matt: Matt, tmp_path: Path):
    said = matt("new", "--single", "lamp-shop")
    assert said.stdout.startswith(f"Made {tmp_path}/lamp_shop.py\n")
    assert said.returncode == 0
    assert matt("new", "--single").stdout.startswith(f"Made {tmp_path}/app.py\n")
    texts = [(tmp_path / f"{name}.py").read_text() for name in ("lamp_shop", "app")]
    keys = {line for text in texts for line in text.splitlines() if "django-insecure-" in line}
    assert len(keys) == 2
    assert all(len(key) > 64 for key in keys)
    assert "python lamp_shop.py" in texts[0]
    said_by_ruff = subprocess.run(
        [
            sys.executable,
            "-m",
            "ruff",
            "check",
            "--isolated",
            "--select=E,F,I,UP,B",
            "--ignore=E501,E402",
            ".",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said_by_ruff.returncode == 0, said_by_ruff.stdout


def test_the_file_has_no_remark_of_the_system_checks(matt: Matt, tmp_path: Path):
    matt("new", "--single", "notes")
    done = subprocess.run(
        [sys.executable, "notes.py", "check", "--fail-level=WARNING"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (
        0,
        "System check identified no issues (0 silenced).\n",
    )


def test_a_request_is_one_line(matt: Matt, tmp_path: Path):
    matt("new", "--single", "notes")
    post = "Client(SERVER_NAME='localhost').post('/api/notes', {}, 'application/json')"
    done = subprocess.run(
        [sys.executable, "notes.py", "shell", "-c", f"from django.test import Client; {post}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    (line,) = done.stderr.splitlines()
    assert "POST /api/notes 422" in line


def test_the_server_names_the_file_as_its_settings(matt: Matt, tmp_path: Path):
    matt("new", "--single", "notes")
    with subprocess.Popen(
        [sys.executable, "-u", "notes.py", "runserver", "--noreload", "127.0.0.1:0"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        assert server.stdout
        said = next((line for line in server.stdout if "using settings" in line), "")
        server.kill()
    assert said.endswith("using settings 'notes'\n")


@pytest.mark.parametrize(
    ("arguments", "sentence", "code"),
    [
        (["class"], "class", 1),
        (["django"], "django", 1),
        (["notes", "--database=postgresql", "--mode=async"], "no option --database, --mode", 2),
        (["notes", "--source=/nowhere"], "no option --source", 2),
        (["notes", "--into=nowhere"], "cannot be made: No such file or directory", 1),
        (["taken"], "taken.py exists already", 1),
    ],
)
def test_what_makes_no_file_is_refused(
    invoke: Invoke, tmp_path: Path, arguments: list[str], sentence: str, code: int
):
    (tmp_path / "taken.py").write_text("mine")
    done = invoke("new", "--single", *arguments)
    assert done.exit_code == code
    assert sentence in done.output
    assert [path.name for path in tmp_path.iterdir()] == ["taken.py"]
    assert (tmp_path / "taken.py").read_text() == "mine"
