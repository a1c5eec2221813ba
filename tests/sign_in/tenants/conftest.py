"""Two organizations with the same data, and an API whose routes read and write it."""

import itertools
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from django.contrib.auth import get_user_model
from ninja.responses import Status
from ninja_extra import ControllerBase, api_controller, http_get

from django_matt import JSONL, MattAPI, ModelSchema, Schema
from django_matt.authentication import AnyOf, BearerAuthenticator, SessionAuthenticator
from django_matt.contrib.tenants.models import Membership, Organization
from django_matt.contrib.tenants.permissions import HasRole, require_role
from django_matt.contrib.tenants.resolution import tenant_scope
from django_matt.scopes import KeyOf
from django_matt.sign_in import current_tenant
from tests.sign_in.tenants.models import Author, Book

names = (f"tenants-{number}" for number in itertools.count())


@dataclass
class Key:
    """What an app of API keys puts into ``request.auth``."""

    user: Any
    tenant_id: str = ""
    tenant_role: str | None = None


KEYS: dict[str, Key] = {}


class KeyAuth(BearerAuthenticator):
    def authenticate(self, request, credentials):
        return KEYS.get(credentials.value)


class BookOut(Schema):
    title: str


class AuthorOut(Schema):
    name: str
    books: list[BookOut]


class BookIn(ModelSchema):
    class Meta:
        model = Book
        fields = ("title", "author")


class Wish(Schema):
    author: Annotated[int, KeyOf(Author)]


@api_controller("/managed", auto_import=False)
class Managed(ControllerBase):
    @http_get("/admin", permissions=[HasRole("admin")])
    def admin(self):
        return {"may": True}

    @http_get("/viewer", permissions=[HasRole("viewer")])
    async def viewer(self):
        return {"may": True}


def make_api(**options):
    """Return an API with routes of each kind, sync and async."""
    api = MattAPI(
        urls_namespace=next(names),
        extensions=["matt_tenants"],
        auth=AnyOf(KeyAuth(), SessionAuthenticator()),
        **options,
    )

    @api.get("/books", response=list[BookOut])
    def books(request):
        return Book.objects.order_by("pk")

    @api.get("/abooks", response=list[BookOut])
    async def abooks(request):
        return Book.objects.order_by("pk")

    @api.get("/titles")
    def titles(request):
        return {
            "count": Book.objects.count(),
            "titles": [book.title for book in Book.objects.all()],
        }

    @api.get("/books/{book}", response=BookOut)
    def book(request, book: int):
        return Book.objects.get(pk=book)

    @api.get("/abooks/{book}", response=BookOut)
    async def abook(request, book: int):
        return await Book.objects.aget(pk=book)

    @api.get("/authors", response=list[AuthorOut])
    def authors(request):
        return Author.objects.order_by("pk")

    @api.get("/aauthors", response=list[AuthorOut])
    async def aauthors(request):
        return Author.objects.order_by("pk")

    @api.get("/lines", response=JSONL[BookOut])
    def lines(request):
        for book in Book.objects.order_by("pk"):
            yield {"title": book.title}

    @api.get("/alines", response=JSONL[BookOut])
    async def alines(request):
        async for book in Book.objects.order_by("pk"):
            yield {"title": book.title}

    @api.post("/books", response={201: BookOut})
    def add(request, data: BookIn):
        return Status(201, Book.objects.create(title=data.title, author_id=data.author))

    @api.post("/abooks", response={201: BookOut})
    async def aadd(request, data: BookIn):
        return Status(201, await Book.objects.acreate(title=data.title, author_id=data.author))

    @api.post("/many")
    def add_many(request, titles: list[str]):
        Book.objects.bulk_create([Book(title=title) for title in titles])
        return {}

    @api.post("/wish")
    def wish(request, data: Wish):
        return {"author": data.author}

    @api.post("/move/{book}/{organization}")
    def move(request, book: int, organization: int, how: str):
        found = Book.objects.get(pk=book)
        if how == "save":
            found.organization_id = organization
            found.save()
        elif how == "update":
            Book.objects.filter(pk=book).update(organization=organization)
        elif how == "bulk_update":
            found.organization_id = organization
            Book.objects.bulk_update([found], ["organization"])
        else:
            Book.objects.create(title="new", organization_id=organization)
        return {}

    @api.get("/who")
    def who(request):
        found = current_tenant(request)
        return {"tenant": found and found.slug}

    @api.get("/admins")
    def admins(request):
        return {"role": require_role(request, "admin").role}

    api.register_controllers(Managed)
    return api


@pytest.fixture
def world(db):
    """Ada owns red, Bob owns blue; each organization has an author with two books."""
    made = {}
    for name, user in (("red", "ada"), ("blue", "bob")):
        organization = Organization.objects.create(name=name.title(), slug=name)
        owner = get_user_model().objects.create_user(user, f"{user}@example.com")
        Membership.objects.create(user=owner, organization=organization, role="owner")
        with tenant_scope(organization):
            author = Author.objects.create(name=f"{name} author")
            books = [Book.objects.create(title=f"{name} {n}", author=author) for n in range(2)]
        made[name] = type("Side", (), {
            "organization": organization, "user": owner, "author": author, "books": books, "headers": {"X-Tenant": name},
        })  # fmt: skip
    return made


@pytest.fixture
def client(serve, world):
    """A client of the API in which Ada has signed in."""
    made = serve(make_api())
    made.force_login(world["red"].user)
    return made


@pytest.fixture
def keys():
    """The keys that the API knows, by their text."""
    KEYS.clear()
    yield KEYS
    KEYS.clear()
