"""Where the base of a comparison comes from: a file, or a revision of git."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import Any

from django_matt.contrib.typescript.errors import TypesError

__all__ = ["Base", "check_document", "check_same_api", "git", "read_base"]


@dataclass(frozen=True, slots=True)
class Base:
    """A stored document, and where it was found."""

    document: Mapping[str, Any]
    source: str
    """``openapi.json``, or ``main:openapi.json``."""
    revision: str | None = None
    """The commit, if it was read from git."""


def read_base(base: str | None, stored: Path) -> Base:
    """Return the document of a file, or the one at ``stored`` in a revision of git; without ``base``, the stored one.

    Raises ``TypesError`` if there is no such file or revision, or if what it contains is no OpenAPI 3.1 document.
    """
    if base is None:
        if not stored.exists():
            raise TypesError(
                f"There is no {stored.name} to compare with. Store the document of today, and commit it: "
                "manage.py matt_types diff --save"
            )
        return Base(_read(stored), stored.name)
    path = Path(base)
    if path.is_file():
        return Base(_read(path), base)
    if path.is_dir():
        raise TypesError(f"--base {base} is a folder. Name a file in it.")
    return _read_revision(base, stored)


def _read_revision(base: str, stored: Path) -> Base:
    missing = f"--base {base}: there is no such file"
    if base.startswith("-"):
        raise TypesError(f"{missing}.")
    if which("git") is None:
        raise TypesError(f"{missing}, and git is not installed.")
    folder = next(each for each in stored.parents if each.is_dir())
    if git(folder, "rev-parse", "--git-dir") is None:
        raise TypesError(f"{missing}, and {folder} is not in a git repository.")
    commit = git(folder, "rev-parse", "--verify", "--quiet", f"{base}^{{commit}}")
    if commit is None:
        raise TypesError(
            f"{missing}, and no such revision. In a shallow clone, fetch it first: git fetch origin {base}"
        )
    revision = commit.decode().strip()
    text = git(stored.parent, "show", f"{revision}:./{stored.name}")
    if text is None:
        raise TypesError(
            f"{base} has no {stored.name}. Store the document with manage.py matt_types diff --save, and commit it there "
            "first; or name the file with --document."
        )
    source = f"{base}:{stored.name}"
    return Base(check_document(text, source), source, revision)


def git(folder: Path, *arguments: str) -> bytes | None:
    """Return what git prints in a folder; None if it fails."""
    done = subprocess.run(  # noqa: S603 - arguments are a list, and no option comes from outside
        ["git", "-C", str(folder), *arguments],  # noqa: S607 - the user's own git
        capture_output=True,
        check=False,
    )
    return done.stdout if done.returncode == 0 else None


def _read(path: Path) -> Mapping[str, Any]:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise TypesError(f"{path} cannot be read: {error.strerror}.") from None
    return check_document(text, str(path))


def check_document(text: bytes, source: str) -> Mapping[str, Any]:
    """Return the OpenAPI 3.1 document in a text; raise ``TypesError`` if it is none."""
    try:
        document = json.loads(text)
    except UnicodeDecodeError:
        raise TypesError(f"{source} is not JSON: it is not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise TypesError(
            f"{source} is not JSON: line {error.lineno}, column {error.colno}: {error.msg}."
        ) from None
    except RecursionError:
        raise TypesError(f"{source} is nested too deeply.") from None
    version = document.get("openapi") if isinstance(document, dict) else None
    if not isinstance(version, str) or not version.startswith("3."):
        raise TypesError(f"{source} is not an OpenAPI document: it has no openapi: 3.1.")
    if version.startswith("3.0"):
        raise TypesError(
            f"{source} is of OpenAPI {version}. Only documents of OpenAPI 3.1 can be compared."
        )
    wrong = _find_malformed(document)
    if wrong is not None:
        raise TypesError(f"{source} is not a valid OpenAPI document: {wrong}.")
    return document  # type: ignore[no-any-return]


def _find_malformed(document: Mapping[str, Any]) -> str | None:
    """Return the first part that is no object, or no list, where OpenAPI has one."""
    for key in ("info", "paths", "components", "webhooks"):
        if not isinstance(document.get(key, {}), dict):
            return f"{key} is not an object"
    for kind, parts in document.get("components", {}).items():
        if not kind.startswith("x-") and not isinstance(parts, dict):
            return f"components.{kind} is not an object"
    for path, item in document.get("paths", {}).items():
        if not isinstance(item, dict):
            return f"{path} is not an object"
        for name, part in item.items():
            wrong = _find_malformed_part(path, name, part)
            if wrong is not None:
                return wrong
    return None


def _find_malformed_part(path: str, name: str, part: Any) -> str | None:
    """Return what is wrong with an operation, or with another part of a path item."""
    if name in {"summary", "description", "$ref"} or name.startswith("x-"):
        return None
    if name in {"parameters", "servers"}:
        return None if _is_list(part) else f"{path}: {name} is not a list of objects"
    operation = f"{name.upper()} {path}"
    if not isinstance(part, dict):
        return f"{operation} is not an object"
    for key in ("parameters", "security"):
        if not _is_list(part.get(key, [])):
            return f"{operation}: {key} is not a list of objects"
    for key in ("responses", "requestBody"):
        if not isinstance(part.get(key, {}), dict):
            return f"{operation}: {key} is not an object"
    return None


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)


def check_same_api(base: Base, revision: Mapping[str, Any]) -> None:
    """Raise ``TypesError`` if the base describes another API: another title, and no path in common."""
    titles = [(each.get("info") or {}).get("title") for each in (base.document, revision)]
    paths = [set(each.get("paths") or {}) for each in (base.document, revision)]
    if titles[0] != titles[1] and all(paths) and not paths[0] & paths[1]:
        raise TypesError(
            f"{base.source} is the document of another API, {titles[0]!r}: it has no path of {titles[1]!r}. "
            "Choose the API with --api, or the document with --document."
        )
