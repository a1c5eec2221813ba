"""Answers of a language model from the sources of a tenant, as a stream of events."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from django.core.exceptions import ImproperlyConfigured
from django.db.models import QuerySet
from django.utils.module_loading import import_string

from django_matt import Event
from django_matt.contrib.rag.citations import CitationReader
from django_matt.contrib.rag.errors import ModelTimeout, ModelUnavailable
from django_matt.contrib.rag.models import Source
from django_matt.contrib.rag.prompts import INSTRUCTIONS, make_prompt
from django_matt.contrib.rag.retrieval import Passage, retrieve
from django_matt.contrib.rag.schemas import (
    AnswerItem,
    CitationsOut,
    DeltaOut,
    DoneOut,
    PassageOut,
    ProblemOut,
    SourcesOut,
    UsageOut,
)
from django_matt.contrib.rag.settings import get_settings
from django_matt.errors.exceptions import MissingExtra, Problem
from django_matt.threads import run_in_thread

if TYPE_CHECKING:
    from pydantic_ai.models import Model

__all__ = ["answer", "load_model"]

logger = logging.getLogger(__name__)

_AHEAD = 16
"""How many parts the model may be ahead of a client that reads slowly."""


def load_model() -> "Model":
    """Return the language model of the settings; raise ``ImproperlyConfigured`` if there is none, or it cannot be made.

    A dotted path may be that of a ``Model``, or of a function that returns one.
    """
    name = get_settings().MODEL
    if name is None:
        raise ImproperlyConfigured('settings.MATT_RAG has no "MODEL".')
    _import_agent()
    from pydantic_ai.exceptions import UserError
    from pydantic_ai.models import Model, infer_model

    try:
        found = infer_model(name) if ":" in name else import_string(name)
    except (ImportError, UserError, ValueError) as error:
        raise ImproperlyConfigured(f'settings.MATT_RAG["MODEL"]: {error}') from error
    return cast("Model", found if isinstance(found, Model) else found())


async def answer(
    question: str,
    *,
    tenant: str,
    sources: "QuerySet[Source] | None" = None,
    model: "Model | str | None" = None,
) -> AsyncGenerator[Event[AnswerItem]]:
    """Yield the events of an answer: ``sources``, ``delta`` for each part, ``citations``, ``usage`` and ``done``.

    If something fails, the last event is ``problem``. If no passage fits the question, the model is not asked. Close the
    generator to cancel the model, as the stream of a route does when its client leaves. ``model`` is by default that of the
    settings. It raises ``ImproperlyConfigured`` for wrong settings, and nothing else.
    """
    try:
        # In a thread: the first time, it imports the libraries of the provider.
        chosen = await run_in_thread(load_model) if model is None else model
        passages = await run_in_thread(lambda: retrieve(question, tenant=tenant, sources=sources))
    except Problem as error:
        yield _problem(error)
        return
    shown = [PassageOut.from_orm(each) for each in passages]
    yield Event(SourcesOut(sources=shown), event="sources")
    if not passages:
        yield Event(DoneOut(reason="no_sources"), event="done")
        return
    reader = CitationReader(len(passages))
    parts = _ask(chosen, question, passages)
    try:
        async for part in parts:
            if isinstance(part, UsageOut):
                if rest := reader.finish():
                    yield Event(DeltaOut(text=rest), event="delta")
                cited = CitationsOut(citations=reader.cited, dropped=reader.dropped)
                yield Event(cited, event="citations")
                yield Event(part, event="usage")
            elif text := reader.feed(part):
                yield Event(DeltaOut(text=text), event="delta")
    except Problem as error:
        yield _problem(error)
        return
    finally:
        await parts.aclose()
    yield Event(DoneOut(reason="answered"), event="done")


async def _ask(
    model: "Model | str", question: str, passages: Sequence[Passage]
) -> AsyncGenerator["str | UsageOut"]:
    """Yield the parts of what the model writes, and then its usage; raise ``ModelUnavailable`` or ``ModelTimeout``."""
    timeout = get_settings().TIMEOUT
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    queue: asyncio.Queue[Any] = asyncio.Queue(_AHEAD)
    # One task from its beginning to its end: what the libraries below open, they must close in the same task.
    task = loop.create_task(_run(queue, model, make_prompt(question, passages)))
    try:
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    part = await queue.get()
            except TimeoutError:
                logger.warning("The language model has not answered in %s seconds.", timeout)
                raise ModelTimeout from None
            if isinstance(part, Exception):
                raise part
            yield part
            if isinstance(part, UsageOut):
                return
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _run(queue: "asyncio.Queue[Any]", model: Any, prompt: str) -> None:
    """Ask the model, and put what it writes into a queue; the last item is its usage or an exception."""
    agent = _import_agent()
    try:
        async with agent(model, instructions=INSTRUCTIONS).run_stream(prompt) as result:
            async for text in result.stream_text(delta=True, debounce_by=None):
                await queue.put(text)
            used = result.usage
        last: Any = UsageOut(input_tokens=used.input_tokens, output_tokens=used.output_tokens)
    except Exception as error:  # noqa: BLE001 - of the provider's library, whichever it is
        # Its message may quote the request, and with it a key: the log gets what it is and where it was raised.
        status = getattr(error, "status_code", None)
        logger.error(
            "The language model has failed: %s%s",
            type(error).__name__,
            f", status {status}" if status else "",
        )
        last = ModelUnavailable()
    await queue.put(last)


def _import_agent() -> Any:
    try:
        from pydantic_ai import Agent
    except ImportError as error:
        raise MissingExtra("pydantic-ai-slim", "rag") from error
    return Agent


def _problem(error: Problem) -> Event[AnswerItem]:
    made = ProblemOut(
        title=error.title,
        status=error.status_code,
        detail=str(error.detail),
        code=str(error.code),
    )
    return Event(made, event="problem")
