"""Databases: from which one Django reads a relation, so that a join or a prefetch reads the same rows.

Django asks the routers for each instance: ``db_for_read(related, instance=instance)``. If none answers, it reads from the
database that the instance came from. Nothing is remembered between requests, because a router may depend on the request.
"""

from types import SimpleNamespace
from typing import Any

from django.apps import apps
from django.db import router
from django.db.models import Model

__all__ = ["is_read_here", "reads_every_model_from", "source_of"]

# A router may spread reads over replicas at random. It is asked this often before its answer counts as another database.
_TRIES = 8


class _AnyInstance:
    """Represents every instance of a model from one database, and notes whether a router looks at anything else of it."""

    def __init__(self, model: type[Model], using: str | None) -> None:
        self.seen = SimpleNamespace(
            __class__=model,
            _meta=model._meta,
            _state=SimpleNamespace(db=using, adding=False),
            looked=False,
        )

    def __getattribute__(self, name: str) -> Any:
        seen = object.__getattribute__(self, "__dict__")["seen"]
        if name == "seen":
            return seen
        if name in ("__class__", "_meta", "_state"):
            return seen.__dict__[name]
        seen.looked = True
        raise AttributeError(name)


def source_of(model: type[Model], target: type[Model], using: str | None) -> str | None:
    """Return the alias from which Django reads ``target`` for an instance of ``model`` that came from ``using``.

    Returns None if a router looks at the instance itself, since each instance may then have another database, and if ``using``
    is None, because the database of the instance is not known.
    """
    if using is None or not router.routers:
        return using
    instance: Any = _AnyInstance(model, using)
    found = None
    for _ in range(_TRIES):
        try:
            found = router.db_for_read(target, instance=instance)
        except Exception:  # noqa: BLE001 - Django asks again for a real instance, and shows what fails there
            return None
        if instance.seen.looked:
            return None
        if found == using:
            break
    return found


def is_read_here(model: type[Model], target: type[Model], using: str) -> bool:
    """Tell whether one statement may read ``target`` joined to ``model`` from ``using``.

    It may if Django would read ``target`` from there too, and the routers say that its table exists there.
    """
    if not router.routers:
        return True
    return source_of(model, target, using) == using and bool(
        router.allow_migrate_model(using, target)
    )


def reads_every_model_from(using: str | None) -> bool:
    """Tell whether Django reads any model from ``using`` where it is told no instance.

    It prefetches the objects of a generic foreign key so, and reads a single one where the instance came from. Of which
    models they are, only the rows say.
    """
    return not router.routers or (
        using is not None
        and all(
            any(router.db_for_read(model) == using for _ in range(4 * _TRIES))
            for model in apps.get_models()
        )
    )
