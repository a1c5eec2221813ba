"""The base class of Django Matt's exceptions, and ``MissingExtra``. Importing them needs no Django settings."""

__all__ = ["MattError", "MissingExtra"]


class MattError(Exception):
    """The base class of every exception of Django Matt."""


class MissingExtra(MattError, ImportError):  # noqa: N818 - named after what is missing
    """An optional library is not installed; the message shows the command that installs it."""

    def __init__(self, library: str, extra: str) -> None:
        """Take the missing ``library`` and the ``extra`` that installs it."""
        super().__init__(library, extra, name=library)
        self.extra = extra

    def __str__(self) -> str:
        # The formats that are not installed raise this at every start, and nobody reads their message.
        from django_matt.installation import install_line

        return f"{self.name} is not installed: {install_line(self.extra)}"
