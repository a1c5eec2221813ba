"""A language model that needs no provider: it quotes the paragraph of the best source that shares most words with the question."""

import re
from collections.abc import AsyncIterator
from typing import Any

from pydantic_ai.messages import ModelRequest
from pydantic_ai.models.function import AgentInfo, FunctionModel

SOURCE = re.compile(r"<source-\w+ number=(\d+)>\n.*?\n\n(.*?)\n</source-\w+>", re.S)
QUESTION = re.compile(r"<question-\w+>\n(.*)\n</question-\w+>", re.S)
SMALL_WORDS = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "can",
        "do",
        "does",
        "for",
        "how",
        "i",
        "in",
        "is",
        "it",
        "my",
        "of",
        "on",
        "or",
        "the",
        "to",
        "what",
        "when",
        "which",
    ]
)


async def quote(messages: list[Any], info: AgentInfo) -> AsyncIterator[str]:
    """Write the best paragraph word by word, as a language model does, and cite its source."""
    request: ModelRequest = messages[-1]
    prompt = "".join(str(part.content) for part in request.parts)
    question = QUESTION.search(prompt)
    asked = words_of(question[1] if question else "")
    # The sources are in the order of how well they fit.
    number, text = SOURCE.findall(prompt)[0]
    best = max(text.split("\n\n"), key=lambda paragraph: len(asked & words_of(paragraph)))
    for word in re.findall(r"\S+\s*", best.strip()):
        yield word
    yield f" [{number}]"


def words_of(text: str) -> set[str]:
    """Return the words that say what a text is about."""
    return {word.rstrip("s") for word in re.findall(r"\w+", text.lower())} - SMALL_WORDS


quoting = FunctionModel(stream_function=quote, model_name="quoting")
