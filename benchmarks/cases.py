"""The cases: what is asked of every stack, and how often in one sample."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Literal

import orjson

__all__ = ["ASYNC", "CASES", "ENCODING", "RAW", "STREAM", "SYNC", "Case"]

_PRODUCT = {
    "name": "A kettle",
    "email": "kettle@example.org",
    "stock": 12,
    "score": 4.5,
    "active": True,
}
_ITEM = {**_PRODUCT, "tags": ["kitchen", "steel", "sale"]}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One request; ``times`` of it make a sample, so that a sample takes a few milliseconds: few of them are interrupted."""

    title: str
    path: str
    times: int
    method: str = "GET"
    varying: str = ""
    """The path with another number from 1 to ``keys`` for each request; without it all requests ask for ``path``."""
    keys: int = 0
    query: str = ""
    body: bytes = b""
    status: int = 200
    handler: Literal["wsgi", "asgi", "view"] = "wsgi"
    database: bool = True
    writes: int = 0
    """How many rows of ``Product`` it inserts."""

    def paths(self) -> Iterator[str]:
        """Yield the path of each request, without end, in an order that is the same for every stack."""
        keys = random.Random(0).sample(range(1, self.keys + 1), self.keys)
        paths = [self.varying.format(key) for key in keys] or [self.path]
        return cycle(paths)


CASES = {
    "hello": Case(title="a constant response", path="hello", times=25, database=False),
    "echo": Case(
        title="POST, six fields validated and returned",
        path="echo",
        times=25,
        method="POST",
        body=orjson.dumps(_ITEM),
        database=False,
    ),
    "one": Case(
        title="a row of 12 columns by its key, by 2,000 keys in turn",
        path="rows/500",
        varying="rows/{}",
        keys=2_000,
        times=8,
    ),
    "tenants": Case(
        title="the 10 rows of a tenant, of 1,000 tenants in turn",
        path="tenants/500/invoices",
        varying="tenants/{}/invoices",
        keys=1_000,
        times=8,
    ),
    "flat": Case(title="1,000 rows of 12 columns", path="flat", times=1),
    "instances": Case(
        title="200 model instances of 12 columns, in a list", path="instances", times=1
    ),
    "nested": Case(title="100 rows, a foreign key, a many-to-many", path="nested", times=1),
    "deep": Case(
        title="10 publishers, their 20 authors, their 100 books, their 300 chapters",
        path="deep",
        times=1,
    ),
    "page": Case(
        title="100 of 1,000 rows by limit and offset, with their count",
        path="page",
        times=2,
        query="limit=100&offset=400",
    ),
    "create": Case(
        title="POST, five fields validated, inserted, returned with their key",
        path="products",
        times=4,
        method="POST",
        body=orjson.dumps(_PRODUCT),
        status=201,
        writes=1,
    ),
    "bulk-create": Case(
        title="POST, a list of 100 of them, inserted by one `bulk_create`",
        path="products/bulk",
        times=1,
        method="POST",
        body=orjson.dumps([{**_PRODUCT, "stock": n} for n in range(100)]),
        status=201,
        writes=100,
    ),
    "hello-async": Case(
        title="hello through the whole ASGI handler",
        path="async/hello",
        times=10,
        handler="asgi",
        database=False,
    ),
    "view-async": Case(
        title="hello from the request to the response, without Django's ASGI plumbing",
        path="async/hello",
        times=25,
        handler="view",
        database=False,
    ),
    "one-async": Case(
        title="one, async",
        path="async/rows/500",
        varying="async/rows/{}",
        keys=2_000,
        times=4,
        handler="asgi",
    ),
    "flat-async": Case(title="flat, async", path="async/flat", times=1, handler="asgi"),
    "nested-async": Case(title="nested, async", path="async/nested", times=1, handler="asgi"),
    "stream": Case(title="a long table of 12 columns in one answer", path="stream", times=1),
}
STREAM = "stream"
SYNC = [name for name, case in CASES.items() if case.handler == "wsgi" and name != STREAM]
ASYNC = [name for name, case in CASES.items() if case.handler != "wsgi"]
ENCODING = {
    "by hand": "dictionaries made by hand, orjson",
    "matt": "MattAPI's encoder, compiled where the run was",
    "matt, plain": "the same source, not compiled",
    "pydantic": "a pydantic model with `from_attributes`, `dump_json`",
    "ninja": "Ninja's path: its Schema, `model_dump`, `json.dumps`",
}
RAW = {
    "matt": "MattAPI's row writer, every value as Ninja writes it",
    "dict": "`dict(zip())` and orjson, no value converted",
}
