"""What is watched, what is told, and what neither loops nor floods."""

import itertools
import os
import threading
import time
from pathlib import Path

import pytest

from django_matt.contrib.hot_reload.watching import Watcher, find_directories, is_ignored, roots_of
from django_matt.extensions import FileChange
from tests.waiting import SECONDS, wait_until

STEP_SECONDS = 0.025


class Told:
    """What a watcher told of a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.batches: list[list[FileChange]] = []
        self._numbers = itertools.count()
        self._read = 0

    def write(self):
        """Write a new file; return its name."""
        name = f"fence{next(self._numbers)}.py"
        (self.folder / name).write_text("")
        return name

    def peek(self):
        """Return the names of what was told and not read."""
        return {
            f"{change.kind} {change.path.name}"
            for batch in self.batches[self._read :]
            for change in batch
        }

    def hears(self, name):
        return any(name in told for told in self.peek())

    def read(self):
        """Return the names of all that happened until now: a file written after it was told."""
        last = self.write()
        wait_until(lambda: self.hears(last))
        names, self._read = self.peek(), len(self.batches)
        return {name for name in names if "fence" not in name}


@pytest.fixture
def watch(tmp_path):
    """Return ``watch(**options)``: a watcher of ``tmp_path`` that is ready, and what it told."""
    watchers = []

    def begin(**options):
        told = Told(tmp_path)
        watcher = Watcher([tmp_path], told.batches.append, **options)
        watcher.start()
        watchers.append(watcher)
        # What is written before it watches is not told.
        wait_until(lambda: told.write() and told.batches)
        told.read()
        return told

    yield begin
    for watcher in watchers:
        watcher.stop()
        watcher.join(SECONDS)
        assert not watcher.is_alive()


def test_writing_making_and_removing_are_told(watch, tmp_path):
    (tmp_path / "old.css").write_text("")
    told = watch()
    (tmp_path / "old.css").write_text("a")
    assert told.read() == {"modified old.css"}
    (tmp_path / "new.py").write_text("")
    assert told.read() == {"added new.py"}
    (tmp_path / "new.py").unlink()
    assert told.read() == {"deleted new.py"}


def test_an_editor_that_replaces_the_file_modifies_it(watch, tmp_path):
    file = tmp_path / "a.py"
    file.write_text("1")
    told = watch()
    for name in (".a.py.swp", "a.py~", "4913", "#a.py#", "a.py.tmp", "a.py___jb_tmp___"):
        (tmp_path / name).write_text("2")
        (tmp_path / name).unlink()
    other = tmp_path / ".a.py.new"
    other.write_text("2")
    other.replace(file)
    assert {name.split()[1] for name in told.read()} == {"a.py"}


def test_a_new_directory_is_watched_with_what_it_holds_already(watch, tmp_path):
    told = watch()
    (tmp_path / "app" / "deep").mkdir(parents=True)
    (tmp_path / "app" / "deep" / "one.py").write_text("")
    first = told.read()
    assert "added one.py" in first
    (tmp_path / "app" / "deep" / "two.py").write_text("")
    # What was written while the directory was found may be told twice.
    assert told.read() - first == {"added two.py"}


def test_directories_made_while_others_are_found_are_watched_too(watch, tmp_path):
    told = watch()
    wanted = set()
    for number in range(40):
        folder = tmp_path / f"app{number}"
        for depth in range(5):
            folder /= f"in{depth}"
            folder.mkdir(parents=True)
            time.sleep(0.002)
        (folder / f"last{number}.py").write_text("")
        wanted.add(f"added last{number}.py")
    wait_until(lambda: wanted <= told.peek(), lambda: wanted - told.peek())


def test_what_nobody_edits_is_not_watched(watch, tmp_path):
    for name in ("node_modules/a", ".git", ".venv/lib", "env", "__pycache__", "media", "kept"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "env" / "pyvenv.cfg").write_text("")
    told = watch(ignore=[str(tmp_path / "media")])
    for name in ("node_modules/a/i.js", ".git/HEAD", ".venv/lib/a.py", "env/a.py", "media/up.png"):
        (tmp_path / name).write_text("")
    (tmp_path / "db.sqlite3").write_text("")
    (tmp_path / "kept" / "last.py").write_text("")
    assert told.read() == {"added last.py"}


def test_links_that_loop_are_not_followed(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "a" / "self").symlink_to(tmp_path / "a" / "self")
    (tmp_path / "root").symlink_to("/")
    assert set(find_directories([tmp_path])) == {tmp_path, tmp_path / "a"}


def test_thousands_of_writes_make_few_batches(watch, tmp_path):
    told = watch()
    before, begun = len(told.batches), time.monotonic()
    for number in range(3_000):
        (tmp_path / f"f{number}.py").write_text("")
    assert len(told.read()) == 3_000
    # A quiet step ends a batch, however slowly they are written.
    assert len(told.batches) - before <= 2 + (time.monotonic() - begun) / STEP_SECONDS


def test_what_was_written_before_anyone_watched_is_told_first(tmp_path):
    (tmp_path / "old.py").write_text("")
    os.utime(tmp_path / "old.py", (1, 1))
    since = time.time() - 5
    (tmp_path / "late.py").write_text("")
    heard, batches = threading.Event(), []

    def hear(batch):
        batches.extend(batch)
        heard.set()

    watcher = Watcher([tmp_path], hear, since=since)
    watcher.start()
    assert heard.wait(SECONDS)
    watcher.stop()
    watcher.join(SECONDS)
    assert [change.path.name for change in batches] == ["late.py"]


def test_a_file_that_is_deleted_as_soon_as_it_has_begun_is_told(tmp_path):
    (tmp_path / "page.html").write_text("")
    batches, heard = [], threading.Event()

    def hear(changes):
        batches.extend(changes)
        heard.set()

    watcher = Watcher([tmp_path], hear)
    watcher.start()
    (tmp_path / "page.html").unlink()
    assert heard.wait(SECONDS)
    watcher.stop()
    watcher.join(SECONDS)
    assert [(change.path.name, change.kind) for change in batches] == [("page.html", "deleted")]


def test_what_is_found_at_the_beginning_is_told_once(watch, tmp_path, monkeypatch):
    """The write falls between the first moment that is watched and the first look at the files."""
    notify = Watcher._notify

    def write_meanwhile(watcher):
        watches = notify(watcher)
        (tmp_path / "edit.py").write_text("X = 1")
        return watches

    monkeypatch.setattr(Watcher, "_notify", write_meanwhile)
    told = watch(since=time.time() - 5)
    told.read()
    names = [change.path.name for batch in told.batches for change in batch]
    assert names.count("edit.py") == 1


def test_polling_serves_where_the_system_tells_nothing(watch, tmp_path, monkeypatch):
    monkeypatch.setenv("WATCHFILES_FORCE_POLLING", "1")
    told = watch()
    (tmp_path / "a.css").write_text("")
    wait_until(lambda: told.hears("added a.css"))


@pytest.mark.parametrize("name", [".env", "a.py", "a.html", "noext", "a.b.css"])
def test_sources_are_told(name):
    assert not is_ignored(Path(name))


@pytest.mark.parametrize(
    "name", [".x", "a~", "#a#", "a.pyc", "db.sqlite3-wal", "4913", "debug.log"]
)
def test_leavings_are_not(name):
    assert is_ignored(Path(name))


def test_libraries_are_no_roots_and_a_folder_inside_another_is_none(tmp_path, monkeypatch):
    (tmp_path / "inside").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    roots = roots_of(
        str(tmp_path), [str(tmp_path / "inside"), str(Path(pytest.__file__).parent), "/"]
    )
    assert tmp_path in roots
    assert not any("site-packages" in str(root) for root in roots)
    assert tmp_path / "inside" not in roots
    assert Path("/") not in roots
