"""An API with one route for each verb, sync and async."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from ninja import Field, ModelSchema, Schema

from django_matt import MattAPI, Status
from django_matt.contrib.crud.services import abulk_create, abulk_update, bulk_create, bulk_update
from tests.project.models import Author, Edition


class EditionIn(ModelSchema):
    notes: Any = None

    class Meta:
        model = Edition
        fields = ["isbn", "title", "volume", "pages", "author"]

    # What the column is too small for.
    title: str
    volume: int = 1
    pages: int | None = Field(None, alias="pageCount")


class EditionPatch(Schema):
    id: int
    isbn: str | None = None
    title: str | None = None
    volume: int = 1
    pages: int | None = Field(None, alias="pageCount")
    notes: Any = None
    author_id: int | None = None


class EditionOut(ModelSchema):
    class Meta:
        model = Edition
        fields = ["id", "isbn", "title", "volume", "pages", "author"]


def make_api(asynchronous: bool, **options: Any) -> MattAPI:
    api = MattAPI(**options)
    if asynchronous:

        @api.post("/editions", response={201: list[EditionOut]})
        async def create(request, editions: list[EditionIn]):
            return Status(201, await abulk_create(Edition, editions))

        @api.patch("/authors/{author}/editions", response=list[EditionOut])
        async def update(request, author: int, editions: list[EditionPatch]):
            return await abulk_update(Edition.objects.filter(author=author), editions)

    else:

        @api.post("/editions", response={201: list[EditionOut]})
        def create(request, editions: list[EditionIn]):
            return Status(201, bulk_create(Edition, editions))

        @api.patch("/authors/{author}/editions", response=list[EditionOut])
        def update(request, author: int, editions: list[EditionPatch]):
            return bulk_update(Edition.objects.filter(author=author), editions)

    return api


@dataclass
class Served:
    """The routes, and an author to write for."""

    client: Any
    author: Author

    def rows(self, count: int, start: int = 0) -> list[dict[str, Any]]:
        return [
            {"isbn": f"i{n}", "title": f"t{n}", "author_id": self.author.pk}
            for n in range(start, start + count)
        ]

    def post(self, rows: Any, **headers: str) -> Any:
        return self.client.post(
            "/api/editions", rows, content_type="application/json", headers=headers
        )

    def patch(self, rows: Any, author: Author | None = None) -> Any:
        path = f"/api/authors/{(author or self.author).pk}/editions"
        return self.client.patch(path, rows, content_type="application/json")


@pytest.fixture(params=["sync", "async"])
def served(request: pytest.FixtureRequest, serve: Callable[..., Any], db: None) -> Served:
    client = serve(make_api(request.param == "async"))
    return Served(client, Author.objects.create(name="Ada"))


def refusals(answer: Any) -> list[tuple[list[Any], str]]:
    return [(error["loc"], error["type"]) for error in answer.json()["detail"]]
