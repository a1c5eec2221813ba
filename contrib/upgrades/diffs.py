"""Shows changes as a diff that ``git apply`` reads, in colours on a terminal."""

from collections.abc import Iterable, Iterator
from difflib import unified_diff
from pathlib import Path

from rich.text import Text

from django_matt.cli.consoles import out
from django_matt.contrib.upgrades.sources import Change

__all__ = ["diff_of", "show"]

_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def show(changes: Iterable[Change], root: Path) -> None:
    """Print the diffs of changes; names of files are relative to ``root``."""
    for change in changes:
        for line in diff_of(change, root):
            style = "bold" if line.startswith(("---", "+++")) else _STYLES.get(line[:1], "")
            out.print(Text(line.rstrip("\r\n"), style=style), soft_wrap=True)


def diff_of(change: Change, root: Path) -> Iterator[str]:
    """Yield the lines of the diff of one file."""
    name = change.path.relative_to(root).as_posix()
    before, after = (_lines(text or b"") for text in (change.before, change.after))
    old = "/dev/null" if change.before is None else f"a/{name}"
    for line in unified_diff(before, after, old, f"b/{name}"):
        if line.endswith("\n"):
            yield line
        else:
            yield f"{line}\n"
            yield "\\ No newline at end of file\n"


def _lines(text: bytes) -> list[str]:
    lines = text.decode("utf-8", "replace").split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
