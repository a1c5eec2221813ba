"""``manage.py matt_generate``: what it shows, asks, refuses and leaves alone."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.projects import SmallProject
from tests.contrib.generators.projects import make_shapes_project, run_all
from tests.contrib.generators.startapp_projects import answer

pytestmark = [pytest.mark.once, pytest.mark.projects, pytest.mark.slow]


@pytest.fixture
def project(tmp_path: Path) -> SmallProject:
    return make_shapes_project(tmp_path)


def files(project: SmallProject) -> dict[str, bytes]:
    found = (
        path
        for path in project.folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )
    return {str(path.relative_to(project.folder)): path.read_bytes() for path in found}


def refuse(project: SmallProject, *arguments: str) -> str:
    """Run the command, which must end with a sentence and leave everything as it is."""
    before = files(project)
    done = project.manage("matt_generate", *arguments)
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    assert files(project) == before
    return done.stderr


def generate(project: SmallProject, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = project.manage("matt_generate", *arguments)
    assert done.returncode == 0, done.stderr
    return done


REFUSED = [
    (["crud", "shape.Book"], "There is no app 'shape'. Did you mean 'shapes'?"),
    (["crud", "shapes.Bok"], "shapes has no model 'Bok'. Did you mean 'Book'?"),
    (["crud", "shapes"], "Name a model: shapes."),
    (["crud", "shapes.Named"], "shapes.Named is abstract"),
    (["crud", "shapes.Proxy"], "shapes.Proxy is a proxy of shapes.Person"),
    (["crud", "shapes.Foreign"], "shapes.Foreign is not managed by Django"),
    (["views", "shapes.Seat"], "shapes.Seat has a key of several columns"),
    (["crud", "auth.Group"], "The app 'auth' is in "),
    (["curd", "shapes.Book"], "There is no kind 'curd'. Did you mean 'crud'?"),
    (
        ["form", "shapes.Book", "--to", "react"],
        "form cannot be written for 'react': use --to html.",
    ),
    (["form", "shapes.Book", "--tests"], "--tests does nothing for form. Leave it out"),
    (["table", "shapes.Book", "--async"], "--async does nothing for table. Leave it out"),
    (["views", "shapes.Book", "--write-schemas"], "--write-schemas does nothing for views."),
    (["crud", "empty.Book"], "empty has no model 'Book'. It has none."),
    (["crud", "shapes.Book"], "nobody can be asked. Add --no-input"),
]


def test_what_it_cannot_do_is_a_sentence(project: SmallProject):
    project.write("empty/__init__.py", "")
    project.append("config/settings.py", "INSTALLED_APPS += ['empty']\n")
    before = files(project)
    answers = run_all(project, [["matt_generate", *each[0]] for each in REFUSED])
    for said, (_, sentence) in zip(answers, REFUSED, strict=True):
        assert said.startswith("refused: ")
        assert sentence in said
    assert files(project) == before


def test_a_swapped_model_names_the_other_one(project: SmallProject):
    project.append(
        "shapes/models.py",
        "\n\nclass Member(models.Model):\n    name = models.CharField(max_length=9)\n\n"
        "    class Meta:\n        swappable = 'SHAPES_MEMBER'\n",
    )
    project.append("config/settings.py", "SHAPES_MEMBER = 'shapes.Person'\n")
    assert "shapes.Member is swapped out by shapes.Person" in refuse(
        project, "crud", "shapes.Member", "--no-input"
    )


def test_a_model_with_the_name_of_an_import_is_refused(project: SmallProject):
    project.append(
        "shapes/models.py",
        "\n\nclass Query(models.Model):\n    name = models.CharField(max_length=9)\n",
    )
    assert "two things with the name Query" in refuse(
        project, "controller", "shapes.Query", "--no-input"
    )


def test_a_syntax_error_of_a_person_is_shown_with_its_place(project: SmallProject):
    project.write("shapes/controllers.py", "x = 1\ndef broken(:\n")
    assert "shapes/controllers.py:2:12: invalid syntax" in refuse(
        project, "crud", "shapes.Book", "--no-input"
    )


def test_a_damaged_lock_is_refused(project: SmallProject):
    project.write(".matt-generated.json", '{"files": [')
    said = refuse(project, "crud", "shapes.Book", "--no-input")
    assert ".matt-generated.json is damaged" in said


def test_a_lock_of_a_newer_version_is_refused(project: SmallProject):
    project.write(".matt-generated.json", '{"version": 2, "modules": {}}')
    said = refuse(project, "crud", "shapes.Book", "--no-input")
    assert "was written by a newer Django Matt. Update Django Matt" in said


def test_the_ends_of_lines_and_the_mark_of_a_file_stay(project: SmallProject):
    path = project.folder / "shapes/controllers.py"
    path.write_bytes(b"\xef\xbb\xbfMINE = 1\r\n")
    tag = [["matt_generate", "crud", "shapes.Tag", "--no-input"]]
    run_all(project, tag)
    text = path.read_bytes()
    assert text.startswith(b"\xef\xbb\xbf")
    assert b"class TagController(CrudController[Tag]):\r\n" in text
    assert text.count(b"\n") == text.count(b"\r\n")
    # An editor of Windows has saved it: that is no edit.
    models = project.folder / "shapes/models.py"
    models.write_text(
        models.read_text().replace(
            "max_length=40, unique=True)\n",
            "max_length=40, unique=True)\n    size = models.IntegerField(default=1)\n",
            1,
        )
    )
    page = project.folder / "shapes/templates/shapes/tag_detail.html"
    run_all(project, [["matt_generate", "views", "shapes.Tag", "--no-input"]])
    page.write_bytes(page.read_bytes().replace(b"\n", b"\r\n"))
    said = run_all(project, [*tag, ["matt_generate", "views", "shapes.Tag", "--no-input"]])
    assert b'fields = ("id", "name", "size")\r\n' in path.read_bytes()
    assert said[1].startswith("Nothing changes")
    assert run_all(project, tag)[0].startswith("Nothing changes")


def test_models_of_the_same_name_for_people_have_urls_of_their_own(project: SmallProject):
    project.append(
        "shapes/models.py",
        "\n\nclass Volume(models.Model):\n    name = models.CharField(max_length=9)\n\n"
        "    class Meta:\n        verbose_name_plural = 'books'\n",
    )
    both = ["shapes.Volume", "shapes.Book"]
    run_all(project, [["matt_generate", kind, *both, "--no-input"] for kind in ("crud", "views")])
    controllers = (project.folder / "shapes/controllers.py").read_text()
    assert '@api_controller("/volumes", tags=' in controllers
    assert '@api_controller("/books", tags=' in controllers
    urls = (project.folder / "shapes/urls.py").read_text()
    assert 'path("volumes/", views.VolumeList' in urls
    assert 'path("books/", views.BookList' in urls


def test_models_in_a_package_are_imported_from_where_they_are(project: SmallProject):
    text = (project.folder / "shapes/models.py").read_text()
    (project.folder / "shapes/models.py").unlink()
    project.write("shapes/models/__init__.py", "from shapes.models.all import *  # noqa: F403\n")
    project.write("shapes/models/all.py", text)
    said = run_all(project, [["matt_generate", "crud", "shapes.Tag", "--no-input"], ["check"]])
    assert not [each for each in said if each.startswith("refused")], said
    controllers = (project.folder / "shapes/controllers.py").read_text()
    assert "from shapes.models import Tag\n" in controllers


def test_what_was_deleted_as_a_whole_is_written_anew(project: SmallProject):
    both = [["matt_generate", "crud", "shapes.Tag", "shapes.Book", "--no-input"]]
    run_all(project, both)
    path = project.folder / "shapes/controllers.py"
    text = path.read_text()
    path.write_text(text[: text.index('@api_controller("/books"')].rstrip() + "\n")
    run_all(project, both)
    assert path.read_text() == text
    path.unlink()
    run_all(project, both)
    assert path.read_text() == text


def test_the_end_of_the_input_at_the_question_writes_nothing(project: SmallProject):
    before = files(project)
    said = answer(project, "matt_generate", "crud", "shapes.Tag", typed=b"\x04")
    assert "Write this file? [y/N]" in said
    assert "Stopped. Nothing was written." in said
    assert "Traceback" not in said
    assert files(project) == before
    assert "Nothing was written." in answer(
        project, "matt_generate", "crud", "shapes.Tag", typed=b"n\n"
    )
    assert files(project) == before
    answer(project, "matt_generate", "crud", "shapes.Tag", typed=b"y\n")
    assert files(project) != before


def test_a_file_that_was_not_generated_is_not_replaced(project: SmallProject):
    project.write("shapes/templates/shapes/book_list.html", "mine")
    said = refuse(project, "views", "shapes.Book", "--no-input")
    assert "book_list.html is there and was not generated" in said


def test_a_link_that_leaves_the_project_is_refused(
    project: SmallProject, tmp_path_factory: pytest.TempPathFactory
):
    outside = tmp_path_factory.mktemp("outside")
    (project.folder / "shapes/templates").symlink_to(outside)
    assert "outside of the project" in refuse(project, "views", "shapes.Book", "--no-input")
    assert list(outside.iterdir()) == []


def test_a_folder_that_cannot_be_written_leaves_all_files_alone(project: SmallProject):
    # Not by its permissions, which root does not have to obey: a file is where a folder must be.
    project.write("shapes/templates/shapes", "a file")
    said = refuse(project, "views", "shapes.Book", "--no-input")
    assert "Nothing was written" in said


def test_a_dry_run_shows_a_diff_and_writes_nothing(project: SmallProject):
    before = files(project)
    said = generate(project, "crud", "shapes.Book", "--dry-run").stdout
    assert "--- /dev/null\n+++ b/shapes/controllers.py\n" in said
    assert "+class BookController(CrudController[Book]):\n" in said
    assert "\x1b" not in said
    assert files(project) == before


def test_no_database_is_needed(project: SmallProject):
    project.append(
        "config/settings.py",
        'DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "HOST": "127.0.0.1", "PORT": "1"}}\n',
    )
    generate(project, "controller", "shapes.Book", "--no-input")


def test_it_says_which_line_registers_the_controller(project: SmallProject):
    said = generate(project, "crud", "shapes.Book", "--no-input").stdout
    assert (
        "from shapes.controllers import BookController, then api.register_controllers(BookController)."
        in said
    )


def test_conflicts_are_shown_and_refused_unless_a_side_is_chosen(project: SmallProject):
    generate(project, "crud", "shapes.Tag", "--no-input")
    path = project.folder / "shapes/controllers.py"
    path.write_text(path.read_text().replace('fields = ("id", "name")', 'fields = ("name",)'))
    models = project.folder / "shapes/models.py"
    models.write_text(
        models.read_text().replace(
            "    name = models.CharField(max_length=40, unique=True)\n",
            "    name = models.CharField(max_length=40, unique=True)\n    size = models.IntegerField(default=1)\n",
        )
    )
    said = refuse(project, "crud", "shapes.Tag", "--no-input")
    assert (
        "shapes/controllers.py:13: you and the generator have both changed TagController." in said
    )
    assert '  yours      |     fields = ("name",)' in said
    assert '  generated  |     fields = ("id", "name", "size")' in said
    generate(project, "crud", "shapes.Tag", "--no-input", "--on-conflict", "keep")
    assert 'fields = ("name",)' in path.read_text()
    assert "Nothing changes" in generate(project, "crud", "shapes.Tag", "--no-input").stdout


def test_edits_that_are_not_committed_are_named_and_kept(project: SmallProject):
    generate(project, "crud", "shapes.Tag", "--no-input")
    for command in (
        ["git", "init", "-q"],
        ["git", "add", "-A"],
        ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", "all"],
    ):
        assert project.run(*command).returncode == 0
    project.append("shapes/controllers.py", "\n\nMINE = 1\n")
    done = generate(project, "crud", "shapes.Book", "--no-input")
    assert "Not committed yet: shapes/controllers.py." in done.stderr
    assert "MINE = 1" in (project.folder / "shapes/controllers.py").read_text()


def test_the_question_is_asked_at_a_terminal(project: SmallProject):
    said = project.terminal("generate", "crud", "shapes.Book", "--dry-run")
    assert "\x1b[32m+class BookController" in said
    lock = project.folder / ".matt-generated.json"
    assert not lock.exists()
    generate(project, "crud", "shapes.Book", "--no-input")
    assert json.loads(lock.read_text())["files"]["shapes/controllers.py"][
        "BookController"
    ].startswith("@api_controller")
