"""``matt adopt`` from NinjaAPI and NinjaExtraAPI: a table of what people write, each with what it becomes."""

from pathlib import Path

import ninja
import ninja_extra
import pytest

import django_matt
from django_matt.contrib.upgrades.adoptions import SWAP, WORDS, adopt
from django_matt.contrib.upgrades.sources import read

from .projects import Project, git

SETTINGS = 'INSTALLED_APPS = ["django.contrib.contenttypes", "ninja_extra", "django_matt"]\n'

CASES = {
    "one import": (
        "from ninja_extra import NinjaExtraAPI, api_controller\napi = NinjaExtraAPI(title='A')\n",
        "from django_matt import MattAPI, api_controller\napi = MattAPI(title='A')\n",
    ),
    "an import with a name that django_matt does not export": (
        "from ninja import NinjaAPI, Router\napi = NinjaAPI()\n",
        "from django_matt import MattAPI\nfrom ninja import Router\napi = MattAPI()\n",
    ),
    "an alias": (
        "from ninja_extra import NinjaExtraAPI as API\napi = API()\n",
        "from django_matt import MattAPI as API\napi = API()\n",
    ),
    "a module with an alias": (
        "import ninja_extra as ne\napi = ne.NinjaExtraAPI(ne.status)\n",
        "from django_matt import MattAPI\nimport ninja_extra as ne\napi = MattAPI(ne.status)\n",
    ),
    "a module that nothing else uses": (
        "import ninja_extra as ne\napi = ne.NinjaExtraAPI()\n",
        "from django_matt import MattAPI\napi = MattAPI()\n",
    ),
    "a dotted module": (
        "import ninja.main\napi = ninja.main.NinjaAPI()\n",
        "from django_matt import MattAPI\napi = MattAPI()\n",
    ),
    "a module of the package": (
        "from ninja import main\napi = main.NinjaAPI()\n",
        "from django_matt import MattAPI\napi = MattAPI()\n",
    ),
    "the module that defines it": (
        "from ninja_extra.main import NinjaExtraAPI\napi = NinjaExtraAPI()\n",
        "from django_matt import MattAPI\napi = MattAPI()\n",
    ),
    "a star": (
        "from ninja_extra import *\napi = NinjaExtraAPI()\nroute\n",
        "from django_matt import MattAPI\nfrom ninja_extra import *\napi = MattAPI()\nroute\n",
    ),
    "a name that has another value too": (
        "try:\n    from ninja import NinjaAPI\nexcept ImportError:\n    NinjaAPI = None\napi = NinjaAPI and NinjaAPI()\n",
        "try:\n    from django_matt import MattAPI as NinjaAPI\nexcept ImportError:\n    NinjaAPI = None\napi = NinjaAPI and NinjaAPI()\n",
    ),
    "a name that a function replaces": (
        "from ninja import NinjaAPI\ndef use(other):\n    global NinjaAPI\n    NinjaAPI = other\napi = NinjaAPI()\n",
        "from django_matt import MattAPI as NinjaAPI\ndef use(other):\n    global NinjaAPI\n    NinjaAPI = other\napi = NinjaAPI()\n",
    ),
    "both classes": (
        "from ninja import NinjaAPI\nfrom ninja_extra import NinjaExtraAPI\na, b = NinjaAPI(), NinjaExtraAPI()\n",
        "from django_matt import MattAPI\nfrom django_matt import MattAPI\na, b = MattAPI(), MattAPI()\n",
    ),
    "comments and several lines": (
        "from ninja_extra import (  # ours\n    status,  # numbers\n    NinjaExtraAPI,  # the API\n    route,\n)\n",
        "from django_matt import MattAPI  # the API\nfrom ninja_extra import (  # ours\n    status,  # numbers\n    route,\n)\n",
    ),
    "several lines that move": (
        "from ninja_extra import (\n    NinjaExtraAPI,  # the API\n    route,\n)\nx = NinjaExtraAPI\n",
        "from django_matt import (\n    MattAPI,  # the API\n    route,\n)\nx = MattAPI\n",
    ),
    "a backslash": (
        "from ninja import Router, \\\n    NinjaAPI\nx = NinjaAPI\n",
        "from django_matt import MattAPI\nfrom ninja import Router\nx = MattAPI\n",
    ),
    "a semicolon and tabs": (
        "def f():\n\tfrom ninja import NinjaAPI, Router; x = 1\n\treturn NinjaAPI()\n",
        "def f():\n\tfrom django_matt import MattAPI\n\tfrom ninja import Router; x = 1\n\treturn MattAPI()\n",
    ),
    "after a semicolon": (
        "x = 1; from ninja import NinjaAPI, Router\nNinjaAPI()\n",
        "x = 1; from django_matt import MattAPI; from ninja import Router\nMattAPI()\n",
    ),
    "a condition on one line": (
        "if x: from ninja import NinjaAPI, Router\n",
        "if x: from django_matt import MattAPI; from ninja import Router\n",
    ),
    "a fallback": (
        "try:\n    from ninja_extra import NinjaExtraAPI as API\nexcept ImportError:\n    from ninja import NinjaAPI as API\n",
        "try:\n    from django_matt import MattAPI as API\nexcept ImportError:\n    from django_matt import MattAPI as API\n",
    ),
    "for type checkers": (
        'from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ninja import NinjaAPI\ndef f(api: "NinjaAPI | None") -> "list[NinjaAPI]": ...\n',
        'from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from django_matt import MattAPI\ndef f(api: "MattAPI | None") -> "list[MattAPI]": ...\n',
    ),
    "annotations": (
        "from ninja import NinjaAPI\nx: NinjaAPI\ndef f(a: type[NinjaAPI]) -> NinjaAPI: ...\n",
        "from django_matt import MattAPI\nx: MattAPI\ndef f(a: type[MattAPI]) -> MattAPI: ...\n",
    ),
    "a subclass": (
        "from ninja_extra import NinjaExtraAPI\nclass API(NinjaExtraAPI):\n    def __init__(self): super(NinjaExtraAPI, self)\n",
        "from django_matt import MattAPI\nclass API(MattAPI):\n    def __init__(self): super(MattAPI, self)\n",
    ),
    "a name of its own scope": (
        "from ninja import NinjaAPI\ndef f(NinjaAPI): return NinjaAPI\nf(NinjaAPI=NinjaAPI).NinjaAPI\n",
        "from django_matt import MattAPI\ndef f(NinjaAPI): return NinjaAPI\nf(NinjaAPI=MattAPI).NinjaAPI\n",
    ),
    "a name that is taken": (
        "from ninja import NinjaAPI\nclass MattAPI: ...\nNinjaAPI()\n",
        "from django_matt import MattAPI as NinjaAPI\nclass MattAPI: ...\nNinjaAPI()\n",
    ),
    "a name in __all__": (
        'from ninja import NinjaAPI\n__all__ = ["NinjaAPI"]\n',
        'from django_matt import MattAPI as NinjaAPI\n__all__ = ["NinjaAPI"]\n',
    ),
    "test clients": (
        "from ninja.testing import TestClient\nfrom ninja_extra.testing import TestAsyncClient as C\nTestClient(r)\n",
        "from django_matt.testing import TestClient\nfrom django_matt.testing import TestAsyncClient as C\nTestClient(r)\n",
    ),
    "MattAPI is there already": (
        "from django_matt import MattAPI\nimport ninja\na, b = MattAPI(), ninja.NinjaAPI(ninja.P)\n",
        "from django_matt import MattAPI\nimport ninja\na, b = MattAPI(), MattAPI(ninja.P)\n",
    ),
    "comments and docstrings that name it": (
        '"""Of ninja.NinjaAPI."""\nfrom ninja import NinjaAPI  # a NinjaAPI\nx = NinjaAPI\n',
        '"""Of ninja.NinjaAPI."""\nfrom django_matt import MattAPI  # a NinjaAPI\nx = MattAPI\n',
    ),
    "names that only look like it": (
        "from other import NinjaAPI\nfrom ninja import NinjaAPIError\nNinjaAPI()\nx.NinjaAPI\n",
        None,
    ),
    "the line endings of Windows": (
        "from ninja import NinjaAPI, Router\r\napi = NinjaAPI()\r\n",
        "from django_matt import MattAPI\r\nfrom ninja import Router\r\napi = MattAPI()\r\n",
    ),
    "no line ending at the end": (
        "from ninja import NinjaAPI\napi = NinjaAPI()",
        "from django_matt import MattAPI\napi = MattAPI()",
    ),
    "a form feed": (
        "import os\n\x0c\nfrom ninja import NinjaAPI\nx = '\x0c'\napi = NinjaAPI()\n",
        "import os\n\x0c\nfrom django_matt import MattAPI\nx = '\x0c'\napi = MattAPI()\n",
    ),
    "wide characters": (
        "x = '🍋 é'; from ninja import NinjaAPI\ny = '🍋', NinjaAPI\n",
        "x = '🍋 é'; from django_matt import MattAPI\ny = '🍋', MattAPI\n",
    ),
}


