"""``manage.py matt_types diff``: where the base comes from, what is printed, sent and written, and the exit status."""

import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import django
import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from django_matt import MattAPI, Schema
from django_matt.contrib.typescript.changes import Change
from django_matt.contrib.typescript.changes.changelog import MARKER
from django_matt.contrib.typescript.changes.reports import Report
from django_matt.contrib.typescript.changes.versions import is_new_version

from .receivers import mail_server, webhook


class BookOut(Schema):
    title: str
    pages: int


ShortBookOut = type(
    "BookOut", (Schema,), {"__annotations__": {"title": str}, "__module__": __name__}
)
"""The same component, without the pages."""


def books(answer: Any = BookOut, **more: Any) -> MattAPI:
    api = MattAPI(**{"title": "Books", "version": "1.0.0", "urls_namespace": "books", **more})

    @api.get("/books", response=answer)
    def read_book(request):
        return {"title": "Momo", "pages": 5}

    return api


@pytest.fixture
def project(tmp_path: Path, settings: Any, serve: Any):
    """Return ``project(api)``: serve it, in a project whose folder is ``tmp_path``."""
    settings.BASE_DIR = tmp_path
    return serve


def diff(*options: str) -> tuple[str, str, int]:
    """Return the output, the error, and the exit status."""
    out, err = StringIO(), StringIO()
    try:
        call_command("matt_types", "diff", *options, stdout=out, stderr=err)
    except CommandError as error:
        return out.getvalue(), str(error), error.returncode
    return out.getvalue(), err.getvalue(), 0


def stored(tmp_path: Path, project: Any) -> None:
    """Store the document with the pages, and serve the API without them."""
    project(books())
    assert diff("--save") == ("", "Stored openapi.json.\n", 0)
    project(books(ShortBookOut))


def git(folder: Path, *arguments: str) -> None:
    identity = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com"}
    identity |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com"}
    subprocess.run(
        ["git", *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
        env={**os.environ, **identity},
    )


def commit(folder: Path) -> None:
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "Store the document")


def test_a_break_is_named_and_the_command_exits_with_one(tmp_path, project):
    stored(tmp_path, project)
    output, error, status = diff()
    assert (
        "GET /api/books\n    BookOut/pages: was removed [response-required-property-removed]"
        in output
    )
    assert (error, status) == (output.strip().splitlines()[-1], 1)


def test_no_change_is_no_error(tmp_path, project):
    project(books())
    diff("--save")
    output, error, status = diff("--fail-on", "any")
    assert (output.strip().splitlines()[-1], error, status) == ("No changes.", "", 0)


def test_an_addition_fails_only_if_any_change_should(tmp_path, project):
    project(books(ShortBookOut))
    diff("--save")
    project(books())
    assert diff()[2] == 0
    assert diff("--fail-on", "any")[2] == 1


def test_a_warning_fails_only_if_asked_for(tmp_path, project):
    def search(parameter: bool) -> MattAPI:
        api = MattAPI(title="Books", urls_namespace="search")
        if parameter:

            @api.get("/books")
            def search_books(request, q: str = ""):
                return []

        else:

            @api.get("/books")
            def all_books(request):
                return []

        return api

    project(search(True))
    diff("--save")
    project(search(False))
    assert diff()[2] == 0
    assert diff("--fail-on", "warning")[2] == 1


def test_a_new_major_version_may_break(tmp_path, project):
    stored(tmp_path, project)
    project(books(ShortBookOut, version="1.1.0"))
    assert diff()[2] == 1
    project(books(ShortBookOut, version="2.0.0"))
    output, _, status = diff()
    assert status == 0
    assert "Version 2.0.0 is new, so breaking changes are allowed (before: 1.0.0)." in output


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("1.4.0", "2.0.0", True),
        ("1.4.0", "1.5.0", False),
        ("2.0.0", "1.0.0", False),
        ("0.4.1", "0.5.0", True),
        ("0.4.1", "0.4.2", False),
        ("0.4", "1.0", True),
        ("v1", "v2", True),
        ("9", "10", True),
        ("2026-06-01", "2026-12-01", True),
        ("", "", False),
        ("beta", "beta 2", True),
    ],
)
def test_a_version_is_new_if_its_major_number_is_higher(old, new, expected):
    assert is_new_version(old, new) is expected


def test_the_base_may_be_a_file(tmp_path, project):
    stored(tmp_path, project)
    (tmp_path / "openapi.json").rename(tmp_path / "old.json")
    assert diff("--base", str(tmp_path / "old.json"))[2] == 1


