"""What is wrong with an environment: as data, and as an exception."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from django.core.exceptions import ImproperlyConfigured

__all__ = ["EnvironmentInvalid", "Fault"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: the variable or line, where it is set, and a message that contains no value."""

    kind: Literal["missing", "invalid", "unreadable", "unused", "doubtful"]
    subject: str
    message: str
    place: str = ""

    @property
    def stops(self) -> bool:
        """Whether the project cannot start because of it."""
        return self.kind in {"missing", "invalid", "unreadable"}

    def __str__(self) -> str:
        """Return it as one line."""
        return f"{self.subject}{f' ({self.place})' if self.place else ''}: {self.message}"


class EnvironmentInvalid(ImproperlyConfigured):
    """The variables do not fit the class that reads them. ``faults`` says why; the message contains no value."""

    def __init__(self, environment: str, faults: Sequence[Fault]) -> None:
        """Take the name of the class and everything that is wrong."""
        self.environment = environment
        self.faults = tuple(faults)
        lines = "\n".join(f"  - {fault}" for fault in self.faults)
        super().__init__(
            f"The variables of the environment do not fit {environment}:\n{lines}\n"
            "`python manage.py matt_env init` writes what is missing; `python manage.py matt_env check` shows more."
        )
