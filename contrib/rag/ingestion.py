"""From documents to sources and chunks: what has not changed is skipped, and what was interrupted is continued."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.models import Model, QuerySet
from django.utils import timezone

from django_matt.contrib.rag.documents import SUFFIXES, Kind, kind_of, read_document
from django_matt.contrib.rag.errors import UnreadableSource
from django_matt.contrib.rag.indexes import build_index
from django_matt.contrib.rag.models import Chunk, Source, State
from django_matt.contrib.rag.settings import RagSettings, get_settings
from django_matt.contrib.rag.splitting import (
    Piece,
    count_tokens,
    digest_of,
    split_text,
)
from django_matt.contrib.rag.vectors import (
    activate_if_complete,
    count_missing,
    embed_missing,
    known_sets,
    lock_chunks,
    lock_writes,
    rag_database,
    remove_old_sets,
)
from django_matt.errors.exceptions import NotFound

__all__ = [
    "Document",
    "Kind",
    "Report",
    "add_document",
    "build_vectors",
    "ingest",
    "read_files",
    "read_rows",
]

_FORMAT = "1"
"""Changes with the way in which texts are split, so that all sources are split again."""
_AT_ONCE = 100
"""How many chunks are embedded while a request waits: some seconds of a model on the processor."""
_EMBED_EACH = 50
"""After how many changed documents the vectors are made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A text to ingest. ``uri`` names it within its tenant; by default, ``kind`` follows from its suffix."""

    uri: str
    content: str | bytes
    kind: Kind | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Report:
    """What an ingestion has done."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)
    """The sources that are not text, with the reason."""
    chunks: int = 0
    """How many chunks are new."""
    embedded: int = 0
    """How many texts were asked of the embedder."""

    @property
    def documents(self) -> int:
        """How many documents there were."""
        return self.added + self.changed + self.unchanged + len(self.refused)


def ingest(
    documents: Iterable[Document],
    *,
    tenant: str,
    progress: Callable[[Report], None] = lambda _: None,
) -> Report:
    """Store documents as sources of a tenant (``""`` without tenants), and make the vectors of their new chunks.

    A document whose text is that of its source is skipped. One that is not text is listed in the report. Each document is
    committed by itself, and each batch of vectors: after an interruption, call it again. Raises ``EmbedderUnavailable`` if
    the embedder does not answer; what was stored until then is found by its words.
    """
    options, report = get_settings(), Report()
    is_pending = _embedding(tenant).exists()
    changed, has_embedded = 0, is_pending
    for document in documents:
        try:
            has_changed = _store_document(document, tenant, options, report)
        except UnreadableSource as error:
            report.refused.append((document.uri[:500], str(error.detail)))
            has_changed = False
        changed += has_changed
        is_pending |= has_changed
        has_embedded |= has_changed
        if changed == _EMBED_EACH:
            _embed_pending(tenant, report, progress)
            changed, is_pending = 0, False
        progress(report)
    if is_pending:
        _embed_pending(tenant, report, progress)
    if has_embedded:
        _build_indexes()
    return report


def add_document(document: Document, *, tenant: str) -> Source:
    """Store one document during a request, and return its source; raise ``UnreadableSource`` if it is not text.

    Vectors of up to 100 new chunks are made at once. The source of a longer document has the state ``embedding``, and is
    found by its words, until ``build_vectors`` or the next ``ingest`` of its tenant has run.
    """
    report, using = Report(), rag_database()
    _store_document(document, tenant, get_settings(), report)
    rows = Source.objects.using(using).filter(tenant=tenant, uri=document.uri)
    source = rows.first()
    if source is not None and source.state == State.EMBEDDING:
        sets, chunks = known_sets(), Chunk.objects.using(using).filter(source=source)
        if sum(count_missing(found, chunks) for found, _ in sets) <= _AT_ONCE:
            _embed_pending(tenant, report, lambda _: None, only=source.pk)
            source = rows.first()
    if source is None:  # deleted by another request in the meantime
        raise NotFound
    return source


def build_vectors(progress: Callable[[Report], None] = lambda _: None) -> Report:
    """Make all vectors that are missing, of all tenants, and let questions use the embedder of the settings from then on.

    Call it after ``MATT_RAG["EMBEDDER"]`` was changed. Until it returns, questions use the former vectors. The vectors of
    embedders that the settings no longer have are deleted.
    """
    report, using = Report(), rag_database()

    def count(embedded: int) -> None:
        report.embedded += embedded
        progress(report)

    for found, embedder in known_sets():
        embed_missing(found, embedder, Chunk.objects.using(using), count)
        activate_if_complete(found)
    for tenant in set(
        Source.objects.using(using).filter(state=State.EMBEDDING).values_list("tenant", flat=True)
    ):
        _embed_pending(tenant, report, progress)
    remove_old_sets()
    _build_indexes()
    return report


def _build_indexes() -> None:
    """Not while a request waits: it takes a minute for 50,000 vectors."""
    for found, _ in known_sets():
        build_index(found, rag_database())


def read_files(paths: Iterable[Path], *, root: Path | None = None) -> Iterator[Document]:
    """Yield the files, and those in the folders that are named as texts; their URIs are relative to ``root``.

    Hidden files and folders are left out. Raises ``FileNotFoundError`` for a path that does not exist.
    """
    limit = get_settings().MAX_FILE
    base = (root or Path.cwd()).resolve()
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(f"There is no {path}.")
        for file in sorted(_files_in(path)) if path.is_dir() else [path]:
            full = file.resolve()
            name = full.relative_to(base) if full.is_relative_to(base) else full
            with file.open("rb") as opened:
                # One byte more than may be: it is refused, and not read as a whole.
                yield Document(uri=name.as_posix(), content=opened.read(limit + 1))


