"""One typed, frozen view of ``settings.MATT_ML``."""

import os
from dataclasses import dataclass
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from django_matt.settings import read_settings

__all__ = ["MLSettings", "get_settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MLSettings:
    """The options of ``settings.MATT_ML``, with their defaults.

    >>> MLSettings().PATH
    '/ml'
    """

    PATH: str | None = "/ml"
    """The path of the models' routes, below the API; ``None`` for no routes."""
    OPEN_INFERENCE: str | None = None
    """The path of the routes of the Open Inference Protocol, below the API, such as ``"/v2"``; ``None`` for no such routes."""
    ASYNC: bool = True
    """Whether the routes are async. Set it to False if your server runs WSGI, where sync routes are faster."""
    DEVICE: str = "auto"
    """The device that ``load()`` gets: ``"cpu"``, ``"cuda"``, ``"cuda:1"``, or ``"auto"`` for a GPU if there is one."""
    THREADS: int | None = None
    """How many threads of the CPU a model may use; ``None`` for all cores, divided by ``WEB_CONCURRENCY`` if that is set."""
    FOLDER: str | os.PathLike[str] = "models"
    """The folder of the registered files."""
    REFRESH_SECONDS: float = 5.0
    """After how many seconds a process sees that another one has changed the stage of a version."""
    MAX_ELEMENTS: int = 1_000_000
    """How many numbers or texts one tensor of the Open Inference Protocol may have."""
    MAX_ITEMS: int = 1_000
    """How many items one request of the Open Inference Protocol may have: each is validated before any is predicted."""

    def __post_init__(self) -> None:
        """Raise ``ImproperlyConfigured`` for an invalid value."""
        for name in ("PATH", "OPEN_INFERENCE"):
            path = getattr(self, name)
            if path is not None and (not isinstance(path, str) or not path.startswith("/")):
                raise _invalid(name, path, 'a path must begin with "/"')
        if not isinstance(self.DEVICE, str) or not self.DEVICE:
            raise _invalid("DEVICE", self.DEVICE, "it must be the name of a device")
        if not isinstance(self.FOLDER, str | Path) or not str(self.FOLDER):
            raise _invalid("FOLDER", self.FOLDER, "it must be the path of a folder")
        threads = () if self.THREADS is None else ("THREADS",)
        for name in ("MAX_ELEMENTS", "MAX_ITEMS", *threads, "REFRESH_SECONDS"):
            value = getattr(self, name)
            kinds = int | float if name == "REFRESH_SECONDS" else int
            if isinstance(value, bool) or not isinstance(value, kinds) or not value > 0:
                raise _invalid(name, value, "it must be a number above 0")


def _invalid(name: str, value: object, reason: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f'settings.MATT_ML["{name}"] is {value!r}; {reason}.')


def get_settings() -> MLSettings:
    """Return the project's settings; raise ``ImproperlyConfigured`` for an unknown name or an invalid value."""
    return read_settings(MLSettings, "MATT_ML")
