"""``matt doctor`` names what is broken, why it matters and how to fix it, and changes nothing."""

import sys

import pytest

from django_matt.cli.examination.packages import fits
from django_matt.installation import install_line, target
from django_matt.serialization.encoders import COMPILED

from .projects import SmallProject

pytestmark = pytest.mark.once


def examined(project: SmallProject, *arguments: str, code: int = 1, **variables: str) -> str:
    said = project.matt("doctor", *arguments, **variables)
    assert said.returncode == code, said.stdout + said.stderr
    assert "Traceback" not in said.stdout + said.stderr
    return said.stdout


def test_a_healthy_project_is_exit_code_0(project: SmallProject):
    project.manage("migrate")
    said = examined(project, code=0)
    assert "✓ Settings config.settings, 5 apps\n" in said
    assert "✓ APIs: Notes at /api/\n" in said
    assert "✓ The database 'default' answers: SQLite 3." in said
    assert "✓ Every migration is applied to 'default'.\n" in said
    assert "\n0 broken, " in said
    if COMPILED:
        assert "✓ The system checks have no remarks" in said
        assert "\n0 broken, 0 doubtful, " in said


def test_a_database_that_is_not_there_is_not_made(project: SmallProject):
    said = examined(project)
    assert "✗ The database 'default' is not there yet: no file " in said
    assert "    → python manage.py migrate\n" in said
    assert not (project.folder / "db.sqlite3").exists()


def test_migrations_that_are_not_applied_are_counted(project: SmallProject):
    project.manage("migrate", "notes", "zero")
    said = examined(project)
    assert "migrations are not applied to 'default': " in said
    assert "    → python manage.py migrate\n" in said


def test_a_model_without_its_migration_is_named(project: SmallProject):
    project.manage("migrate")
    project.append("notes/models.py", "    more = models.TextField(default='')\n")
    said = examined(project)
    assert "✗ Models of notes have changes without a migration.\n" in said
    assert "    → python manage.py makemigrations notes\n" in said


def test_migrations_with_two_ends_are_named(project: SmallProject):
    project.manage("migrate")
    for name in ("0002_left", "0002_right"):
        text = (project.folder / "notes/migrations/0001_initial.py").read_text()
        start = text.index("operations")
        text = text[:start].replace("[]", "[('notes', '0001_initial')]") + "operations = []\n"
        project.write(f"notes/migrations/{name}.py", text)
    said = examined(project)
    assert "✗ The migrations of notes have several ends: " in said
    assert "    → python manage.py makemigrations --merge notes\n" in said


def test_a_server_that_is_down_is_named_with_its_address(project: SmallProject):
    project.append(
        "config/settings.py",
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': 'shop',"
        " 'HOST': '127.0.0.1', 'PORT': '9', 'PASSWORD': 'top-secret'}}\n",
    )
    said = examined(project)
    assert "✗ The database 'default' does not answer: " in said
    assert (
        "    → Start the server at 127.0.0.1:9, or correct DATABASE_URL (matt env show).\n" in said
    )
    assert "✓ APIs: Notes at /api/" in said
    assert "top-secret" not in said


def test_a_file_that_is_no_database_is_not_a_server(project: SmallProject):
    project.write("db.sqlite3", "no database at all, but of some length\n" * 99)
    said = examined(project)
    assert "✗ The database 'default' does not answer: file is not a database\n" in said
    assert "db.sqlite3 back from a copy" in said
    assert "server" not in said


def test_a_missing_driver_names_the_extra(project: SmallProject):
    project.append(
        "config/settings.py",
        "import sys; sys.modules['psycopg'] = sys.modules['psycopg2'] = None\n"
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': 'shop'}}\n",
    )
    said = examined(project)
    assert install_line("postgres") in said


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("X = y", "config/settings.py, line 13: NameError: name 'y' is not defined"),
        ("X = (", "config/settings.py, line 13: SyntaxError: '(' was never closed"),
        ("raise SystemExit(0)", "config/settings.py, line 13: SystemExit: 0"),
        (
            "import nowhere",
            "config/settings.py, line 13: ModuleNotFoundError: No module named 'nowhere'",
        ),
    ],
)
def test_settings_that_do_not_import_are_located(project: SmallProject, text: str, sentence: str):
    project.append("config/settings.py", text)
    assert f"✗ The settings (config.settings) cannot be imported. {sentence}\n" in examined(project)


