"""``manage.py matt_types write``: what it writes, and what it says of what it cannot."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from django_matt import MattAPI
from django_matt.contrib.typescript.checks import check_settings
from django_matt.contrib.typescript.documents import read_document
from tests.contrib.typescript import zoo
from tests.contrib.typescript.conftest import matt_types


@pytest.fixture
def output(tmp_path, settings):
    settings.BASE_DIR = tmp_path
    return tmp_path / "web"


def write(*arguments):
    out = io.StringIO()
    call_command("matt_types", "write", "--output", "web", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def text(output, serve):
    """Return the zoo's ``schema.d.ts``."""
    serve(zoo.make())
    write()
    return (output / "schema.d.ts").read_text()


def declared(text: str, name: str) -> str:
    """Return the lines of one ``export``."""
    _, _, rest = text.partition(f"{name}")
    assert rest, f"{name} is not declared"
    return name + rest.partition("\n\n")[0]


def test_the_project_of_one_api_needs_no_name(output, serve):
    serve(zoo.make())
    said = write()
    assert f"{output}/schema.d.ts: written" in said
    assert write() == f"{output}: up to date\n"


def test_check_tells_what_is_stale_and_fails(output, serve):
    serve(zoo.make())
    with pytest.raises(CommandError, match=r"Run manage\.py matt_types write") as raised:
        write("--check")
    assert raised.value.returncode == 1
    assert not output.exists()
    write()
    assert write("--check") == f"{output}: up to date\n"


def test_two_apis_must_be_told_apart(output, serve):
    serve(zoo.make(), **{"v2/": MattAPI(urls_namespace="second")})
    with pytest.raises(CommandError, match=r"2 APIs. Name one:\n  --api zoo .*\n  --api second "):
        write()
    write("--api", "second")
    assert "schemas: never" in (output / "schema.d.ts").read_text().replace("  schemas", "schemas")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("third", r"No API of the project is 'third'. There are:\n  --api zoo"),
        ("no.such:api", "there is no module 'no'"),
        (
            "tests.project.models:Author",
            "'Author' of the module 'tests.project.models' is not an API",
        ),
        ("tests.project.models:nothing", "is not an API"),
    ],
)
def test_a_wrong_name_is_told(output, serve, name, why):
    serve(zoo.make())
    with pytest.raises(CommandError, match=why):
        write("--api", name)
    assert not output.exists()


def test_a_project_without_an_api_is_told(output, settings):
    settings.ROOT_URLCONF = "tests.contrib.typescript.no_urls"
    sys.modules["tests.contrib.typescript.no_urls"] = type(sys)("no_urls")
    sys.modules["tests.contrib.typescript.no_urls"].urlpatterns = []
    with pytest.raises(CommandError, match="URLs have no API"):
        write()


BROKEN = {
    "manage.py": "import os, sys\nos.environ['DJANGO_SETTINGS_MODULE'] = 'config'\n"
    "from django.core.management import execute_from_command_line as run\nrun(sys.argv)\n",
    "config.py": "from pathlib import Path\nBASE_DIR = Path(__file__).parent\nSECRET_KEY = 'x'\nROOT_URLCONF = 'urls'\n"
    "INSTALLED_APPS = ['ninja_extra', 'django_matt', 'django_matt.contrib.typescript']\n",
    "urls.py": "from views import api\nurlpatterns = []\n",
    "views.py": "def price():\n    return 1 / 0\n\napi = price()\n",
}


def test_an_api_that_does_not_import_shows_the_projects_own_frames(tmp_path):
    for name, content in BROKEN.items():
        (tmp_path / name).write_text(content)
    done = subprocess.run(
        [sys.executable, "manage.py", "matt_types", "write", "--output", "web"],
        check=False,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("TypesError: The API cannot be imported.\n")
    assert 'views.py", line 2, in price' in done.stderr
    assert done.stderr.endswith("ZeroDivisionError: division by zero\n")
    assert "site-packages" not in done.stderr
    assert not (tmp_path / "web").exists()


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"OUTPUTS": "x"}, "has no option 'OUTPUTS'"),
        ({"MEDIA": "xml"}, "must be one of 'json', 'all'"),
        ({"REACT": 1}, "must be one of False, True"),
        ({"INCLUDE": "shop"}, "must be a list of names"),
        ({"OUTPUT": 3}, "must be a path"),
        ({"OUTPUT": "../web"}, "is outside of the project"),
    ],
)
def test_wrong_settings_are_a_system_check(settings_module, tmp_path, given, why):
    settings_module("BASE_DIR", tmp_path)
    settings_module("MATT_TYPESCRIPT", given)
    (found,) = check_settings()
    assert why in found.msg
    assert found.id == "matt_typescript.E001"