def test_the_base_may_be_a_revision_of_git(tmp_path, project):
    stored(tmp_path, project)
    commit(tmp_path)
    diff("--save")
    output, _, status = diff("--base", "main")
    assert status == 1
    assert "main:openapi.json (1.0.0)" in output
    assert diff()[2] == 0


def test_the_project_may_be_a_folder_of_the_repository(tmp_path, project, settings):
    settings.BASE_DIR = tmp_path / "backend"
    settings.BASE_DIR.mkdir()
    stored(settings.BASE_DIR, project)
    commit(tmp_path)
    assert diff("--base", "HEAD")[2] == 1


@pytest.mark.parametrize(
    ("options", "content", "message"),
    [
        ((), None, "There is no openapi.json to compare with. Store the document of today"),
        (("--base", "nowhere"), None, "--base nowhere: there is no such file, and"),
        (("--base", "."), "{}", "--base . is a folder. Name a file in it."),
        (("--base=-x"), "{}", "--base -x: there is no such file."),
        ((), '{"openapi": ', "openapi.json is not JSON: line 1, column 13"),
        ((), "\xff", "is not JSON: it is not UTF-8."),
        ((), "[" * 200_000, "is nested too deeply."),
        ((), "[]", "is not an OpenAPI document"),
        ((), "{}", "is not an OpenAPI document"),
        ((), '{"swagger": "2.0"}', "is not an OpenAPI document"),
        (
            (),
            '{"openapi": "3.0.3"}',
            "is of OpenAPI 3.0.3. Only documents of OpenAPI 3.1 can be compared.",
        ),
        (
            (),
            '{"openapi": "3.1.0", "paths": []}',
            "is not a valid OpenAPI document: paths is not an object.",
        ),
        ((), '{"openapi": "3.1.0", "paths": {"/a": {"get": []}}}', "GET /a is not an object."),
        (
            (),
            '{"openapi": "3.1.0", "paths": {"/a": {"get": {"parameters": [1]}}}}',
            "GET /a: parameters is not a list of objects.",
        ),
        (
            (),
            '{"openapi": "3.1.0", "components": {"schemas": 1}}',
            "components.schemas is not an object.",
        ),
        (
            ("--notify", "nobody"),
            "{}",
            "--notify nobody: name admins (the setting ADMINS), an e-mail address, or",
        ),
        (("--notify", "file:///etc/passwd"), "{}", "an address of HTTP without a user is needed."),
        (("--api", "nothing"), "{}", "nothing"),
    ],
)
def test_what_cannot_be_compared_is_named_and_exits_with_two(
    tmp_path, project, options, content, message
):
    project(books())
    if content is not None:
        (tmp_path / "openapi.json").write_bytes(content.encode("latin-1"))
    output, error, status = diff(*([options] if isinstance(options, str) else options))
    assert message in error
    assert (output, status) == ("", 2)
    assert [path.name for path in tmp_path.iterdir()] == (
        ["openapi.json"] if content is not None else []
    )


def test_a_revision_without_the_document_is_named(tmp_path, project):
    project(books())
    (tmp_path / "README").write_text("Books")
    commit(tmp_path)
    _, error, status = diff("--base", "main")
    assert (error.split(".")[0], status) == ("main has no openapi", 2)
    _, error, status = diff("--base", "other")
    assert "no such revision" in error
    assert status == 2


def test_the_document_of_another_api_is_refused(tmp_path, project):
    project(books())
    diff("--save")
    api = MattAPI(title="Songs", urls_namespace="songs")

    @api.get("/songs")
    def list_songs(request):
        return []

    project(api)
    _, error, status = diff()
    assert (
        "openapi.json is the document of another API, 'Books': it has no path of 'Songs'." in error
    )
    assert status == 2


def test_two_apis_have_a_document_each(tmp_path, project):
    songs = MattAPI(title="Songs", urls_namespace="songs")

    @songs.get("/songs")
    def list_songs(request):
        return []

    def mount(book_out: Any) -> None:
        project(books(book_out), "books/", **{"songs/": songs})

    mount(BookOut)
    _, error, status = diff("--save")
    assert status == 2
    assert "2 APIs" in error
    for name in ("books", "songs"):
        assert diff("--api", name, "--document", f"openapi-{name}.json", "--save")[2] == 0


