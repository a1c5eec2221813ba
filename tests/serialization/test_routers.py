"""Several databases: what the schema reads comes from where Django itself would read it, on every tier."""

import itertools
from typing import Any

import pytest
from django.db.models import Manager, Prefetch
from ninja import ModelSchema, Schema

from tests.project.models import Author, Blurb, Book, Remark, Tag
from tests.serialization.sides import TIERS, Lists, Sides

pytestmark = [
    pytest.mark.usefixtures("second_database"),
    pytest.mark.django_db(databases=["default", "legacy"]),
]


class Router:
    """Reads models where ``places`` says, by their names, and migrates everything everywhere."""

    def __init__(self, **places: str) -> None:
        self.places = places

    def db_for_read(self, model, **hints):
        return self.places.get(model.__name__)

    def allow_relation(self, one, other, **hints):
        return True


class Sharded(Router):
    """Looks at the instance: of every second author the books are elsewhere."""

    def db_for_read(self, model, **hints):
        instance = hints.get("instance")
        if model is Book and isinstance(instance, Author):
            return "legacy" if instance.name.endswith("1") else "default"
        return None


class Cautious(Router):
    """Looks at what an instance may not have, and takes every failure for no."""

    def db_for_read(self, model, **hints):
        instance = hints.get("instance")
        try:
            return "legacy" if model is Book and instance and instance.pk % 2 else None
        except Exception:
            return None


class Pinned(Router):
    """Reads a relation where its instance came from, and says so itself."""

    def db_for_read(self, model, **hints):
        instance = hints.get("instance")
        return None if instance is None else instance._state.db


class Titled(Router):
    """Looks at a column that a schema may not read."""

    def db_for_read(self, model, **hints):
        instance = hints.get("instance")
        if isinstance(instance, Book):
            return "legacy" if instance.title.endswith("0") else "default"
        return None


class Replicas(Router):
    """Spreads reads over databases, each answer another one."""

    def __init__(self) -> None:
        self.turns = itertools.cycle(["default", "legacy"])

    def db_for_read(self, model, **hints):
        return next(self.turns)


class NeverMigrated(Router):
    def allow_migrate(self, db, app_label, model_name=None, **hints):
        return db == "default"


class TagOut(Schema):
    name: str


class AuthorOut(ModelSchema):
    class Meta:
        model = Author
        fields = ["id", "name", "boss"]


class BlurbOut(Schema):
    text: str


class BookOut(Schema):
    title: str
    author: AuthorOut
    tags: list[TagOut]


class Byline(Schema):
    id: int
    author: AuthorOut


class Labels(Schema):
    id: int
    tags: list[TagOut]


class Named(Schema):
    name: str = ""
    title: str = ""


class Remarked(Schema):
    text: str
    target: Named


class BookWithAuthor(Schema):
    title: str
    author: AuthorOut
    editor: AuthorOut | None


class Shelf(Schema):
    name: str
    books: list[BookOut]


class Reviewed(Schema):
    text: str
    book: BookOut


def fill(using, word):
    tags = [Tag.objects.using(using).create(id=n, name=f"{word} t{n}") for n in (1, 2)]
    boss = Author.objects.using(using).create(id=1, name=f"{word} 1")
    for n in (2, 3, 4):
        author = Author.objects.using(using).create(id=n, name=f"{word} {n}", boss=boss)
        for m in range(n - 2):
            book = Book.objects.using(using).create(
                id=10 * n + m, title=f"{word} {n}{m}", author=author, editor=boss if m else None
            )
            book.tags.set(tags[:n])
            Blurb.objects.using(using).create(id=book.id, book=book, text=word)


@pytest.fixture
def both():
    """The same keys in both databases, and other texts."""
    fill("default", "new")
    fill("legacy", "old")
    author, book = Author.objects.get(id=2), Book.objects.get(id=30)
    for target in (author, book):
        Remark.objects.create(text="on it", author=author, target=target)


ROUTERS = {
    "none": [],
    "none that reads": [Router()],
    "books are elsewhere": [Router(Book="legacy")],
    "books and their authors are elsewhere": [Router(Book="legacy", Author="legacy")],
    "tags are elsewhere": [Router(Tag="legacy")],
    "authors are named": [Router(Author="default")],
    "books are elsewhere, authors are named": [Router(Book="legacy", Author="default")],
    "blurbs are elsewhere, books are named": [Router(Blurb="legacy", Book="default")],
    "each author says where": [Sharded()],
    "each key says where": [Cautious()],
    "each title says where": [Titled()],
    "where the instance came from": [Pinned()],
    "never migrated there": [NeverMigrated(Book="legacy")],
}
LISTS: Lists = {
    "authors": (Shelf, lambda: Author.objects.order_by("id")),
    "authors elsewhere": (Shelf, lambda: Author.objects.using("legacy").order_by("id")),
    "books": (BookOut, lambda: Book.objects.order_by("id")),
    "books elsewhere": (BookOut, lambda: Book.objects.using("legacy").order_by("id")),
    "books with authors": (BookWithAuthor, lambda: Book.objects.order_by("id")),
    "joined by the view": (
        BookOut,
        lambda: Book.objects.using("legacy").select_related("author").order_by("id"),
    ),
    "joined at random by the view": (
        BookOut,
        lambda: Book.objects.using("legacy").select_related().order_by("id"),
    ),
    "fetched by the view": (Shelf, lambda: Author.objects.prefetch_related("books").order_by("id")),
    "fetched deeper by the view": (
        Shelf,
        lambda: Author.objects.prefetch_related("books__author").order_by("id"),
    ),
    "fetched from a database that the view names": (
        Shelf,
        lambda: Author.objects.prefetch_related(
            Prefetch("books", Book.objects.using("legacy").order_by("id"))
        ).order_by("id"),
    ),
    "joined, and lists below": (Reviewed, lambda: Blurb.objects.order_by("id")),
    "of a related manager": (
        BookOut,
        lambda: Author.objects.using("legacy").get(id=4).books.order_by("id"),
    ),
    "authors alone": (Byline, lambda: Book.objects.order_by("id")),
    "tags alone": (Labels, lambda: Book.objects.order_by("id")),
    "objects of any model": (Remarked, lambda: Remark.objects.order_by("id")),
    "objects of any model, fetched by the view": (
        Remarked,
        lambda: Remark.objects.order_by("id").prefetch_related("target"),
    ),
    "evaluated": (BookOut, lambda: list(Book.objects.order_by("id"))),
    "evaluated from both": (
        BookOut,
        lambda: [*Book.objects.using("default"), *Book.objects.using("legacy").order_by("id")],
    ),
    "authors evaluated from both": (
        Shelf,
        lambda: [*Author.objects.using("legacy").order_by("id"), *Author.objects.order_by("id")],
    ),
}


