"""What an app knows about the front end of a project, for the apps that write files about it."""

from pathlib import Path
from typing import Protocol, runtime_checkable

__all__ = ["HasFrontEnd"]


@runtime_checkable
class HasFrontEnd(Protocol):
    """An ``AppConfig`` that knows the front end of the project, which Node builds."""

    def front_end(self) -> tuple[Path, Path, str]:
        """Return its folder, the folder that its build writes for Django, and the file in its own that Node runs instead, or ``""``."""
        ...
