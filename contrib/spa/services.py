"""Node and npm: whether they are there, packages that are complete, and Vite's build and development server."""

import json
import re
import shutil
import subprocess
from pathlib import Path

from django_matt.contrib.spa.errors import SpaError
from django_matt.contrib.spa.settings import SpaSettings

__all__ = ["build", "find_node", "install", "is_installed", "vite_command"]

_VITE = Path("node_modules/vite/bin/vite.js")
_REST = "Without it, the API, the admin and the last build still work: manage.py runserver."


def find_node() -> str:
    """Return the path of Node; raise ``SpaError`` if it is missing, or older than Vite 8 accepts."""
    node = shutil.which("node")
    if node is None:
        raise SpaError(
            f"Node is not installed. Install Node 24 (https://nodejs.org), or 20.19 or newer. {_REST}"
        )
    said = subprocess.run(  # noqa: S603 - the user's node
        [node, "--version"], capture_output=True, text=True, check=False
    ).stdout
    found = re.fullmatch(r"v(\d+)\.(\d+)\.\d+\S*\s*", said)
    version = [int(part) for part in found.groups()] if found else [0, 0]
    if not ([20, 19] <= version < [21] or version >= [22, 12]):
        raise SpaError(
            f"{node} is {said.strip() or 'no Node'}; Vite needs 20.19, 22.12 or newer. Install Node 24 (https://nodejs.org). {_REST}"
        )
    return node


def is_installed(options: SpaSettings) -> bool:
    """Return whether ``node_modules`` is complete, and has what ``package-lock.json`` names.

    npm writes ``node_modules/.package-lock.json`` at the end of an installation, so an interrupted one has none.
    """
    lock, done = (
        options.root / "package-lock.json",
        options.root / "node_modules/.package-lock.json",
    )
    try:
        wanted = json.loads(lock.read_text(encoding="utf-8"))["packages"]
        there = json.loads(done.read_text(encoding="utf-8"))["packages"]
    except (OSError, ValueError, KeyError):
        return False
    # Packages of other platforms are optional, and not installed.
    is_complete = all(
        there.get(name, {}).get("version") == package.get("version")
        for name, package in wanted.items()
        if name and not package.get("optional")
    )
    return is_complete and (options.root / _VITE).is_file()


def install(options: SpaSettings) -> bool:
    """Install the packages of ``package-lock.json`` and return True; do nothing if they are complete."""
    _need_package(options)
    if is_installed(options):
        return False
    if not (options.root / "package-lock.json").is_file():
        raise SpaError(
            f"{options.root / 'package-lock.json'} is missing. Make it once: npm install, in {options.root}."
        )
    _npm(options, "ci", "--no-audit", "--no-fund")
    return True


def build(options: SpaSettings) -> None:
    """Run ``npm run build`` of the front end; raise ``SpaError`` if it fails."""
    _npm(options, "run", "build")
    if not options.manifest.is_file():
        raise SpaError(
            f"The build wrote no {options.manifest}. Set build.manifest, and build.outDir to the OUTPUT of MATT_SPA, "
            "in the configuration of Vite."
        )


def vite_command(options: SpaSettings, node: str, port: int) -> list[str]:
    """Return the command of Vite's development server; without npm between, which would not pass on signals."""
    server = ["--host", "localhost", "--port", str(port), "--strictPort", "--clearScreen", "false"]
    return [node, str(options.root / _VITE), *server]


def _need_package(options: SpaSettings) -> None:
    if not (options.root / "package.json").is_file():
        raise SpaError(
            f"{options.root} has no package.json. The ROOT of settings.MATT_SPA names the folder of the front end."
        )


def _npm(options: SpaSettings, *arguments: str) -> None:
    _need_package(options)
    find_node()
    npm = shutil.which("npm")
    if npm is None:
        raise SpaError("npm is not installed; it comes with Node (https://nodejs.org).")
    done = subprocess.run([npm, *arguments], cwd=options.root, check=False)  # noqa: S603 - ours
    if done.returncode:
        raise SpaError(f"npm {' '.join(arguments[:2])} failed; its messages are above.")
