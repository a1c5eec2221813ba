"""Embedders of the tests: one that counts, and one that fails."""

from collections.abc import Sequence

from django_matt.contrib.rag.embedders import HashEmbedder

ASKED: list[str] = []


class CountingEmbedder(HashEmbedder):
    """Keeps the texts that it was asked for."""

    def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        ASKED.extend(texts)
        return super().embed(texts)


class FailingEmbedder(HashEmbedder):
    """Fails after some texts, as a provider does that goes away."""

    def __init__(self, *, after: int = 0, **options: int) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self.left = after

    def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        from django_matt.contrib.rag.errors import EmbedderUnavailable

        self.left -= len(texts)
        if self.left < 0:
            raise EmbedderUnavailable
        return super().embed(texts)


class NanEmbedder(HashEmbedder):
    """Returns what is no vector."""

    def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        return [[float("nan")] * self.dimensions for _ in texts]
