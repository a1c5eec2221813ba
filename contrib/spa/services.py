"""The packages of a front end, its build, its scripts, and its development server."""

import json
import subprocess

from django_matt.contrib.spa.errors import SpaError
from django_matt.contrib.spa.nodes import Node
from django_matt.contrib.spa.settings import SpaSettings

__all__ = ["build", "dev_command", "install", "is_installed", "run_script"]


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
    return is_complete and options.dev_script.is_file()


def install(options: SpaSettings, node: Node) -> bool:
    """Install the packages of ``package-lock.json`` and return True; do nothing if they are complete."""
    _need_package(options)
    if is_installed(options):
        return False
    if not (options.root / "package-lock.json").is_file():
        raise SpaError(
            f"{options.root / 'package-lock.json'} is missing. Make it once: npm install, in {options.root}."
        )
    _npm(options, node, "ci", "--no-audit", "--no-fund")
    return True


def build(options: SpaSettings, node: Node) -> None:
    """Run ``npm run build`` of the front end; raise ``SpaError`` if it fails."""
    run_script(options, node, "build")
    if options.SERVER and not options.built.is_file():
        raise SpaError(
            f"The build wrote no {options.built}. Set SERVER of MATT_SPA to the file that Node runs, relative to ROOT."
        )
    if not options.built.is_file():
        raise SpaError(
            f"The build wrote no {options.built}. Set build.manifest, and build.outDir to the OUTPUT of MATT_SPA, "
            "in the configuration of Vite."
        )


def run_script(options: SpaSettings, node: Node, name: str) -> None:
    """Run a script of ``package.json``; raise ``SpaError`` if it fails."""
    _npm(options, node, "run", name)


def dev_command(options: SpaSettings, node: Node, port: int) -> list[str]:
    """Return the command of the development server; without npm between, which would not pass on signals."""
    arguments = [each.replace("{port}", str(port)) for each in options.DEV[1:]]
    return [node.path, str(options.dev_script), *arguments]


def _need_package(options: SpaSettings) -> None:
    if not (options.root / "package.json").is_file():
        raise SpaError(
            f"{options.root} has no package.json. The ROOT of settings.MATT_SPA names the folder of the front end."
        )


def _npm(options: SpaSettings, node: Node, *arguments: str) -> None:
    _need_package(options)
    if not node.npm:
        raise SpaError("npm is not installed; it comes with Node (https://nodejs.org).")
    done = subprocess.run(  # noqa: S603 - ours
        [*node.npm, *arguments], cwd=options.root, env=node.environment, check=False
    )
    if done.returncode:
        raise SpaError(f"npm {' '.join(arguments[:2])} failed; its messages are above.")
