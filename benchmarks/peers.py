"""The public test suites of Django Ninja and Django Ninja Extra, unmodified, with ``MattAPI`` in the place of their class.

``make peers PEERS=<folder>`` looks for checkouts in the folder, runs each suite with ``NinjaExtraAPI`` and with ``MattAPI``
against the *installed* ninja and ninja_extra, and names every test that passes with the first and fails with the second.
With ``--adopt``, the second run is that of the suite as ``matt adopt`` changes it.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

__all__ = ["main"]

HERE = Path(__file__).resolve().parent.parent
BASELINE = "ninja_extra.main.NinjaExtraAPI"
OURS = "django_matt.MattAPI"
PACKAGES = ("ninja_extra", "ninja")


def checkouts(folder: Path) -> list[tuple[str, Path]]:
    """Return the package and the root of each peer's checkout directly under ``folder``."""
    roots = [folder, *sorted(path for path in folder.iterdir() if path.is_dir())]
    return [
        (package, root)
        for root in roots
        for package in PACKAGES
        if (root / package / "__init__.py").exists() and (root / "tests" / "conftest.py").exists()
    ]


def run(root: Path, api_class: str, select: list[str], *, show: bool) -> dict[str, str]:
    """Run the suite in ``root`` with ``api_class`` and return the reason of failure of each test, "" for a pass."""
    with tempfile.TemporaryDirectory(prefix="matt-peers-") as scratch:
        outcomes = Path(scratch) / "outcomes.json"
        # The peers' tests import a package `tests`: ours must not be on the path, so only what is named here is.
        for name in ("django_matt", "benchmarks"):
            (Path(scratch) / name).symlink_to(HERE / name)
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "benchmarks.peers_swap",
            "-p",
            "no:cacheprovider",
        ]
        command.append("--continue-on-collection-errors")
        if not show:
            command.append("--tb=short")
        process = subprocess.run(
            [*command, *(select or ["tests"])],
            cwd=root,
            env={
                **os.environ,
                "PYTHONPATH": scratch,
                "MATT_PEERS_CLASS": api_class,
                "MATT_PEERS_OUTCOMES": str(outcomes),
            },
            stdout=None if show else subprocess.PIPE,
            stderr=None if show else subprocess.STDOUT,
            text=True,
            timeout=1800,
            check=False,
        )
        if not outcomes.exists():
            sys.exit(
                f"pytest did not run in {root.name} with {api_class}:\n{(process.stdout or '')[-3000:]}"
            )
        return json.loads(outcomes.read_text())


def adopt(root: Path) -> int:
    """Change the files of a suite as ``matt adopt`` does; return how many."""
    from django_matt.contrib.upgrades import adoptions
    from django_matt.contrib.upgrades.sources import find_files, read, write

    sources, _ = read(find_files([root / "tests"]), adoptions.WORDS)
    adoptions.adopt(sources, root)
    changes = [change for source in sources if (change := source.change)]
    write(changes)
    return len(changes)


def compare(
    package: str, root: Path, select: list[str], *, show: bool, adopts: bool = False
) -> list[str]:
    """Run one suite with both classes, print the difference, return the tests that only the baseline passes."""
    with tempfile.TemporaryDirectory(prefix="matt-peers-") as scratch:
        copy = Path(scratch) / root.name
        # Without the peer's own package, so that the installed release is what both runs import.
        shutil.copytree(
            root, copy, ignore=lambda at, _: [package, ".git"] if Path(at) == root else []
        )
        before = run(copy, BASELINE, select, show=False)
        if adopts:
            print(f"\n{root.name}: matt adopt changes {adopt(copy)} files")
        # An adopted suite imports MattAPI itself; what it does not import stays what it was.
        after = run(copy, BASELINE if adopts else OURS, select, show=show)
    passed = {test for test, reason in before.items() if not reason}
    passes = {test for test, reason in after.items() if not reason}
    lost = sorted(passed - passes)
    print(
        f"\n== {root.name}: {len(before)} tests, {len(passed)} pass on NinjaExtraAPI, {len(passes)} on MattAPI"
    )
    for test in lost:
        print(f"  lost    {test}\n          {after.get(test, 'was not collected')}")
    for test in sorted(passes - passed):
        print(f"  gained  {test}")
    return lost


def main() -> None:
    """Compare every checkout; exit with 1 only where ``--fail`` is given and a test is lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a folder that holds checkouts of both peers")
    parser.add_argument("--fail", action="store_true", help="exit with 1 where a test is lost")
    parser.add_argument(
        "--show", action="store_true", help="show pytest's output of the run with MattAPI"
    )
    parser.add_argument(
        "--adopt", action="store_true", help="let `matt adopt` change the suite instead of a swap"
    )
    parser.add_argument("--only", choices=PACKAGES, help="one peer only")
    parser.add_argument(
        "--select", nargs="+", default=[], help="arguments of pytest, such as tests/test_auth.py"
    )
    options = parser.parse_args()
    found = [
        (package, root)
        for package, root in checkouts(options.folder)
        if options.only in (None, package)
    ]
    if not found:
        sys.exit(
            f"{options.folder} holds no checkout of django-ninja or django-ninja-extra with its tests."
        )
    lost = [
        test
        for package, root in found
        for test in compare(package, root, options.select, show=options.show, adopts=options.adopt)
    ]
    print(f"\n{len(lost)} tests pass on NinjaExtraAPI and fail on MattAPI.")
    sys.exit(1 if lost and options.fail else 0)


if __name__ == "__main__":
    main()
