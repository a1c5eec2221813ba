"""The system checks ``matt_ml.…``: the options and the served classes are valid, and the threads fit the machine."""

from typing import Any

from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's name
from django.core.exceptions import ImproperlyConfigured

from django_matt.contrib.ml.devices import count_cores, count_processes, count_threads
from django_matt.contrib.ml.fleets import find_served
from django_matt.contrib.ml.settings import get_settings

__all__ = ["check_served", "check_settings", "check_threads"]


def check_settings(**_: Any) -> list[CheckMessage]:
    """Report a wrong name or value in ``settings.MATT_ML``."""
    try:
        get_settings()
    except ImproperlyConfigured as error:
        hint = "Fix or remove the option in settings.MATT_ML."
        return [Error(str(error), hint=hint, id="matt_ml.E001")]
    return []


def check_served(**_: Any) -> list[CheckMessage]:
    """Report a class that cannot be served, and two with the same name."""
    try:
        find_served()
    except ImproperlyConfigured as error:
        hint = "Fix the class in the served.py of its app."
        return [Error(str(error), hint=hint, id="matt_ml.E002")]
    return []


def check_threads(**_: Any) -> list[CheckMessage]:
    """Warn if the processes of the server use more threads than the machine has cores, so that they slow each other down."""
    if check_settings():
        return []
    processes, threads, cores = count_processes(), count_threads(), count_cores()
    if processes * threads <= cores:
        return []
    return [
        Warning(
            f"{processes} processes with {threads} threads each for models share {cores} cores.",
            hint=f'Set MATT_ML["THREADS"] to {max(1, cores // processes)}, or start fewer processes (WEB_CONCURRENCY).',
            id="matt_ml.W001",
        )
    ]
