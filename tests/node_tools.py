"""What the tests run in Node: the packages of ``tests/node/package-lock.json``, installed once a run."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, NoReturn

import pytest

__all__ = ["missing", "node_tools", "run"]

PACKAGES = Path(__file__).parent / "node"


def missing(reason: str) -> NoReturn:
    if os.environ.get("MATT_REQUIRE_BROWSER"):
        pytest.fail(f"MATT_REQUIRE_BROWSER is set, and {reason}")
    pytest.skip(reason)


def run(*command: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; what it wrote and its exit status are in the result."""
    return subprocess.run(
        list(map(str, command)), check=False, capture_output=True, text=True, timeout=300, **options
    )


@pytest.fixture(scope="session")
def node_tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install what the lock file names, once for all processes of a run; return the folder with ``node_modules``.

    ``MATT_TYPESCRIPT_TOOLS`` names a folder in which they are installed already.
    """
    if given := os.environ.get("MATT_TYPESCRIPT_TOOLS"):
        return Path(given)
    npm = shutil.which("npm")
    if npm is None:
        missing("there is no npm")
    base = tmp_path_factory.getbasetemp()
    # The processes of xdist have their folders side by side.
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    folder = shared / "typescript-tools"
    with exclusively(shared / "typescript-tools.lock"):
        if not (folder / "installed").exists():
            folder.mkdir(exist_ok=True)
            for file in ("package.json", "package-lock.json"):
                shutil.copy(PACKAGES / file, folder)
            done = run(npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", cwd=folder)
            if done.returncode:
                missing(f"npm installs nothing: {done.stderr.strip()[-300:]}")
            (folder / "installed").touch()
    return folder


class exclusively:
    """Hold a lock file of the operating system while a block runs."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        import fcntl

        self.file = self.path.open("w")
        fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self.file.close()