def adopted(folder: Path, text: str) -> str:
    """Return what a file becomes."""
    path = folder / "file.py"
    path.write_bytes(text.encode())
    sources, notes = read([path], WORDS)
    assert not notes
    adopt(sources, folder)
    return sources[0].text if sources else text


@pytest.mark.sampled(100)
@pytest.mark.parametrize("case", CASES)
def test_what_people_write_becomes(tmp_path: Path, case: str):
    before, after = CASES[case]
    found = adopted(tmp_path, before)
    assert found == (before if after is None else after)
    compile(found, "file.py", "exec")
    assert adopted(tmp_path, found) == found


APPS = {
    "lines with comments": (
        'INSTALLED_APPS = [\n    "django.contrib.auth",\n    "ninja_extra",  # controllers\n    "shop",\n]\n',
        'INSTALLED_APPS = [\n    "django.contrib.auth",\n    "ninja_extra",  # controllers\n    "django_matt",\n    "shop",\n]\n',
    ),
    "one line": (
        "INSTALLED_APPS = ['django.contrib.auth', 'ninja_extra']\n",
        "INSTALLED_APPS = ['django.contrib.auth', 'ninja_extra', 'django_matt']\n",
    ),
    "no comma at the end": (
        'INSTALLED_APPS = (\n    "django.contrib.auth",\n    "ninja"  # docs\n)\n',
        'INSTALLED_APPS = (\n    "django.contrib.auth",\n    "ninja",  # docs\n    "ninja_extra",\n    "django_matt"\n)\n',
    ),
    "lists that are added": (
        'MORE_APPS = ["ninja_extra"]\nINSTALLED_APPS = ["django.contrib.auth"] + MORE_APPS\n',
        'MORE_APPS = ["ninja_extra", "django_matt"]\nINSTALLED_APPS = ["django.contrib.auth"] + MORE_APPS\n',
    ),
    "a configuration and an annotation": (
        'INSTALLED_APPS: list[str] = [*A, "ninja_extra.apps.NinjaExtraConfig"]\n',
        'INSTALLED_APPS: list[str] = [*A, "ninja_extra.apps.NinjaExtraConfig", "django_matt"]\n',
    ),
    "an addition": (
        'INSTALLED_APPS += ["ninja_extra"]\n',
        'INSTALLED_APPS += ["ninja_extra", "django_matt"]\n',
    ),
    "a call": (
        'settings.configure(INSTALLED_APPS=("django.contrib.contenttypes", "x"), DEBUG=True)\n',
        'settings.configure(INSTALLED_APPS=("django.contrib.contenttypes", "x", "ninja_extra", "django_matt"), DEBUG=True)\n',
    ),
    "a dictionary": (
        'D = {"INSTALLED_APPS": ["django.contrib.contenttypes"]}\n',
        'D = {"INSTALLED_APPS": ["django.contrib.contenttypes", "ninja_extra", "django_matt"]}\n',
    ),
    "all are there": (SETTINGS, None),
}


