"""The Protocol of what turns texts into vectors: one app provides it, another stores and searches the vectors."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

__all__ = ["Embeds"]


@runtime_checkable
class Embeds(Protocol):
    """A model that turns texts into vectors: near vectors for texts of similar meaning.

    ``name`` identifies the model and its version, in at most 200 characters: vectors of different names are never compared.
    ``dimensions`` is the length of its vectors. Vectors may have any length but zero; they are normalised before they are stored.
    """

    name: str
    dimensions: int

    def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """Return one vector for each text; a list of lists, or a two-dimensional array of numpy."""
        ...

    def embed_query(self, text: str) -> Sequence[float]:
        """Return the vector of a question. Some models embed questions in another way than texts."""
        ...
