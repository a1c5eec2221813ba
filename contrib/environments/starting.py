"""What ``manage.py`` does with an invalid environment: it runs ``matt_env``, or exits with what is wrong."""

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
    """End a ``manage.py`` that cannot import its settings; return in any other process.

    ``manage.py matt_env init`` writes the file without which the settings cannot be imported. It therefore runs here,
    before the settings, for the class that has just failed. Other commands exit with the message of ``invalid``, which
    says more than a traceback of ``settings.py``.
    """
    global _answering  # noqa: PLW0603 - once per process
    # Once the settings are loaded, the command itself makes an instance and handles the exception.
    if Path(sys.argv[0]).name != "manage.py" or settings.configured or _answering:
        return
    _answering = True
    if sys.argv[1:2] == ["matt_env"]:
        _run(environment)
    # In a reloader, the exception is raised: it shows the error and waits for the edit that fixes it.
    if not os.environ.get("RUN_MAIN"):
        sys.exit(str(invalid))


def _run(environment: type[DjangoEnvironment]) -> NoReturn:
    """Run the ``matt_env`` command of this process for ``environment``, as Django would, and exit."""
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
