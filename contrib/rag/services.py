"""What the routes do, without HTTP."""

import logging

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from django_matt.contrib.rag.answers import load_model
from django_matt.contrib.rag.embedders import load_embedders
from django_matt.contrib.rag.models import Chunk, Source
from django_matt.contrib.rag.retrieval import Passage, retrieve
from django_matt.contrib.rag.settings import get_settings
from django_matt.contrib.rag.vectors import lock_chunks, lock_writes, rag_database
from django_matt.sign_in import current_tenant
from django_matt.threads import run_in_thread

__all__ = ["delete_source", "search", "tenant_of", "tenant_of_async", "warm_up"]

logger = logging.getLogger(__name__)


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


def delete_source(key: int, *, tenant: str) -> bool:
    """Delete a source of a tenant with its chunks and vectors, and return whether there was one."""
    using = rag_database()
    rows = Source.objects.using(using).filter(tenant=tenant, pk=key)
    with transaction.atomic(using=using):
        lock_writes(using)
        # In the order in which an ingestion locks them.
        if rows.select_for_update().first() is None:
            return False
        lock_chunks(Chunk.objects.using(using).filter(source=key))
        rows.delete()
    return True


def warm_up() -> None:
    """Import the libraries of the language model, and load the embedders of this machine. A failure is logged, not raised."""
    try:
        for embedder in load_embedders():
            # It loads a model of this machine, and asks nothing of an endpoint.
            logger.debug("%s has %s dimensions", embedder.name, embedder.dimensions)
        if get_settings().MODEL is not None:
            load_model()
    except Exception:
        logger.exception("The models of retrieval could not be loaded.")
