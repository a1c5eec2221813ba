"""Resolve the template's requirements again: ``python -m tests.projects.locks``, after a change of dependencies.

Three projects are rendered and lock themselves with their own ``make lock``; what only a database or a layout brings
stands between Jinja's marks in the template.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.projects.rendering import PROJECT, TREE, render

FULL = {"database": "postgresql", "layout": "layered"}
WITHOUT = {"__postgresql": {"database": "sqlite"}, "__layered": {"layout": "plain"}}
LOCKS = ("production.txt", "development.txt")


def lock(folder: Path, name: str, **answers: str) -> dict[str, list[str]]:
    """Return the lines of both locks of a project with these answers."""
    project = render(folder, project_name=name, **{**FULL, **answers}, django_matt_source=str(TREE))
    subprocess.run(["make", "lock", f"PYTHON={sys.executable}"], cwd=project, check=True)
    return {lock: (project / "requirements" / lock).read_text().splitlines() for lock in LOCKS}


def merge(full: list[str], lesser: dict[str, list[str]]) -> str:
    """Return the lines of the full lock; one that a lesser lock has not, under the mark of what that is without."""
    merged = []
    for line in full:
        marks = [mark for mark, lines in lesser.items() if line not in lines]
        if marks:
            line = f"{{% if cookiecutter.{marks[0]} %}}{line}\n{{% endif -%}}"  # noqa: PLW2901
        merged.append(line)
    return "\n".join(merged).replace("{% endif -%}\n", "{% endif -%}") + "\n"


def main() -> None:
    """Write both locks into the template."""
    with tempfile.TemporaryDirectory(prefix="matt-locks-") as made:
        folder = Path(made)
        full = lock(folder, "Full")
        lesser = {
            mark: lock(folder, f"Less{number}", **answers)
            for number, (mark, answers) in enumerate(WITHOUT.items())
        }
    for name in LOCKS:
        text = merge(full[name], {mark: locks[name] for mark, locks in lesser.items()})
        (PROJECT / "requirements" / name).write_text(text)


if __name__ == "__main__":
    main()
