"""Every kind of queryset is answered as by Ninja Extra: lists, async, two paginators, an envelope, by each tier.

Twice, without a router and with one; the suite runs on both databases. Among our tiers answers are equal in bytes.
"""

from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import (
    Avg,
    Case,
    Count,
    Exists,
    F,
    FilteredRelation,
    Max,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
    Window,
)
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce, Concat, Length, Lower, RowNumber, Upper
from ninja import ModelSchema, Schema

from tests.project.models import Author, Blurb, Book, Everything, Keyed, Note, Review, Tag
from tests.sampling import is_exhaustive
from tests.serialization.sides import KINDS, Lists, Sides
from tests.serialization.test_routers import Router, fill

pytestmark = [
    pytest.mark.usefixtures("second_database"),
    pytest.mark.django_db(databases=["default", "legacy"]),
]


class TagOut(Schema):
    name: str


class AuthorOut(Schema):
    id: int
    name: str
    boss_id: int | None


class BookOut(Schema):
    id: int
    title: str
    price: Decimal
    author: AuthorOut
    editor: AuthorOut | None
    tags: list[TagOut]


class Titled(Schema):
    id: int
    title: str


class Made(Titled):
    made: int | str | None


class Counted(Titled):
    made: int


class Worded(Titled):
    made: str | None


class Picked(Titled):
    picked: list[TagOut]


class Shelf(Schema):
    name: str
    boss: AuthorOut | None
    books: list[BookOut]


class Grouped(Schema):
    author_id: int
    made: int


class BlurbOut(Schema):
    text: str
    book: Titled


class ReviewOut(BlurbOut):
    stars: int
    critic: AuthorOut | None
    readers: list[AuthorOut]


class Blurbed(Titled):
    blurb: BlurbOut | None = None


class NoteOut(Schema):
    text: str


class KeyedOut(Schema):
    note: str | None
    notes: list[NoteOut]


class EveryOut(ModelSchema):
    class Meta:
        model = Everything
        exclude = ["binary", "tags", "author"]


class Linked(ModelSchema):
    class Meta:
        model = Book
        fields = ["id", "title", "author", "editor", "tags"]


class Loud(Titled):
    loud: str

    @staticmethod
    def resolve_loud(book):
        return book.title.upper()


class Mirrored(Book):
    class Meta:
        proxy = True
        app_label = "project"
        ordering = ["-id"]


# Other tests look at all the models of the project.
apps.all_models["project"].pop("mirrored")
apps.clear_cache()


def books() -> Any:
    return Book.objects.order_by("id")


def evaluated(queryset: Any) -> Any:
    len(queryset)
    return queryset


class Own(QuerySet[Book]):
    def titled(self, text):
        return self.filter(title__contains=text)


def picked(**more: Any) -> Any:
    return Prefetch("tags", Tag.objects.order_by("-id"), **more)


