"""The small apps, and what the documentation shows, use no other names than `docs/extending.md` lists."""

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import django_matt
from tests.docs.snippets import TREE, blocks_of

pytestmark = pytest.mark.once

APPS = [
    *(path for path in (TREE / "tests" / "apps").glob("*.py") if not path.name.startswith("test_")),
    *(TREE / "tests" / "html").glob("*.py"),
    TREE / "tests" / "scopes" / "tenants.py",
    TREE / "tests" / "extending" / "apps.py",
]
PAGES = [TREE / "README.md", *sorted((TREE / "docs").rglob("*.md"))]
OF_DJANGO = {"_default_manager", "_base_manager", "_meta"}
"""What Django documents in spite of the underscore."""


def listed() -> dict[str, set[str]]:
    """Return the public names by module, as the page has them."""
    page = (TREE / "docs" / "extending.md").read_text()
    table = page[page.index("## Public names") :]
    rows = re.findall(r"^\| `(django_matt[\w.]*)` \| (.*?) \|", table, re.M)
    return {module: set(re.findall(r"`(\w+)`", names)) for module, names in rows}


PUBLIC = {**listed(), "django_matt": set(django_matt.__all__)}


def private_uses(source: str) -> Iterator[str]:
    """Yield each name of ours that a source imports without a promise, and each private attribute of another object."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name.startswith("django_matt."))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("django_matt"):
            module = str(node.module)
            # What each contrib app offers is on its own page.
            if not module.startswith("django_matt.contrib."):
                known = PUBLIC.get(module, set())
                yield from (
                    f"{module}.{each.name}" for each in node.names if each.name not in known
                )
        elif isinstance(node, ast.Attribute) and re.match(r"_(?!_)", node.attr):
            owner = node.value.id if isinstance(node.value, ast.Name) else None
            if node.attr not in OF_DJANGO and owner not in {"self", "cls"}:
                yield f".{node.attr}"
        elif isinstance(node, ast.Constant) and str(node.value).startswith("_matt_"):
            yield str(node.value)


@pytest.mark.parametrize("path", APPS, ids=lambda path: str(path.relative_to(TREE / "tests")))
def test_an_app_uses_public_names_alone(path: Path):
    assert list(private_uses(path.read_text())) == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(TREE)))
def test_the_documentation_shows_public_names_alone(path: Path):
    blocks = [each for each in blocks_of(path.read_text()) if each.language == "python"]
    found = [used for each in blocks for used in private_uses(each.text)]
    assert [used for used in found if used.startswith("django_matt")] == []


@pytest.mark.parametrize("module", PUBLIC)
def test_every_listed_name_exists(module: str):
    assert PUBLIC[module]
    assert PUBLIC[module] <= set(import_module(module).__all__)


@pytest.mark.parametrize(
    ("source", "used"),
    [
        (
            "from django_matt.hooks import OperationHook, bound_hooks",
            "django_matt.hooks.bound_hooks",
        ),
        ("from django_matt.binding import Binding", "django_matt.binding.Binding"),
        ("from django_matt import _names", "django_matt._names"),
        ("import django_matt.responses", "django_matt.responses"),
        ("operation._matt_binding.bind()", "._matt_binding"),
        ("getattr(operation, '_matt_hooks', ())", "_matt_hooks"),
    ],
)
def test_a_name_that_is_not_public_is_found(source: str, used: str):
    assert list(private_uses(source)) == [used]
