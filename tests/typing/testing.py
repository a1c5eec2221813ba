"""What the type checkers make of the test client; mypy and pyright read this, nothing runs it."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from typing import assert_type

from django_matt import MattAPI
from django_matt.testing import AsyncMattClient, MattClient, TestResponse

api = MattAPI()
answer = MattClient(api).post("/api/things", json={"name": "box"})
assert_type(answer, TestResponse)
assert_type(answer.status, int)
assert_type(answer.body, bytes)
assert_type(answer.expect(200), TestResponse)


async def ask() -> None:
    """The asynchronous one answers the same."""
    assert_type(await AsyncMattClient(api).get("/api/things"), TestResponse)