def test_right_settings_are_what_the_command_uses(settings, output, serve):
    serve(zoo.make())
    settings.MATT_TYPESCRIPT = {"OUTPUT": "web", "DATES": "temporal", "INCLUDE": ["project.Author"]}
    assert check_settings() == []
    call_command("matt_types", "write", stdout=io.StringIO())
    assert "day: PlainDateText;" in (output / "schema.d.ts").read_text()
    assert "export type Author = {" in (output / "models.d.ts").read_text()


def test_answers_have_their_defaults_and_requests_may_leave_them_out(text):
    assert "  lives: number;" in declared(text, "export type Cat =")
    assert "  lives?: number;" in declared(text, "export type CatInput =")


def test_what_refers_to_two_types_has_two(text):
    assert "  pets: (Cat | Dog)[];" in declared(text, "export type Everything =")
    wanted = '((CatInput & { kind: "cat" }) | (DogInput & { kind: "dog" }))[]'
    assert f"  pets: {wanted};" in declared(text, "export type EverythingInput =")


def test_a_patch_may_leave_out_everything_and_null_only_what_can_be(text):
    found = declared(text, "export type ChangePatch =")
    assert "  name?: string;" in found
    assert "  note?: string | null;" in found


def test_a_page_is_generic(text):
    count = "  /** @asType integer */\n  count: number;\n"
    assert f"export type Page<T> = {{\n  items: T[];\n{count}}};" in text
    assert '"application/json": Page<Everything>;' in text
    assert '"application/json": Page<Node>;' in text
    assert '"application/json": IntPage;' in text


def test_an_upload_is_a_blob_in_a_form(text):
    assert (
        '"multipart/form-data": {\n          /** @format binary */\n          file: Blob;' in text
    )


def test_an_event_has_its_data(text):
    assert '"text/event-stream": {' in text
    assert "data: Node;" in text


def test_the_errors_of_each_status_are_named(text):
    found = declared(text, "  thing_create_thing: {")
    assert '401: components["responses"]["Unauthorized"];' in found


def test_enums_are_constants_too(output, serve):
    serve(zoo.make())
    write()
    found = (output / "enums.ts").read_text()
    assert 'export const Size = {\n  SMALL: "small",\n  LARGE: "large",\n} as const;' in found
    assert "export const Level = {\n  LOW: 1,\n  HIGH: 9,\n} as const;" in found
    assert 'export const TaskStatus = {\n  OPEN: "open",\n  DONE: "done",\n} as const;' in found
    assert "export const TaskOutRank = {\n  LowRank: 1,\n  HighRank: 9,\n} as const;" in found


def test_models_and_schemas_can_be_included(output, serve):
    serve(zoo.make())
    write("--include", "project.Author", "--include", "tests.contrib.typescript.zoo.Dog")
    found = (output / "models.d.ts").read_text()
    assert "  boss_id: number | null;" in declared(found, "export type Author =")
    assert '  kind: "dog";' in declared(found, "export type Dog =")
    with pytest.raises(CommandError, match="--include nothing: that is neither a model"):
        write("--include", "nothing")


def test_every_operation_has_a_name(serve):
    serve(zoo.make())
    found = [f"{each.group}.{each.verb}" for each in read_document().operations]
    assert len(set(found)) == len(found)
    assert {"things.list", "things.create", "things.delete", "things.listPets"} <= set(found)
    assert {"class2.delete", "class2.addPet", "notes.changePut"} <= set(found)


SHOP_OPTIONS = [
    [],
    ["--media", "all", "--dates", "temporal", "--decimals", "brand", "--include", "store"],
]


@pytest.mark.once
@pytest.mark.slow
@pytest.mark.parametrize("options", SHOP_OPTIONS, ids=["by default", "with every option"])
def test_two_processes_write_the_same_bytes(tmp_path, options):
    for number, seed in enumerate(("1", "4242")):
        done = matt_types(
            "write", "--output", tmp_path / str(number), *options, PYTHONHASHSEED=seed
        )
        assert done.returncode == 0, done.stderr
    first, second = (
        {each.name: each.read_bytes() for each in (tmp_path / number).iterdir()}
        for number in ("0", "1")
    )
    assert first == second
    assert Path(tmp_path / "0" / "schema.d.ts").stat().st_size > 10_000
