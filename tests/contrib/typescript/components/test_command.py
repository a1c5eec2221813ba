"""``manage.py matt_generate form|table|page … --to react|svelte`` without Node: what it writes, refuses and keeps."""

import json

import pytest

from django_matt.contrib.typescript.components.sources import PACKAGES
from tests.contrib.typescript.components.conftest import Project
from tests.e2e.servers import ROOT

pytestmark = [pytest.mark.once, pytest.mark.slow]


def files(project: Project) -> dict[str, str]:
    return {
        str(path.relative_to(project.folder)): path.read_text()
        for path in project.folder.rglob("*")
        if path.is_file()
    }


REFUSED = [
    (
        "form",
        "books.creat",
        "no schema and no operation 'books.creat'. Did you mean 'books.create'?",
    ),
    ("form", "cursors", "a form needs an operation that takes a body (POST, PUT or PATCH)"),
    ("table", "avatars", "a table needs a list without required parameters, and Avatar has none."),
]


@pytest.mark.parametrize(("kind", "name", "sentence"), REFUSED)
def test_a_name_that_a_kind_cannot_be_made_of_is_refused(
    project: Project, kind: str, name: str, sentence: str
):
    said = project.refuse("matt_generate", kind, name, "--to", "react", "--no-input")
    assert sentence in said
    assert files(project) == {}


def test_an_option_and_a_target_that_it_does_not_have_are_refused(project: Project):
    said = project.refuse("matt_generate", "form", "books", "--to", "react", "--tests")
    assert "--tests does nothing for --to react." in said
    said = project.refuse("matt_generate", "form", "books", "--to", "vue")
    assert "use --to html or --to react or --to svelte." in said


def test_it_is_refused_without_a_typed_client(project: Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Project, "environment", {**project.environment, "SITE_OUTPUT": ""})
    said = project.refuse("matt_generate", "form", "books", "--to", "svelte")
    assert 'settings.MATT_TYPESCRIPT = {"OUTPUT": "web/src/api"}' in said


def test_a_dry_run_writes_nothing(project: Project):
    said = project.succeed("matt_generate", "form", "books", "--to", "svelte", "--dry-run")
    assert "+  type Body = BodyOf<typeof booksCreate>;" in said
    assert files(project) == {}


def test_edits_are_kept_and_what_is_missing_is_named(project: Project):
    said = project.generate("form", "books")
    for name, version in PACKAGES["react"].items():
        assert f"{name}@{version}" in said
    assert 'set MATT_TYPESCRIPT = {…, "REACT": True, "ZOD": True}' in said
    form = project.front / "src/components/book-form.tsx"
    form.write_text(form.read_text().replace("          Save\n", "          Store\n"))
    button = project.front / "src/components/ui/button.tsx"
    button.write_text("export const Button = () => null;\n")
    before = files(project)
    assert "Nothing changes" in project.generate("form", "books")
    assert files(project) == before


def test_the_versions_are_those_that_are_tested():
    tested = json.loads((ROOT / "tests/node/package.json").read_text())["devDependencies"]
    for packages in PACKAGES.values():
        assert packages.items() <= tested.items()
