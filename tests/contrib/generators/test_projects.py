"""``matt_generate`` in a project with models of every shape: what it writes is correct, typed, formatted, tested, and merges."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.projects import SmallProject
from tests.contrib.generators.projects import NAMES, make_shapes_project, run_all

pytestmark = [
    pytest.mark.once,
    pytest.mark.projects,
    pytest.mark.slow,
    pytest.mark.timeout(600),
]

BIN = Path(sys.executable).parent
LABELS = [f"shapes.{name}" for name in NAMES]
# Each app has the same models; the source of several kinds is in one process's tests and checks.
GENERATED = {
    "shapes": [["crud", "--tests"], ["views", "--tests"], ["form"], ["table"]],
    "written": [["controller", "--tests"]],
    "awaited": [["controller", "--tests", "--async", "--write-schemas"]],
    "schemed": [["crud", "--write-schemas"]],
}
DOCUMENTS = """
import json, os
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import django
django.setup()
from importlib import import_module
from django_matt import MattAPI
found = []
for app in ("shapes", "written", "awaited", "schemed"):
    controllers = import_module(f"{app}.controllers")
    names = sorted(name for name in vars(controllers) if name.endswith("Controller") and name not in
                   {"CrudController", "AsyncCrudController"} and hasattr(controllers, name[:-10]))
    api = MattAPI(urls_namespace=app)
    api.register_controllers(*(getattr(controllers, name) for name in names))
    document = api.get_openapi_schema(path_prefix="/api/")
    # Source that is written out takes no files.
    for path in document["paths"].values():
        for operation in path.values():
            operation.get("requestBody", {}).get("content", {}).pop("multipart/form-data", None)
    found.append([len(names), json.dumps(document, default=str, sort_keys=True).replace(app, "app")])