@pytest.fixture(scope="module")
def sides(second_database):
    return Sides(LISTS, ("list", "async", "limit"))


@pytest.mark.sampled(2)
@pytest.mark.parametrize("router", ROUTERS)
def test_relations_are_read_where_django_reads_them(both, serve, settings, sides, router):
    settings.DATABASE_ROUTERS = ROUTERS[router]
    settings.DEBUG = True
    sides.serve(serve)
    assert next(sides.faults(), None) is None


@pytest.mark.parametrize(
    ("router", "name", "tier"),
    [
        ("none", "books elsewhere", "rows"),
        ("where the instance came from", "authors elsewhere", "rows"),
        ("books and their authors are elsewhere", "books", "rows"),
        ("authors are named", "authors", "rows"),
        ("books are elsewhere", "authors", "instances; books is read from another database"),
        ("each author says where", "authors", "instances; books is read from another database"),
        ("each author says where", "books", "rows"),
        ("never migrated there", "books", "instances; author is read from another database"),
    ],
)
def test_rows_answer_where_everything_is_read_from_one_database(
    both, serve, settings, sides, router, name, tier
):
    settings.DATABASE_ROUTERS = ROUTERS[router]
    settings.DEBUG = True
    sides.serve(serve)
    assert sides.get("rows", name, "list").headers["X-Matt-Tier"].startswith(tier)


def test_replicas_at_random_keep_the_rows(both, serve, settings, sides):
    settings.DATABASE_ROUTERS = [Replicas()]
    settings.DEBUG = True
    sides.serve(serve)
    for _ in range(5):
        answer = sides.get("rows", "books", "list")
        assert answer.headers["X-Matt-Tier"] == "rows"
        texts = {row["title"].split()[0] for row in answer.json()}
        texts |= {row["author"]["name"].split()[0] for row in answer.json()}
        assert len(texts) == 1


def test_a_router_is_asked_for_each_answer(both, serve, settings, sides):
    """Such as one that reads from the database of the request's tenant."""
    router = Router()
    settings.DATABASE_ROUTERS = [router]
    sides.serve(serve)
    for word, places in [("new", {}), ("old", {"Book": "legacy"}), ("new", {"Book": "default"})]:
        router.places = places
        answer = sides.get("rows", "authors", "list").json()
        assert {book["title"].split()[0] for row in answer for book in row["books"]} == {word}


def test_a_related_manager_of_another_database_is_read_there(both, serve, settings):
    settings.DATABASE_ROUTERS = [Router()]

    def make():
        return Author.objects.get(id=4).books.using("legacy").order_by("id")

    sides = Sides({"books": (BookOut, make)}, ("list",))
    sides.serve(serve)
    assert next(sides.faults(), None) is None


def test_a_manager_that_names_its_database_is_followed(both, serve, settings, sides, monkeypatch):
    class Old(Manager):
        def get_queryset(self):
            return super().get_queryset().using("legacy")

    settings.DATABASE_ROUTERS = [Router()]
    old = Old()
    old.model = Book
    old.name = "old"
    monkeypatch.setitem(vars(Book._meta), "default_manager", old)
    # Django keeps the class that it makes for the managers of a relation.
    forget_managers()
    try:
        sides.serve(serve)
        assert "old 40" in sides.judge("authors", "list").content.decode()
        assert next(sides.faults(["authors"]), None) is None
    finally:
        forget_managers()


def forget_managers():
    for relation in ("books", "edited"):
        vars(getattr(Author, relation)).pop("related_manager_cls", None)


def test_without_a_router_nothing_asks_where_a_relation_is_read(both, serve, sides, monkeypatch):
    asked: list[Any] = []
    monkeypatch.setattr(
        "django_matt.serialization.databases._AnyInstance", lambda *what: asked.append(what)
    )
    sides.serve(serve)
    for tier in TIERS:
        assert sides.get(tier, "authors", "list").status_code == 200
    assert asked == []
