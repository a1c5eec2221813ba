"""A hundred files, put together from what people write: each is adopted, runs, and is left alone by a second run."""

import itertools
import random
import re
from pathlib import Path

import pytest

from django_matt import MattAPI
from django_matt.contrib.upgrades.adoptions import WORDS, adopt
from django_matt.contrib.upgrades.sources import read

# An import, and the name that the class has after it.
IMPORTS = [
    ("from ninja import NinjaAPI", "NinjaAPI"),
    ("from ninja import NinjaAPI, Router, Schema", "NinjaAPI"),
    ("from ninja import Schema, NinjaAPI as API  # ours", "API"),
    ("from ninja.main import NinjaAPI", "NinjaAPI"),
    ("from ninja_extra import (\n    NinjaExtraAPI,  # the API\n    status,\n)", "NinjaExtraAPI"),
    (
        "from ninja_extra import (\n    route,\n\n    # The API.\n    NinjaExtraAPI\n)",
        "NinjaExtraAPI",
    ),
    ("from ninja_extra import api_controller, \\\n    NinjaExtraAPI", "NinjaExtraAPI"),
    ("from ninja_extra import *", "NinjaExtraAPI"),
    ("import ninja", "ninja.NinjaAPI"),
    ("import ninja_extra as ne, os", "ne.NinjaExtraAPI"),
    ("import ninja_extra.main", "ninja_extra.main.NinjaExtraAPI"),
    ("from ninja_extra import main as m", "m.NinjaExtraAPI"),
]
# Where the import is.
PLACES = [
    "{0}\n",
    "import os; {0}\n",
    "try:\n    {0}\nexcept ImportError:  # not installed\n    raise\n",
    "if True:\n\t{0}\nelse:\n\tpass\n",
    '"""A file with ninja.NinjaAPI in its docstring."""\n\nfrom __future__ import annotations\n\n{0}  # noqa\n',
]
# How the class is used; `{0}` is its name.
USES = [
    "api = {0}(urls_namespace=__name__)\n",
    "def make(of=None) -> {0}:\n    return {0}(\n        title='NinjaAPI',  # NinjaAPI\n        urls_namespace=__name__,\n    )\n\n\napi = make()\n",
    "class Own({0}):\n    '''A NinjaAPI.'''\n\n\napi: {0} = Own(urls_namespace=__name__)\n",
    "kinds = {{'NinjaAPI': {0}}}\napi = kinds['NinjaAPI'](urls_namespace=__name__)\nassert isinstance(api, {0})\n",
    "x = [f'{{{0}.__name__}}' for y in ({0},)]; api = (lambda: {0}(urls_namespace=__name__))()\n",
]
ALL = list(itertools.product(IMPORTS, PLACES, USES))
# `import os; from x import (…)` and a block keep their meaning only with an import on one line.
FILES = [
    (imported, place, use)
    for imported, place, use in ALL
    if "\n" not in imported[0] or place in (PLACES[0], PLACES[4])
    if not (imported[0].endswith("*") and "\t" in place)
]


def written(imported: tuple[str, str], place: str, use: str) -> str:
    return place.format(imported[0]) + "\n\n" + use.format(imported[1])


@pytest.mark.parametrize(
    "part",
    [pytest.param(range(100)), pytest.param(range(100, 1_000), marks=pytest.mark.exhaustive)],
)
def test_a_file_is_adopted_once(tmp_path: Path, part: range):
    shuffled = random.Random(18).sample(FILES, len(FILES))
    paths = []
    for number in part:
        if number < len(shuffled):
            # No file imports from another one, so each is adopted as if it were alone.
            paths.append(tmp_path / f"file_{number}.py")
            paths[-1].write_text(written(*shuffled[number]))
    assert len(paths) >= min(100, len(FILES) - part.start)
    sources, notes = read(paths, WORDS)
    assert len(sources) == len(paths)
    assert not notes
    adopt(sources, tmp_path)
    for source in sources:
        before, after = source.before.decode(), source.text
        assert not source.notes, (before, source.notes)
        assert comments(before) == comments(after), (before, after)
        changed = set(before.splitlines()) - set(after.splitlines())
        assert all("ninja" in line.lower() for line in changed), (before, after)
        scope: dict[str, object] = {"__name__": source.path.stem}
        exec(compile(after, str(source.path), "exec"), scope)
        assert isinstance(scope["api"], MattAPI), after
        source.path.write_text(after)
    again, _ = read(paths, WORDS)
    adopt(again, tmp_path)
    assert [source.change for source in again] == [None] * len(again)


def comments(text: str) -> list[str]:
    return sorted(re.findall(r"#.*", text))
