"""A queryset where the response is one object: that object, 404 for none, a fault for several."""

import pytest
from ninja import ModelSchema, Schema
from pydantic import RootModel, model_validator

from django_matt import MattAPI, Status, needs, tier
from tests.project.models import Author, Blurb, Book, Tag
from tests.serialization.conftest import in_order

pytestmark = pytest.mark.django_db


class AuthorOut(ModelSchema):
    class Meta:
        model = Author
        fields = ["id", "name"]


class TagOut(Schema):
    name: str


class BookOut(Schema):
    id: int
    title: str
    author: AuthorOut
    tags: list[TagOut]


class Shouted(Schema):
    title: str
    shout: str

    @staticmethod
    @needs("author")
    def resolve_shout(book):
        return book.author.name.upper()


@pytest.fixture
def books():
    ada = Author.objects.create(name="Ada")
    made = [Book.objects.create(title=title, author=ada) for title in ("One", "Two", "Two")]
    made[0].tags.add(Tag.objects.create(name="a"), Tag.objects.create(name="b"))
    return made


@pytest.fixture(params=["sync", "async"])
def answer(request, serve, settings):
    """Answer with what ``make`` returns, as one object of a schema."""

    def get(schema, make, chosen="rows"):
        api = MattAPI()
        if request.param == "sync":

            @api.get("/it", response={200: schema, 201: schema})
            @tier(chosen)
            def it(request):
                return make()
        else:

            @api.get("/it", response={200: schema, 201: schema})
            @tier(chosen)
            async def it(request):
                return make()

        return serve(api).get("/api/it")

    return get


@pytest.mark.parametrize("chosen", ["rows", "instances", "pydantic"])
@pytest.mark.parametrize("schema", [AuthorOut, BookOut, Shouted])
def test_the_one_object_is_answered_as_it_stands_in_a_list(answer, books, schema, chosen):
    model = Author if schema is AuthorOut else Book
    found = model.objects.order_by("pk")[:1]
    one = answer(schema, lambda: found, chosen)
    many = answer(list[schema], lambda: found, chosen)  # type: ignore[valid-type] # made here
    assert one.status_code == 200
    assert in_order([one.json()]) == in_order(many.json())


def test_the_status_is_the_view_s(answer, books):
    answered = answer(AuthorOut, lambda: Status(201, Author.objects.filter(name="Ada")))
    assert (answered.status_code, answered.json()["name"]) == (201, "Ada")


def test_a_manager_may_hold_the_one_object(answer, books):
    assert answer(AuthorOut, lambda: Author.objects).json()["name"] == "Ada"


@pytest.mark.parametrize("schema", [AuthorOut, Shouted])
def test_none_is_a_404_that_names_the_model_in_debug(answer, schema, settings):
    model = Author if schema is AuthorOut else Book
    answered = answer(schema, lambda: model.objects.filter(pk=0))
    assert (answered.status_code, answered.json()) == (404, {"detail": "Not Found"})
    settings.DEBUG = True
    told = answer(schema, lambda: model.objects.filter(pk=0)).json()["detail"]
    assert f"No {model.__name__} matches the given query." in told


@pytest.mark.parametrize("schema", [Shouted, TagOut])
def test_several_are_a_fault_of_the_route(answer, books, schema):
    model = Tag if schema is TagOut else Book
    assert answer(schema, model.objects.all).status_code == 500


@pytest.mark.parametrize(
    "make",
    [
        lambda: Book.objects.filter(title="One").values("id", "title"),
        lambda: Book.objects.filter(title="One").only("title"),
        lambda: Book.objects.filter(title="One").union(Book.objects.filter(title="None")),
        lambda: Book.objects.filter(title="Two")[1:],
    ],
    ids=["values", "only", "union", "slice"],
)
def test_any_queryset_may_hold_it(answer, books, make):
    class Titled(Schema):
        id: int
        title: str

    assert answer(Titled, make).json()["title"] in {"One", "Two"}


def test_one_query_reads_it_with_its_joins(answer, books, django_assert_num_queries):
    class Joined(Schema):
        title: str
        author: AuthorOut

    key = books[0].pk
    with django_assert_num_queries(1):
        assert answer(Joined, lambda: Book.objects.filter(pk=key)).json()["title"] == "One"


def test_rows_answer_what_is_columns_and_relations(answer, books, settings):
    settings.DEBUG = True
    key = books[0].pk
    answered = answer(BookOut, lambda: Book.objects.filter(pk=key))
    assert answered.headers["X-Matt-Tier"] == "rows"
    resolved = answer(Shouted, lambda: Book.objects.filter(pk=key))
    assert resolved.headers["X-Matt-Tier"].startswith("pydantic; ")


class Counted(Schema):
    total: int

    @staticmethod
    def resolve_total(books):
        return len(books)


class Asked(Schema):
    total: int

    @model_validator(mode="before")
    @classmethod
    def ask(cls, data):
        return {"total": len(data._obj)}


@pytest.mark.parametrize("schema", [Counted, Asked])
def test_a_schema_about_the_whole_list_gets_it_as_from_ninja(answer, books, schema):
    assert answer(schema, Book.objects.all).json() == {"total": 3}


def test_a_root_that_is_a_list_gets_it(answer, books):
    class Titled(Schema):
        title: str
        author: AuthorOut

    answered = answer(RootModel[list[Titled]], lambda: Book.objects.order_by("pk"))
    assert [book["title"] for book in answered.json()] == ["One", "Two", "Two"]


def test_an_optional_object_is_left_to_ninja(answer, books):
    assert answer(AuthorOut | None, lambda: Author.objects.filter(pk=0)).status_code == 500


def test_a_one_to_one_relation_of_it_that_is_empty_stays_a_fault(answer, books):
    class Text(Schema):
        text: str

    class WithBlurb(Schema):
        title: str
        blurb: Text

    assert answer(WithBlurb, lambda: Book.objects.filter(title="One")).status_code == 500
    Blurb.objects.create(book=books[0], text="b")
    answered = answer(WithBlurb, lambda: Book.objects.filter(title="One"))
    assert answered.json()["blurb"] == {"text": "b"}
