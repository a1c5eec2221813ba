"""``matt upgrade``: each codemod by a table of cases, and what every codemod and every warning has to obey."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from django_matt.contrib.upgrades.codemods import CODEMODS, codemods_from
from django_matt.contrib.upgrades.sources import read

from .projects import Project

TREE = Path(__file__).resolve().parents[3]


def upgraded(folder: Path, text: str) -> tuple[str, list[str]]:
    """Return what a file becomes, and the notes about it."""
    path = folder / "file.py"
    path.write_text(text)
    sources, notes = read([path], [word for each in CODEMODS for word in each.words])
    for each in CODEMODS:
        notes += each.run(sources, folder)
    notes += [note for source in sources for note in source.notes]
    return (sources[0].text if sources else text), [note.text for note in notes]


ROUTE = "from django_matt import http_get\n\n\n@http_get('')\ndef view(self):\n    {}\n"
WITH_STATUS = ROUTE.replace("from", "from django_matt import Status\nfrom", 1)

STATUS = {
    "a pair": ("return 201, data", "return Status(201, data)"),
    "a pair in parentheses": ("return (201, data)", "return Status(201, data)"),
    "no space": ("return(201, data)", "return Status(201, data)"),
    "several lines": (
        "return (  # made\n        201,\n        {'id': 1},  # the id\n    )",
        "return Status(  # made\n        201,\n        {'id': 1},  # the id\n    )",
    ),
    "a condition": (
        "return (201, a) if made else (400, b)",
        "return Status(201, a) if made else Status(400, b)",
    ),
    "a name of HTTP": ("return HTTPStatus.CREATED, a", "return Status(HTTPStatus.CREATED, a)"),
    "a name of DRF's kind": (
        "return status.HTTP_201_CREATED, a",
        "return Status(status.HTTP_201_CREATED, a)",
    ),
    "a block": ("if x:\n        return 404, None", "if x:\n        return Status(404, None)"),
    "no status": ("return 1, 2", None),
    "three": ("return 201, a, b", None),
    "a star": ("return 201, *a", None),
    "a function inside": ("def inner():\n        return 201, a\n    return inner()", None),
    "a lambda": ("return map(lambda x: (201, x), a)", None),
}


@pytest.mark.sampled(100)
@pytest.mark.parametrize("case", STATUS)
def test_a_view_returns_a_status(tmp_path: Path, case: str):
    before, after = STATUS[case]
    text = ROUTE.format(before)
    found, _ = upgraded(tmp_path, text)
    assert found == (text if after is None else WITH_STATUS.format(after))
    compile(found, "file.py", "exec")
    assert upgraded(tmp_path, found)[0] == found


def test_the_status_of_a_file_is_used(tmp_path: Path):
    ninja = "from ninja import Router, Status\nrouter = Router()\n@router.post('')\nasync def a(request):\n    return 201, 1\n"
    assert upgraded(tmp_path, ninja)[0] == ninja.replace("201, 1", "Status(201, 1)")
    taken = (
        "import django_matt\nclass Status: ...\n@api.get('')\ndef a(request):\n    return 200, 1\n"
    )
    assert upgraded(tmp_path, taken)[0] == taken.replace("200, 1", "MattStatus(200, 1)").replace(
        "import", "from django_matt import Status as MattStatus\nimport", 1
    )
    local = ninja + "def b(request):\n    Status = 1\n    return Status\n"
    assert "return MattStatus(201, 1)" in upgraded(tmp_path, local)[0]
    assert "from django_matt import Status as MattStatus\n" in upgraded(tmp_path, local)[0]
    assert upgraded(tmp_path, upgraded(tmp_path, local)[0])[0] == upgraded(tmp_path, local)[0]
    inside = "import django_matt\n@api.get('')\ndef a(request):\n    Status = Order.Status\n    return 200, Status.PAID\n"
    assert upgraded(tmp_path, inside)[0] == inside.replace(
        "200, Status.PAID", "MattStatus(200, Status.PAID)"
    ).replace("import", "from django_matt import Status as MattStatus\nimport", 1)
    # Not a route: its caller may need the pair.
    other = "@cache.get('')\ndef a():\n    return 5, 1\n\ndef b():\n    return 200, 1\n"
    assert upgraded(tmp_path, other)[0] == other


def test_conditional_is_an_app(tmp_path: Path):
    before = (
        "from django_matt import MattAPI, conditional\n"
        "from django_matt.conditions import check_preconditions\n"
        'INSTALLED_APPS = ["ninja_extra", "django_matt"]\n'
    )
    found, notes = upgraded(tmp_path, before)
    assert found == (
        "from django_matt.contrib.conditional import conditional\n"
        "from django_matt import MattAPI\n"
        "from django_matt.contrib.conditional import check_preconditions\n"
        'INSTALLED_APPS = ["ninja_extra", "django_matt", "django_matt.contrib.conditional"]\n'
    )
    assert not notes
    assert upgraded(tmp_path, found) == (found, [])
    _, notes = upgraded(tmp_path, "from django_matt import conditional\n")
    assert "INSTALLED_APPS" in notes[0]


def test_mailers_take_the_place_of_email(tmp_path: Path):
    before = (
        "from django_matt.contrib.environments import cache, email\n"
        "# Mail\n"
        "globals().update(email(env.EMAIL_URL))  # by one variable\n"
    )
    found, notes = upgraded(tmp_path, before)
    assert found == (
        "from django_matt.contrib.environments import mailer\n"
        "from django_matt.contrib.environments import cache\n"
        "# Mail\n"
        'MAILERS = {"default": mailer(env.EMAIL_URL)}  # by one variable\n'
    )
    assert "Django before 6.1" in notes[0]
    assert upgraded(tmp_path, found)[0] == found
    other = "from django_matt.contrib.environments import email\nvalues = email(url)\n"
    found, notes = upgraded(tmp_path, other)
    assert found == other
    assert "is mailer(url) now" in notes[0]


def test_what_a_release_did_not_have_any_more_is_left_out(project: Project):
    text = "from django_matt import conditional\n" + ROUTE.format("return 201, data")
    project.write({"views.py": text})
    _, err = project.run("upgrade", code_of="1.0.0.dev0", dry_run=True)
    assert "status-tuples (1 files)" in err
    assert "conditional-app" not in err
    _, err = project.run("upgrade", dry_run=True)
    assert "conditional-app (1 files)" in err
    for version in ("one", "1", "1.x"):
        assert "is not a release" in project.run("upgrade", code_of=version, code=2)[1]
    assert codemods_from("0.9") == list(CODEMODS)
    project.run("upgrade")
    assert "Status(201, data)" in project.read("views.py")
    project.commit()
    assert project.run("upgrade")[0].startswith("Nothing to change for Django Matt 1.0.0.dev0")


def test_the_diff_of_the_page_is_what_the_command_prints(project: Project):
    page = (TREE / "docs" / "upgrading.md").read_text()
    shown = page.partition("```diff\n")[2].partition("```")[0]
    before = [line[1:] for line in shown.splitlines()[3:] if not line.startswith("+")]
    project.write({"shop/views.py": "\n".join(before) + "\n"})
    out, _ = project.run("upgrade", dry_run=True)
    assert [line.rstrip() for line in out.splitlines()] == shown.splitlines()


def warned() -> Iterator[tuple[str, str]]:
    """Yield each file of Django Matt that warns of a deprecation, with the text of the file."""
    for path in [*(TREE / "django_matt").rglob("*.py"), *(TREE / "contrib").rglob("*.py")]:
        if "project_template" in path.parts or "upgrades" in path.parts:
            continue
        text = path.read_text()
        for node in ast.walk(ast.parse(text)):
            is_warning = isinstance(node, ast.Call) and ast.unparse(node.func).endswith("warn")
            if is_warning and re.search(
                r"DeprecationWarning|RemovedInMatt\d+Warning", ast.unparse(node)
            ):
                yield path.name, text


def test_each_warning_of_a_deprecation_names_its_codemod():
    found = list(warned())
    assert [name for name, _ in found] == ["responses.py"]
    for name, text in found:
        assert any(f"`matt upgrade` rewrites it ({each.name})" in text for each in CODEMODS), name


def test_the_page_lists_each_codemod():
    page = (TREE / "docs" / "upgrading.md").read_text()
    for each in CODEMODS:
        assert f"| `{each.name}` | {each.removed or 'not yet'} |" in page
    assert len({each.name for each in CODEMODS}) == len(CODEMODS)
