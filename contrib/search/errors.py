"""The errors of a search, each an answer to the client."""

from typing import Any

from django_matt.errors.exceptions import ServiceUnavailable, UnprocessableContent

__all__ = ["EmbedderFailed", "IndexNotBuilt", "InvalidVector", "ModeUnavailable", "UnknownFilter"]


class IndexNotBuilt(ServiceUnavailable):
    """The tables of an index, or its vectors, do not exist yet; ``command`` creates them."""

    default_code = "index_not_built"

    def __init__(self, index: str, command: str) -> None:
        """Take the name of the index and the command that builds it."""
        super().__init__(
            f"The search index {index} is not built yet. Run: {command}",
            headers={"Retry-After": "60"},
            command=command,
        )


class EmbedderFailed(ServiceUnavailable):
    """The model that turns the question into a vector could not be loaded, or has failed; the log says why."""

    default_detail = "The search by meaning is unavailable; try again soon, or search by words."
    default_code = "embedder_failed"


class UnknownFilter(UnprocessableContent):
    """A filter that the index does not declare, or a value that is not one of its column."""

    default_code = "unknown_filter"


class ModeUnavailable(UnprocessableContent):
    """A mode of search that the index does not have."""

    default_code = "mode_unavailable"

    def __init__(self, index: str, mode: Any, modes: list[str]) -> None:
        """Take the name of the index, the mode that was asked for, and those that there are."""
        super().__init__(f"{index} has no mode {mode!r}; use {' or '.join(modes)}.")


class InvalidVector(UnprocessableContent):
    """A vector of the wrong length, one with NaN or infinity, or one of zeros, which has no direction."""

    default_code = "invalid_vector"