def test_a_base_without_anything_is_compared(tmp_path, project):
    (tmp_path / "openapi.json").write_text(
        '{"openapi": "3.1.0", "info": {"title": "Books", "version": "1"}}'
    )
    project(books())
    output, _, status = diff()
    assert "endpoint-added" in output
    assert status == 0


# ---- formats ----


def test_json_has_everything_and_nothing_else_is_printed(tmp_path, project):
    stored(tmp_path, project)
    output, _, _ = diff("--format", "json")
    report = json.loads(output)
    assert report["counts"]["error"] == 1
    (change,) = [each for each in report["changes"] if each["severity"] == "error"]
    assert change == {
        "operations": ["GET /api/books"],
        "place": "BookOut/pages",
        "id": "response-required-property-removed",
        "severity": "error",
        "text": "was removed",
    }


def test_markdown_is_a_summary_for_a_pull_request(tmp_path, project):
    stored(tmp_path, project)
    output, _, _ = diff("--format", "markdown")
    assert output.startswith("## Books 1.0.0: 1 breaking change, 0 warnings,")
    assert (
        "| GET /api/books | BookOut/pages: was removed | `response-required-property-removed` |"
        in output
    )


def test_markup_of_a_document_is_text_in_markdown():
    change = Change(
        ("GET /a|b",), "response 200: <img src=x>", "unclassified", "error", "`x` | *y*\n# z"
    )
    report = Report("A <b>title</b>", "1", "1", "old.json", [change], [])
    written = report.as_markdown()
    assert "<" not in written
    (row,) = [line for line in written.splitlines() if "unclassified" in line]
    assert row.replace("\\|", "").count("|") == 4


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_text_adds_a_line_or_a_column_to_a_table(place, text):
    report = Report("T", "1", "1", "old", [Change(("GET /a",), place, "x", "error", text)], [])
    lines = report.as_markdown().split("\n")
    start = lines.index("| operation | change | rule |")
    assert lines[start + 2].count("|") == 4
    assert lines[start + 3] == ""


def test_a_change_of_many_operations_is_one_line_of_text():
    changes = [
        Change((f"GET /{n}",), "response 200: x", "a-rule", "error", "was removed")
        for n in range(9)
    ]
    text = Report("T", "1", "1", "old", changes, []).as_text()
    assert text.count("a-rule") == 1
    assert "GET /0, GET /1 and 7 more" in text


# ---- the changelog ----


def test_the_changelog_has_the_newest_entry_first_and_changes_once(tmp_path, project):
    page = tmp_path / "docs" / "api-changelog.md"
    stored(tmp_path, project)
    diff("--write-changelog")
    first = page.read_text()
    assert first.startswith(f"# Changes of Books\n\n{MARKER}\n")
    assert "### Breaking\n\n- GET /api/books: BookOut/pages: was removed\n" in first
    written = page.stat().st_mtime_ns
    diff("--write-changelog")
    assert (page.read_text(), page.stat().st_mtime_ns) == (first, written)
    diff("--save")
    project(books(version="1.1.0"))
    diff("--write-changelog")
    second = page.read_text()
    assert second.index("## 1.1.0, ") < second.index("### Breaking")


def test_what_people_write_around_the_entries_is_kept(tmp_path, project):
    stored(tmp_path, project)
    page = tmp_path / "CHANGES.md"
    page.write_text(f"# Ours\n\nAbove.\n\n{MARKER}\n\n## 0.1\n\nBelow.\n")
    diff("--write-changelog", "CHANGES.md")
    text = page.read_text()
    assert text.startswith(f"# Ours\n\nAbove.\n\n{MARKER}\n\n<!-- matt_types: since ")
    assert text.endswith("## 0.1\n\nBelow.\n")


def test_a_page_without_the_marker_is_not_touched(tmp_path, project):
    stored(tmp_path, project)
    page = tmp_path / "CHANGES.md"
    page.write_text("# Ours\n")
    _, error, status = diff("--write-changelog", "CHANGES.md")
    assert (page.read_text(), status) == ("# Ours\n", 2)
    assert f"has no line {MARKER}" in error


# ---- notifications ----


def test_a_webhook_gets_the_report_as_json(tmp_path, project):
    stored(tmp_path, project)
    with webhook() as (address, posted):
        assert diff("--notify", address)[2] == 1
    ((path, content_type, report),) = posted
    assert (path, content_type) == ("/hooks/secret", "application/json")
    assert report["counts"]["error"] == 1


