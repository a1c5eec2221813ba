"""Vectors of texts: where an embedder comes from, and what a vector must be."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from math import isfinite, sqrt
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from django_matt.contrib.search.errors import EmbedderFailed, InvalidVector
from django_matt.embeddings import Embeds
from django_matt.errors.exceptions import MattError

__all__ = ["Embedding", "normalise"]

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Embedding:
    """How the objects of an index become vectors.

    ``embedder`` is an ``Embeds``, a function that returns one, or the path of either; a function is called once, when the
    first vector is needed. ``dimensions`` is the length of its vectors. ``of`` names the texts that are embedded, by default
    those of ``words``. ``weight`` is that of the vectors in hybrid searches, in which the words weigh 1.

    >>> Embedding("shop.embedders.small", dimensions=384, of=["title", "body"])
    """

    embedder: str | Embeds | Callable[[], Embeds]
    dimensions: int
    of: Sequence[str] = ()
    weight: float = 1.0

    def load(self) -> Embeds:
        """Return the embedder.

        Raises ``ImproperlyConfigured`` if it is not one of these dimensions, and ``EmbedderFailed`` (503) if it cannot be loaded.
        """
        with self._answering():
            return self._loaded

    def embed_query(self, text: str) -> list[float]:
        """Return the vector of a question, of length 1; raise ``EmbedderFailed`` (503) if the embedder does not answer."""
        embedder = self.load()
        with self._answering():
            numbers = embedder.embed_query(text)
        return normalise(numbers, self.dimensions)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except (ImproperlyConfigured, MattError):
            raise
        except Exception as error:
            _logger.exception("The embedder %r has failed.", self.embedder)
            raise EmbedderFailed from error

    @cached_property
    def _loaded(self) -> Embeds:
        found: Any = self.embedder
        if isinstance(found, str):
            try:
                found = import_string(found)
            except ImportError as error:
                raise ImproperlyConfigured(
                    f"The embedder {self.embedder!r} cannot be imported: {error}"
                ) from error
        if isinstance(found, type) or not isinstance(found, Embeds):
            found = found() if callable(found) else found
        if not isinstance(found, Embeds):
            raise ImproperlyConfigured(
                f"The embedder {self.embedder!r} has no name, dimensions, embed() and embed_query()."
            )
        if found.dimensions != self.dimensions:
            raise ImproperlyConfigured(
                f"The embedder {found.name} makes vectors of {found.dimensions} dimensions, and the index has "
                f"{self.dimensions}."
            )
        return found


def normalise(numbers: Iterable[Any], dimensions: int) -> list[float]:
    """Return a vector of length 1; raise ``InvalidVector`` for a wrong length, NaN, infinity, or nothing but zeros."""
    try:
        found = [float(number) for number in numbers]
    except (TypeError, ValueError):
        raise InvalidVector("A vector is a list of numbers.") from None
    if len(found) != dimensions:
        raise InvalidVector(f"The vector has {len(found)} numbers instead of {dimensions}.")
    length = sqrt(sum(number * number for number in found)) if all(map(isfinite, found)) else 0.0
    if not 0 < length < float("inf"):
        raise InvalidVector("A vector needs finite numbers that are not all zero.")
    return [number / length for number in found]
