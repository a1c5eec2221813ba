"""The import contracts hold, and each of them can be broken."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import TREE, run

pytestmark = [pytest.mark.once]


def lint_imports(tree: Path) -> tuple[int, str]:
    process = run(Path(sys.executable).parent / "lint-imports", "--no-logo", "--no-cache", cwd=tree)
    return process.returncode, re.sub(r"\s+", " ", process.stdout + process.stderr)


@pytest.mark.parametrize(
    ("files", "broken"),
    [
        ({"django_matt/settings.py": "import django_matt.api"}, "The core: each layer"),
        ({"django_matt/routers.py": "import django_matt.errors.handlers"}, "The core: each layer"),
        (
            {"django_matt/serialization/plan.py": "import django_matt.formats"},
            "The core: each layer",
        ),
        (
            {"contrib/one/__init__.py": "", "django_matt/api.py": "import django_matt.contrib.one"},
            "The core: each layer",
        ),
        ({"django_matt/homeless.py": ""}, "The core: each layer"),
        ({"django_matt/responses.py": "import django_matt.rows.engine"}, "The row engine"),
        (
            {
                "contrib/one/__init__.py": "",
                "contrib/two/__init__.py": "import django_matt.contrib.one",
            },
            "Contrib apps never import each other",
        ),
        (
            {
                "contrib/one/__init__.py": "",
                "contrib/one/controllers.py": "",
                "contrib/one/services.py": "import django_matt.contrib.one.controllers",
            },
            "Inside a contrib app",
        ),
        ({"django_matt/binding.py": "import msgspec"}, "Optional libraries"),
    ],
)
def test_a_wrong_import_breaks_its_contract(
    copy_tree: Callable[[], Path], files: dict[str, str], broken: str
):
    tree = copy_tree()
    for name, line in files.items():
        file = tree / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"{file.read_text() if file.exists() else ''}\n{line}\n")
    status, report = lint_imports(tree)
    assert status == 1
    assert re.search(f"{broken}(?:(?! KEPT).)* BROKEN", report), report


def test_the_contracts_hold():
    status, report = lint_imports(TREE)
    assert status == 0, report


def test_the_core_names_no_contrib_app():
    apps = [path.name for path in (TREE / "contrib").iterdir() if (path / "apps.py").exists()]
    core = [
        p
        for p in (TREE / "django_matt").rglob("*.py")
        if "contrib" not in p.relative_to(TREE).parts
    ]
    assert core
    for path in core:
        named = re.findall(r"django_matt\.contrib\.(\w+)", path.read_text())
        assert not set(named) & set(apps), f"{path} names {named}"