print(json.dumps(found))
"""


def succeed(project: SmallProject, *command: str) -> str:
    done = subprocess.run(
        command,
        cwd=project.folder,
        env=project.variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout + done.stderr


def generate(project: SmallProject, *orders: list[str]) -> list[str]:
    """Run the command for each order, and return what it said each time."""
    said = run_all(project, [["matt_generate", *order, "--no-input"] for order in orders])
    assert not [each for each in said if each.startswith("refused")], said
    return said


def check_files(project: SmallProject) -> None:
    """Let ruff look at what was generated."""
    written = json.loads((project.folder / ".matt-generated.json").read_text())["files"]
    modules = [name for name in written if name.endswith(".py")]
    succeed(project, str(BIN / "ruff"), "check", "--no-cache", *modules)
    succeed(project, str(BIN / "ruff"), "format", "--no-cache", "--check", *modules)


def orders() -> list[list[str]]:
    return [
        [kind, *(f"{app}.{name}" for name in NAMES), *options]
        for app, kinds in GENERATED.items()
        for kind, *options in kinds
    ]


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> SmallProject:
    """A project in which each kind is written for each model. Tests do not change it."""
    _, *more = GENERATED
    project = make_shapes_project(tmp_path_factory.mktemp("generated"), *more)
    run_all(project, [["makemigrations", *GENERATED]])
    generate(project, *orders())
    return project


@pytest.fixture
def project(tmp_path: Path) -> SmallProject:
    return make_shapes_project(tmp_path)


def test_what_is_generated_passes_every_check(generated: SmallProject):
    check_files(generated)
    succeed(generated, sys.executable, "manage.py", "check")
    assert all(said.startswith("Nothing changes") for said in generate(generated, *orders()))


def test_what_is_generated_passes_its_own_tests(generated: SmallProject):
    said = succeed(generated, sys.executable, "manage.py", "test", "--parallel", "2", *GENERATED)
    assert f"Found {4 * 4 * len(NAMES)} test(s)" in said
    assert "\nOK" in said


def test_what_is_generated_is_typed(generated: SmallProject):
    found = [
        str(path)
        for app in GENERATED
        for path in (generated.folder / app).rglob("*.py")
        # The models are the person's.
        if "migrations" not in path.parts and path.name != "models.py"
    ]
    command = [str(BIN / "mypy"), "--strict", "--follow-imports=silent", "--cache-dir=.types"]
    succeed(generated, *command, *found)


def test_the_controller_that_is_written_out_has_the_document_of_the_crud_controller(
    generated: SmallProject,
):
    documents = json.loads(succeed(generated, sys.executable, "-W", "ignore", "-c", DOCUMENTS))
    assert documents[0][0] == len(NAMES)
    for other in documents[1:]:
        assert other == documents[0]


def test_tests_for_pytest_pass(project: SmallProject):
    project.write(
        "pytest.ini", "[pytest]\nDJANGO_SETTINGS_MODULE = config.settings\npythonpath = .\n"
    )
    some = ["shapes.Book", "shapes.Review", "shapes.Keyed"]
    generate(project, ["crud", *some, "--tests"], ["views", *some, "--tests"])
    run_all(project, [["makemigrations", "shapes"]])
    check_files(project)
    said = succeed(
        project, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "shapes"
    )
    assert "24 passed" in said


def test_source_is_formatted_without_ruff_too(project: SmallProject):
    # This Python has ruff beside it, so the function that finds it is replaced before the commands run.
    hide = "import sys; sys.path.insert(0, '.'); import json, os, django; "
    hide += "import django_matt.generation.formatters as f; f._ruff = lambda: None; "
    hide += "os.environ['DJANGO_SETTINGS_MODULE'] = 'config.settings'; django.setup(); "
    hide += "from django.core.management import call_command; "
    hide += "[call_command(*each) for each in json.loads(sys.argv[1])]"
    some = [
        f"shapes.{name}"
        for name in ("Tag", "Book", "Town", "Person", "Edition", "Straße", "Everything")
    ]
    commands = [
        ["matt_generate", "controller", *some, "--write-schemas", "--tests", "--no-input"],
        ["matt_generate", "views", *some, "--tests", "--no-input"],
    ]
    succeed(project, sys.executable, "-c", hide, json.dumps(commands))
    check_files(project)


def test_a_changed_model_and_edited_source_are_merged(project: SmallProject):
    books = [[kind, "shapes.Book", "shapes.Tag"] for kind in ("crud", "views")]
    generate(project, *books)
    controllers = project.folder / "shapes/controllers.py"
    views = project.folder / "shapes/views.py"
    page = project.folder / "shapes/templates/shapes/book_detail.html"
    controllers.write_text(
        controllers.read_text().replace(
            '    """The routes of books."""\n',
            '    """Our books."""\n\n    verbs = ("list", "show")\n',
        )
        + "\n\ndef mine() -> int:\n    return 1\n"
    )
    views.write_text(views.read_text().replace("paginate_by = 25", "paginate_by = 10"))
    page.write_text(
        page.read_text().replace("<h1>{{ object }}</h1>", '<h1 class="title">{{ object }}</h1>')
    )
    models = project.folder / "shapes/models.py"
    models.write_text(
        models.read_text().replace(
            '    tags = models.ManyToManyField(Tag, related_name="books", blank=True)\n',
            '    tags = models.ManyToManyField(Tag, related_name="books", blank=True)\n'
            "    pages = models.IntegerField(default=1)\n",
        )
    )
    generate(project, *books)
    text = controllers.read_text()
    assert '"editor", "pages", "tags")' in text
    assert '    """Our books."""\n\n    verbs = ("list", "show")\n' in text
    assert text.endswith("\n\ndef mine() -> int:\n    return 1\n")
    assert "paginate_by = 10" in views.read_text()
    assert '<h1 class="title">' in page.read_text()
    assert "<dt>Pages</dt>" in page.read_text()
    assert '"pages"' in (project.folder / "shapes/forms.py").read_text()
    check_files(project)
    assert all(said.startswith("Nothing changes") for said in generate(project, *books))
