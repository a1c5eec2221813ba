"""The same lists on every tier of ours and on Ninja Extra, each as a list, from an async route, in pages, in an envelope."""

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from ninja import Schema
from ninja.pagination import LimitOffsetPagination, PageNumberPagination, paginate
from ninja_extra import NinjaExtraAPI

from django_matt import MattAPI
from tests.serialization.conftest import in_order, parse

__all__ = ["KINDS", "TIERS", "Lists", "Sides"]

KINDS = ("list", "async", "limit", "page", "envelope")
TIERS = ("rows", "instances", "pydantic")
Lists = dict[str, tuple[Any, Callable[[], Any]]]
_namespaces = (f"sides{number}" for number in itertools.count())


class Sides:
    """Asks both sides for the same lists; made once for many routers, as its routes ask for each answer."""

    def __init__(self, lists: Lists, kinds: tuple[str, ...] = KINDS) -> None:
        self.lists = lists
        self.kinds = kinds
        self.ours = {tier: MattAPI(urls_namespace=next(_namespaces), tier=tier) for tier in TIERS}  # type: ignore[arg-type]
        self.theirs = NinjaExtraAPI(urls_namespace=next(_namespaces))
        for api in (*self.ours.values(), self.theirs):
            for number, (schema, make) in enumerate(lists.values()):
                _add(api, number, schema, make)

    def serve(self, serve: Any) -> None:
        """Mount all of them."""
        more = {f"{tier}/": self.ours[tier] for tier in TIERS}
        self.client = serve(self.theirs, "theirs/", **more)

    def get(self, tier: str, name: str, kind: str) -> Any:
        """Return our answer."""
        path = f"/{tier}/{list(self.lists).index(name)}/{kind}"
        if kind == "async":
            return async_to_sync(self.client.async_client.get)(path)
        return self.client.get(path)

    def judge(self, name: str, kind: str) -> Any:
        """Return Ninja Extra's answer."""
        kind = "list" if kind == "async" else kind
        return self.client.get(f"/theirs/{list(self.lists).index(name)}/{kind}")

    def faults(self, names: Any = None) -> Iterator[Any]:
        """Yield what differs: from Ninja Extra as JSON, among our tiers in bytes."""
        for name, kind in itertools.product(names or self.lists, self.kinds):
            theirs = self.judge(name, kind)
            right = parse(theirs.content) if theirs.status_code == 200 else theirs.content
            texts: dict[str, bytes] = {}
            for tier in TIERS:
                ours = self.get(tier, name, kind)
                if ours.status_code != 200 or theirs.status_code != 200:
                    yield name, kind, tier, ours.status_code, theirs.status_code, right
                    continue
                got = json.loads(ours.content)
                if in_order(got) != in_order(right):
                    yield name, kind, tier, ours.headers.get("X-Matt-Tier"), got, right
                # No query of ours asks for an order of the lists inside.
                texts[json.dumps(got)] = texts.get(json.dumps(got), ours.content)
                if texts[json.dumps(got)] != ours.content:
                    yield name, kind, tier, ours.content, texts[json.dumps(got)]


def _add(api: Any, number: int, schema: Any, make: Callable[[], Any]) -> None:
    class Envelope(Schema):
        count: int
        data: list[schema]

    @api.get(f"/{number}/list", response=list[schema])
    def show(request):
        return make()

    @api.get(f"/{number}/limit", response=list[schema])
    @paginate(LimitOffsetPagination)
    def limit(request):
        return _all(make())

    @api.get(f"/{number}/page", response=list[schema])
    @paginate(PageNumberPagination, page_size=3)
    def page(request):
        return _all(make())

    @api.get(f"/{number}/envelope", response=Envelope)
    def envelope(request):
        return {"count": 3, "data": make()}

    if isinstance(api, MattAPI):

        @api.get(f"/{number}/async", response=list[schema])
        async def ashow(request):
            return await sync_to_async(make)()


def _all(found: Any) -> Any:
    return found if isinstance(found, list) else found.all()
