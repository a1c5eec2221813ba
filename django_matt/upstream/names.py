"""The register of private names: which there are, what needs each, and which the installed releases lack."""

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

__all__ = ["ABSENT", "FEATURES", "NAMES", "SUPPORTED", "expect", "find", "lost", "missing"]

SUPPORTED = {
    "django": ">=5.2,<6.2",
    "django-ninja": ">=1.7.1,<1.8",
    "django-ninja-extra": ">=0.31.7,<0.32",
    "pydantic": ">=2.13,<2.15",
}
"""The releases that Django Matt is tested with, as in its pyproject.toml."""

FEATURES = {
    "operations": "bound operations (they keep Ninja's own run: no hooks, no formats for bodies, no limits)",
    "openapi": "its OpenAPI document (Ninja's is served)",
    "rows": "the rows tier",
    "scopes": "scopes of an API (its routes answer 500)",
    "shapes": "compiled SQL for all queries of one shape",
    "instances": "the compiled encoder",
    "queries": "planned queries",
    "reader": "validation of responses without DjangoGetter",
    "requests": "limits on the values of requests",
    "keys": "types of foreign keys with to_field",
    "generic": "ModelSchema of generic foreign keys",
    "columns": "bounds of columns in requests and the document",
    "aliases": "type aliases and AliasChoices in parameters",
    "patches": "PatchDict of schemas with postponed annotations",
    "cursors": "cursor pages that show every row",
    "handlers": "exception handlers that are async",
    "fields": "the names of fields in errors of the database",
    "forms": "forms of PUT and PATCH, and bodies without a length",
    "conditions": "durable transactions inside of a conditional write",
    "controllers": "a controller on an API whose id was used before",
    "transactions": "routes without the transaction of ATOMIC_REQUESTS",
    "users": "the user in the lines of request_logs",
    "asgi": "responses closed without a thread under its ASGI application",
}
"""What a missing name may turn off, in words."""


class _Absent:
    """Replaces a class that no longer exists. Nothing is an instance of it."""

    def __init__(self, *_: Any, **__: Any) -> None:
        raise NotImplementedError("The library lacks this class: see manage.py check.")


ABSENT: Any = _Absent
"""What a name is that is gone, if nothing else can take its place."""

NAMES: dict[str, tuple[str, tuple[str, ...]]] = {}
"""Every name without promise, with its distribution and the features that need it."""
_missing: list[str] = []


def missing() -> list[str]:
    """Return the names that the installed releases do not have, as in ``"django-ninja: ninja.schema.Schema"``.

    The attributes of a class that is gone are left out.
    """
    alone = [name for name in _missing if name.rpartition(".")[0] not in _missing]
    return [f"{NAMES[name][0]}: {name}" for name in alone]


def lost(feature: str) -> str | None:
    """Return why a feature is off, or None if all names that it needs are there."""
    if not _missing:
        return None
    gone = [name for name in _missing if feature in NAMES[name][1]]
    return f"{', '.join(gone)} is gone from {NAMES[gone[0]][0]}" if gone else None


def find(
    distribution: str,
    name: str,
    features: str,
    read: Callable[[], Any] | None = None,
    *,
    otherwise: Any = ABSENT,
) -> Any:
    """Return what a name refers to, or ``otherwise``; ``read`` finds what is no attribute of a module."""
    known = NAMES.get(name, (distribution, ()))[1]
    NAMES[name] = distribution, tuple(dict.fromkeys((*known, *features.split())))
    try:
        return resolve(name) if read is None else read()
    except Exception:  # noqa: BLE001 - whatever a renamed function raises, the name is gone
        if name not in _missing:
            _missing.append(name)
        return otherwise


def resolve(name: str) -> Any:
    """Import ``package.module.Class.attribute``."""
    *owners, last = name.split(".")
    for count in range(len(owners), 0, -1):
        try:
            found: Any = import_module(".".join(owners[:count]))
        except ModuleNotFoundError:
            continue
        for part in (*owners[count:], last):
            found = getattr(found, part)
        return found
    raise ModuleNotFoundError(name)


def expect(
    distribution: str, owner: str, names: str, features: str, instance: Callable[[], Any]
) -> None:
    """Check that an object has attributes, which are read where they are used."""
    for name in names.split():
        find(distribution, f"{owner}.{name}", features, partial(_attribute, instance, name))


def _attribute(instance: Callable[[], Any], name: str) -> Any:
    return getattr(instance(), name)
