"""The cases: what is asked of every stack, and how often in one sample."""

from dataclasses import dataclass

import orjson

__all__ = ["CASES", "Case"]

_ITEM = {
    "name": "A kettle",
    "email": "kettle@example.org",
    "stock": 12,
    "score": 4.5,
    "active": True,
    "tags": ["kitchen", "steel", "sale"],
}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One request; ``times`` of it make a sample, so that a sample takes a few milliseconds: few of them are interrupted."""

    title: str
    path: str
    times: int
    method: str = "GET"
    query: str = ""
    body: bytes = b""
    handler: str = "wsgi"
    target: float | None = None
    """The most that MattAPI may need, against hand-written Django."""


CASES = {
    "hello": Case(title="hello: a constant", path="hello", times=25, target=1.25),
    "echo": Case(
        title="echo: POST, six fields validated and returned",
        path="echo",
        times=25,
        method="POST",
        body=orjson.dumps(_ITEM),
        target=1.35,
    ),
    "hello-async": Case(
        title="async hello: the whole ASGI handler",
        path="hello-async",
        times=10,
        handler="asgi",
        target=1.3,
    ),
    "view-async": Case(
        title="async hello: from the request to the response, without Django's ASGI plumbing",
        path="hello-async",
        times=25,
        handler="view",
        target=1.3,
    ),
    "one": Case(title="one: a row of 12 columns by its key", path="rows/500", times=8),
    "flat": Case(title="flat: 1,000 rows of 12 columns", path="flat", times=1),
    "instances": Case(
        title="instances: 200 model instances of 12 columns", path="instances", times=1, target=1.05
    ),
    "nested": Case(title="nested: 100 rows, a foreign key, a many-to-many", path="nested", times=1),
    "page": Case(
        title="page: 100 of 1,000 rows by limit and offset, with their count",
        path="page",
        times=2,
        query="limit=100&offset=400",
    ),
}