@pytest.mark.sampled(100)
@pytest.mark.parametrize("case", APPS)
def test_the_apps_are_installed(tmp_path: Path, case: str):
    before, after = APPS[case]
    used = "from ninja import NinjaAPI\n"
    found = adopted(tmp_path, before + used).removesuffix("from django_matt import MattAPI\n")
    assert found == (before if after is None else after)
    assert adopted(tmp_path, found + used).startswith(found)


def test_settings_without_a_list_are_reported(project: Project):
    project.write({"api.py": "from ninja import NinjaAPI\n", "settings.py": "from base import *\n"})
    assert 'Add "ninja_extra" and "django_matt"' in project.run("adopt")[1]


def test_a_name_that_another_file_imports_stays(project: Project):
    project.write(
        {
            "shop/__init__.py": "",
            "shop/api.py": "from ninja import NinjaAPI\nimport ninja\n\nclass API(NinjaAPI): ...\n",
            "shop/urls.py": "from .api import NinjaAPI\nfrom shop.other import *\napi = NinjaAPI()\n",
            "shop/other.py": "from ninja_extra import NinjaExtraAPI\n",
            "settings.py": SETTINGS,
        }
    )
    project.run("adopt")
    assert project.read("shop/api.py").startswith("from django_matt import MattAPI as NinjaAPI\n")
    assert "(NinjaAPI)" in project.read("shop/api.py")
    assert project.read("shop/urls.py").startswith("from .api import NinjaAPI\n")
    assert project.read("shop/other.py") == "from django_matt import MattAPI as NinjaExtraAPI\n"


