"""Names of generated source, from those of a model."""

from typing import Any

from django.apps import apps
from django.db.models import Model
from django.utils.text import slugify

__all__ = ["file_name_of", "manager_of", "module_of", "url_name_of"]


def url_name_of(model: type[Model]) -> str:
    """Return the part of a URL for the objects of a model: ``"order-lines"``.

    No two models of an app have the same, even if they are called the same; the first one gets the name.
    """
    taken: set[str] = set()
    for each in (*apps.get_app_config(model._meta.app_label).get_models(), model):
        name = str(each._meta.model_name)
        names = (slugify(str(each._meta.verbose_name_plural)), f"{name}s", name)
        url = next(url for url in names if url and (url not in taken or url == name))
        if each is model:
            return url
        taken.add(url)
    return str(model._meta.model_name)


def file_name_of(model: type[Model]) -> str:
    """Return the part of a file's name for a model, in ASCII if the model's name has such letters."""
    name = str(model._meta.model_name)
    return slugify(name) or name


def module_of(model: type[Model]) -> str:
    """Return the module that people import a model from: the app's ``models``, if a package of that name shows it."""
    shown = apps.get_app_config(model._meta.app_label).models_module
    if shown is not None and getattr(shown, model.__name__, None) is model:
        return shown.__name__
    return model.__module__


def manager_of(model: type[Model]) -> str:
    """Return the source of the manager that finds the objects of a model: ``"Book.objects"``."""
    manager: Any = model._default_manager
    return f"{model.__name__}.{manager.name}"