PG = connection.vendor == "postgresql"
QUERYSETS: Lists = {
    "all": (BookOut, books),
    "a manager": (Titled, lambda: Book.objects),
    "none": (BookOut, lambda: books().none()),
    "filter": (BookOut, lambda: books().filter(title__contains="3")),
    "filter by a relation": (BookOut, lambda: books().filter(author__boss__id=1)),
    "filter by a list": (BookOut, lambda: books().filter(tags__id=1).distinct()),
    "filter by several rows": (Titled, lambda: books().filter(tags__id__in=[1, 2])),
    "filter by Q": (BookOut, lambda: books().filter(Q(id=30) | ~Q(author_id=4))),
    "filter by nothing": (BookOut, lambda: books().filter(pk__in=[])),
    "filter by a queryset": (
        BookOut,
        lambda: books().filter(author__in=Author.objects.filter(id=4)),
    ),
    "filter by Exists": (
        BookOut,
        lambda: books().filter(Exists(Blurb.objects.filter(book=OuterRef("pk")))),
    ),
    "filter by F": (BookOut, lambda: books().filter(id__gt=F("author_id"))),
    "exclude": (BookOut, lambda: books().exclude(editor=None)),
    "exclude by a list": (BookOut, lambda: books().exclude(tags__name="new t2")),
    "annotate a value": (Counted, lambda: books().annotate(made=Value(1))),
    "annotate a function": (Worded, lambda: books().annotate(made=Upper("title"))),
    "annotate a length": (Counted, lambda: books().annotate(made=Length("title"))),
    "annotate a union": (Made, lambda: books().annotate(made=Lower("title"))),
    "annotate a column of a relation": (Worded, lambda: books().annotate(made=F("author__name"))),
    "annotate a nullable one": (Worded, lambda: books().annotate(made=F("editor__name"))),
    "annotate a count": (Counted, lambda: books().annotate(made=Count("tags"))),
    "annotate an average": (
        Counted,
        lambda: books().annotate(made=Coalesce(Avg("tags__id") * 2, 0.0)),
    ),
    "annotate by Case": (
        Worded,
        lambda: books().annotate(made=Case(When(id=30, then=Value("first")), default=None)),
    ),
    "annotate a subquery": (
        Worded,
        lambda: books().annotate(
            made=Subquery(
                Tag.objects.filter(books=OuterRef("pk")).order_by("id").values("name")[:1]
            )
        ),
    ),
    "annotate Exists": (
        Counted,
        lambda: books().annotate(made=Exists(Blurb.objects.filter(book=OuterRef("pk")))),
    ),
    "annotate a window": (
        Counted,
        lambda: books().annotate(made=Window(RowNumber(), order_by=F("id").asc())),
    ),
    "filter by a window": (
        Counted,
        lambda: (
            books().annotate(made=Window(RowNumber(), order_by=F("id").asc())).filter(made__lte=1)
        ),
    ),
    "annotate a filtered relation": (
        Worded,
        lambda: books().annotate(
            found=FilteredRelation("editor", condition=Q(editor__id=1)), made=F("found__name")
        ),
    ),
    "annotate over a column": (Titled, lambda: books().annotate(named=F("title"))),
    "alias": (BookOut, lambda: books().alias(low=Lower("title")).filter(low__contains="3")),
    "alias to order by": (
        BookOut,
        lambda: Book.objects.alias(n=Length("title")).order_by("n", "-id"),
    ),
    "only": (BookOut, lambda: books().only("title")),
    "only of a relation": (
        BookOut,
        lambda: books().select_related("author").only("title", "author__name"),
    ),
    "defer": (BookOut, lambda: books().defer("title", "author")),
    "distinct": (BookOut, lambda: books().distinct()),
    "distinct with annotations": (
        Worded,
        lambda: books().annotate(made=F("tags__name")).order_by("id", "made").distinct(),
    ),
    "values": (Titled, lambda: books().values("id", "title")),
    "values of a relation": (
        Grouped,
        lambda: books().annotate(made=F("author__boss_id")).values("author_id", "made"),
    ),
    "values grouped": (
        Grouped,
        lambda: Book.objects.values("author_id").annotate(made=Count("id")).order_by("author_id"),
    ),
    "values without a field": (Titled, lambda: books().values("id")),
    "values_list": (Titled, lambda: books().values_list("id", "title")),
    "values_list named": (Titled, lambda: books().values_list("id", "title", named=True)),
    "aggregated": (
        Grouped,
        lambda: Book.objects.values("author_id").annotate(made=Max("id")).order_by("-made"),
    ),
    "summed": (
        Grouped,
        lambda: Book.objects.values("author_id").annotate(made=Sum("id")).order_by("made"),
    ),
    "union": (
        BookOut,
        lambda: Book.objects.filter(id=30).union(Book.objects.filter(id=41)).order_by("id"),
    ),
    "intersection": (
        Titled,
        lambda: Book.objects.filter(id__lt=41).intersection(Book.objects.filter(id__gt=30)),
    ),
    "difference": (Titled, lambda: Book.objects.difference(Book.objects.filter(id__gt=30))),
    "combined by or": (BookOut, lambda: books().filter(id=30) | books().filter(id=41)),
    "sliced": (BookOut, lambda: books()[1:3]),
    "sliced past the end": (BookOut, lambda: books()[50:60]),
    "reverse": (BookOut, lambda: books().reverse()),
    "ordered by a relation": (BookOut, lambda: Book.objects.order_by("-author__name", "-id")),
    "ordered by an expression": (
        BookOut,
        lambda: Book.objects.order_by(F("editor_id").desc(nulls_last=True), Lower("title").desc()),
    ),
    "select_related": (BookOut, lambda: books().select_related("author__boss", "editor")),
    "select_related of all": (BookOut, lambda: books().select_related()),
    "prefetch_related": (BookOut, lambda: books().prefetch_related("tags", "author")),
    "Prefetch": (BookOut, lambda: books().prefetch_related(picked())),
    "Prefetch to an attribute": (
        Picked,
        lambda: books().prefetch_related(picked(to_attr="picked")),
    ),
    "extra": (Counted, lambda: books().extra(select={"made": "1"})),
    "extra where": (BookOut, lambda: books().extra(where=["project_book.id > 30"])),
    "RawSQL": (Counted, lambda: books().annotate(made=RawSQL("project_book.id + %s", [1]))),
    "raw": (BookOut, lambda: list(Book.objects.raw("SELECT * FROM project_book ORDER BY id"))),
    "select_for_update": (BookOut, lambda: books().select_for_update(of=("self",) if PG else ())),
    "using": (BookOut, lambda: books().using("legacy")),
    "evaluated": (BookOut, lambda: evaluated(books())),
    "a list": (BookOut, lambda: list(books())),
    "instances by key": (BookOut, lambda: list(Book.objects.in_bulk([30, 40]).values())),
    "a related manager": (BookOut, lambda: Author.objects.get(id=4).books.order_by("id")),
    "a related manager of many": (BookOut, lambda: Tag.objects.get(id=1).books.order_by("id")),
    "a queryset class": (BookOut, lambda: Own(Book).titled("4").order_by("id")),
    "a proxy": (BookOut, Mirrored.objects.all),
    "an inherited model": (ReviewOut, lambda: Review.objects.order_by("id")),
    "a reverse one-to-one": (Blurbed, books),
    "lists in lists": (Shelf, lambda: Author.objects.order_by("id")),
    "keys of many": (Linked, books),
    "a key that is no number": (KeyedOut, lambda: Keyed.objects.order_by("note")),
    "every column": (EveryOut, lambda: Everything.objects.order_by("id")),
    "a resolver": (Loud, books),
    "concatenated": (Worded, lambda: books().annotate(made=Concat("title", Value("\n\x00"[:1])))),
    "dates": (Grouped, lambda: books().values("author_id", made=F("id"))),
}
if PG:
    QUERYSETS["distinct on"] = (
        BookOut,
        lambda: Book.objects.order_by("author_id", "id").distinct("author_id"),
    )
