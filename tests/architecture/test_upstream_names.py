"""A name that Ninja, Ninja Extra, pydantic or Django does not promise is used by ``django_matt.upstream`` alone."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from django_matt import upstream

from .conftest import TREE

LIBRARIES = {"django", "injector", "ninja", "ninja_extra", "pydantic", "pydantic_core"}

UNDOCUMENTED = (
    "django.core.handlers",
    "django.db.backends",
    "django.db.models.sql",
    "ninja.compatibility",
    "ninja.conf",
    "ninja.constants",
    "ninja.openapi.schema",
    "ninja.operation",
    "ninja.orm.factory",
    "ninja.orm.fields",
    "ninja.params.models",
    "ninja.patch_dict",
    "ninja.router",
    "ninja.schema",
    "ninja.signature",
    "ninja.utils",
    "ninja_extra.constants",
    "ninja_extra.controllers.base",
    "ninja_extra.controllers.registry",
    "ninja_extra.controllers.route",
    "ninja_extra.dependency_resolver",
    "ninja_extra.lazy",
    "ninja_extra.operation",
    "ninja_extra.reflect",
)
"""Modules that the documentation of their library does not name, and all below them."""

FOUNDATIONS = {
    # A release of Ninja without these has no NinjaExtraAPI: Ninja Extra is made of them.
    "ninja.constants.NOT_SET",
    "ninja.constants.NOT_SET_TYPE",
    "ninja.operation.AsyncOperation",
    "ninja.operation.Operation",
    "ninja.operation.PathView",
    "ninja.schema.Schema",
    "ninja.utils.normalize_path",
    # What protects a route by a cookie; without it the apps that sign users in do not start.
    "ninja.utils.check_csrf",
    # The same for what every route of a NinjaExtraAPI is made of.
    "ninja_extra.operation.AsyncOperation",
    "ninja_extra.operation.Operation",
    "ninja_extra.operation.PathView",
    # What Django gives to every server and middleware: without it there is no Django to run on.
    "django.core.handlers.asgi.ASGIRequest",
    "django.core.handlers.base.BaseHandler",
    "django.core.handlers.wsgi.WSGIHandler",
    # Django's documentation, "Signals".
    "django.db.backends.signals.connection_created",
    # The settings that Ninja's documentation names, as an object.
    "ninja.conf.settings",
}

ATTRIBUTES = {
    "_replace",  # of named tuples (Python's documentation)
    "_base_manager",  # Django's documentation, "Managers"
    "_default_manager",
    "_meta",  # "Model _meta API"
    "_state",  # "Model instance reference"
    "_exit",  # os._exit
    "_getframe",  # sys._getframe
    "_register_atexit",  # of Python's threading; `wsgi` uses `atexit` where it is gone
}
"""Attributes with an underscore that a documentation names."""

PINNED = {
    "_password",  # of AbstractBaseUser; tests/sign_in/tokens/test_ending.py fails without it
    "_require_stage",  # of allauth, of which pyproject.toml allows one series; tests/sign_in/accounts does the same
}
"""Attributes without promise of which a test of their app tells if they are gone."""

EXCEPTIONS = {
    "contrib/environments/starting.py": "runs while the settings are imported, when Ninja cannot be; it only sets a flag",
    "django_matt/asgi.py": "is built on Django's handler: without its names there is no such application",
}
"""Modules that this test leaves alone, with the reason."""


def modules(tree: Path) -> dict[str, ast.Module]:
    """Return the syntax of each module of the core and of the contrib apps, by its path."""
    files = [
        file
        for folder in ("django_matt", "contrib")
        for file in (tree / folder).rglob("*.py")
        if not {"project_template", "upstream"} & set(file.relative_to(tree).parts)
        and file.relative_to(tree).parts[:2] != ("django_matt", "contrib")
    ]
    return {str(file.relative_to(tree)): ast.parse(file.read_text()) for file in files}


def own_names(syntax: ast.Module) -> Iterator[str]:
    """Yield each name with an underscore that a module defines itself."""
    for node in ast.walk(syntax):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.Name(ctx=ast.Store()):
                yield node.id
            case ast.Attribute(ctx=ast.Store(), value=ast.Name(id="self" | "cls")):
                yield node.attr
            case ast.Assign(targets=[ast.Name(id="__slots__")], value=value):
                for part in ast.walk(value):
                    if isinstance(part, ast.Constant):
                        yield str(part.value)


def is_private(name: str) -> bool:
    """Tell a name without promise: ``_name``, and the attributes that pydantic and Ninja write with two underscores."""
    if name.startswith("_matt_"):
        return False
    if name.startswith("__"):
        return name.startswith(("__ninja_", "__pydantic_", "__read_from_"))
    return name.startswith("_") and name.strip("_") != ""


def uses(syntax: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of each use of a name without promise."""
    for_checkers = {
        id(inner)
        for node in ast.walk(syntax)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(syntax):
        if id(node) in for_checkers:
            continue
        match node:
            case ast.ImportFrom(module=str(module), names=names):
                if module.partition(".")[0] not in LIBRARIES:
                    continue
                for alias in names:
                    full = f"{module}.{alias.name}"
                    hidden = any(is_private(part) for part in full.split("."))
                    if hidden or f"{full}.".startswith(tuple(f"{each}." for each in UNDOCUMENTED)):
                        yield node.lineno, full
            case ast.Attribute(attr=name) if is_private(name):
                yield node.lineno, name
            case ast.Call(
                func=ast.Name(id="getattr" | "hasattr" | "setattr" | "delattr"),
                args=[_, ast.Constant(value=str(name)), *_],
            ) if is_private(name):
                yield node.lineno, name


def without_promise(tree: Path) -> list[str]:
    """Return each use of a name without promise that upstream does not know of."""
    syntax = modules(tree)
    own = {name for each in syntax.values() for name in own_names(each)}
    known = {name.rpartition(".")[2] for name in upstream.NAMES}
    found = []
    for file, each in syntax.items():
        for line, name in uses(each):
            if name in FOUNDATIONS or file in EXCEPTIONS:
                continue
            if "." not in name and name in own | known | ATTRIBUTES | PINNED:
                continue
            found.append(f"{file}:{line}: {name}")
    return found


def test_a_name_without_promise_is_used_by_upstream_alone():
    assert without_promise(TREE) == []


def test_each_exception_is_needed():
    used = {name for each in modules(TREE).values() for _, name in uses(each)}
    assert used >= FOUNDATIONS
    assert used >= ATTRIBUTES | PINNED
    assert EXCEPTIONS.keys() <= modules(TREE).keys()


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("from ninja.operation import _private", "ninja.operation._private"),
        (
            "from ninja.signature.details import ViewSignature",
            "ninja.signature.details.ViewSignature",
        ),
        ("from pydantic._internal import _fields", "pydantic._internal._fields"),
        ("from django.db.models.sql import Query", "django.db.models.sql.Query"),
        ("from ninja_extra.reflect import reflect", "ninja_extra.reflect.reflect"),
        ("def f(api): return api._hidden_routers", "_hidden_routers"),
        ("def f(model): return model.__pydantic_hidden__", "__pydantic_hidden__"),
        ("def f(api): return getattr(api, '_hidden_routers', None)", "_hidden_routers"),
        ("def f(api): api._hidden_routers = []", "_hidden_routers"),
    ],
)
def test_a_name_without_promise_elsewhere_is_found(tmp_path: Path, line: str, name: str):
    file = tmp_path / "django_matt" / "spoilt.py"
    file.parent.mkdir()
    file.write_text(f"{line}\n")
    assert without_promise(tmp_path) == [f"django_matt/spoilt.py:1: {name}"]
