"""What the routes do, without HTTP."""

from django.db.models import QuerySet
from django.http import HttpRequest

from django_matt.contrib.rag.errors import UnreadableSource
from django_matt.contrib.rag.ingestion import Document, ingest
from django_matt.contrib.rag.models import Source
from django_matt.contrib.rag.retrieval import Passage, retrieve
from django_matt.contrib.rag.vectors import rag_database
from django_matt.errors.exceptions import NotFound
from django_matt.sign_in import current_tenant
from django_matt.threads import run_in_thread

__all__ = ["add_source", "search", "tenant_of", "tenant_of_async"]


def tenant_of(request: HttpRequest) -> str:
    """Return whose sources a request may use; ``""`` in a project without tenants."""
    found = current_tenant(request)
    return "" if found is None else str(found.pk)


async def tenant_of_async(request: HttpRequest) -> str:
    """Return the same in an async route."""
    return await run_in_thread(tenant_of, request)


def search(
    question: str, *, tenant: str, sources: "QuerySet[Source] | None", limit: int
) -> list[Passage]:
    """Return the passages of a tenant that fit a question, as a client sees them: not bounded by the model's budget."""
    return retrieve(question, tenant=tenant, sources=sources, top=limit, tokens=10**9)


def add_source(document: Document, *, tenant: str) -> Source:
    """Ingest one document and return its source; raise ``UnreadableSource`` if it is not text.

    Raises ``EmbedderUnavailable`` if the embedder does not answer: the source is stored, and found by its words.
    """
    report = ingest([document], tenant=tenant)
    if report.refused:
        raise UnreadableSource(report.refused[0][1])
    rows = Source.objects.using(rag_database()).filter(tenant=tenant, uri=document.uri)
    source = rows.first()
    if source is None:  # deleted by somebody else in the meantime
        raise NotFound
    return source
