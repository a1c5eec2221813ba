"""A project with everything that the client has to do with: sessions, tokens, keys, pages, streams, files, failures."""

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import django
from django.conf import settings

if not settings.configured:
    settings.configure(
        SECRET_KEY="only-for-tests-0123456789-0123456789-0123456789-01",
        ALLOWED_HOSTS=["127.0.0.1", "localhost"],
        ROOT_URLCONF=__name__,
        BASE_DIR=Path(os.environ["SITE_FOLDER"]),
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "django.contrib.sessions",
            "ninja_extra",
            "django_matt",
            "django_matt.contrib.idempotency",
            "django_matt.contrib.tokens",
            "django_matt.contrib.typescript",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            f"{__name__}.count_requests",
        ],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": str(Path(os.environ["SITE_FOLDER"], "site.sqlite3")),
                "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 30},
            }
        },
    )
    django.setup()

from django.contrib.auth import authenticate, login
from django.contrib.auth.models import Group
from django.http import FileResponse, HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.urls import path
from ninja.pagination import CursorPagination
from ninja.security import APIKeyHeader

from django_matt import (
    JSONL,
    SSE,
    Event,
    File,
    Form,
    LimitOffsetPagination,
    MattAPI,
    ModelSchema,
    PageNumberPagination,
    PageNumberPaginationExtra,
    Query,
    Schema,
    Status,
    UploadedFile,
    paginate,
)
from django_matt.asgi import get_asgi_application
from django_matt.authentication import SessionAuthenticator
from django_matt.contrib.idempotency.decorators import idempotent
from django_matt.contrib.tokens.authentication import TokenAuth
from django_matt.errors.exceptions import NotAuthenticated, ServiceUnavailable, TooManyRequests
from django_matt.sign_in import issue_tokens

FOLDER = Path(os.environ["SITE_FOLDER"])
SEEN: Counter[str] = Counter()
TRIES: Counter[str] = Counter()


def count_requests(get_response: Any) -> Any:
    """Count the requests of each method and path."""

    def middleware(request: HttpRequest) -> Any:
        SEEN[f"{request.method} {request.path}"] += 1
        if "X-Request-ID" in request.headers:
            SEEN[f"id {request.headers['X-Request-ID']}"] += 1
        # As a proxy does that serves the API below a path.
        request.path_info = request.path_info.removeprefix("/prefix")
        return get_response(request)

    return middleware


class Key(APIKeyHeader):
    param_name = "X-API-Key"

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        return "robot" if key == "right" else None


class GroupOut(ModelSchema):
    class Meta:
        model = Group
        fields = ["id", "name"]


class Credentials(Schema):
    username: str
    password: str


class TokensOut(Schema):
    access_token: str
    refresh_token: str


class Name(Schema):
    name: str


class Tick(Schema):
    number: int


class Upload(Schema):
    size: int
    title: str
    tags: list[str]
    name: str


class Details(Schema):
    title: str
    tags: list[str] = []


class Echo(Schema):
    word: str
    tags: list[str]
    on: bool | None
    day: date | None
    agent: str


api = MattAPI(title="Site")


@api.get("/seen", tags=["site"], response=dict[str, int])
def seen(request: HttpRequest) -> dict[str, int]:
    """How often each path was requested."""
    return dict(SEEN)


@api.post("/reset", tags=["site"], response={204: None})
def reset(request: HttpRequest) -> Status:
    SEEN.clear()
    return Status(204, None)


# ---- who calls ----


@api.post("/session", tags=["site"], response=Name)
def sign_in(request: HttpRequest, body: Credentials) -> dict[str, str]:
    user = authenticate(request, username=body.username, password=body.password)
    if user is None:
        raise NotAuthenticated
    login(request, user)
    return {"name": user.get_username()}


@api.get("/csrf", tags=["site"], response={204: None})
def csrf(request: HttpRequest) -> Status:
    get_token(request)
    return Status(204, None)


@api.get("/me", tags=["site"], response=Name, auth=SessionAuthenticator())
def me(request: HttpRequest) -> dict[str, str]:
    return {"name": request.user.get_username()}


@api.post("/notes", tags=["site"], response={201: Name}, auth=SessionAuthenticator())
def add_note(request: HttpRequest, body: Name) -> Status:
    return Status(201, {"name": body.name})


@api.post("/tokens", tags=["site"], response=TokensOut)
def get_tokens(request: HttpRequest, body: Credentials) -> Any:
    user = authenticate(request, username=body.username, password=body.password)
    if user is None:
        raise NotAuthenticated
    return issue_tokens(request, user, records=[])


@api.get("/secret", tags=["site"], response=Name, auth=TokenAuth())
def secret(request: HttpRequest) -> dict[str, str]:
    return {"name": str(request.auth.user_id)}  # type: ignore[attr-defined]


@api.get("/robot", tags=["site"], response=Name, auth=Key())
def robot(request: HttpRequest) -> dict[str, str]:
    return {"name": request.auth}  # type: ignore[attr-defined]


# ---- what is sent ----


@api.get("/echo/{word}", tags=["site"], response=Echo)
def echo(
    request: HttpRequest,
    word: str,
    tags: Query[list[str]] = [],  # noqa: B006 - Ninja copies it
    on: bool | None = None,
    day: date | None = None,
) -> dict[str, Any]:
    agent = request.headers.get("X-Agent", "")
    return {"word": word, "tags": tags, "on": on, "day": day, "agent": agent}


@api.post("/uploads", tags=["files"], response={201: Upload})
def upload(request: HttpRequest, details: Form[Details], file: File[UploadedFile]) -> Status:
    read = {"size": file.size, "name": file.name, "title": details.title, "tags": details.tags}
    return Status(201, read)


