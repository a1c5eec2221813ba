"""Why a deployment is refused."""

from django_matt.errors.missing_extra import MattError

__all__ = ["DeployError"]


class DeployError(MattError):
    """A sentence that says what is wrong, and the lines that fix it."""

    def __init__(self, message: str, *hints: str) -> None:
        """Take the sentence, and one line for each command that fixes it."""
        super().__init__(message)
        self.hints = hints

    def __str__(self) -> str:
        return "\n    ".join([str(self.args[0]), *self.hints])
