"""Python source as ``ruff format`` writes it: literals, calls, docstrings, and the formatter itself if it is installed."""

import math
import shutil
import subprocess
import sys
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

__all__ = ["called", "comment", "docstring", "format_source", "literal", "quote"]

WIDTH = 88
#: A formatter that takes longer has hung.
SECONDS = 30


def quote(text: str) -> str:
    """Return a text as a literal, in double quotes unless single ones need fewer escapes.

    >>> print(quote("it's"), quote('say "x"'))
    "it's" 'say "x"'
    """
    mark = "'" if text.count('"') > text.count("'") else '"'
    inner = "'".join(repr(f'"{part}')[2:-1] for part in text.split("'"))
    return f"{mark}{inner.replace(mark, chr(92) + mark)}{mark}"


def literal(value: Any) -> str:
    """Return a value as source."""
    match value:
        case str():
            return quote(value)
        case Decimal():
            return f"Decimal({quote(str(value))})"
        case list():
            return f"[{', '.join(map(literal, value))}]"
        case dict():
            return f"{{{', '.join(f'{literal(key)}: {literal(each)}' for key, each in value.items())}}}"
        case float() if not math.isfinite(value):
            raise ValueError(f"{value} has no literal")
    return repr(value)


def called(start: str, name: str, arguments: Iterable[str], indent: int = 0) -> str:
    """Return ``start`` and a call, in one line if it fits, else with its arguments in one line or in a line each."""
    arguments = list(arguments)
    space = " " * indent
    one = f"{space}{start}{name}({', '.join(arguments)})"
    if len(one) <= WIDTH or not arguments:
        return one
    inner = f"{space}    {', '.join(arguments)}"
    if len(inner) <= WIDTH:
        return f"{space}{start}{name}(\n{inner}\n{space})"
    lines = "".join(f"{space}    {each},\n" for each in arguments)
    return f"{space}{start}{name}(\n{lines}{space})"


def docstring(text: str, indent: int = 4) -> str:
    """Return a docstring, or "" for no text."""
    lines = [
        line.rstrip()
        for line in text.strip().replace("\\", "\\\\").replace('"""', '\\"\\"\\"').splitlines()
    ]
    lines = [line.replace("\t", "    ") for line in lines]
    lines = ["".join(c if c.isprintable() else " " for c in line) for line in lines]
    if not lines:
        return ""
    space = " " * indent
    if len(lines) == 1:
        end = " " if lines[0].endswith('"') else ""
        return f'{space}"""{lines[0]}{end}"""\n'
    body = "".join(f"{space}{line}".rstrip() + "\n" for line in lines[1:])
    return f'{space}"""{lines[0]}\n{body}{space}"""\n'


def comment(text: str, indent: int = 0) -> str:
    """Return comment lines, or "" for no text."""
    printable = ("".join(c if c.isprintable() else " " for c in line) for line in text.splitlines())
    return "".join(f"{' ' * indent}# {line}".rstrip() + "\n" for line in printable)


def format_source(source: str, path: Path) -> str:
    """Return the source as the project's ``ruff format`` leaves it; unchanged if ruff is not installed."""
    beside = Path(sys.executable).with_name("ruff")
    ruff = str(beside) if beside.exists() else shutil.which("ruff")
    if ruff is None:
        return source
    try:
        done = subprocess.run(  # noqa: S603 - ruff, with arguments of our own
            [ruff, "format", "--quiet", "--stdin-filename", str(path), "-"],
            input=source.encode(),
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return source
    return done.stdout.decode() if done.returncode == 0 and done.stdout else source
