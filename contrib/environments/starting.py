"""What happens where ``settings.py`` cannot have its environment: the command that fixes it runs, or one sentence."""

import os
import sys
from pathlib import Path
from typing import Any, NoReturn

from django.conf import settings
from django.core.management import CommandError, load_command_class

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
        _run(environment)
    # A reloader shows the error and waits for the edit that fixes it.
    if not os.environ.get("RUN_MAIN"):
        sys.exit(str(invalid))


def _run(environment: type[DjangoEnvironment]) -> NoReturn:
    """Run the command of this process about ``environment``, as Django would with settings, and leave."""
    command: Any = load_command_class("django_matt.contrib.environments", "matt_env")
    command._called_from_command_line = True
    program, name, *arguments = sys.argv
    try:
        options = vars(command.create_parser(program, name).parse_args(arguments))
        command.execute(**options, environment=environment)
    except CommandError as error:
        command.stderr.write(f"CommandError: {error}")
        sys.exit(error.returncode)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(0)
