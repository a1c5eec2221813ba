"""The tables: sources, their chunks, and the vectors of the chunks by the embedder that has made them."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.db import models
from django.utils import timezone

__all__ = ["Chunk", "EmbeddingSet", "Source", "State", "Vector"]


class State(models.TextChoices):
    """Whether all chunks of a source have their vectors."""

    EMBEDDING = "embedding"
    READY = "ready"


class Source(models.Model):
    """A text that answers may cite."""

    uri: "models.CharField[str, str]" = models.CharField(max_length=500)
    """What names it, such as a path or a URL: unique within its tenant."""
    tenant: "models.CharField[str, str]" = models.CharField(max_length=100, blank=True)
    """Whose it is. Questions of other tenants never find it."""
    digest: "models.CharField[str, str]" = models.CharField(max_length=64, editable=False)
    """Of the text and of how it was split: a source with the same digest is not ingested again."""
    kind: "models.CharField[str, str]" = models.CharField(max_length=20)
    """``markdown``, ``text``, ``html`` or ``pdf``."""
    meta: "models.JSONField[Any, Any]" = models.JSONField(default=dict, blank=True)
    state: "models.CharField[str, str]" = models.CharField(
        max_length=10, choices=State, default=State.EMBEDDING, editable=False
    )
    changed_at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField(
        default=timezone.now, editable=False
    )

    if TYPE_CHECKING:
        id: int
        objects: ClassVar[models.Manager[Self]]
        chunks: Any

    class Meta:
        """One source of a name in a tenant."""

        constraints = [
            models.UniqueConstraint(fields=["tenant", "uri"], name="matt_rag_source_once")
        ]
        indexes = [
            models.Index(
                fields=["tenant"],
                name="matt_rag_embedding",
                condition=models.Q(state=State.EMBEDDING),
            )
        ]

    def __str__(self) -> str:
        return self.uri


class Chunk(models.Model):
    """A part of a source that is found, and shown to the model, by itself."""

    source: "models.ForeignKey[Source, Source]" = models.ForeignKey(
        Source, models.CASCADE, related_name="chunks", db_index=False
    )
    tenant: "models.CharField[str, str]" = models.CharField(max_length=100, blank=True)
    """That of the source, here too so that an index can filter by it."""
    ordinal: "models.PositiveIntegerField[int, int]" = models.PositiveIntegerField()
    start: "models.PositiveIntegerField[int, int]" = models.PositiveIntegerField()
    """The position of its first character in the source."""
    heading: "models.CharField[str, str]" = models.CharField(max_length=300, blank=True)
    """The headings that it is below, joined by ``" > "``."""
    text: "models.TextField[str, str]" = models.TextField()
    tokens: "models.PositiveIntegerField[int, int]" = models.PositiveIntegerField()
    """An estimate: a quarter of its bytes."""
    digest: "models.CharField[str, str]" = models.CharField(max_length=64, db_index=True)
    """Of the heading and the text: chunks with the same digest have the same vector."""

    if TYPE_CHECKING:
        id: int
        source_id: int
        objects: ClassVar[models.Manager[Self]]

    class Meta:
        """The chunks of a source, in order."""

        indexes = [models.Index(fields=["source", "ordinal"], name="matt_rag_chunk_order")]

    def __str__(self) -> str:
        return f"{self.source_id}/{self.ordinal}"

    @property
    def embedded_text(self) -> str:
        """What the embedder reads: a paragraph alone often does not name what it is about, its headings do."""
        return f"{self.heading}\n{self.text}" if self.heading else self.text


class EmbeddingSet(models.Model):
    """The vectors of one embedder. Questions use the set that was activated last, and no other."""

    name: "models.CharField[str, str]" = models.CharField(max_length=200, unique=True)
    """The name of the embedder."""
    dimensions: "models.PositiveIntegerField[int, int]" = models.PositiveIntegerField()
    activated_at: "models.DateTimeField[datetime | None, datetime | None]" = models.DateTimeField(
        null=True, editable=False
    )
    """When all chunks had their vectors; null while it is built beside the current one."""

    if TYPE_CHECKING:
        id: int
        objects: ClassVar[models.Manager[Self]]

    def __str__(self) -> str:
        return self.name


class Vector(models.Model):
    """The vector of a chunk in a set."""

    embedding_set: "models.ForeignKey[EmbeddingSet, EmbeddingSet]" = models.ForeignKey(
        EmbeddingSet, models.CASCADE, related_name="vectors", db_index=False
    )
    chunk: "models.ForeignKey[Chunk, Chunk]" = models.ForeignKey(
        Chunk, models.CASCADE, related_name="vectors"
    )
    tenant: "models.CharField[str, str]" = models.CharField(max_length=100, blank=True, default="")
    """That of the chunk, here too so that its vectors are read without the others."""
    data: "models.BinaryField[bytes, bytes]" = models.BinaryField()
    """Little-endian float32, of length 1."""
    bits: "models.BinaryField[bytes, bytes]" = models.BinaryField(default=b"")
    """The signs of the numbers, a bit each, filled up to a multiple of 64: what is compared first."""

    if TYPE_CHECKING:
        objects: ClassVar[models.Manager[Self]]

    class Meta:
        """One vector of a chunk in a set."""

        constraints = [
            models.UniqueConstraint(fields=["embedding_set", "chunk"], name="matt_rag_vector_once")
        ]
        # It has all that a first comparison reads, so the vectors themselves stay on the disk.
        indexes = [
            models.Index(
                fields=["embedding_set", "tenant", "chunk", "bits"], name="matt_rag_vector_bits"
            )
        ]

    def __str__(self) -> str:
        return f"{self.pk}"
