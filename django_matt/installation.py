"""Where this Django Matt was installed from, and the command that installs one of its extras from there."""

import json
import shlex
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

__all__ = ["DISTRIBUTION", "install_line", "path_of", "read_origin", "target"]

DISTRIBUTION = "django-matt"
"""The name of the distribution, as in pyproject.toml. Nothing else in the code repeats it (docs/naming.md)."""
REQUIREMENT = f"{DISTRIBUTION}[{{}}]>=1.0.0.dev0"
"""The requirement for a package index, where a package of that name with versions up to 0.10 is unrelated."""


def install_line(extra: str) -> str:
    """Return the command that installs an extra of this Django Matt into this environment.

    A folder, an archive or a repository that it was installed from is named again; only without one is the package
    index used.

    >>> install_line("cli")    # doctest: +SKIP
    "pip install -e '/home/ada/django-matt[cli]'"
    """
    # An environment that uv has made has no pip.
    pip = "pip" if find_spec("pip") else "uv pip"
    return f"{pip} install {target(extra)}"


def target(extras: str, origin: dict[str, Any] | None = None) -> str:
    """Return the arguments of ``pip install`` that install this Django Matt with these extras, quoted for a shell."""
    origin = read_origin() if origin is None else origin
    path = path_of(origin)
    if path is not None:
        editable = origin.get("dir_info", {}).get("editable")
        return f"{'-e ' if editable else ''}{shlex.quote(f'{path}[{extras}]')}"
    url = str(origin.get("url", ""))
    vcs = origin.get("vcs_info", {})
    if vcs:
        url = f"{vcs['vcs']}+{url}@{vcs['commit_id']}"
    if url and not url.startswith("file:"):
        return shlex.quote(f"{DISTRIBUTION}[{extras}] @ {url}")
    return shlex.quote(REQUIREMENT.format(extras))


def read_origin() -> dict[str, Any]:
    """Return ``direct_url.json`` of the installation (PEP 610); it is empty if the package index was used.

    The origin of a checkout that is imported without being installed is its folder.
    """
    try:
        found: dict[str, Any] = json.loads(
            distribution(DISTRIBUTION).read_text("direct_url.json") or "{}"
        )
    except (PackageNotFoundError, ValueError):
        found = {}
    checkout = Path(__file__).resolve().parents[1]
    if not found and (checkout / "pyproject.toml").is_file():
        return {"url": checkout.as_uri(), "dir_info": {"editable": True}}
    return found


def path_of(origin: dict[str, Any]) -> Path | None:
    """Return the folder or archive of an origin; None if it is not a file, or does not exist any more."""
    url = urlsplit(str(origin.get("url", "")))
    path = Path(unquote(url.path))
    return path if url.scheme == "file" and "vcs_info" not in origin and path.exists() else None
