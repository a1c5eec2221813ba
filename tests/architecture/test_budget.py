"""How much of Django Matt is imported to serve requests: a budget, and parts that stay out (docs/decisions/0010-budget.md)."""

import ast
import io
import json
import sys
import tokenize
from pathlib import Path

import pytest

from .conftest import TREE, succeed

BUDGET = 9_894
"""Lines of code of ``django_matt``, without those of ``rows/``. It only goes down: lower it when you make the core smaller."""

SERVE = """
import json, sys
from types import ModuleType
from django.conf import settings
settings.configure(
    SECRET_KEY="x" * 50, ALLOWED_HOSTS=["*"], ROOT_URLCONF="urls",
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "ninja_extra", "django_matt"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
)
import django
django.setup()
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.urls import path
from ninja import ModelSchema
from django_matt import MattAPI
from django_matt.wsgi import get_wsgi_application

class KindOut(ModelSchema):
    class Meta:
        model = ContentType
        fields = ["id", "model"]

api = MattAPI()

@api.get("/hello")
def hello(request):
    return {"hello": "world"}

@api.get("/kinds", response=list[KindOut])
def kinds(request):
    return ContentType.objects.all()

urls = sys.modules["urls"] = ModuleType("urls")
urls.urlpatterns = [path("api/", api.urls)]
call_command("migrate", verbosity=0)
for name in [name for name in sys.modules if name.startswith("django_matt.management")]:
    del sys.modules[name]
application = get_wsgi_application()

def get(url):
    began = []
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": url, "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80",
               "wsgi.input": sys.stdin.buffer, "wsgi.url_scheme": "http", "wsgi.errors": sys.stderr}
    body = b"".join(application(environ, lambda status, headers: began.append(status)))
    assert began[0].startswith("200"), (url, began, body)
    return json.loads(body)

assert get("/api/hello") == {"hello": "world"}
assert {"id", "model"} == set(get("/api/kinds")[0])
print(json.dumps([module.__file__ for name, module in sorted(sys.modules.items())
                  if name.split(".")[0] == "django_matt" and getattr(module, "__file__", None)]))
"""


def code_lines(source: str) -> int:
    """Count the lines that hold code: no blank lines, comments and docstrings."""
    written: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in {
            tokenize.COMMENT,
            tokenize.NL,
            tokenize.NEWLINE,
            tokenize.INDENT,
            tokenize.DEDENT,
            tokenize.ENDMARKER,
        }:
            written.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        body = getattr(node, "body", None)
        for each in body if isinstance(body, list) else []:
            if (
                isinstance(each, ast.Expr)
                and isinstance(each.value, ast.Constant)
                and isinstance(each.value.value, str)
            ):
                written -= set(range(each.lineno, (each.end_lineno or each.lineno) + 1))
    return len(written)


def imported_by(tree: Path) -> list[str]:
    """Return the modules of a tree that serving one constant and one list imports, as paths below ``django_matt``."""
    said = succeed(sys.executable, "-c", SERVE, cwd=tree, PYTHONPATH=str(tree))
    package = tree / "django_matt"
    found = [Path(path) for path in json.loads(said.splitlines()[-1]) if path.endswith(".py")]
    return [str(path.relative_to(package)) for path in found]


def lines_of(tree: Path, modules: list[str]) -> int:
    """Count the code of modules, without the row engine's."""
    return sum(
        code_lines((tree / "django_matt" / path).read_text())
        for path in modules
        if not path.startswith("rows/")
    )


@pytest.fixture(scope="module")
def imported() -> list[str]:
    return imported_by(TREE)


def test_serving_requests_imports_no_more_code_than_the_budget(imported):
    found = lines_of(TREE, imported)
    assert found <= BUDGET, f"{found} lines: what is new here that no request needs?"


def test_a_module_that_the_core_imports_counts(copy_tree, imported):
    tree = copy_tree()
    (tree / "django_matt" / "planted.py").write_text("ONE = 1\n" * 500)
    routers = tree / "django_matt" / "routers.py"
    routers.write_text(routers.read_text() + "\nimport django_matt.planted\n")
    grown = imported_by(tree)
    assert lines_of(tree, grown) - lines_of(TREE, imported) == 501


@pytest.mark.parametrize(
    "part",
    ["cli/", "contrib/", "errors/tracebacks/", "openapi/documents.py", "testing/", "asgi.py"],
)
def test_a_part_that_no_request_needs_is_not_imported(imported, part):
    found = [path for path in imported if path.startswith(part)]
    assert [path for path in found if path != "errors/tracebacks/__init__.py"] == []


def test_comments_docstrings_and_blank_lines_are_no_code():
    source = '"""A module.\n\nOf two.\n"""\n\n# why\nA = [\n    1,\n]\n"""Of A."""\n\n\ndef f():\n    """Do."""\n    return A  # it\n'
    assert code_lines(source) == 5
