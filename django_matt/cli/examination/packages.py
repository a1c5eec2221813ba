"""Examines Python and the installed packages: whether Django Matt works with their versions."""

import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path

from django_matt.cli.diagnostics import Diagnostic
from django_matt.installation import DISTRIBUTION, install_line

__all__ = ["examine", "fits", "line_for"]

TITLES = {
    "django": "Django",
    "django-ninja": "Django Ninja",
    "django-ninja-extra": "Ninja Extra",
    "pydantic": "pydantic",
    "orjson": "orjson",
}
FORMATS = {"msgspec": "MessagePack", "yaml": "YAML", "defusedxml": "XML"}
REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[^]]*\])?\s*(?P<bounds>[^;]*)(?P<rest>;.*)?"
)


def examine() -> Iterator[Diagnostic]:
    """Yield one finding for all packages that fit, and one for each package that does not."""
    fitting = [f"Python {sys.version.split()[0]}"]
    for requirement in _required():
        match = REQUIREMENT.match(requirement)
        if match is None or "extra" in (match["rest"] or ""):
            continue
        name, bounds = match["name"].lower(), match["bounds"].strip(" ()")
        line = f"pip install '{name}{bounds}'"
        try:
            found = version(name)
        except PackageNotFoundError:
            why = "Django Matt does not import without it."
            yield Diagnostic(level="broken", what=f"{name} is not installed.", why=why, fix=line)
            continue
        if fits(found, bounds):
            fitting.append(f"{TITLES.get(name, name)} {found}")
        else:
            what = f"{name} {found} is installed, but this Django Matt needs {bounds}."
            why = "Other versions may lack or change what Django Matt uses."
            yield Diagnostic(level="broken", what=what, why=why, fix=line)
    yield Diagnostic(level="fine", what=", ".join(fitting))
    missing = [title for module, title in FORMATS.items() if find_spec(module) is None]
    if missing:
        yield Diagnostic(
            level="doubtful",
            what=f"{', '.join(missing)} cannot be offered, because an optional library is missing.",
            why="Clients that ask for these formats get a 406.",
            fix=install_line("formats"),
        )


def fits(found: str, bounds: str) -> bool:
    """Return whether a version is within bounds such as ``>=5.2,<6.2``. A pre-release counts as its release.

    >>> fits("6.1.3", ">=5.2,<6.2"), fits("6.2rc1", "<6.2,>=5.2")
    (True, False)
    """
    have = _numbers(found)
    for bound in filter(None, (part.strip() for part in bounds.split(","))):
        match = re.match(r"(>=|<=|==|!=|>|<)\s*(.+)", bound)
        if match is None:
            continue
        want = _numbers(match[2])
        length = max(len(have), len(want))
        left, right = (number + (0,) * (length - len(number)) for number in (have, want))
        allowed = {
            ">=": left >= right,
            "<=": left <= right,
            "==": left == right,
            "!=": left != right,
            ">": left > right,
            "<": left < right,
        }
        if not allowed[match[1]]:
            return False
    return True


def line_for(message: str) -> str:
    """Return the command that installs what an error says is missing; empty if the error names nothing."""
    if named := re.search(r"(?:uv )?pip install .*", message):
        return named[0].strip()
    if "Error loading psycopg" in message:
        return install_line("postgres")
    return "pip install mysqlclient" if "Did you install mysqlclient" in message else ""


def _numbers(text: str) -> tuple[int, ...]:
    match = re.match(r"\d+(?:\.\d+)*", text)
    return tuple(map(int, match[0].split("."))) if match else ()


def _required() -> list[str]:
    """Return the requirements of the installed Django Matt; those of a checkout are in its pyproject.toml."""
    import django_matt

    project = Path(django_matt.__file__).parents[1] / "pyproject.toml"
    if project.is_file():
        return list(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["dependencies"])
    try:
        return requires(DISTRIBUTION) or []
    except PackageNotFoundError:
        return []
