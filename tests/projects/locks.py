"""Resolve the template's requirements again: ``python -m tests.projects.locks``, after a change of dependencies.

A project with all options, one with pages by htmx, and one without each option are rendered and lock themselves with their own ``make lock``.
In the template, what only one option needs is between Jinja's marks. Versions that fit are kept; ``--upgrade`` takes
the newest.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.projects.rendering import PROJECT, TREE, render

FULL = {
    "database": "postgresql",
    "layout": "layered",
    "media": "s3",
    "debug_toolbar": "yes",
    "sign_in": "all",
    "tokens": "yes",
    "front": "react",
}
# If a line is missing in several, the first of them decides: what is without sign-in is without tokens too.
WITHOUT = {
    # What only pages by htmx need is not in FULL, whose front end is another.
    "__htmx": {},
    "__tokens": {"tokens": "no"},
    "__spa": {"front": "astro"},
    "__front": {"front": "none"},
    "__sign_in": {"sign_in": "none", "tokens": "no", "front": "none"},
    "__postgresql": {"database": "sqlite"},
    "__layered": {"layout": "plain"},
    "__s3": {"media": "local"},
    "__debug_toolbar": {"debug_toolbar": "no"},
}
LOCKS = ("production.txt", "development.txt")


def lock(folder: Path, name: str, **answers: str) -> dict[str, list[str]]:
    """Return the lines of both locks of a project with these answers."""
    project = render(folder, project_name=name, **{**FULL, **answers}, django_matt_source=str(TREE))
    upgrade = "UPGRADE=--upgrade" if "--upgrade" in sys.argv else "UPGRADE="
    subprocess.run(["make", "lock", upgrade, f"PYTHON={sys.executable}"], cwd=project, check=True)
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


def join(first: list[str], second: list[str]) -> list[str]:
    """Return the lines of two locks as uv orders them: comments, then by name."""
    pins = sorted({*first, *second}, key=lambda line: line.partition("==")[0])
    return [line for line in first if line.startswith("#")] + [
        line for line in pins if not line.startswith("#")
    ]


def main() -> None:
    """Write both locks into the template."""
    with tempfile.TemporaryDirectory(prefix="matt-locks-") as made:
        folder = Path(made)
        full, pages = lock(folder, "Full"), lock(folder, "Pages", front="htmx")
        lesser = {
            mark: lock(folder, f"Less{number}", **answers)
            for number, (mark, answers) in enumerate(WITHOUT.items())
        }
    for name in LOCKS:
        text = merge(
            join(full[name], pages[name]), {mark: locks[name] for mark, locks in lesser.items()}
        )
        (PROJECT / "requirements" / name).write_text(text)


if __name__ == "__main__":
    main()