def test_what_is_left_to_a_person_is_reported_with_its_line(project: Project):
    project.write(
        {
            "broken.py": "from ninja import NinjaAPI\n\ndef f(:\n",
            "patched.py": 'x = 1\nmock.patch("ninja_extra.main.NinjaExtraAPI")\n',
            "routes.py": "from ninja import NinjaAPI\napi = NinjaAPI()\n\n@api.get('/a')\ndef a(request) -> int:\n    return 1\n",
            "settings.py": SETTINGS,
        }
    )
    _, err = project.run("adopt")
    assert "broken.py:3: not changed: Python cannot read this line." in err
    assert "patched.py:2: A string names ninja_extra.main.NinjaExtraAPI" in err
    assert "routes.py: Routes on the API itself use Ninja Extra's router now" in err
    assert "NinjaAPI" in project.read("broken.py")


def test_encodings_stay(project: Project):
    latin = "# coding: latin-1\nfrom ninja import NinjaAPI\nx = 'é', NinjaAPI\n".encode("latin-1")
    marked = b"\xef\xbb\xbffrom ninja import NinjaAPI\nx = NinjaAPI\n"
    project.write({"latin.py": latin, "marked.py": marked, "settings.py": SETTINGS})
    project.run("adopt")
    assert (project.folder / "latin.py").read_bytes() == (
        "# coding: latin-1\nfrom django_matt import MattAPI\nx = 'é', MattAPI\n".encode("latin-1")
    )
    assert (project.folder / "marked.py").read_bytes().startswith(b"\xef\xbb\xbffrom django_matt")


def test_the_diff_of_a_dry_run_is_applied_by_git(project: Project):
    project.write(
        {
            "api.py": "from ninja import NinjaAPI, Router\napi = NinjaAPI()",
            "settings.py": 'INSTALLED_APPS = ["ninja_extra"]\n',
        }
    )
    out, _ = project.run("adopt", dry_run=True)
    assert "NinjaAPI()" in project.read("api.py")
    (project.folder / "a.diff").write_text(out)
    git(project.folder, "apply", "a.diff")
    applied = project.read("api.py"), project.read("settings.py")
    git(project.folder, "checkout", "--quiet", ".")
    (project.folder / "a.diff").unlink()
    project.run("adopt")
    assert (project.read("api.py"), project.read("settings.py")) == applied


