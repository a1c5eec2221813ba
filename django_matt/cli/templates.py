"""The project template: finds it, finds where a project installs Django Matt from, and makes the project."""

import json
import os
import runpy
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

from django_matt.installation import path_of, read_origin

__all__ = [
    "TEMPLATE",
    "Source",
    "conflict",
    "find_source",
    "make_project",
    "objection",
    "read_options",
]

TEMPLATE = Path(__file__).resolve().parent.parent / "project_template"
"""The folder of the template; in a checkout, it is a link to ``cookiecutter/``."""
DIRECTORY = "cookiecutter"
VARIABLE = "DJANGO_MATT_SOURCE"
ENDINGS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a project installs Django Matt from, with the repository and the commit of the template."""

    place: str
    """A folder, a wheel or a URL, as ``django-matt @ …`` accepts it; empty for the package index."""
    repository: str = ""
    commit: str = ""


def read_options() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the template's options with their defaults, and the prompts that ask for them."""
    options = json.loads((TEMPLATE / "cookiecutter.json").read_text(encoding="utf-8"))
    prompts = options.pop("__prompts__")
    return {name: value for name, value in options.items() if not name.startswith("_")}, prompts


@cache
def _hook() -> dict[str, Callable[..., str]]:
    return runpy.run_path(str(TEMPLATE / "hooks/pre_gen_project.py"))


def objection(kind: str, name: str) -> str:
    """Return why the template refuses ``name`` as a ``title``, ``slug`` or ``app``; empty if it accepts it."""
    return _hook()["objection"](kind, name)


def conflict(answers: Mapping[str, str]) -> str:
    """Return why the template refuses these options together; empty if it accepts them, also if some are missing."""
    return _hook()["conflict"](answers)


def find_source(place: str = "") -> Source:
    """Return ``place``, else ``DJANGO_MATT_SOURCE``, else where this Django Matt was installed from.

    Raises ``FileNotFoundError`` for a path that does not exist.
    """
    place = place or os.environ.get(VARIABLE, "")
    if place and "://" not in place:
        path = Path(place).expanduser().resolve()
        if not path.exists():
            raise FileNotFoundError(place)
        return Source(str(path), *_head_of(path))
    if place:
        return Source(place)
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / DIRECTORY / "cookiecutter.json").is_file():
        return Source(str(checkout), *_head_of(checkout))
    return _installed_from()


def _installed_from() -> Source:
    """Return where pip or uv installed this package from."""
    origin = read_origin()
    url = str(origin.get("url", ""))
    commit = str(origin.get("vcs_info", {}).get("commit_id", ""))
    if commit:
        return Source(f"git+{url}@{commit}", url, commit)
    if url.startswith("file://"):
        path = path_of(origin)
        return Source(str(path), *_head_of(path)) if path else Source("")
    return Source(url)


def _head_of(folder: Path) -> tuple[str, str]:
    """Return the folder and its newest commit if it is a git repository with the template, else two empty texts."""
    if not (folder / DIRECTORY / "cookiecutter.json").is_file() or not (folder / ".git").exists():
        return "", ""
    try:
        said = subprocess.run(  # noqa: S603 - the arguments are ours
            ["git", "-C", str(folder), "rev-parse", "HEAD"],  # noqa: S607 - the user's git
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return "", ""
    return (str(folder), said.stdout.strip()) if said.returncode == 0 else ("", "")


def make_project(answers: Mapping[str, str], target: Path, source: Source) -> None:
    """Make the project in ``target``, which must not exist or must be empty.

    The project is made in a hidden folder beside ``target`` and moved when it is complete, so that a failure leaves
    nothing behind. Raises ``OSError`` and cookiecutter's exceptions.
    """
    from cookiecutter.generate import generate_context, generate_files
    from cookiecutter.prompt import prompt_for_config

    with _staging(target) as staging:
        # Installers compile the Python files of the template; the byte code does not belong to a project.
        compiled = shutil.ignore_patterns("__pycache__")
        template = shutil.copytree(TEMPLATE, staging / "template", ignore=compiled)
        given = {**answers, "django_matt_source": source.place}
        context = generate_context(
            context_file=str(template / "cookiecutter.json"), extra_context=given
        )
        context["cookiecutter"] = prompt_for_config(context, no_input=True)
        context["cookiecutter"]["_template"] = source.repository or source.place
        made = Path(
            generate_files(
                repo_dir=str(template), context=context, output_dir=str(staging / "made")
            )
        )
        if source.commit:
            context["cookiecutter"]["_commit"] = source.commit
            _record(made, context, source)
        made.replace(target)


def _record(project: Path, context: Mapping[str, Any], source: Source) -> None:
    """Write ``.cruft.json``, which ``matt update`` needs."""
    state = {
        "template": source.repository,
        "commit": source.commit,
        "checkout": None,
        "context": {"cookiecutter": dict(context["cookiecutter"])},
        "directory": DIRECTORY,
    }
    (project / ".cruft.json").write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")


@contextmanager
def _staging(target: Path) -> Iterator[Path]:
    """Yield a temporary folder beside ``target``; it is removed at the end, also if a signal ends this process."""

    def end(signum: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in ENDINGS}
    try:
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        # cookiecutter copies its hooks into the folder of temporary files and runs them there: give it an empty one.
        usual, tempfile.tempdir = tempfile.tempdir, str(folder)
        try:
            yield folder
        finally:
            tempfile.tempdir = usual
            # A second Ctrl-C would end the removal half-way.
            for number in ENDINGS:
                signal.signal(number, signal.SIG_IGN)
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
