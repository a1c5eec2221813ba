"""``matt_env`` in this process, about a class whose file is in a folder."""

import io
import os
import subprocess
import sys
import types
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from django.core.management import CommandError, load_command_class

from .projects import ENVIRONMENT

__all__ = ["EnvCommand"]

NAME = "environment_of_a_test"


@dataclass(frozen=True)
class EnvCommand:
    """The folder of a class, and the command that is about it."""

    folder: Path

    def __post_init__(self) -> None:
        """Make the class that the command is told of."""
        module = types.ModuleType(NAME)
        module.__file__ = str(self.folder / "config" / "environment.py")
        sys.modules[NAME] = module
        exec(ENVIRONMENT, module.__dict__)

    def write(self, path: str, text: str) -> Path:
        """Write a file."""
        (self.folder / path).write_text(text)
        return self.folder / path

    def run(
        self, *arguments: str, named: str = f"{NAME}:Environment", **variables: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run the command and return what a process of it would have said."""
        out, err = io.StringIO(), io.StringIO()
        command = load_command_class("django_matt.contrib.environments", "matt_env")
        command._called_from_command_line = True  # type: ignore[attr-defined]
        code = 0
        with patch.dict(os.environ, variables):
            parser = command.create_parser("manage.py", "matt_env")
            given = [*arguments, *(["--settings-class", named] if named else [])]
            try:
                command.execute(**vars(parser.parse_args(given)), stdout=out, stderr=err)
            except CommandError as error:
                err.write(f"CommandError: {error}\n")
                code = error.returncode
        return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())