def test_an_uncommitted_tree_is_refused(project: Project):
    project.write({"api.py": "from ninja import NinjaAPI\n"})
    (project.folder / "new.py").write_text("x = 1\n")
    for command, word in (("adopt", "adoption"), ("upgrade", "upgrade")):
        _, err = project.run(command, code=1)
        assert "the project has uncommitted changes" in err
        assert word in err
        # A dry run changes nothing, and may look.
        project.run(command, dry_run=True)
    assert project.read("api.py") == "from ninja import NinjaAPI\n"


def test_a_folder_without_git_is_refused(project: Project):
    (project.folder / "api.py").write_text("from ninja import NinjaAPI\n")
    (project.folder / "venv").mkdir()
    (project.folder / "venv" / "pyvenv.cfg").touch()
    (project.folder / "venv" / "lib.py").write_text("from ninja import NinjaAPI\n")
    assert "is not a git repository" in project.run("adopt", code=1)[1]
    out, _ = project.run("adopt", dry_run=True)
    assert "a/api.py" in out
    assert "venv" not in out


def test_only_the_named_files_and_never_links_are_changed(project: Project):
    text = "from ninja import NinjaAPI\n"
    project.write(
        {"a/one.py": text, "b/two.py": text, ".gitignore": "ignored.py\n", "settings.py": SETTINGS}
    )
    (project.folder / "ignored.py").write_text(text)
    outside = project.folder.parent / "outside.py"
    outside.write_text(text)
    (project.folder / "linked.py").symlink_to(outside)
    project.commit()
    assert "is not in the project" in project.run("adopt", "../outside.py", code=2)[1]
    project.run("adopt", "a")
    assert "MattAPI" in project.read("a/one.py")
    assert project.read("b/two.py") == text
    project.commit()
    project.run("adopt")
    assert "MattAPI" in project.read("b/two.py")
    assert outside.read_text() == project.read("ignored.py") == text


def test_names_that_come_along_are_the_same_objects():
    for module, package in (("ninja", ninja), ("ninja_extra", ninja_extra)):
        for name in SWAP.along[module]:
            assert getattr(package, name) is getattr(django_matt, name), f"{module}.{name}"


@pytest.mark.sampled(100)
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"\xff\xfe\x00",
        b"# coding: klingon\n",
        b"# coding: latin-1\n'\xe9'\n",
        b"'\xe9'\n",
        b"x = " + b"(" * 5_000 + b")" * 5_000 + b"\n",
        b"x = " + b"-" * 1_000 + b"1\n",
        b"x = 1" + b" + 1" * 100 + b"\n",
        b"\tx = 1\n y = 2\n",
        b"print 'two'\n",
        b"x = '\\d'\n",
        b"match x:\n    case [1, *_]: pass\n",
        b"x = 1\r\ny = 2\rz = 3\n",
    ],
    ids=range(14),
)
def test_a_file_that_is_odd_or_broken_is_adopted_or_reported_and_never_spoiled(
    tmp_path: Path, data: bytes
):
    path = tmp_path / "odd.py"
    path.write_bytes(data + b"from ninja import NinjaAPI\n")
    sources, notes = read([path], WORDS)
    assert len(sources) + len(notes) == 1
    adopt(sources, tmp_path)
    for source in sources:
        assert source.change
        assert source.change.after == data + b"from django_matt import MattAPI\n"


def test_the_example_of_a_migration_is_what_the_command_makes():
    folder = Path(__file__).resolve().parents[3] / "examples" / "migration"
    sources, _ = read([folder / "before" / "notes.py"], WORDS)
    assert adopt(sources, folder) == []
    after = (folder / "after" / "notes.py").read_text()
    for part in ("class NoteIn", "INSTALLED_APPS"):
        assert (
            sources[0].text.partition(part)[2].splitlines()[0]
            == after.partition(part)[2].splitlines()[0]
        )
    assert sources[0].text.partition("class NoteIn")[2] == after.partition("class NoteIn")[2]
