"""Hand-written Django and orjson: what the ratios are against."""

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from benchmarks.data import COLUMNS, MAX_LIMIT, books, some_rows
from benchmarks.models import Row


def answer(data: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(
        orjson.dumps(data, default=str), status=status, content_type="application/json"
    )


def hello(request: HttpRequest) -> HttpResponse:
    return answer({"message": "hello"})


async def hello_async(request: HttpRequest) -> HttpResponse:
    return answer({"message": "hello"})


@csrf_exempt
def echo(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "POST"})
    try:
        data = orjson.loads(request.body)
        item = {
            "name": data["name"],
            "email": data["email"],
            "stock": data["stock"],
            "score": data["score"],
            "active": data["active"],
            "tags": data["tags"],
        }
    except (ValueError, KeyError, TypeError):
        return answer({"detail": "invalid"}, 422)
    if not (
        isinstance(item["name"], str)
        and isinstance(item["email"], str)
        and type(item["stock"]) is int
        and isinstance(item["score"], float | int)
        and isinstance(item["active"], bool)
        and isinstance(item["tags"], list)
        and all(isinstance(tag, str) for tag in item["tags"])
    ):
        return answer({"detail": "invalid"}, 422)
    return answer(item)


def as_dict(row: Row) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "email": row.email,
        "about": row.about,
        "stock": row.stock,
        "views": row.views,
        "score": row.score,
        "active": row.active,
        "price": str(row.price),
        "key": row.key,
        "at": row.at,
        "day": row.day,
    }


def one(request: HttpRequest, row_id: int) -> HttpResponse:
    try:
        return answer(as_dict(Row.objects.get(id=row_id)))
    except Row.DoesNotExist:
        return answer({"detail": "not found"}, 404)


def flat(request: HttpRequest) -> HttpResponse:
    return answer(list(Row.objects.values(*COLUMNS)))


def instances(request: HttpRequest) -> HttpResponse:
    return answer([as_dict(row) for row in some_rows()])


def nested(request: HttpRequest) -> HttpResponse:
    return answer(
        [
            {
                "id": book.id,
                "title": book.title,
                "pages": book.pages,
                "author": {
                    "id": book.author.id,
                    "name": book.author.name,
                    "email": book.author.email,
                },
                "tags": [{"id": tag.id, "name": tag.name} for tag in book.tags.all()],
            }
            for book in books()
        ]
    )


def page(request: HttpRequest) -> HttpResponse:
    try:
        limit = min(max(int(request.GET.get("limit", MAX_LIMIT)), 1), MAX_LIMIT)
        offset = max(int(request.GET.get("offset", 0)), 0)
    except ValueError:
        return answer({"detail": "invalid"}, 422)
    found = Row.objects.values(*COLUMNS)
    return answer({"items": list(found[offset : offset + limit]), "count": found.count()})


urlpatterns = [
    path("hello", hello),
    path("hello-async", hello_async),
    path("echo", echo),
    path("rows/<int:row_id>", one),
    path("flat", flat),
    path("instances", instances),
    path("nested", nested),
    path("page", page),
]