# What Ninja Extra itself does not answer: the schema needs more than the rows have.
FAULTS = {"values without a field", "values_list"}
ROUTERS = {"none": [], "one that reads": [Router(Tag="legacy", Author="legacy", Note="legacy")]}


@pytest.fixture(scope="module")
def sides(second_database):
    # Each way is asked for on one database, unless everything is to run.
    kinds = ("list", "page") if PG else ("async", "limit", "envelope")
    return Sides(QUERYSETS, KINDS if is_exhaustive() else kinds)


@pytest.fixture
def library():
    for using, word in (("default", "new"), ("legacy", "old")):
        fill(using, word)
        Book.objects.using(using).filter(id=40).update(title='a\tb\n"c"\\\x1f\x7f é')
        Review.objects.using(using).create(
            book=Book.objects.using(using).create(id=50, title="reviewed", author_id=2),
            text="good",
            critic_id=2,
        ).readers.set(Author.objects.using(using).filter(id__in=[3, 4]))
        for number in range(2):
            keyed = Keyed.objects.using(using).create(note=f"{word} {number}")
            Note.objects.using(using).create(keyed=keyed, text=f"{word} note")
        for number in range(2):
            Everything.objects.using(using).create(
                float=[1e22, 1e-7][number], text="\b\f\n\r\t\v", document={"a": ["\n", 1e16]}
            )


# Django 6.1 warns of it, and still does it.
@pytest.mark.filterwarnings("ignore:Calling select_related.. with no arguments")
@pytest.mark.timeout(600)
@pytest.mark.sampled(1)
@pytest.mark.parametrize("router", ROUTERS)
def test_answers_are_those_of_ninja_extra(library, serve, settings, sides, router):
    settings.DATABASE_ROUTERS = ROUTERS[router]
    sides.serve(serve)
    assert list(sides.faults()) == []
    statuses = {name: sides.judge(name, "list").status_code for name in QUERYSETS}
    assert {name for name, status in statuses.items() if status != 200} == FAULTS


def test_there_are_all_kinds():
    assert len(QUERYSETS) >= 68
