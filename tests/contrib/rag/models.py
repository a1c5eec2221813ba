"""Language models of the tests: each does one thing that a real one may do."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import ModelRequest
from pydantic_ai.models.function import AgentInfo, FunctionModel

SEEN: list[tuple[str, str]] = []
"""The instructions and the prompt of each request."""
STATE: dict[str, Any] = {}


def read(messages: list[Any], info: AgentInfo) -> str:
    request = messages[-1]
    assert isinstance(request, ModelRequest)
    prompt = "".join(str(part.content) for part in request.parts)
    SEEN.append((info.instructions or "", prompt))
    return prompt


async def quote(messages: list[Any], info: AgentInfo) -> AsyncIterator[str]:
    """Quote the best source, in small parts."""
    prompt = read(messages, info)
    found = re.search(r"<source-\w+ number=1>\n.*?\n\n(.*?)\n</source-", prompt, re.S)
    text = f"{found[1] if found else 'Nothing'} [1]"
    for begin in range(0, len(text), 7):
        yield text[begin : begin + 7]


async def cite_badly(messages: list[Any], info: AgentInfo) -> AsyncIterator[str]:
    read(messages, info)
    for part in ("It is so [", "1][9", "9]. And so [1, 7] in `list[0]`", " [0]."):
        yield part


async def cite_nothing(messages: list[Any], info: AgentInfo) -> AsyncIterator[str]:
    read(messages, info)
    yield "I do not know."


async def be_down(messages: list[Any], info: AgentInfo) -> AsyncIterator[str]:
    if info is not None:
        raise ModelHTTPError(500, "model", body="the key is secret-key-123")
    yield ""


async def break_off(messages: list[Any], info: AgentInfo) -> AsyncIterator[str]:
    yield "It begins "
    raise ConnectionResetError


async def hang(messages: list[Any], info: AgentInfo) -> AsyncIterator[str]:
    yield "It begins "
    try:
        await asyncio.sleep(600)
    finally:
        STATE["ended"] = True


async def wait(messages: list[Any], info: AgentInfo) -> AsyncIterator[str]:
    """Answer once it is allowed to."""
    STATE["asked"] = True
    while "go" not in STATE:
        await asyncio.sleep(0.01)
    yield "It is so [1]."


async def talk(messages: list[Any], info: AgentInfo) -> AsyncIterator[str]:
    """Talk until it is cancelled."""
    try:
        while True:
            yield "and so on "
            await asyncio.sleep(0.001)
    finally:
        STATE["ended"] = True


quoting = FunctionModel(stream_function=quote)
citing_badly = FunctionModel(stream_function=cite_badly)
citing_nothing = FunctionModel(stream_function=cite_nothing)
down = FunctionModel(stream_function=be_down)
breaking_off = FunctionModel(stream_function=break_off)
hanging = FunctionModel(stream_function=hang)
waiting = FunctionModel(stream_function=wait)
talking = FunctionModel(stream_function=talk)
