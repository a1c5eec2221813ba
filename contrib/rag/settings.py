"""One typed, frozen view of ``settings.MATT_RAG``."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from django.core.exceptions import ImproperlyConfigured

from django_matt.settings import read_settings

__all__ = ["Mode", "RagSettings", "get_settings"]

Mode = Literal["hybrid", "words", "vectors"]
"""How chunks are found: by their words, by the vectors of an embedder, or by both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RagSettings:
    """The options of ``settings.MATT_RAG``, with their defaults.

    >>> RagSettings().CHUNK_TOKENS
    256
    """

    EMBEDDER: Mapping[str, Any] | None = None
    """``{"BACKEND": "dotted.path", "OPTIONS": {…}}``: what makes vectors of texts. ``None``: chunks are found by their words."""
    FORMER_EMBEDDER: Mapping[str, Any] | None = None
    """The embedder before the current one: it answers questions until all chunks have the vectors of the new one."""
    MODE: Mode = "hybrid"
    """How chunks are found; ``manage.py matt_rag evaluate`` compares all three."""
    MODEL: str | None = None
    """The language model: a name of pydantic-ai such as ``"openai:gpt-5"``, or the dotted path of a pydantic-ai ``Model``."""
    ROUTES: bool = False
    """Whether APIs get the routes below ``/rag``."""
    CHUNK_TOKENS: int = 256
    """How many tokens a chunk may have; a token is estimated as four bytes."""
    OVERLAP: int = 32
    """How many tokens of a chunk the next one repeats."""
    TOP: int = 8
    """How many chunks are retrieved for a question."""
    CONTEXT_TOKENS: int = 2_000
    """How many tokens of sources the language model gets."""
    MAX_QUESTION: int = 4_000
    """How many characters a question may have."""
    MAX_FILE: int = 20 * 1024 * 1024
    """How many bytes a source may have."""
    MAX_CHUNKS: int = 20_000
    """How many chunks a source may have: short paragraphs make many of few bytes."""
    TIMEOUT: float = 60.0
    """How many seconds an answer may take, and a request to an endpoint for embeddings."""

    def __post_init__(self) -> None:
        """Raise ``ImproperlyConfigured`` for an invalid value."""
        for name in (
            *(
                "CHUNK_TOKENS",
                "TOP",
                "CONTEXT_TOKENS",
                "MAX_QUESTION",
                "MAX_FILE",
                "MAX_CHUNKS",
                "TIMEOUT",
            ),
            "OVERLAP",
        ):
            value = getattr(self, name)
            least = 0 if name == "OVERLAP" else 1
            kinds = (int, float) if name == "TIMEOUT" else (int,)
            if isinstance(value, bool) or not isinstance(value, kinds):
                raise _invalid(name, value, "it must be a number")
            if value < least:
                raise _invalid(name, value, f"it must be at least {least}")
        if self.OVERLAP >= self.CHUNK_TOKENS:
            raise _invalid("OVERLAP", self.OVERLAP, "it must be below CHUNK_TOKENS")
        if self.MODE not in get_args(Mode):
            raise _invalid("MODE", self.MODE, f"choose one of {', '.join(get_args(Mode))}")
        if not isinstance(self.ROUTES, bool):
            raise _invalid("ROUTES", self.ROUTES, "it must be True or False")
        if not (self.MODEL is None or (isinstance(self.MODEL, str) and self.MODEL)):
            raise _invalid("MODEL", self.MODEL, "it must be a name or a dotted path")
        for name in ("EMBEDDER", "FORMER_EMBEDDER"):
            value = getattr(self, name)
            if value is None:
                continue
            # Its value may have a key in it, so it is not shown.
            if not isinstance(value, Mapping) or not set(value) <= {"BACKEND", "OPTIONS"}:
                raise _invalid(name, "…", 'it must be {"BACKEND": …, "OPTIONS": {…}}')
            if not isinstance(value.get("BACKEND"), str):
                raise _invalid(name, "…", "its BACKEND must be the dotted path of a class")
            if not isinstance(value.get("OPTIONS", {}), Mapping):
                raise _invalid(name, "…", "its OPTIONS must be a dictionary")


def _invalid(name: str, value: object, reason: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f'settings.MATT_RAG["{name}"] is {value!r}; {reason}.')


def get_settings() -> RagSettings:
    """Return the project's settings; raise ``ImproperlyConfigured`` for an unknown name or an invalid value."""
    return read_settings(RagSettings, "MATT_RAG")