@api.post("/forms", tags=["files"], response=Details)
def send_form(request: HttpRequest, details: Form[Details]) -> Details:
    return details


# ---- what comes back ----


@api.get("/page", tags=["answers"], response=Name)
def html(request: HttpRequest) -> HttpResponse:
    """Not what it documents."""
    return HttpResponse("<h1>Maintenance</h1>")


@api.get("/empty", tags=["answers"], response=Name)
def empty(request: HttpRequest, status: int) -> HttpResponse:
    return HttpResponse(status=status)


@api.get("/other", tags=["answers"], response=Name)
def other(request: HttpRequest) -> HttpResponse:
    """A status that it does not document."""
    return HttpResponse('{"name": "partly"}', status=206, content_type="application/json")


@api.delete("/nothing", tags=["answers"], response={204: None})
def nothing(request: HttpRequest) -> Status:
    return Status(204, None)


@api.get("/promised", tags=["answers"], response={204: Name})
def promised(request: HttpRequest) -> HttpResponse:
    """A status that has no body, whatever is documented."""
    return HttpResponse(status=204)


@api.get("/gateway", tags=["answers"], response=Name)
def gateway(request: HttpRequest, status: int) -> HttpResponse:
    """What a proxy answers while the server behind it restarts."""
    return HttpResponse("<html><h1>502 Bad Gateway</h1></html>", status=status)


@api.get("/refused", tags=["answers"], response={200: Name, 402: Name})
def refused(request: HttpRequest) -> Status:
    return Status(402, {"name": "pay first"})


@api.get("/slow", tags=["answers"], response=Name)
async def slow(request: HttpRequest, seconds: float = 20) -> dict[str, str]:
    await asyncio.sleep(seconds)
    return {"name": "late"}


def fail(request: HttpRequest, test: str, times: int) -> None:
    TRIES[test] += 1
    if TRIES[test] <= times:
        if test.startswith("429"):
            raise TooManyRequests(
                headers={"Retry-After": {"long": "60", "wait": "9"}.get(test[4:], "0")}
            )
        raise ServiceUnavailable


@api.get("/flaky", tags=["answers"], response=Tick)
def flaky(request: HttpRequest, test: str, times: int) -> dict[str, int]:
    fail(request, test, times)
    return {"number": TRIES[test]}


@api.post("/flaky", tags=["answers"], response=Tick)
def flaky_write(request: HttpRequest, test: str, times: int) -> dict[str, int]:
    fail(request, test, times)
    return {"number": TRIES[test]}


@api.post("/orders", tags=["answers"], response={201: GroupOut}, auth=Key())
@idempotent(required=True)
def order(request: HttpRequest, body: Name) -> Status:
    fail(request, body.name, 2)
    return Status(201, Group.objects.create(name=f"{body.name} {time.time_ns()}"))


# ---- pages ----


def groups() -> Any:
    return Group.objects.filter(name__startswith="page ").order_by("id")


@api.get("/offset", tags=["lists"], response=list[GroupOut])
@paginate(LimitOffsetPagination)
def list_by_offset(request: HttpRequest) -> Any:
    return groups()


@api.get("/numbered", tags=["lists"], response=list[GroupOut])
@paginate(PageNumberPagination, page_size=3)
def list_by_number(request: HttpRequest) -> Any:
    return groups()


@api.get("/linked", tags=["lists"], response=list[GroupOut])
@paginate(PageNumberPaginationExtra, page_size=3)
def list_by_links(request: HttpRequest) -> Any:
    return groups()


@api.get("/cursor", tags=["lists"], response=list[GroupOut])
@paginate(CursorPagination, ordering=["id"], page_size=3)
def list_by_cursor(request: HttpRequest) -> Any:
    return groups()


# ---- streams ----


@api.get("/ticks", tags=["streams"], response=SSE[Tick])
async def ticks(request: HttpRequest, last: int = 10) -> AsyncIterator[Event[dict[str, int]]]:
    first = int(request.headers.get("Last-Event-ID", 0)) + 1
    for number in range(first, last + 1):
        yield Event({"number": number}, id=number, event="tick", retry=1000)
        await asyncio.sleep(0.05)


@api.get("/plain-ticks", tags=["streams"], response=SSE[Tick])
async def plain_ticks(request: HttpRequest, last: int = 3) -> AsyncIterator[dict[str, int]]:
    for number in range(1, last + 1):
        yield {"number": number}


@api.get("/failing-ticks", tags=["streams"], response=SSE[Tick])
async def failing_ticks(request: HttpRequest) -> AsyncIterator[dict[str, int]]:
    yield {"number": 1}
    raise ServiceUnavailable


@api.get("/lines", tags=["streams"], response=JSONL[Tick])
def lines(request: HttpRequest, count: int, fails: bool = False) -> Iterator[dict[str, int]]:
    for number in range(1, count + 1):
        yield {"number": number}
    if fails:
        raise ValueError("planted")


@api.get("/closed-ticks", tags=["streams"], response=SSE[Tick], auth=Key())
async def closed_ticks(request: HttpRequest) -> AsyncIterator[dict[str, int]]:
    yield {"number": 1}


def serve_bundle(request: HttpRequest) -> FileResponse:
    return FileResponse((FOLDER / "browser.js").open("rb"), content_type="text/javascript")


def serve_page(request: HttpRequest) -> HttpResponse:
    return HttpResponse('<!doctype html><script src="/browser.js"></script>')


urlpatterns = [
    path("api/", api.urls),
    path("browser.js", serve_bundle),
    path("", serve_page),
]
application = get_asgi_application()

if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