def test_a_project_that_names_no_settings_is_told_to(project: SmallProject):
    project.write("manage.py", "print('no settings')\n")
    assert "manage.py does not set DJANGO_SETTINGS_MODULE" in examined(project)


def test_a_manage_py_that_cannot_be_read_is_located(project: SmallProject):
    project.write("manage.py", "import os\ndef (\n")
    assert "✗ manage.py cannot be read. manage.py, line 2: SyntaxError" in examined(project)


def test_an_app_that_does_not_load_is_named(project: SmallProject):
    project.append("config/settings.py", "INSTALLED_APPS.append('nowhere')\n")
    said = examined(project)
    assert "✗ The apps of config.settings do not load. ModuleNotFoundError" in said
    assert "    → Install the package that contains 'nowhere', or correct the name.\n" in said


def test_django_matt_outside_of_installed_apps_is_named(project: SmallProject):
    project.append("config/settings.py", "INSTALLED_APPS.remove('django_matt')\n")
    assert '✗ "django_matt" is not in INSTALLED_APPS.\n' in examined(project)


def test_urls_that_do_not_import_are_located(project: SmallProject):
    project.append("config/urls.py", "nothing\n")
    said = examined(project)
    assert "config/urls.py, line 14: NameError" in said
    assert "    → Fix that line, then run matt doctor again.\n" in said


def test_a_process_that_dies_keeps_nothing_back(project: SmallProject):
    project.append("config/urls.py", "import os\nos._exit(9)\n")
    said = examined(project)
    assert "✓ Settings config.settings" in said
    assert "✗ The examination ended early, with exit code 9" in said


def test_a_missing_encoder_is_doubtful(project: SmallProject):
    project.manage("migrate")
    project.append(
        "config/settings.py",
        "import sys; sys.modules['django_matt.serialization._encoder_c'] = None\n",
    )
    said = examined(project, code=0)
    assert (
        "! The compiled encoder is missing, so responses are written three to four times slower.\n"
        in said
    )


def test_missing_formats_name_their_extra(project: SmallProject):
    project.manage("migrate")
    project.write("sitecustomize.py", "import sys; sys.modules['msgspec'] = None\n")
    path = f"{project.folder}:{project.variables['PYTHONPATH']}"
    said = examined(project, code=0, PYTHONPATH=path)
    assert "! MessagePack cannot be offered, because an optional library is missing.\n" in said
    assert f"    → {install_line('formats')}\n" in said


SCHEMAS = """
import json

from ninja import ModelSchema, Schema
from ninja.renderers import BaseRenderer

from notes.models import Note


class Renderer(BaseRenderer):
    media_type = "application/json"

    def render(self, request, data, *, response_status):
        return json.dumps(data)


class NoteOut(ModelSchema):
    class Meta:
        model = Note
        fields = ["id", "text"]


class Loud(Schema):
    text: str

    @staticmethod
    def resolve_text(note):
        return note.text.upper()


@api.get("/notes", response=list[NoteOut])
def notes(request):
    return Note.objects.all()


@api.get("/loud", response=list[Loud])
def loud(request):
    return [Loud(text=note.text) for note in Note.objects.all()]
"""


def add_routes(project: SmallProject, text: str) -> None:
    """Put routes above the URLs, which take those that are there by then."""
    path = project.folder / "config/urls.py"
    before, urls, after = path.read_text().partition("urlpatterns")
    path.write_text(f"{before}{text}\n\n{urls}{after}")


def test_what_keeps_routes_from_the_fast_tiers_is_named(project: SmallProject):
    project.manage("migrate")
    add_routes(project, SCHEMAS)
    said = examined(project, code=0)
    assert (
        "✓ Notes: 1 of 2 routes with a schema can use a fast tier. "
        "By pydantic: response[]: resolve_text of Loud is called for each value (1 route).\n"
    ) in said
    assert "    → python manage.py matt_plan\n" in said
    assert "✓ Notes: the views of 1 route name their response schema (Loud).\n" in said


