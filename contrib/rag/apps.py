"""The app's configuration."""

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from django.apps import AppConfig
from django.core.checks import register

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from django_matt import MattAPI
    from django_matt.search_indexes import IndexedWords

__all__ = ["RagConfig"]


class RagConfig(AppConfig):
    """Add ``"django_matt.contrib.rag"`` to ``INSTALLED_APPS``."""

    name = "django_matt.contrib.rag"
    label = "matt_rag"
    verbose_name = "Django Matt: retrieval"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks."""
        from django_matt.contrib.rag import checks

        register(checks.check_settings, "matt")
        register(checks.check_search, "matt")
        register(checks.check_model, "matt", deploy=True)

    @asynccontextmanager
    async def lifespan(self) -> "AsyncIterator[None]":
        """Load the models when the server starts, so that the first question does not wait for it."""
        from django_matt.contrib.rag.services import warm_up

        await asyncio.to_thread(warm_up)
        yield

    def extend(self, api: "MattAPI") -> None:
        """Add the routes to an API, if ``MATT_RAG["ROUTES"]`` asks for them."""
        from django_matt.contrib.rag.controllers import add_routes
        from django_matt.contrib.rag.settings import get_settings

        if get_settings().ROUTES:
            add_routes(api)

    def indexed_words(self) -> "Iterable[IndexedWords]":
        """Declare what is searched of chunks; see ``django_matt.search_indexes.DeclaresWords``."""
        from django_matt.contrib.rag.models import Chunk
        from django_matt.search_indexes import IndexedWords

        yield IndexedWords(model=Chunk, words={"heading": "A", "text": "B"}, filters=["tenant"])
