"""The project that ``matt`` works on: its ``manage.py``, its Python and settings, and how its commands are run."""

import ast
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from django_matt.cli import entry
from django_matt.cli.consoles import fail

__all__ = ["Project", "find_project", "need_project"]


@dataclass(frozen=True, slots=True)
class Project:
    """A Django project, identified by its ``manage.py``."""

    manage: Path

    @property
    def folder(self) -> Path:
        """The folder with ``manage.py``, in which every command of the project runs."""
        return self.manage.parent

    @property
    def settings(self) -> str:
        """The settings module: ``DJANGO_SETTINGS_MODULE`` of the environment, else of ``manage.py``, else empty."""
        return os.environ.get("DJANGO_SETTINGS_MODULE") or _settings_in(self.manage)

    @property
    def python(self) -> Path:
        """The interpreter of the project.

        It is this process's, if its virtual environment is in the project's folder and activated; else that of ``.venv``
        beside ``manage.py``; else this process's. An activated environment elsewhere may have only the tools.
        """
        own = Path(sys.executable)
        activated = Path(os.environ.get("VIRTUAL_ENV") or ".venv-of-nobody")
        if activated == Path(sys.prefix) and self.folder in activated.resolve().parents:
            return own
        folder = self.folder / ".venv"
        name = "Scripts/python.exe" if os.name == "nt" else "bin/python"
        found = folder / name
        return found if found.exists() and folder.resolve() != Path(sys.prefix).resolve() else own

    def environment(self) -> dict[str, str]:
        """Return the environment variables for a command of the project."""
        variables = dict(os.environ)
        if variables.get("NO_COLOR"):
            variables.setdefault("DJANGO_COLORS", "nocolor")
        return variables

    def become(self, *arguments: str) -> NoReturn:
        """Replace this process by ``manage.py``, which takes over the terminal, the signals and the exit code."""
        command = [str(self.python), entry.__file__, str(self.manage), *arguments]
        sys.stdout.flush()
        sys.stderr.flush()
        if os.name != "nt":
            os.chdir(self.folder)
            # Python shows a traceback for Ctrl-C while it starts. entry.py unblocks the signal, and answers it.
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
            os.execve(command[0], command, self.environment())  # noqa: S606 - no shell is wanted
        try:
            code = subprocess.call(command, cwd=self.folder, env=self.environment())  # noqa: S603 - of the user's own project
        except KeyboardInterrupt:
            code = 130
        sys.exit(code)

    def ask(self, *arguments: str, timeout: float) -> subprocess.CompletedProcess[str]:
        """Run the project's Python with ``arguments``, in its folder and with its settings; return the output."""
        variables = self.environment()
        if self.settings:
            variables["DJANGO_SETTINGS_MODULE"] = self.settings
        return subprocess.run(  # noqa: S603 - of the user's own project
            [str(self.python), *arguments],
            cwd=self.folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            check=False,
        )


def find_project(start: Path | None = None) -> Project | None:
    """Return the project whose ``manage.py`` is in ``start`` (the current folder) or nearest above it."""
    folder = (start or Path.cwd()).resolve()
    for candidate in (folder, *folder.parents):
        manage = candidate / "manage.py"
        if manage.is_file():
            return Project(manage)
    return None


def need_project() -> Project:
    """Return the project of the current folder; exit with an error if there is none."""
    project = find_project()
    if project is None:
        fail(
            f"no manage.py here ({Path.cwd()}) or in a folder above. Go to a project, or make one:",
            "matt new",
        )
    return project


def _settings_in(manage: Path) -> str:
    """Return the text that ``manage.py`` sets ``DJANGO_SETTINGS_MODULE`` to; empty if it cannot be found."""
    try:
        tree = ast.parse(manage.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return ""
    for node in ast.walk(tree):
        values: list[ast.expr] = []
        if isinstance(node, ast.Call):
            values = node.args
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            values = [node.targets[0].slice, node.value]
        texts = [value.value for value in values if isinstance(value, ast.Constant)]
        if len(texts) == 2 and texts[0] == "DJANGO_SETTINGS_MODULE" and isinstance(texts[1], str):
            return texts[1]
    return ""
