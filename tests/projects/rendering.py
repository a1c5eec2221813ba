"""Projects from the working tree's template, by cookiecutter's own functions."""

import itertools
from pathlib import Path
from typing import Any

from cookiecutter.main import cookiecutter

from django_matt.cli.templates import conflict

__all__ = ["COMBINATIONS", "FRONTS", "OPTIONS", "PAGES", "PROJECT", "TEMPLATE", "TREE", "render"]

Options = dict[str, str]

TREE = Path(__file__).resolve().parents[2]
TEMPLATE = TREE / "cookiecutter"
PROJECT = TEMPLATE / "{{ cookiecutter.project_slug }}"
OPTIONS = {
    "database": ["sqlite", "postgresql"],
    "user": ["email", "username"],
    "sign_in": ["none", "password", "magic-link", "passkey", "all"],
    "audience": ["b2c", "b2b"],
    "tokens": ["no", "yes"],
    "layout": ["plain", "layered"],
    "mode": ["sync", "async"],
    "first_app": ["example", "empty"],
    "media": ["local", "s3"],
    "debug_toolbar": ["no", "yes"],
}


def combine() -> list[Options]:
    """Return the defaults, each way to sign in alone, and enough more that every two values of two options meet.

    The last one has no option at its default.
    """
    usual = {name: values[0] for name, values in OPTIONS.items()}
    largest = {name: values[-1] for name, values in OPTIONS.items()}
    found = [usual, *({**usual, "sign_in": way} for way in OPTIONS["sign_in"][1:])]
    # Each has files of its own, templates/example/<layout>/<mode>, in which b2b decides lines.
    found.append({**usual, "layout": "layered", "mode": "async"})
    companies = {"sign_in": "password", "audience": "b2b"}
    found += [{**usual, **companies}, {**usual, **companies, "layout": "layered"}]
    every = [
        options
        for values in itertools.product(*OPTIONS.values())
        if not conflict(options := dict(zip(OPTIONS, values, strict=True)))
    ]
    missing = pairs_of(*every) - pairs_of(*found, largest)
    while missing:
        best = max(every, key=lambda options: len(pairs_of(options) & missing))
        found.append(best)
        missing -= pairs_of(best)
    return [*found, largest]


def pairs_of(*combinations: Options) -> set[frozenset[tuple[str, str]]]:
    """Return each pair of an option's value with another option's that occurs in these."""
    return {
        frozenset(pair)
        for options in combinations
        for pair in itertools.combinations(options.items(), 2)
    }


COMBINATIONS = combine()
_USUAL = {**COMBINATIONS[0], "front": "react"}
FRONTS: list[Options] = [
    {**_USUAL, "sign_in": "password"},
    {**_USUAL, "sign_in": "passkey"},
    {**_USUAL, "sign_in": "magic-link"},
    {
        **COMBINATIONS[-1],
        "audience": "b2c",
        "first_app": "example",
        "front": "react",
    },
]
"""Projects with a front end. They are apart: with the others they would double how many pairs of options there are."""
PAGES: list[Options] = [{**each, "front": "htmx"} for each in (FRONTS[0], FRONTS[-1])]
"""Projects with pages by htmx."""


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