def _files_in(folder: Path) -> Iterator[Path]:
    for each in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in each.relative_to(folder).parts)
        if each.suffix.lower() in SUFFIXES and not hidden and each.is_file():
            yield each


def read_rows(
    queryset: "QuerySet[Any]", *, text: str | Callable[[Any], str], kind: Kind = "text"
) -> Iterator[Document]:
    """Yield the rows of a queryset, with the text of a field or of a function. A URI is ``shop.product:7``."""
    row: Model
    for row in queryset.iterator(chunk_size=500):
        content = text(row) if callable(text) else getattr(row, text)
        uri = f"{row._meta.label_lower}:{row.pk}"
        yield Document(uri=uri, content=content or "", kind=kind)


def _store_document(document: Document, tenant: str, options: RagSettings, report: Report) -> bool:
    """Store a document if it has changed, and return whether it has."""
    uri = document.uri
    if not 0 < len(uri) <= 500 or not uri.isprintable():
        raise UnreadableSource("The URI must have 1 to 500 printable characters.")
    if len(tenant) > 100:
        raise ImproperlyConfigured("The name of a tenant has at most 100 characters.")
    kind = document.kind or kind_of(uri, document.content)
    text = read_document(document.content, kind, limit=options.MAX_FILE)
    parts = (_FORMAT, kind, str(options.CHUNK_TOKENS), str(options.OVERLAP))
    meta = json.dumps(document.meta, sort_keys=True)
    digest, using = digest_of(*parts, meta, text), rag_database()
    rows = Source.objects.using(using)
    if rows.filter(tenant=tenant, uri=uri, digest=digest).exists():
        report.unchanged += 1
        return False
    pieces = split_text(text, kind=kind, tokens=options.CHUNK_TOKENS, overlap=options.OVERLAP)
    if not pieces:
        raise UnreadableSource("The source has headings, but no text.")
    if len(pieces) > options.MAX_CHUNKS:
        raise UnreadableSource(
            f"The source has {len(pieces):,} chunks, and may have {options.MAX_CHUNKS:,}."
        )
    with transaction.atomic(using=using):
        lock_writes(using)
        locked, is_new = None, False
        while locked is None:
            # Again if another process has deleted it in between.
            source, is_new = rows.get_or_create(tenant=tenant, uri=uri, defaults={"kind": kind})
            # Another process that ingests the same source waits here, and finds that nothing has changed.
            locked = rows.select_for_update().filter(pk=source.pk).first()
        source = locked
        if source.digest == digest:
            report.unchanged += 1
            return False
        report.chunks += _replace_chunks(source, pieces, using)
        source.digest, source.kind, source.meta = digest, kind, dict(document.meta)
        source.state, source.changed_at = State.EMBEDDING, timezone.now()
        source.save(using=using)
    report.added += is_new
    report.changed += not is_new
    return True


def _replace_chunks(source: Source, pieces: Iterable[Piece], using: str) -> int:
    """Keep the chunks whose text is still there, with their vectors; return how many are new."""
    kept: dict[str, list[Chunk]] = {}
    for chunk in Chunk.objects.using(using).filter(source=source).order_by("-ordinal"):
        kept.setdefault(chunk.digest, []).append(chunk)
    moved, new = [], []
    for ordinal, piece in enumerate(pieces):
        found = kept.get(piece.digest)
        if not found:
            new.append(
                Chunk(
                    source=source,
                    tenant=source.tenant,
                    ordinal=ordinal,
                    start=piece.start,
                    heading=piece.heading,
                    text=piece.text,
                    tokens=count_tokens(piece.text),
                    digest=piece.digest,
                )
            )
            continue
        chunk = found.pop()
        if (chunk.ordinal, chunk.start) != (ordinal, piece.start):
            chunk.ordinal, chunk.start = ordinal, piece.start
            moved.append(chunk)
    gone = sorted(chunk.pk for chunks in kept.values() for chunk in chunks)
    for begin in range(0, len(gone), 500):
        rows = Chunk.objects.using(using).filter(pk__in=gone[begin : begin + 500])
        lock_chunks(rows)
        rows.delete()
    Chunk.objects.using(using).bulk_update(moved, ["ordinal", "start"], batch_size=200)
    Chunk.objects.using(using).bulk_create(new, batch_size=500)
    return len(new)


def _embedding(tenant: str) -> "QuerySet[Source]":
    rows = Source.objects.using(rag_database())
    return rows.filter(tenant=tenant, state=State.EMBEDDING)


def _embed_pending(
    tenant: str,
    report: Report,
    progress: Callable[[Report], None],
    *,
    only: int | None = None,
) -> None:
    """Make the vectors of the tenant's new chunks, or of one source, and mark the sources as ready."""
    waiting = _embedding(tenant) if only is None else _embedding(tenant).filter(pk=only)

    def count(embedded: int) -> None:
        report.embedded += embedded
        progress(report)

    # Those of now, with what they are now: a source that changes in the meantime is not marked.
    sources = dict(waiting.values_list("pk", "digest"))
    pending = Chunk.objects.using(rag_database()).filter(source__in=waiting)
    for found, embedder in known_sets():
        embed_missing(found, embedder, pending, count)
        activate_if_complete(found)
    by_digest: dict[str, list[int]] = {}
    for key, digest in sources.items():
        by_digest.setdefault(digest, []).append(key)
    for digest, keys in by_digest.items():
        _embedding(tenant).filter(pk__in=keys, digest=digest).update(state=State.READY)
