"""Projects from the working tree's template, by cookiecutter's own functions."""

import itertools
from pathlib import Path
from typing import Any

from cookiecutter.main import cookiecutter

__all__ = ["COMBINATIONS", "OPTIONS", "PROJECT", "TEMPLATE", "TREE", "render"]

TREE = Path(__file__).resolve().parents[2]
TEMPLATE = TREE / "cookiecutter"
PROJECT = TEMPLATE / "{{ cookiecutter.project_slug }}"
OPTIONS = {
    "database": ["sqlite", "postgresql"],
    "layout": ["plain", "layered"],
    "mode": ["sync", "async"],
    "first_app": ["example", "empty"],
}
COMBINATIONS: list[dict[str, str]] = [
    dict(zip(OPTIONS, values, strict=True)) for values in itertools.product(*OPTIONS.values())
]


def render(folder: Path, **answers: Any) -> Path:
    """Return a project made in ``folder``."""
    made = cookiecutter(
        str(TREE),
        directory="cookiecutter",
        no_input=True,
        extra_context=answers,
        output_dir=str(folder),
        default_config=True,
    )
    return Path(made)
