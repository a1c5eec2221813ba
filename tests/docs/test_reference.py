"""The reference has every public name, and each name of ours says what it is."""

import inspect
import re
from importlib import import_module

import pytest

import django_matt
from tests.apps.test_public_names import listed
from tests.sign_in.groups import APPS as SIGN_IN

from .snippets import TREE

pytestmark = pytest.mark.once

FOLDER = TREE / "docs" / "reference"
APPS = sorted(path.parent.name for path in (TREE / "contrib").glob("*/apps.py"))


def described(page: str) -> list[str]:
    """Return the names that mkdocstrings describes on a page, with their modules."""
    return re.findall(r"^::: ([\w.]+)$", (FOLDER / page).read_text(), re.M)


DESCRIBED = [*described("index.md"), *described("modules.md"), *described("apps.md")]


def test_the_page_of_django_matt_has_every_name_of_it():
    own = {name.rpartition(".")[2] for name in described("index.md")}
    rows = re.findall(r"^\| (`.*?) \| (.*?) \|", (FOLDER / "index.md").read_text(), re.M)
    others = {name: text for names, text in rows for name in re.findall(r"`(\w+)`", names)}
    assert own | set(others) == set(django_matt.__all__)
    assert {name for name in own | set(others) if is_ours(getattr(django_matt, name))} == own
    assert all(others.values())


def is_ours(thing: object) -> bool:
    return str(getattr(thing, "__module__", "")).startswith("django_matt")


def test_the_page_of_the_modules_has_every_public_name():
    public = {f"{module}.{name}" for module, names in listed().items() for name in names}
    assert sorted(described("modules.md")) == sorted(public)


@pytest.mark.parametrize("app", APPS)
def test_the_page_of_the_apps_has_every_app_and_what_it_exports(app: str):
    page = (FOLDER / "apps.md").read_text()
    assert f"\n## {app}\n" in page
    module = f"django_matt.contrib.{app}"
    for name in getattr(import_module(module), "__all__", []):
        thing = getattr(import_module(module), name)
        # Aliases of types have no module of their own.
        of_others = getattr(thing, "__module__", module).startswith("pydantic")
        assert f"::: {module}.{name}\n" in page or of_others, name


def is_of_sign_in(name: str) -> bool:
    """Tell a name whose module has tables of apps that only tests/sign_in installs; its test_reference.py reads them."""
    return name.startswith(tuple(f"django_matt.contrib.{app}." for app in SIGN_IN))


def is_of_events(name: str) -> bool:
    """Tell a name of the app of events, whose tables only tests/contrib/events installs; its test_commands.py reads them."""
    return name.startswith("django_matt.contrib.events.")


def is_of_webhooks(name: str) -> bool:
    """Tell a name of the app of webhooks, whose tables only tests/contrib/webhooks installs; its test_commands.py reads them."""
    return name.startswith("django_matt.contrib.webhooks.")


def is_of_rag(name: str) -> bool:
    """Tell a name of the app of retrieval, whose tables only tests/contrib/rag installs; its test_commands.py reads them."""
    return name.startswith("django_matt.contrib.rag.")


@pytest.mark.parametrize(
    "name",
    [
        each
        for each in DESCRIBED
        if not (
            is_of_sign_in(each) or is_of_events(each) or is_of_webhooks(each) or is_of_rag(each)
        )
    ],
)
def test_every_public_name_has_a_docstring(name: str):
    read_docstring(name)


def read_docstring(name: str) -> None:
    """Fail if a public name has no docstring, or a variable no text below it."""
    module, _, attribute = name.rpartition(".")
    thing = getattr(import_module(module), attribute)
    if inspect.isclass(thing) or callable(thing):
        assert (thing.__doc__ or "").strip(), f"{name} has no docstring"
        return
    # A type alias or a variable has no docstring of its own: the text below its line is what the page shows.
    assert has_text_below(attribute), f"{name} has no text below it"


def has_text_below(attribute: str) -> bool:
    pattern = re.compile(rf"^{attribute}\b[^\n]*=.*\n(?:[ )\]}}].*\n)*\"\"\"", re.M)
    files = [*(TREE / "contrib").rglob("*.py"), *(TREE / "django_matt").glob("*.py")]
    return any(pattern.search(path.read_text()) for path in files)
