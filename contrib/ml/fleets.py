"""All models of a process: found in the apps, loaded when the server starts, and changed when the registry changes."""

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from inspect import getmembers, isclass
from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections
from django.utils.module_loading import module_has_submodule

from django_matt.contrib.ml.devices import set_threads
from django_matt.contrib.ml.errors import ModelLoading, UnknownModel
from django_matt.contrib.ml.models import Model, Stage
from django_matt.contrib.ml.replicas import Deployment, Wanted
from django_matt.contrib.ml.served import Served
from django_matt.contrib.ml.settings import get_settings

__all__ = ["Fleet", "current_fleet", "find_served", "serving"]

logger = logging.getLogger(__name__)


def find_served() -> dict[str, type[Served]]:
    """Return the classes in the ``served.py`` of the installed apps, by their names.

    Raises ``ImproperlyConfigured`` if two have the same name, or if one cannot be served.
    """
    if _replaced:
        return dict(_replaced[-1].classes)
    found: dict[str, type[Served]] = {}
    for config in apps.get_app_configs():
        if config.module is None or not module_has_submodule(config.module, "served"):
            continue
        module = import_module(f"{config.name}.served")
        for _, kind in getmembers(module, isclass):
            if issubclass(kind, Served) and kind.__module__ == module.__name__ and kind.name:
                _add(found, kind)
    return found


def _add(found: dict[str, type[Served]], kind: type[Served]) -> None:
    where = f"{kind.__module__}.{kind.__qualname__}"
    if (problem := kind.problem()) is not None:
        raise ImproperlyConfigured(f"{where} cannot be served: {problem}.")
    if kind.name in found:
        other = found[kind.name]
        raise ImproperlyConfigured(
            f"{where} and {other.__module__}.{other.__qualname__} both have the name {kind.name!r}."
        )
    found[kind.name] = kind


class Fleet:
    """The models of one process."""

    def __init__(self, classes: dict[str, type[Served]], *, registry: bool = True) -> None:
        """Take the classes by name, and whether their files are in the registry; load nothing yet."""
        self.classes = classes
        self._registry = registry
        self.deployments = {name: Deployment(kind) for name, kind in classes.items()}
        self.is_started = False
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._watcher: threading.Thread | None = None

    def find(self, name: str) -> Deployment:
        """Return a model by its name. Without a lifespan, the first call loads all models.

        Raises ``UnknownModel``, or ``ModelLoading`` while another thread loads them.
        """
        found = self.deployments.get(name)
        if found is None:
            raise UnknownModel
        if not self.is_started:
            self.start()
        return found

    def start(self) -> None:
        """Load and warm up all models; raise what the first failing one raises. It is done once."""
        if self.is_started:
            return
        if not self._lock.acquire(blocking=False):
            raise ModelLoading
        try:
            if self.classes:
                set_threads()
            wanted = self._read()
            for name, deployment in self.deployments.items():
                deployment.become(wanted[name])
            self.is_started = True
        finally:
            self._lock.release()

    def start_in_thread(self) -> None:
        """Do the same in a thread that ends, and so leaves no connection; watch the registry from then on."""
        try:
            self.start()
        finally:
            connections.close_all()
        if self.classes and self._watcher is None:
            self._stop = threading.Event()
            self._watcher = threading.Thread(
                target=self._watch, args=(self._stop,), name="matt-ml-registry", daemon=True
            )
            self._watcher.start()

    def refresh(self) -> None:
        """Read the registry, and load and free what has changed. A version that fails is logged; the others go on."""
        with self._lock:
            wanted = self._read()
            for name, deployment in self.deployments.items():
                before = deployment.error
                try:
                    deployment.become(wanted[name])
                except Exception:
                    if deployment.error != before:  # not again every few seconds
                        logger.exception("The model %s was not changed; it goes on as it is.", name)

    def close(self) -> None:
        """Answer what is queued, and free all models."""
        if self._watcher is not None:
            self._stop.set()
            self._watcher.join(1)
            self._watcher = None
        for deployment in self.deployments.values():
            deployment.become([])
        self.is_started = False

    def check(self) -> None:
        """Raise an exception unless all models answer requests: the check ``models`` of the health app."""
        for name in self.deployments:
            self.find(name).check()

    def _watch(self, stop: threading.Event) -> None:
        while not stop.wait(get_settings().REFRESH_SECONDS):
            try:
                self.refresh()
                for deployment in self.deployments.values():
                    with suppress(Exception):  # `check` is what reports it
                        deployment.check()
            except Exception:
                logger.exception("The registry of models could not be read.")
            finally:
                connections.close_all()

    def _read(self) -> dict[str, list[Wanted]]:
        """Return which versions of each model should be loaded, the live one first.

        A model without a live file in the registry is served as its class is: by what ``load()`` loads.
        """
        stages = [Stage.LIVE, Stage.CANARY, Stage.SHADOW]
        fields = ("version", "digest", "path", "stage", "share")
        found: dict[str, list[Wanted]] = {name: [] for name in self.classes}
        try:
            rows = []
            if self._registry:
                rows = [*Model.objects.filter(stage__in=stages).values_list("name", *fields)]
        except DatabaseError as error:
            if self.is_started:
                raise
            logger.warning("The registry of models cannot be read; was `migrate` run? %s", error)
            rows = []
        for name, *row in rows:
            if name in found:
                found[name].append(Wanted(*row))
        for name, kind in self.classes.items():
            found[name].sort(key=lambda each: stages.index(Stage(each.stage)))
            if not found[name] or found[name][0].stage != Stage.LIVE:
                found[name].insert(0, Wanted(kind.version, "", "", Stage.LIVE, 0))
        return found


_replaced: list[Fleet] = []
_fleets: list[Fleet] = []
_making = threading.Lock()


def current_fleet() -> Fleet:
    """Return the models of this process."""
    if _replaced:
        return _replaced[-1]
    with _making:
        if not _fleets:
            _fleets.append(Fleet(find_served()))
        return _fleets[0]


def _forget() -> None:
    """Start again in a forked process, which has no thread of the one before it."""
    global _making  # noqa: PLW0603 - a thread that had it is not in the child of a fork
    _fleets.clear()
    _making = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


@contextmanager
def serving(*classes: type[Served], registry: bool = False) -> Iterator[Fleet]:
    """Serve these classes instead of those of the apps, in a test. Create the API inside.

    With ``registry=True``, the registered versions are loaded, as on a server. Otherwise the database is not queried.

    >>> with serving(Sentiment) as fleet:
    ...     assert Sentiment.infer(Sentiment.Input(text="good")).score > 0.5
    """
    found: dict[str, Any] = {}
    for kind in classes:
        _add(found, kind)
    fleet = Fleet(found, registry=registry)
    _replaced.append(fleet)
    try:
        fleet.start()
        yield fleet
    finally:
        _replaced.remove(fleet)
        fleet.close()
