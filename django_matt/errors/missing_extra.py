"""The root of our exceptions, and the one for a library that is not installed. Importing them needs no Django settings."""

__all__ = ["MattError", "MissingExtra"]


class MattError(Exception):
    """The root of every exception that Django Matt raises."""


class MissingExtra(MattError, ImportError):  # noqa: N818 - named after what is missing
    """An optional library is not installed; the message names the line that installs it."""

    def __init__(self, library: str, extra: str) -> None:
        """Name the missing ``library`` and the ``extra`` that brings it."""
        super().__init__(
            f"{library} is not installed: pip install 'django-matt[{extra}]'", name=library
        )
        self.extra = extra
        self._made_of = library, extra

    def __reduce__(self) -> tuple[type["MissingExtra"], tuple[str, str]]:
        """Be copied and pickled by what it was made of."""
        return type(self), self._made_of
