"""The pages of the last requests: what they show, to whom, and under which policy."""

from typing import Any

import pytest

from django_matt import MattAPI, ModelSchema
from django_matt.contrib.observability.observations import requests
from django_matt.pages import STRICT_CSP
from tests.project.models import Author, Book

pytestmark = [pytest.mark.django_db, pytest.mark.database]


class ObservedAuthor(ModelSchema):
    class Meta:
        model = Author
        fields = ["id", "name"]


def make_api() -> MattAPI:
    api = MattAPI()

    @api.get("/authors", response=list[ObservedAuthor])
    def authors(request):
        return Author.objects.order_by("id")

    @api.get("/books")
    async def books(request):
        return [
            {"author": (await Author.objects.aget(pk=book.author_id)).name}
            async for book in Book.objects.all()
        ]

    @api.get("/n/{text}")
    def text(request, text: str):
        return {}

    return api


def fill() -> None:
    for number in range(6):
        author = Author.objects.create(name=f"author {number}")
        Book.objects.create(title="a", author=author)


def test_the_list_shows_each_request_and_its_tier(project: Any):
    asked = project(make_api(), debug=True)
    fill()
    asked.ask("/api/authors")
    asked.ask("/api/books")
    asked.ask("/api/unknown")
    asked.ask("/api/n/<b>&x")
    answer = asked.client.get("/_matt/requests")
    shown = answer.content.decode()
    assert answer.status_code == 200
    assert answer["Content-Security-Policy"] == STRICT_CSP
    assert "no-store" in answer["Cache-Control"]
    assert "style=" not in shown
    assert "<script" not in shown
    assert "<svg" in shown
    assert "GET /api/authors" in shown
    assert ">rows</td>" in shown
    assert "6 \u00d7" in shown
    assert "unmatched" in shown
    assert "<b>&x" not in shown
    assert asked.client.get("/_matt/matt.css").status_code == 200
    narrowed = asked.client.get("/_matt/requests?route=/api/authors").content.decode()
    assert "GET /api/authors" in narrowed
    assert "/api/books" not in narrowed
    assert "No request" in asked.client.get("/_matt/requests?route=/x").content.decode()


def test_a_request_shows_its_queries_and_explains_one(project: Any):
    asked = project(make_api(), debug=True)
    fill()
    asked.ask("/api/books")
    (detail,) = requests
    assert detail.count == 7
    address = f"/_matt/requests/{detail.number}"
    shown = asked.client.get(address).content.decode()
    assert "7 queries" in shown
    assert "6 times" in shown
    assert f"{__file__}:" in shown
    plan = asked.client.get(f"{address}?explain=2").content.decode()
    assert "project_author" in plan.partition('class="source"')[2].partition("</pre>")[0]
    for wrong in ("0", "99", "-1", "x", "²", "9" * 5_000, ""):
        answer = asked.client.get(f"{address}?explain={wrong}")
        assert answer.status_code == 200, wrong
        assert 'class="source"' not in answer.content.decode()
    assert asked.client.get("/_matt/requests/999999999999").status_code == 404


def test_only_the_last_requests_are_kept(project: Any):
    asked = project(make_api(), debug=True)
    for number in range(200):
        asked.client.get(f"/api/n/{number}")
    for number in range(200, 210):
        asked.ask(f"/api/n/{number}")
    assert len(requests) == 200
    assert requests[0].path == "/api/n/10"


def test_without_debug_nothing_is_kept_and_there_is_no_page(project: Any, settings: Any):
    asked = project(make_api())
    asked.ask("/api/authors")
    assert len(requests) == 0
    for address in ("/_matt/requests", "/_matt/requests/1", "/_matt/advice"):
        assert asked.client.get(address).status_code == 404
        assert asked.client.post(address).status_code == 404
    settings.DEBUG = True
    assert asked.client.get("/_matt/requests").status_code == 200
    assert asked.client.post("/_matt/requests").status_code == 405
    assert "no advice" in asked.client.get("/_matt/advice").content.decode()


def test_a_query_in_a_stream_is_shown(project: Any):
    from django.http import StreamingHttpResponse

    api = MattAPI()

    @api.get("/stream")
    def stream(request):
        def make():
            list(Author.objects.all())
            yield b"x" * 5

        return StreamingHttpResponse(make())

    asked = project(api, debug=True)
    assert b"".join(asked.client.get("/api/stream")) == b"xxxxx"
    (detail,) = requests
    assert (detail.count, detail.size, detail.ended) == (1, 5, "")
