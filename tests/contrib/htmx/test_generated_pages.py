"""``matt_generate list|detail|form --to htmx``: pages for models of every shape, used over HTTP."""

import json
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.cli.projects import SmallProject
from tests.contrib.generators.projects import NAMES as SHAPES
from tests.contrib.generators.projects import make_shapes_project, run_all

pytestmark = [pytest.mark.once, pytest.mark.projects, pytest.mark.timeout(300)]

BIN = Path(sys.executable).parent
KINDS = ("list", "detail", "form")
NAMES = [*SHAPES, "Photo", "Scan"]
MODELS = """

class Photo(models.Model):
    title = models.CharField(max_length=20)
    caption = models.TextField(blank=True)
    colour = models.CharField(max_length=10, choices=Colour.choices, null=True, blank=True)
    image = models.ImageField(upload_to="photos")
    notes = models.FileField(upload_to="notes", blank=True)


class Scan(models.Model):
    file = models.FileField(upload_to="scans", null=True, blank=True)
"""
URLS = """\
from django.urls import path

from django_matt import MattAPI
from shapes import pages

api = MattAPI()
api.register_controllers(*(value for name, value in vars(pages).items() if name.endswith("Page")))
urlpatterns = [path("api/", api.urls)]
"""
# Each line of the output is one answer: its status, where it leads, and its text.
WALK = """\
import json, os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django.contrib.auth.models import User
from django.test import Client
from django.test.client import BOUNDARY, encode_multipart
from django.core.files.uploadedfile import SimpleUploadedFile
root = User.objects.create_superuser("root", password="only-for-tests")
stranger = User.objects.create_user("stranger", password="only-for-tests")
from shapes.models import Writer, Book, Tag
Tag.objects.create(name="old")
Writer.objects.create(name="Ada & <b>Co</b>")
browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
fragment = {"Accept": "text/html", "HX-Request": "true"}
clients = {"root": Client(), "stranger": Client(), "nobody": Client()}
clients["root"].force_login(root)
clients["stranger"].force_login(stranger)
for who, how, method, path, body in json.loads(sys.argv[1]):
    sent = {"data": body, "content_type": "application/x-www-form-urlencoded"} if body else {}
    if isinstance(body, dict):
        files = {name: SimpleUploadedFile(each[0], bytes.fromhex(each[1])) for name, each in body.pop("files").items()}
        sent = {"data": encode_multipart(BOUNDARY, {**body, **files}), "content_type": f"multipart/form-data; boundary={BOUNDARY}"}
    headers = browser if how == "page" else fragment if how == "part" else {}
    answer = getattr(clients[who], method)(path, headers=headers, **sent)
    leads = answer.headers.get("HX-Redirect") or answer.headers.get("Location", "")
    print(json.dumps([answer.status_code, leads, answer.content.decode()]))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> SmallProject:
    """A project with the three kinds of pages for every model. Tests do not change its files."""
    made = make_shapes_project(tmp_path_factory.mktemp("pages"))
    made.append("shapes/models.py", MODELS)
    settings = made.folder / "config/settings.py"
    settings.write_text(
        "from django_matt.contrib.htmx import defaults\n"
        + settings.read_text()
        .replace(
            '"django_matt.contrib.crud",',
            '"django.contrib.staticfiles", "django_matt.contrib.htmx", *defaults.APPS,',
        )
        .replace(
            '"APP_DIRS": True, "OPTIONS": {',
            '"OPTIONS": {"loaders": defaults.LOADERS, "builtins": defaults.BUILTINS,',
        )
        .replace(
            '    "django.contrib.auth.middleware',
            '    "django_matt.contrib.htmx.middleware.HtmxMiddleware",\n    "django.contrib.auth.middleware',
        )
        + 'STATIC_URL = "/static/"\nLOGIN_URL = "/sign-in"\nALLOWED_HOSTS = ["*"]\n'
        + 'MEDIA_ROOT, MEDIA_URL = BASE_DIR / "media", "/media/"\n'
    )
    labels = [f"shapes.{name}" for name in NAMES]
    commands = [["matt_generate", kind, *labels, "--to", "htmx", "--no-input"] for kind in KINDS]
    for said in run_all(made, commands):
        assert not said.startswith("refused"), said
    run_all(made, [["makemigrations", "shapes"]])
    made.write("config/urls.py", URLS)
    return made


def walk(project: SmallProject, *steps: list[Any]) -> list[tuple[int, str, str]]:
    (project.folder / "db.sqlite3").unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", WALK, json.dumps(steps)],
        cwd=project.folder,
        env=project.variables,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


def test_what_is_generated_is_formatted_and_passes_the_checks(project: SmallProject):
    for command in (
        [str(BIN / "ruff"), "check", "--no-cache", "shapes/pages.py"],
        [str(BIN / "ruff"), "format", "--no-cache", "--diff", "shapes/pages.py"],
        [sys.executable, "manage.py", "check", "--fail-level", "WARNING"],
        [str(BIN / "mypy"), "--strict", "--follow-imports=silent", "shapes/pages.py"],
    ):
        done = subprocess.run(
            command,
            cwd=project.folder,
            env=project.variables,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]


def test_generating_again_changes_nothing(project: SmallProject):
    labels = [f"shapes.{name}" for name in NAMES]
    commands = [["matt_generate", kind, *labels, "--to", "htmx", "--no-input"] for kind in KINDS]
    assert all(said.startswith("Nothing changes") for said in run_all(project, commands))


def test_each_list_and_each_empty_form_is_a_page(project: SmallProject):
    (_, _, document), *_ = walk(project, ["root", "json", "get", "/api/openapi.json", ""])
    paths = [path for path, item in json.loads(document)["paths"].items() if "get" in item]
    plain = [path for path in paths if "{" not in path]
    assert len(plain) == 2 * len(NAMES)
    for path, (status, _, text) in zip(
        plain, walk(project, *(["root", "page", "get", path, ""] for path in plain)), strict=True
    ):
        assert (status, "<h1>" in text) == (200, True), (path, text[:2000])
        assert ("<form" in text) == ("search" in text or path.endswith("/new")), path


def test_an_object_is_created_found_changed_and_deleted(project: SmallProject):
    book = "title=%C3%96l+%26+%3Ci%3EBrot&price=7.50&author_id=1&editor_id=&tags=1"
    (
        (empty, _, form),
        (refused, _, fields),
        (made, shown_at, _),
        (found, _, part),
        (nothing, _, no_part),
        (shown, _, page),
        (edited, _, filled),
        (changed, leads, _),
        (_, _, after),
        (deleted, gone_to, _),
        (gone, _, _),
    ) = walk(
        project,
        ["root", "page", "get", "/api/books/new", ""],
        ["root", "part", "post", "/api/books/new", "title=&price=x&author_id=1"],
        ["root", "part", "post", "/api/books/new", book],
        ["root", "part", "get", "/api/books?search=brot&ordering=-title", ""],
        ["root", "part", "get", "/api/books?search=milk", ""],
        ["root", "page", "get", "/api/books/1", ""],
        ["root", "page", "get", "/api/books/1/edit", ""],
        ["root", "part", "put", "/api/books/1/edit", book.replace("7.50", "8.25")],
        ["root", "page", "get", "/api/books/1", ""],
        ["root", "part", "delete", "/api/books/1", ""],
        ["root", "page", "get", "/api/books/1", ""],
    )
    assert (empty, "Ada &amp; &lt;b&gt;Co&lt;/b&gt;" in form or "Writer object (1)" in form) == (
        200,
        True,
    )
    assert (refused, 'aria-invalid="true"' in fields) == (422, True)
    assert (made, shown_at) == (200, "./1")
    assert (found, "Öl &amp; &lt;i&gt;Brot" in part, "/api/books/1" in part) == (200, True, True)
    assert "<!doctype" not in part
    assert (nothing, "/api/books/1" in no_part) == (200, False)
    assert (shown, "7.50" in page, "/api/books/1/edit" in page) == (200, True, True)
    assert (edited, 'hx-put="/api/books/1/edit"' in filled, 'value="7.50"' in filled) == (
        200,
        True,
        True,
    )
    assert "selected" in filled
    assert (changed, leads) == (200, "../1")
    assert "8.25" in after
    assert (deleted, gone_to, gone) == (200, "../books", 404)


def photo(**files: tuple[str, bytes]) -> dict[str, Any]:
    sent = {name: (file, content.hex()) for name, (file, content) in files.items()}
    return {"title": "Moon", "caption": "", "colour": "blue", "files": sent}


def test_a_form_uploads_files_and_pages_link_to_them_and_name_choices(project: SmallProject):
    png = BytesIO()
    Image.new("RGB", (2, 2)).save(png, "PNG")
    image = ("moon & sea.png", png.getvalue())
    (
        (_, _, form),
        (no_image, _, told),
        (refused, _, fields),
        (made, shown_at, _),
        (_, _, page),
        (_, _, rows),
        (_, _, filled),
        (kept, _, _),
        (changed, _, _),
        (_, _, after),
        (_, _, data),
    ) = walk(
        project,
        ["root", "page", "get", "/api/photos/new", ""],
        ["root", "part", "post", "/api/photos/new", photo()],
        ["root", "part", "post", "/api/photos/new", photo(image=("moon.png", b"<script>"))],
        ["root", "part", "post", "/api/photos/new", photo(image=image, notes=("a.txt", b"a"))],
        ["root", "page", "get", "/api/photos/1", ""],
        ["root", "part", "get", "/api/photos", ""],
        ["root", "page", "get", "/api/photos/1/edit", ""],
        ["root", "part", "put", "/api/photos/1/edit", photo()],
        ["root", "part", "put", "/api/photos/1/edit", photo(notes=("b.txt", b"b"))],
        ["root", "page", "get", "/api/photos/1", ""],
        ["root", "json", "get", "/api/photos/1", ""],
    )
    assert 'hx-encoding="multipart/form-data"' in form
    assert 'accept="image/*"' in form
    assert (no_image, "This field is required." in told) == (422, True)
    assert (refused, "Upload a valid image." in fields) == (422, True)
    assert (made, shown_at) == (200, "./1")
    link = '<a href="/media/photos/moon__sea.png">moon__sea.png</a>'
    for text in (page, rows):
        assert link in text
        assert '<a href="/media/notes/a.txt">a.txt</a>' in text
        assert ">Blue<" in text
    assert '<option value="blue" selected>Blue</option>' in filled
    assert (kept, changed) == (200, 200)
    assert link in after
    assert "b.txt</a>" in after
    saved = json.loads(data)
    assert (saved["colour"], saved["caption"]) == ("blue", "")
    assert (project.folder / "media/photos/moon__sea.png").read_bytes() == image[1]


def test_a_model_may_have_nothing_but_a_file(project: SmallProject):
    scan = {"files": {"file": ("a.pdf", b"a".hex())}}
    (made, shown_at, _), (nothing, _, _), (_, _, edit), (_, _, rows) = walk(
        project,
        ["root", "part", "post", "/api/scans/new", scan],
        ["root", "part", "post", "/api/scans/new", {"files": {}}],
        ["root", "page", "get", "/api/scans/1/edit", ""],
        ["root", "part", "get", "/api/scans", ""],
    )
    assert (made, shown_at, nothing) == (200, "./1", 200)
    assert 'hx-put="/api/scans/1/edit"' in edit
    assert rows.count("/media/scans/a.pdf") == 1


def test_pages_ask_for_a_user_and_for_permissions(project: SmallProject):
    answers = walk(
        project,
        ["nobody", "page", "get", "/api/books", ""],
        ["nobody", "part", "post", "/api/books/new", "title=x"],
        ["stranger", "page", "get", "/api/books", ""],
        ["stranger", "part", "post", "/api/books/new", "title=x"],
        ["stranger", "part", "delete", "/api/books/1", ""],
        ["root", "page", "get", "/api/keyeds/no-uuid", ""],
    )
    assert [status for status, _, _ in answers] == [302, 401, 403, 403, 403, 404]
    assert answers[0][1].startswith("/sign-in?next=")
    assert answers[1][1].startswith("/sign-in")


def test_options_that_do_nothing_and_models_without_fields_are_refused(project: SmallProject):
    said = run_all(
        project,
        [
            ["matt_generate", "list", "shapes.Book", "--to", "htmx", "--tests", "--no-input"],
            ["matt_generate", "list", "shapes.Book", "--no-input"],
            ["matt_generate", "form", "shapes.Book", "--to", "svelte", "--no-input"],
        ],
    )
    assert "--tests does nothing for list --to htmx" in said[0]
    assert "use --to htmx" in said[1]
    assert "form cannot be written for 'svelte': use --to html or --to htmx." in said[2]
