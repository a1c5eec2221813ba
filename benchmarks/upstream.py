"""Django's own tests of its ASGI handler and its request handlers, unmodified, with ``django_matt.asgi`` in its place.

``make upstream`` downloads the source distribution of the installed Django, which holds the tests, into a temporary folder.
"""

import runpy
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import django

__all__ = ["LABELS", "main"]

LABELS = ("asgi", "handlers", "staticfiles_tests")


def download(folder: Path) -> Path:
    """Return Django's ``tests`` folder, unpacked below ``folder``."""
    requirement = f"django=={django.__version__}"
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--no-binary=django",
    ]
    subprocess.run(
        [*command, "--no-build-isolation", "--dest", folder, requirement], check=True, timeout=600
    )
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as sources:
        sources.extractall(folder, filter="data")
    return next(folder.glob("*/tests"))


def run(labels: list[str]) -> None:
    """Run the tests in this folder with our handler in the place of Django's."""
    from django.core import asgi
    from django.core.handlers import asgi as handlers

    from django_matt.asgi import MattASGIHandler, get_asgi_application

    handlers.ASGIHandler = asgi.ASGIHandler = MattASGIHandler
    asgi.get_asgi_application = get_asgi_application
    sys.argv = ["runtests.py", *labels, "--parallel", "1"]
    sys.path.insert(0, str(Path.cwd()))
    runpy.run_path("runtests.py", run_name="__main__")


def main() -> int:
    """Download the tests and run them in a process of their own."""
    with tempfile.TemporaryDirectory(prefix="matt-upstream-") as folder:
        tests = download(Path(folder))
        # Not `-m`: the folder of the tests must not be searched for our packages, nor ours for theirs.
        program = f"from benchmarks.upstream import run; run({list(LABELS)!r})"
        root = Path(__file__).resolve().parents[1]
        code = f"import sys; sys.path.append({str(root)!r}); {program}"
        return subprocess.run(
            [sys.executable, "-c", code], cwd=tests, timeout=900, check=False
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
