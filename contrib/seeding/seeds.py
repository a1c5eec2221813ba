"""``Seeds``: functions of the project that make the values of single columns."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Generic, TypeVar, get_args

from django.apps import AppConfig, apps
from django.db.models import Model

from django_matt.contrib.seeding.columns import Batch

__all__ = ["Batch", "Seeds", "load_seeds", "seeds_for"]

M = TypeVar("M", bound=Model)
_known: dict[type[Model], type["Seeds[Any]"]] = {}


class Seeds(Generic[M]):
    """The values of some columns of a model; ``matt_seed`` makes the others.

    A method has the name of a column. It returns a list with a value for each row of the batch::

        class ProductSeeds(Seeds[Product]):
            def price(self, batch):
                return batch.choose([10, 20, 30])

            def sku(self, batch):
                return [f"P-{number:06d}" for number in batch.numbers]

    The file is ``seeds.py`` of an installed app. Take every random value from ``batch.random``, so that the same ``--seed`` makes
    the same rows.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        """Remember the class for its model."""
        super().__init_subclass__(**options)
        for base in getattr(cls, "__orig_bases__", ()):
            for model in get_args(base):
                if isinstance(model, type) and issubclass(model, Model):
                    _known[model] = cls


def load_seeds() -> None:
    """Import ``seeds`` of every installed app that has such a module."""
    for config in apps.get_app_configs():
        if _has_seeds(config):
            import_module(f"{config.name}.seeds")


def seeds_for(model: type[Model]) -> dict[str, Callable[[Batch], list[Any]]]:
    """Return the functions of the project for the columns of a model."""
    found = _known.get(model)
    if found is None:
        return {}
    instance = found()
    return {
        name: getattr(instance, name)
        for name in vars(found)
        if not name.startswith("_") and callable(getattr(instance, name))
    }


def _has_seeds(config: AppConfig) -> bool:
    return (
        config.name != __name__.rpartition(".")[0] and find_spec(f"{config.name}.seeds") is not None
    )