def test_the_health_routes_need_no_fix(project: SmallProject):
    project.manage("migrate")
    project.append("config/settings.py", "INSTALLED_APPS.append('django_matt.contrib.health')\n")
    said = examined(project, code=0)
    assert "✓ Notes: 2 of 2 routes with a schema can use a fast tier.\n" in said
    assert "Liveness" not in said


def test_a_renderer_that_keeps_all_routes_from_them_is_doubtful(project: SmallProject):
    project.manage("migrate")
    add_routes(project, f"{SCHEMAS}\n\napi.renderer = Renderer()\n")
    said = examined(project, code=0)
    assert (
        "! Notes: Renderer, the renderer of the API, writes the responses. "
        "Without it, routes would use a faster tier: 1 by rows.\n"
    ) in said
    assert "    → If it only writes JSON, delete it; python manage.py matt_plan shows" in said


def test_checks_are_findings_and_those_for_production_wait_for_deploy(project: SmallProject):
    project.manage("migrate")
    project.append("config/settings.py", "MATT = {'NOTHING': 1}\n")
    said = examined(project)
    assert "✗ settings.MATT has no option 'NOTHING'" in said
    assert "    System check matt.E001\n" in said
    assert "security.W018" not in said
    assert "    System check security.W018\n" in examined(project, "--deploy")


def test_another_package_of_that_name_is_recognised(project: SmallProject):
    project.write("other/django_matt/__init__.py", "")
    metadata = "Metadata-Version: 2.1\nName: django-matt\nVersion: 0.9.1\n"
    project.write("other/django_matt-0.9.1.dist-info/METADATA", metadata)
    python = project.write(
        ".venv/bin/python",
        f'#!/bin/sh\nPYTHONPATH={project.folder}/other exec {sys.executable} "$@"\n',
    )
    python.chmod(0o755)
    said = examined(project)
    assert "✗ The installed django-matt 0.9.1 is another project of that name.\n" in said
    line = f"-m pip install {target('standard,cli')}\n"
    assert f"    → {project.folder}/.venv/bin/python {line}" in said


def test_an_interpreter_without_django_matt_is_told_so(project: SmallProject):
    python = project.write(
        ".venv/bin/python", f'#!/bin/sh\nPYTHONPATH= exec {sys.executable} -S "$@"\n'
    )
    python.chmod(0o755)
    assert "✗ Django Matt is not installed in " in examined(project)


@pytest.mark.parametrize(
    ("makefile", "fix"),
    [
        ("VENV ?= .venv\n\ninstall: ## Install\n\t@true\n", "make install"),
        ("VENV ?= .venv\n\nreinstall:\n\t@true\n", "Install the package that contains"),
        ("install:\n\tcp shop /usr/bin\n", "Install the package that contains"),
    ],
)
def test_without_its_environment_a_missing_package_is_a_case_for_its_makefile(
    project: SmallProject, makefile: str, fix: str
):
    project.append("config/settings.py", "import nowhere\n")
    project.write("Makefile", makefile)
    assert f"    → {fix}" in examined(project)
    project.write(".venv/bin/python", f'#!/bin/sh\nexec {sys.executable} "$@"\n').chmod(0o755)
    assert "    → Install the package that contains 'nowhere'" in examined(project)


def test_an_interpreter_that_does_not_run_is_named(project: SmallProject):
    project.write(".venv/bin/python", "#!/bin/sh\nexit 3\n").chmod(0o755)
    assert "✗ The Python of this project does not run: " in examined(project)


@pytest.mark.parametrize(
    ("version", "bounds", "fit"),
    [
        ("5.2.19", ">=5.2,<6.2", True),
        ("6.2", ">=5.2,<6.2", False),
        ("6.1.9", "<6.2,>=5.2", True),
        ("5.1.99", ">=5.2", False),
        ("3.10.0", ">=3.10", True),
        ("3.9", ">=3.10", False),
        ("1.0.0.dev0", "", True),
        ("2.0", "!=2.0.0", False),
        ("2.0", "==2.0.0", True),
        ("2.0", ">1,<=2", True),
    ],
)
def test_versions_are_compared_as_numbers(version: str, bounds: str, fit: bool):
    assert fits(version, bounds) is fit
