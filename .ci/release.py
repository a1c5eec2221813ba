"""What a release needs before anything is built: `python .ci/release.py check v1.0.0`, and `notes v1.0.0` prints its changelog."""

import re
import sys
import tomllib
from pathlib import Path

TREE = Path(__file__).resolve().parents[1]
TAKEN = "django-matt"
"""The name on the package index that is another project's (docs/naming.md)."""


def notes(changelog: str, version: str) -> str:
    """Return the section of a version in the changelog, without its title; empty without one."""
    found = re.search(
        rf"^## \[{re.escape(version)}\][^\n]*\n(.*?)(?=^## \[|\Z)", changelog, re.M | re.S
    )
    return found[1].strip() if found else ""


def faults(tree: Path, tag: str) -> list[str]:
    """Return what is wrong with a release of a tree under a tag."""
    project = tomllib.loads((tree / "pyproject.toml").read_text())["project"]
    name, version = project["name"], project["version"]
    package = (tree / "django_matt" / "__init__.py").read_text()
    constant = (tree / "django_matt" / "installation.py").read_text()
    found = []
    if tag != f"v{version}":
        found.append(
            f"the tag is {tag}, and pyproject.toml has the version {version}: it should be v{version}"
        )
    if not re.fullmatch(r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?", version):
        found.append(f"{version} is not the version of a release, such as 1.0.0 or 1.0.0rc1")
    if f'__version__ = "{version}"' not in package:
        found.append(f"django_matt.__version__ is not {version}")
    if not notes((tree / "CHANGELOG.md").read_text(), version):
        found.append(f"CHANGELOG.md has no section '## [{version}]' with text")
    if f'DISTRIBUTION = "{name}"' not in constant:
        found.append(f"DISTRIBUTION in django_matt/installation.py is not {name}")
    if name == TAKEN:
        found.append(
            f"the name {TAKEN} on the package index is another project's: see docs/naming.md"
        )
    return found


def main() -> None:
    """Run one of the two commands; exit with 1 if something is wrong."""
    command, tag = sys.argv[1:]
    if command == "notes":
        print(notes((TREE / "CHANGELOG.md").read_text(), tag.removeprefix("v")))
        return
    found = faults(TREE, tag)
    for fault in found:
        print(f"release: {fault}.", file=sys.stderr)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
