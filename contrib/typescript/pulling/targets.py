"""Merges what was pulled into a Python file: formats it, checks that it can be built, adds its imports."""

import hashlib
import sys
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import unified_diff
from pathlib import Path

from django.core.management.base import CommandError
from pydantic import BaseModel, TypeAdapter

from django_matt.contrib.typescript.pulling.definitions import Definitions
from django_matt.contrib.typescript.pulling.identifiers import OURS
from django_matt.contrib.typescript.pulling.imports import NameTakenError, add_imports, names_used
from django_matt.contrib.typescript.pulling.regions import (
    Conflict,
    Pulled,
    Side,
    merge,
    regions_of,
    same,
)
from django_matt.contrib.typescript.pulling.writing import format_source

__all__ = [
    "Target",
    "build",
    "check_nothing",
    "check_schemas",
    "digests_of",
    "read_target",
    "target_path",
]


@dataclass(slots=True)
class Target:
    """A Python file as it was and as it will be."""

    path: Path
    shown: str
    """The path as messages show it."""
    before: str | None
    after: str
    record: dict[str, Pulled]
    conflicts: list[Conflict] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether the file has to be written."""
        return self.after != (self.before or "")

    def diff(self) -> str:
        """Return the unified diff of the file."""
        before = (self.before or "").splitlines(keepends=True)
        after = self.after.splitlines(keepends=True)
        return "".join(unified_diff(before, after, f"a/{self.shown}", f"b/{self.shown}"))


def target_path(given: str, project: Path) -> Path:
    """Return the file for ``--to``; a relative path begins at the project. Raises ``CommandError``."""
    path = (project / given).resolve()
    if not path.is_relative_to(project):
        raise CommandError(f"--to {given}: {path} is outside of the project ({project}).")
    inner = path.relative_to(project)
    if path.suffix != ".py" or not all(part.isidentifier() for part in inner.with_suffix("").parts):
        raise CommandError(
            f"--to {given}: Python cannot import this as a module. Name a file such as shop/schemas.py."
        )
    if path.is_dir():
        raise CommandError(
            f"--to {given}: this is a folder. Name a file in it, such as {given}/schemas.py."
        )
    if not path.parent.is_dir():
        raise CommandError(
            f"--to {given}: there is no folder {inner.parent}. Make it, or name another file."
        )
    return path


def read_target(path: Path, shown: str) -> str | None:
    """Return the source of a file, None if there is none. Raises ``CommandError`` if it is not Python."""
    try:
        source = path.read_bytes().decode().replace("\r\n", "\n")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise CommandError(
            f"{shown} is not text in UTF-8 ({error.reason}). Nothing was written."
        ) from None
    try:
        regions_of(source)
    except (SyntaxError, ValueError, RecursionError) as error:
        line = (
            f", line {error.lineno}: {error.msg}"
            if isinstance(error, SyntaxError)
            else f": {error}"
        )
        raise CommandError(f"{shown}{line}. Fix it first; nothing was written.") from None
    return source


def build(
    path: Path,
    shown: str,
    texts: Mapping[str, str],
    digests: Mapping[str, str],
    *,
    known: Mapping[str, Pulled],
    docstring: str,
    prefer: Side | None,
    check: Callable[[str, str], None],
) -> Target:
    """Return a file with regions merged into it. ``check`` is called with the new regions as a module of their own."""
    before = read_target(path, shown)
    whole = _module(texts, docstring, path) if texts else ""
    check(whole, shown)
    found = regions_of(whole)
    pulled = {name: Pulled(found[name].text, digests[name]) for name in texts}
    merged = merge(before or (f'"""{docstring}"""\n' if texts else ""), pulled, known, prefer)
    if merged.conflicts:
        return Target(path, shown, before, before or "", merged.record, merged.conflicts)
    after = merged.source
    ours = [
        each.text
        for name, each in regions_of(after).items()
        if same(each.text, pulled[name].python if name in pulled else None)
    ]
    needed = {name for text in ours for name in names_used(text)}
    dropped = {name for each in known.values() for name in names_used(each.python)} - needed
    try:
        after = add_imports(after, needed & OURS.keys(), dropped)
    except NameTakenError as error:
        raise CommandError(
            f"{shown} has another {error.name} in line {error.line}, and the pulled types need "
            f"{error.name} of {OURS[error.name] or 'the standard library'}. Rename yours, or choose another file."
        ) from None
    return Target(path, shown, before, after, merged.record, kept=merged.kept)


def _module(texts: Mapping[str, str], docstring: str, path: Path) -> str:
    """Return regions as a module, formatted."""
    source = f'"""{docstring}"""\n\n\n' + "\n\n".join(texts.values())
    source = add_imports(source, names_used(source) & OURS.keys())
    return format_source(source, path)


def digests_of(
    definitions: Definitions, origins: Mapping[str, str], texts: Mapping[str, str]
) -> dict[str, str]:
    """Return a digest of the TypeScript behind each region; of a type variable, that of its text."""
    found = {}
    for name, text in texts.items():
        origin = origins.get(name)
        what = repr(definitions.found[origin]) if origin is not None else text
        found[name] = f"sha256:{hashlib.sha256(what.encode()).hexdigest()}"
    return found


def check_nothing(source: str, shown: str) -> None:
    """Accept a module; models cannot be built outside of their app, and their migration checks them."""


def check_schemas(source: str, shown: str) -> None:
    """Build every schema of a module. Raises ``CommandError``."""
    name = "matt_types_pulled"
    module = types.ModuleType(name)
    sys.modules[name] = module
    try:
        exec(compile(source, shown, "exec"), module.__dict__)  # noqa: S102 - what we have just written
        for each in list(vars(module).values()):
            if isinstance(each, type) and issubclass(each, BaseModel) and each.__module__ == name:
                each.model_rebuild()
        for region in regions_of(source):
            found = getattr(module, region)
            if not isinstance(found, type) and type(found).__name__ != "TypeVar":
                TypeAdapter(found)
    except RecursionError:
        raise CommandError(
            f"{shown}: a generic type contains itself with other arguments, or types are nested too deeply. "
            "Nothing was written."
        ) from None
    except Exception as error:  # noqa: BLE001 - whatever it is, no file may have it
        raise CommandError(
            f"{shown}: the schemas cannot be built ({type(error).__name__}: {error}). Nothing was written."
        ) from None
    finally:
        sys.modules.pop(name, None)
