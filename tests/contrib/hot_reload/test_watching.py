"""What is watched, what is told, and what neither loops nor floods."""

import os
import threading
import time
from pathlib import Path

import pytest

from django_matt.contrib.hot_reload.watching import Watcher, find_directories, is_ignored, roots_of
from django_matt.extensions import FileChange


@pytest.fixture
def watch(tmp_path):
    """Return ``watch(**options)``: a watcher of ``tmp_path`` that is ready, and the batches that it told."""
    watchers = []

    def begin(**options):
        batches: list[list[FileChange]] = []
        watcher = Watcher([tmp_path], batches.append, **options)
        watcher.start()
        watchers.append(watcher)
        settle(batches, tmp_path)
        return batches

    yield begin
    for watcher in watchers:
        watcher.stop()
        watcher.join(10)
        assert not watcher.is_alive()


def settle(batches, tmp_path):
    """Write until the watcher hears; then forget what it heard."""
    for attempt in range(200):
        (tmp_path / "ready.py").write_text(str(attempt))
        time.sleep(0.1)
        if batches:
            break
    time.sleep(0.3)
    assert batches
    batches.clear()


def told(batches, seconds=10, until=lambda names: names):
    end = time.monotonic() + seconds
    names: set[str] = set()
    while time.monotonic() < end:
        names = {f"{change.kind} {change.path.name}" for batch in list(batches) for change in batch}
        if until(names):
            return names
        time.sleep(0.02)
    return names


def test_writing_making_and_removing_are_told(watch, tmp_path):
    (tmp_path / "old.css").write_text("")
    batches = watch()
    (tmp_path / "old.css").write_text("a")
    assert told(batches) == {"modified old.css"}
    batches.clear()
    (tmp_path / "new.py").write_text("")
    assert told(batches) == {"added new.py"}
    batches.clear()
    (tmp_path / "new.py").unlink()
    assert told(batches) == {"deleted new.py"}


def test_an_editor_that_replaces_the_file_modifies_it(watch, tmp_path):
    file = tmp_path / "a.py"
    file.write_text("1")
    batches = watch()
    for name in (".a.py.swp", "a.py~", "4913", "#a.py#", "a.py.tmp", "a.py___jb_tmp___"):
        (tmp_path / name).write_text("2")
        (tmp_path / name).unlink()
    other = tmp_path / ".a.py.new"
    other.write_text("2")
    other.replace(file)
    names = told(batches, until=lambda names: any("a.py" in name for name in names))
    assert {name.split()[1] for name in names} == {"a.py"}


def test_a_new_directory_is_watched_with_what_it_holds_already(watch, tmp_path):
    batches = watch()
    (tmp_path / "app" / "deep").mkdir(parents=True)
    (tmp_path / "app" / "deep" / "one.py").write_text("")
    assert "added one.py" in told(batches, until=lambda names: "added one.py" in names)
    batches.clear()
    (tmp_path / "app" / "deep" / "two.py").write_text("")
    assert told(batches) == {"added two.py"}


def test_what_nobody_edits_is_not_watched(watch, tmp_path):
    for name in ("node_modules/a", ".git", ".venv/lib", "env", "__pycache__", "media", "kept"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "env" / "pyvenv.cfg").write_text("")
    batches = watch(ignore=[str(tmp_path / "media")])
    for name in ("node_modules/a/i.js", ".git/HEAD", ".venv/lib/a.py", "env/a.py", "media/up.png"):
        (tmp_path / name).write_text("")
    (tmp_path / "db.sqlite3").write_text("")
    (tmp_path / "kept" / "last.py").write_text("")
    assert told(batches) == {"added last.py"}


def test_links_that_loop_are_not_followed(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "a" / "self").symlink_to(tmp_path / "a" / "self")
    (tmp_path / "root").symlink_to("/")
    assert set(find_directories([tmp_path])) == {tmp_path, tmp_path / "a"}


def test_thousands_of_writes_make_few_batches(watch, tmp_path):
    batches = watch()
    for number in range(3_000):
        (tmp_path / f"f{number}.py").write_text("")
    names = told(batches, seconds=30, until=lambda names: len(names) == 3_000)
    assert len(names) == 3_000
    assert len(batches) < 100


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
    assert heard.wait(10)
    watcher.stop()
    watcher.join(10)
    assert [change.path.name for change in batches] == ["late.py"]


def test_polling_serves_where_the_system_tells_nothing(watch, tmp_path, monkeypatch):
    monkeypatch.setenv("WATCHFILES_FORCE_POLLING", "1")
    batches = watch()
    (tmp_path / "a.css").write_text("")
    assert "added a.css" in told(batches)


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
