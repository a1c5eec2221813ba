"""The install lines of the project: those that readers copy from a page, and every other mention of installing it."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .snippets import TREE

__all__ = ["FOLDERS", "LINES", "InstallLine", "faults_in", "texts"]

FOLDERS = {".": "django-matt", "./django-matt": "."}
"""Where a line is typed that names Django Matt so: in the clone, or in the folder that contains it."""
COMMAND = re.compile(r"(?:uv )?pip install [^`#\n]*")
# A name from an index: the first word of a requirement, and not a path or part of another name.
BARE = re.compile(r"(?<![\w./-])django-matt(?![\w/-])(?P<extras>\[[^]]*\])?(?P<rest>[^'\"`]{0,3})")


@dataclass(frozen=True)
class InstallLine:
    """One ``pip install`` of a page."""

    page: str
    command: str
    paragraph: str
    """The text that tells the reader where to type it: the page from the last heading to the end of the line."""

    @property
    def requirement(self) -> str:
        """The path by which it names Django Matt; empty if it installs other packages only."""
        for word in shlex.split(self.command):
            path, bracket, _ = word.partition("[")
            if path in FOLDERS and bracket:
                return path
        return ""

    @property
    def extras(self) -> set[str]:
        """The extras of Django Matt that it installs."""
        found = re.search(r"(?:django-matt|\.)\[([^]]+)\]", self.command)
        return set(found[1].split(",")) if found else set()


def _lines_of(path: Path) -> Iterator[InstallLine]:
    """Yield the ``pip install`` lines of a page, also those in its text, that name a package."""
    text = path.read_text()
    for found in COMMAND.finditer(text):
        if any(not word.startswith("-") for word in found[0].partition("install ")[2].split()):
            end = text.find("\n", found.end())
            paragraph = text[: end if end > 0 else None].rpartition("\n#")[2]
            yield InstallLine(str(path.relative_to(TREE)), found[0].strip(), paragraph)


def texts() -> Iterator[tuple[str, str]]:
    """Yield the path and the text of every file that people read or that prints for them, without tests and history."""
    said = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=TREE,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in said.stdout.splitlines():
        path = TREE / name
        if name.startswith(("tests/", "CHANGELOG", "docs/decisions/")) or not path.is_file():
            continue
        if path.suffix in {
            ".md",
            ".py",
            ".html",
            ".toml",
            ".txt",
            ".yml",
            ".yaml",
            ".js",
            ".json",
            ".in",
            "",
        }:
            yield name, path.read_text(errors="replace")


def faults_in(name: str, text: str) -> Iterator[str]:
    """Yield each line that installs the ``django-matt`` of an index, where that name is an unrelated package."""
    for number, line in enumerate(text.splitlines(), 1):
        start = re.search(
            r"\b(?:pip|uv|uvx|pipx|poetry|pdm)\b[^`]* (?:install|add|run)\b|\bInstall ``", line
        )
        if start is None:
            continue
        for found in BARE.finditer(line, start.end()):
            named = line[: found.start()].endswith("--reinstall-package ")
            if not named and not found["rest"].startswith((">=", " @")):
                yield f"{name}:{number}: {line.strip()}"


_PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    "contrib/README.md",
    *("docs/**/*.md", "examples/*/README.md"),
]
LINES = [
    line for pattern in _PAGES for page in sorted(TREE.glob(pattern)) for line in _lines_of(page)
]
