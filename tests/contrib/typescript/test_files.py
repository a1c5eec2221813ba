"""Generated files: all or none, and nothing of somebody else's."""

import errno
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from django_matt.contrib.typescript.errors import TypesError
from django_matt.contrib.typescript.files import LOCK, MARKER, output_folder, write_files


def stamps(folder: Path) -> dict[str, int]:
    return {each.name: each.stat().st_mtime_ns for each in folder.iterdir()}


def test_files_begin_with_a_marker_and_are_noted(tmp_path):
    written = write_files(tmp_path / "a/b", {"schema.d.ts": "export {};\n"})
    assert written.changed == (LOCK, "schema.d.ts")
    assert (tmp_path / "a/b/schema.d.ts").read_text() == f"// {MARKER}\nexport {{}};\n"
    noted = json.loads((tmp_path / "a/b" / LOCK).read_text())
    assert noted["version"] == 1
    assert list(noted["files"]) == ["schema.d.ts"]


def test_unchanged_content_is_not_touched(tmp_path):
    write_files(tmp_path, {"a.ts": "1\n", "b.ts": "2\n"})
    before = stamps(tmp_path)
    assert not write_files(tmp_path, {"a.ts": "1\n", "b.ts": "2\n"}).stale
    assert stamps(tmp_path) == before
    assert write_files(tmp_path, {"a.ts": "1\n", "b.ts": "3\n"}).changed == (LOCK, "b.ts")
    assert stamps(tmp_path)["a.ts"] == before["a.ts"]


def test_what_is_no_longer_generated_is_removed(tmp_path):
    write_files(tmp_path, {"a.ts": "1\n", "react.ts": "2\n", "own.ts": "3\n"})
    (tmp_path / "own.ts").write_text("// taken over by hand\n")
    assert write_files(tmp_path, {"a.ts": "1\n"}).removed == ("react.ts",)
    assert sorted(each.name for each in tmp_path.iterdir()) == [LOCK, "a.ts", "own.ts"]


def test_another_verb_keeps_its_own_notes(tmp_path):
    write_files(tmp_path, {"a.ts": "1\n"})
    write_files(tmp_path, {}, lock={"pull": {"shop.ts": "sha256:1"}})
    write_files(tmp_path, {"a.ts": "2\n"})
    noted = json.loads((tmp_path / LOCK).read_text())
    assert noted["pull"] == {"shop.ts": "sha256:1"}
    assert list(noted["files"]) == ["a.ts"]


def test_check_writes_nothing(tmp_path):
    written = write_files(tmp_path / "new", {"a.ts": "1\n"}, check=True)
    assert written.changed == (LOCK, "a.ts")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("content", [b"mine\n", b"", b"\xff\xfe"])
def test_a_file_of_somebody_else_is_refused_and_nothing_is_written(tmp_path, content):
    (tmp_path / "b.ts").write_bytes(content)
    with pytest.raises(TypesError, match=r"b\.ts was not written by Django Matt"):
        write_files(tmp_path, {"a.ts": "1\n", "b.ts": "2\n"})
    assert [each.name for each in tmp_path.iterdir()] == ["b.ts"]
    assert (tmp_path / "b.ts").read_bytes() == content


@pytest.mark.parametrize("content", ["{", "[]", '{"files": 1}'])
def test_damaged_notes_are_told(tmp_path, content):
    (tmp_path / LOCK).write_text(content)
    with pytest.raises(TypesError, match="is damaged"):
        write_files(tmp_path, {"a.ts": "1\n"})


FULL = """
import resource, signal, sys
from pathlib import Path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
import django
from django.conf import settings
settings.configure()
from django_matt.contrib.typescript.files import write_files
# No file may grow beyond 4 kB: what a full disk does to the second one.
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    write_files(Path(sys.argv[1]), {"a.ts": "1\\n", "b.ts": "2" * 100_000})
except Exception as error:
    print(type(error).__name__, error)
"""


def test_a_disk_that_takes_no_more_leaves_everything_as_it_was(tmp_path):
    folder = tmp_path / "out"
    write_files(folder, {"a.ts": "before\n"})
    before = {each.name: each.read_bytes() for each in folder.iterdir()}
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(folder)],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.startswith(f"TypesError Nothing was written to {folder}: ")
    assert os.strerror(errno.EFBIG) in done.stdout
    assert {each.name: each.read_bytes() for each in folder.iterdir()} == before
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_a_folder_that_cannot_be_made_leaves_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TypesError, match=r"Nothing was written|is a file"):
        write_files(tmp_path / "file" / "deep", {"a.ts": "1\n"})
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_the_output_begins_at_the_project(settings, tmp_path):
    settings.BASE_DIR = tmp_path / "backend"
    assert output_folder("web/api") == tmp_path / "backend/web/api"
    assert output_folder(tmp_path / "web") == tmp_path / "web"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (None, "Say where to write"),
        ("", "Say where to write"),
        ("../web", "is outside of the project"),
        (".", "is the project itself"),
        ("file.txt", "is a file"),
    ],
)
def test_an_output_that_cannot_be_meant_is_refused(settings, tmp_path, given, why):
    settings.BASE_DIR = tmp_path
    (tmp_path / "file.txt").write_text("")
    with pytest.raises(TypesError, match=why):
        output_folder(given)