def test_a_mail_goes_to_the_admins_and_to_an_address(tmp_path, project, settings):
    stored(tmp_path, project)
    with mail_server() as (port, mails):
        if hasattr(settings, "MAILERS"):
            settings.MAILERS = {
                "default": {
                    "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
                    "OPTIONS": {"host": "127.0.0.1", "port": port},
                }
            }
        else:
            settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
            settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        name = "ada@example.com"
        settings.ADMINS = [name] if django.VERSION >= (6, 0) else [("Ada", name)]
        assert diff("--notify", "admins", "--notify", "bob@example.com")[2] == 1
    assert [recipients for recipients, _ in mails] == [["ada@example.com"], ["bob@example.com"]]
    assert "Books 1.0.0: 1 breaking change" in mails[1][1]


def test_nothing_is_sent_without_a_change(tmp_path, project):
    project(books())
    diff("--save")
    with webhook() as (address, posted):
        assert diff("--notify", address)[2] == 0
    assert posted == []


def test_a_redirect_of_a_webhook_is_not_followed(tmp_path, project):
    project(books(ShortBookOut))
    diff("--save")
    project(books())
    with webhook() as (elsewhere, reached), webhook(302, Location=elsewhere) as (address, posted):
        _, error, status = diff("--notify", address)
    assert (len(posted), reached, status) == (1, [], 2)
    assert "answered with 302, with a redirect, which is not followed" in error
    assert "secret" not in error


@pytest.mark.parametrize("answer", [500, 404])
def test_a_webhook_that_fails_is_named_and_the_others_are_called(tmp_path, project, answer):
    stored(tmp_path, project)
    with webhook(answer) as (address, _), webhook() as (other, posted):
        _, error, status = diff("--notify", address, "--notify", other)
    assert f"answered with {answer}, and not with 2xx" in error
    assert (len(posted), status) == (1, 1)


def test_a_webhook_that_nobody_serves_is_named(tmp_path, project):
    project(books(ShortBookOut))
    diff("--save")
    project(books())
    with webhook() as (address, _):
        pass
    _, error, status = diff("--notify", address)
    assert "cannot be reached" in error
    assert status == 2


# ---- models ----


SETTINGS = """
from pathlib import Path
BASE_DIR = Path(__file__).parent
SECRET_KEY = "x" * 50
ROOT_URLCONF = "urls"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db"}}
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "ninja_extra", "django_matt", "django_matt.contrib.typescript", "shop"]
"""
URLS = """
from django.urls import path
from django_matt import MattAPI, ModelSchema
from shop.models import Product

api = MattAPI(title="Shop")


class ProductOut(ModelSchema):
    class Meta:
        model = Product
        fields = "__all__"


@api.get("/products", response=list[ProductOut])
def list_products(request):
    return Product.objects.all()


urlpatterns = [path("api/", api.urls)]
"""
MODELS = "from django.db import models\n\n\nclass Product(models.Model):\n    name = models.CharField(max_length=9)\n"


@pytest.mark.once
@pytest.mark.slow
def test_changes_of_models_are_listed_with_their_migrations(tmp_path: Path):
    def manage(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "django", *arguments],
            cwd=tmp_path,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    (tmp_path / "shop").mkdir()
    for name, text in (
        ("settings.py", SETTINGS),
        ("urls.py", URLS),
        ("shop/__init__.py", ""),
        ("shop/models.py", MODELS),
        (".gitignore", "db\n__pycache__\n"),
    ):
        (tmp_path / name).write_text(text)
    assert manage("makemigrations", "shop").returncode == 0
    assert manage("matt_types", "diff", "--save").returncode == 0
    commit(tmp_path)
    (tmp_path / "shop" / "models.py").write_text(f"{MODELS}    price = models.IntegerField()\n")
    done = manage("matt_types", "diff", "--base", "main")
    assert (
        "  shop: Add field price to product (no migration yet: manage.py makemigrations shop)\n"
        in done.stdout
    )
    assert "response-required-property-added" in done.stdout
    assert (done.returncode, done.stderr) == (0, "")
    (tmp_path / "shop" / "models.py").write_text(
        f"{MODELS}    price = models.IntegerField(default=0)\n"
    )
    assert manage("makemigrations", "shop", "-n", "price").returncode == 0
    done = manage("matt_types", "diff", "--base", "main", "--format", "json", "--fail-on", "any")
    assert json.loads(done.stdout)["models"] == [
        {"app": "shop", "text": "Add field price to product", "migration": "0002_price"}
    ]
    assert done.returncode == 1
