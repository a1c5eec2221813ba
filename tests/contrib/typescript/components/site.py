"""A project whose API has every kind of field, and lists with searches, orders and each kind of pages."""
# ruff: noqa: E402 - models are imported after django.setup()

import os
import sys
from datetime import date, datetime, time
from decimal import Decimal
from enum import IntEnum
from pathlib import Path
from typing import Any, Literal

import django
from django.conf import settings

FOLDER = Path(os.environ["SITE_FOLDER"])

if not settings.configured:
    settings.configure(
        SECRET_KEY="only-for-tests-0123456789-0123456789-0123456789-01",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF=__name__,
        BASE_DIR=FOLDER,
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "django.contrib.sessions",
            "tests.project",
            "ninja_extra",
            "django_matt",
            "django_matt.contrib.crud",
            "django_matt.contrib.generators",
            "django_matt.contrib.typescript",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": str(FOLDER / "site.sqlite3"),
                "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 30},
            }
        },
        MEDIA_ROOT=str(FOLDER / "media"),
        MATT_TYPESCRIPT={"OUTPUT": os.environ["SITE_OUTPUT"], "REACT": True, "ZOD": True},
    )
    django.setup()

from django.contrib.auth import login
from django.contrib.auth.models import User
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.urls import path
from ninja.pagination import CursorPagination
from ninja_extra import api_controller, http_get
from pydantic import Field, field_validator

from django_matt import (
    File,
    Form,
    MattAPI,
    ModelSchema,
    PageNumberPagination,
    Schema,
    Status,
    UploadedFile,
    paginate,
)
from django_matt.asgi import get_asgi_application
from django_matt.authentication import SessionAuthenticator
from django_matt.contrib.crud.controllers import CrudController
from tests.project.models import Author, Book, Everything, Tag


@api_controller("/authors")
class AuthorController(CrudController[Author]):
    fields = ("id", "name", "boss")
    search, ordering = ("name",), ("name",)


@api_controller("/tags")
class TagController(CrudController[Tag]):
    fields = ("id", "name")
    search = ("name",)


@api_controller("/books", auth=SessionAuthenticator())
class BookController(CrudController[Book]):
    """Its writes need a session, and so the CSRF token."""

    fields = ("id", "title", "price", "author", "editor", "tags")
    expand = ("author",)
    search, ordering = ("title",), ("title", "price")


@api_controller("/everything")
class EverythingController(CrudController[Everything]):
    fields = tuple(each.name for each in Everything._meta.get_fields() if each.name != "binary")


class Size(IntEnum):
    SMALL = 1
    LARGE = 2


class Street(Schema):
    street: str
    zip: str = Field("", max_length=5)


class Line(Schema):
    sku: str = Field(min_length=1)
    quantity: int = Field(1, ge=1)
    gift: bool = False


class ParcelIn(Schema):
    """What is not a column: nested objects, lists, unions."""

    name: str = Field(min_length=2, description='Read by "the post" & </you>.')
    size: Size = Size.SMALL
    speed: Literal["slow", "fast"] | None = None
    fragile: bool | None = None
    weight: float = 1.5
    price: Decimal = Field(Decimal("1.00"), max_digits=8, decimal_places=2)
    day: date | None = None
    at: datetime | None = None
    hour: time | None = None
    tags: list[str] = []
    numbers: list[int] = []
    colours: list[Literal["red", "blue"]] = []
    address: Street
    billing: Street | None = None
    lines: list[Line] = Field(min_length=1)
    anything: int | str | None = None
    extra: dict[str, int] = {}
    secret: str = Field("", json_schema_extra={"ui": {"widget": "password"}})
    class_: str = Field("", alias="class")

    @field_validator("name")
    @classmethod
    def check_name(cls, value: str) -> str:
        if value == "taken":
            raise ValueError("There is a parcel of this name.")
        return value


class ParcelOut(ParcelIn):
    id: int


PARCELS: dict[int, ParcelOut] = {}

api = MattAPI(title="Components")


@api.get("/parcels", tags=["parcels"], by_alias=True, response=list[ParcelOut])
@paginate(PageNumberPagination, page_size=3)
def list_parcels(request: HttpRequest) -> Any:
    return list(PARCELS.values())


@api.post("/parcels", tags=["parcels"], by_alias=True, response={201: ParcelOut})
def create_parcel(request: HttpRequest, data: ParcelIn) -> Status:
    key = max(PARCELS, default=0) + 1
    PARCELS[key] = ParcelOut(id=key, **data.model_dump(by_alias=True))
    return Status(201, PARCELS[key])


@api.put("/parcels/{parcel_id}", tags=["parcels"], by_alias=True, response=ParcelOut)
def replace_parcel(request: HttpRequest, parcel_id: int, data: ParcelIn) -> ParcelOut:
    if parcel_id not in PARCELS:
        raise Http404
    PARCELS[parcel_id] = ParcelOut(id=parcel_id, **data.model_dump(by_alias=True))
    return PARCELS[parcel_id]


class AvatarIn(Schema):
    title: str = Field(min_length=1)


class AvatarOut(Schema):
    title: str
    size: int
    names: list[str]


@api.post("/avatars", tags=["avatars"], response={201: AvatarOut})
def create_avatar(
    request: HttpRequest,
    details: Form[AvatarIn],
    image: File[UploadedFile],
    papers: File[list[UploadedFile]] = [],  # noqa: B006 - Ninja copies it
) -> Status:
    names = [str(each.name) for each in papers]
    return Status(201, {"title": details.title, "size": image.size, "names": names})


class TagOut(ModelSchema):
    class Meta:
        model = Tag
        fields = ["id", "name"]


@api_controller("/cursors")
class CursorController:
    @http_get("", response=list[TagOut])
    @paginate(CursorPagination, ordering=["id"], page_size=2)
    def list_cursors(self) -> Any:
        return Tag.objects.all()


@api.get("/shelves/{room}/{shelf}", tags=["shelves"], response=list[TagOut])
def list_shelf(request: HttpRequest, room: str, shelf: str) -> Any:
    return Tag.objects.all()


@api.get("/ping", tags=["ping"], response=str)
def ping(request: HttpRequest) -> str:
    return "pong"


api.register_controllers(
    AuthorController, TagController, BookController, EverythingController, CursorController
)


def serve_file(request: HttpRequest, name: str) -> FileResponse:
    kind = "text/css" if name.endswith(".css") else "text/javascript"
    return FileResponse((FOLDER / name).open("rb"), content_type=kind)


def serve_page(request: HttpRequest, name: str) -> HttpResponse:
    """Serve the page of a target, and sign in; it sets the CSRF cookie, as Django's page of a front end does."""
    login(request, User.objects.get())
    get_token(request)
    return HttpResponse(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Components</title><link rel="icon" href="data:,">'
        '<link rel="stylesheet" href="/files/style.css"></head><body class="p-8"><main id="root"></main>'
        f'<script type="module" src="/files/{name}.js"></script></body></html>',
        headers={"Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:"},
    )


urlpatterns = [
    path("api/", api.urls),
    path("files/<str:name>", serve_file),
    path("<str:name>/", serve_page),
]
application = get_asgi_application()

if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
