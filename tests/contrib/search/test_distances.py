"""The distance of vectors in SQLite: sqlite-vec's and numpy's are the same."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from django_matt.contrib.search.storages.distances import can_load_extensions

pytest.importorskip("sqlite_vec")

SCRIPT = """
import sqlite3, struct, sys
sys.path[:0] = sys.argv[1:3]
from unittest import mock
from django_matt.contrib.search.storages import distances

class Connection:
    def __init__(self):
        self.connection = sqlite3.connect(":memory:")
    def ensure_connection(self):
        pass

def distance(first, second):
    pack = [struct.pack("<3f", *each) for each in (first, second)]
    (found,) = made.connection.execute("SELECT vec_distance_cosine(?, ?)", pack).fetchone()
    return found

pairs = [((0.6, 0.8, 0), (0.6, 0.8, 0)), ((1, 0, 0), (0, 1, 0)), ((1, 0, 0), (-1, 0, 0)), ((0.6, 0.8, 0), (0, 0.6, 0.8))]
for loads in {distances.can_load_extensions(), False}:
    with mock.patch.object(distances, "can_load_extensions", lambda: loads):
        made = Connection()
        for _ in range(2):
            distances.install_distance(made)
    for (first, second), expected in zip(pairs, (0, 1, 2, 0.52)):
        assert abs(distance(first, second) - expected) < 1e-6, (loads, first, second)
    assert not loads or made.connection.execute("SELECT vec_version()").fetchone()
print("loads" if distances.can_load_extensions() else "does not load")
"""


def interpreter() -> str | None:
    """Return a Python of this version that can load extensions."""
    if can_load_extensions():
        return sys.executable
    # The one that runs the tests may be built without; Debian's is built with.
    name = f"/usr/bin/python{sys.version_info[0]}.{sys.version_info[1]}"
    return name if shutil.which(name) else None


@pytest.mark.once
@pytest.mark.parametrize("which", ["this", "loading"])
def test_both_distances_are_the_cosine_distance(which):
    python = sys.executable if which == "this" else interpreter()
    if python is None:
        pytest.skip("no Python that can load extensions of SQLite")
    packages = str(Path(pytest.__file__).parents[1])
    root = str(Path(__file__).parents[3])
    done = subprocess.run(
        [python, "-c", SCRIPT, root, packages],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    if which == "loading":
        assert done.stdout.strip() == "loads"
