"""What happens where ``settings.py`` cannot have its environment: the command that mends it runs, or one sentence."""

import os
import sys
from pathlib import Path

from django.conf import settings

from django_matt.contrib.environments.environment import DjangoEnvironment
from django_matt.contrib.environments.errors import EnvironmentInvalid

__all__ = ["answer_instead"]

_answering = False


def answer_instead(environment: type[DjangoEnvironment], invalid: EnvironmentInvalid) -> None:
    """Leave ``manage.py`` in a good way, and return in any other process.

    ``manage.py matt_env init`` makes the file without which the settings cannot be imported, so it must not need
    them: the class that fails is the one it is about. For other commands a traceback of ``settings.py`` says less
    than the sentence.
    """
    global _answering  # noqa: PLW0603 - once a process
    # Once the settings are there, the command itself asks, and wants the exception.
    if Path(sys.argv[0]).name != "manage.py" or settings.configured or _answering:
        return
    _answering = True
    if sys.argv[1:2] == ["matt_env"]:
        from django_matt.contrib.environments.management.commands.matt_env import run

        run(environment, sys.argv)
    # A reloader shows the error and waits for the edit that mends it.
    if not os.environ.get("RUN_MAIN"):
        sys.exit(str(invalid))
