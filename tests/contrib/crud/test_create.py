"""Rows are created together, or each refused one is named and none is."""

from functools import cached_property
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.db.models.signals import pre_init
from ninja import ModelSchema, Schema
from pydantic import field_serializer

from django_matt import ControllerBase, MattAPI, api_controller, http_post
from django_matt.contrib.crud.errors import RowsRefused
from django_matt.contrib.crud.schemas import maker
from django_matt.contrib.crud.services import bulk_create, bulk_update
from tests.contrib.crud.conftest import make_api, refusals
from tests.project.models import Author, Book, Edition, Everything, Keyed, Receipt


def test_rows_become_objects_in_their_order(served):
    answer = served.post(served.rows(3))
    assert answer.status_code == 201
    assert [(e["isbn"], e["volume"]) for e in answer.json()] == [("i0", 1), ("i1", 1), ("i2", 1)]
    assert [e["id"] for e in answer.json()] == list(
        Edition.objects.order_by("isbn").values_list("id", flat=True)
    )


def test_nothing_makes_nothing(served):
    assert served.post([]).json() == []


def test_a_hundred_rows_need_no_query_a_row(served, django_assert_max_num_queries):
    with django_assert_max_num_queries(12):
        assert served.post(served.rows(100)).status_code == 201


@pytest.mark.parametrize(
    ("change", "status", "kind", "name"),
    [
        ({"isbn": "taken"}, 409, "unique", "isbn"),
        ({"title": "Old", "volume": 7}, 409, "unique", None),
        ({"title": "LEAF", "pageCount": 1}, 409, "unique", "title"),
        ({"pageCount": -1}, 422, "check", "pageCount"),
        ({"author_id": 4711}, 409, "foreign_key", "author_id"),
        ({"pageCount": 2**63 - 1}, 422, "unstorable_value", "pageCount"),
        ({"volume": 2**40}, 422, "unstorable_value", "volume"),
        ({"title": "t" * 21}, 422, "string_too_long", "title"),
    ],
    ids=[
        "unique",
        "unique together",
        "expression",
        "check",
        "reference",
        "integer",
        "small",
        "long",
    ],
)
def test_a_refused_row_is_named_and_no_row_is_written(served, change, status, kind, name):
    if kind == "unstorable_value" and connection.vendor == "sqlite":
        pytest.skip("SQLite stores any integer")
    Edition.objects.create(isbn="taken", title="Old", volume=7, author=served.author)
    Edition.objects.create(isbn="leaf", title="Leaf", pages=1, author=served.author)
    rows = served.rows(20)
    rows[17] |= change
    answer = served.post(rows)
    assert answer.status_code == status
    assert refusals(answer) == [
        (["body", "editions", 17, *([name] if name else [])], kind),
    ]
    assert Edition.objects.count() == 2


def test_the_answer_is_a_problem_document_where_one_is_wanted(served):
    Edition.objects.create(isbn="i1", title="Old", author=served.author)
    problem = served.post(served.rows(3), Accept="application/problem+json").json()
    assert problem["status"] == 409
    assert problem["code"] == "unique"
    assert problem["detail"] == "1 of 3 rows was refused; no row was written."
    assert problem["errors"] == [
        {
            "pointer": "#/body/1/isbn",
            "detail": "An object with the same isbn exists already.",
            "code": "unique",
        }
    ]


def test_every_refused_row_is_named_and_different_reasons_are_a_422(served):
    Edition.objects.create(isbn="i3", title="Old", author=served.author)
    rows = served.rows(40)
    rows[9]["author_id"] = 4711
    rows[20]["pageCount"] = 0
    rows[33]["isbn"] = "i32"
    answer = served.post(rows)
    assert answer.status_code == 422
    assert refusals(answer) == [
        (["body", "editions", 3, "isbn"], "unique"),
        (["body", "editions", 9, "author_id"], "foreign_key"),
        (["body", "editions", 20, "pageCount"], "check"),
        (["body", "editions", 33, "isbn"], "unique"),
    ]
    assert answer.json()["detail"][3]["msg"] == "The row at index 32 has the same isbn."


def test_a_message_names_no_constraint_of_the_database(served):
    rows = served.rows(1)
    rows[0]["pageCount"] = -1
    (error,) = served.post(rows).json()["detail"]
    assert error["msg"] == "The value of pageCount is not allowed."


@pytest.mark.parametrize(
    ("fixed", "words"),
    [
        ({"author_id": 4711}, "Edition.author refers to 4711, which does not exist"),
        ({"pages": -1}, "pages_are_positive"),
        ({"isbn": "taken"}, "isbn"),
    ],
    ids=["reference", "check", "unique"],
)
def test_what_the_view_sets_is_no_mistake_of_a_row_s(serve, db, caplog, fixed, words):
    author = Author.objects.create(name="Ada")
    Edition.objects.create(isbn="taken", title="Old", author=author)
    api = MattAPI()

    class Titled(Schema):
        title: str

    @api.post("/editions")
    def create(request, editions: list[Titled]):
        bulk_create(Edition, editions, values={"isbn": "i", "author_id": author.pk, **fixed})

    answer = serve(api).post("/api/editions", [{"title": "t"}], content_type="application/json")
    assert answer.status_code == 500
    record = next(record for record in caplog.records if record.levelname == "ERROR")
    assert words in str(record.exc_info)


def test_a_null_is_a_row_s_mistake_where_the_row_says_it(serve, db):
    api = MattAPI()

    class Titled(Schema):
        title: str
        author_id: int | None = None

    @api.post("/editions")
    def create(request, editions: list[Titled]):
        bulk_create(Edition, editions)

    client = serve(api)

    def post(row):
        return client.post("/api/editions", [row], content_type="application/json")

    assert refusals(post({"title": "t", "author_id": None})) == [
        (["body", "editions", 0, "author_id"], "not_null")
    ]
    # The schema lets it be left out: the view has to set it.
    assert post({"title": "t"}).status_code == 500


def test_a_reference_that_the_path_names_is_refused_by_its_name(serve, db):
    api = MattAPI()

    class Titled(Schema):
        title: str

    @api.post("/authors/{author}/editions")
    def create(request, author: int, editions: list[Titled]):
        bulk_create(Edition, editions, values={"author_id": author})

    at = "/api/authors/4711/editions"
    answer = serve(api).post(at, [{"title": "t"}], content_type="application/json")
    assert (answer.status_code, answer.json()) == (
        409,
        {"detail": "The object that author refers to does not exist."},
    )


def test_a_rule_s_own_message_is_told(served):
    rows = served.rows(2)
    for row in rows:
        row |= {"title": "Leaf", "pageCount": 1}
    rows[1]["title"] = "leaf"
    answer = served.post(rows)
    assert answer.json()["detail"][0]["msg"] == "A leaflet's title is its own."


def test_a_body_sent_twice_is_searched_as_far_as_errors_are_shown(
    served, settings, django_assert_max_num_queries
):
    settings.MATT = {"MAX_ERRORS": 6}
    assert served.post(served.rows(200)).status_code == 201
    with django_assert_max_num_queries(120):
        answer = served.post(served.rows(200))
    assert answer.status_code == 409
    # Each breaks two rules.
    assert [loc for loc, _ in refusals(answer)] == [
        ["body", "editions", n, *name] for n in range(3) for name in (["isbn"], [])
    ]
    assert answer.json()["unchecked"] == 197


def test_missing_references_are_all_found_and_capped(served):
    rows = [row | {"author_id": 4711} for row in served.rows(60)]
    answer = served.post(rows)
    assert answer.status_code == 409
    assert (len(answer.json()["detail"]), answer.json()["omitted"]) == (50, 10)


def test_more_rows_than_the_setting_are_refused(served, settings):
    settings.MATT_CRUD = {"MAX_BULK_ROWS": 2}
    assert served.post(served.rows(2)).status_code == 201
    answer = served.post(served.rows(3, start=5), Accept="application/problem+json")
    assert answer.status_code == 413
    assert (answer.json()["code"], answer.json()["limit"]) == ("too_many_rows", 2)


def test_a_transaction_of_the_view_s_own_goes_on_after_a_refusal(serve, db):
    from django.db import transaction

    from django_matt.contrib.crud.errors import RowsRefused

    author = Author.objects.create(name="Ada")
    row = {"isbn": "1", "title": "a", "author": author}
    with transaction.atomic():
        with pytest.raises(RowsRefused):
            bulk_create(Edition, [row, row])
        bulk_create(Edition, [row])
    assert Edition.objects.count() == 1


class Blank(ModelSchema):
    class Meta:
        model = Everything
        fields = ["id", "char", "image", "level", "maybe"]
        fields_optional = "__all__"


def test_an_optional_field_of_a_model_schema_falls_to_the_model_s_default(db):
    made = bulk_create(Everything, [Blank(), Blank(char="a", level=2)])
    stored = Everything.objects.order_by("id").values_list("char", "image", "level", "maybe")
    assert list(stored) == [("", "", 1, None), ("a", "", 2, None)]
    assert [each.level for each in made] == [1, 2]


def test_null_where_the_column_takes_none_is_refused(serve, db):
    api = MattAPI()

    @api.post("/rows")
    def create(request, rows: list[Blank]):
        bulk_create(Everything, rows)

    rows = [{"char": "a"}, {"char": None}]
    answer = serve(api).post("/api/rows", rows, content_type="application/json")
    assert answer.status_code == 422
    assert refusals(answer) == [(["body", "rows", 1, "char"], "not_null")]


class Reference(Schema):
    id: int


class Nested(Schema):
    title: str
    author: Reference
    editor: Reference | None = None


class Shelf(Schema):
    name: str
    books: list[Nested] = []


def _shelves(author: Author, *wrong: int) -> dict[str, Any]:
    books = [{"title": f"t{n}", "author": {"id": author.pk}} for n in range(3)]
    for index in wrong:
        books[index]["author"] = {"id": 4711}
    return {"name": "s", "books": books}


def test_a_reference_may_be_nested_and_the_list_stand_inside_the_body(serve, db):
    api = MattAPI()

    @api.post("/shelves")
    def create(request, shelf: Shelf):
        return len(bulk_create(Book, shelf.books))

    client, author = serve(api), Author.objects.create(name="Ada")
    send = {"content_type": "application/json"}
    assert client.post("/api/shelves", _shelves(author), **send).json() == 3
    answer = client.post("/api/shelves", _shelves(author, 1), **send)
    assert refusals(answer) == [(["body", "shelf", "books", 1, "author"], "foreign_key")]
    answer = client.post(
        "/api/shelves", _shelves(author, 1), headers={"Accept": "application/problem+json"}, **send
    )
    assert answer.json()["errors"][0]["pointer"] == "#/body/books/1/author"
    assert Book.objects.count() == 3


def test_a_list_that_the_view_made_is_located_by_its_indexes(serve, db):
    api = MattAPI()

    @api.post("/books")
    def create(request, books: list[Nested]):
        return len(bulk_create(Book, [book.model_dump() for book in books]))

    rows = _shelves(Author.objects.create(name="Ada"), 2)["books"]
    answer = serve(api).post("/api/books", rows, content_type="application/json")
    assert refusals(answer) == [(["body", 2, "author"], "foreign_key")]


def test_a_controller_s_rows_are_located_too(serve, db):
    @api_controller("/books", auto_import=False)
    class Books(ControllerBase):
        @http_post("")
        def create(self, books: list[Nested]):
            return len(bulk_create(Book, books))

    api = MattAPI()
    api.register_controllers(Books)
    rows = _shelves(Author.objects.create(name="Ada"), 0)["books"]
    answer = serve(api).post("/api/books", rows, content_type="application/json")
    assert refusals(answer) == [(["body", "books", 0, "author"], "foreign_key")]


def test_values_are_set_whatever_the_row_says(served):
    keeper = Author.objects.create(name="Keeper")
    row = {"isbn": "1", "title": "a", "author": served.author, "keeper": served.author}
    made = bulk_create(Edition, [row], values={"keeper": keeper})
    assert made[0].keeper_id == keeper.pk
    assert Edition.objects.get().keeper == keeper


def test_a_row_is_written_as_its_schema_dumps_it(db):
    class Loud(Schema):
        name: str

        @field_serializer("name")
        def raise_voice(self, name: str) -> str:
            return name.upper()

    class Noted(Schema):
        name: str

        @cached_property
        def notes(self) -> str:
            return self.name

    noted = Noted(name="Grace")
    assert noted.notes == "Grace"
    made = bulk_create(Author, [Loud(name="Ada"), noted, {"name": "Alan"}])
    assert [author.name for author in made] == ["ADA", "Grace", "Alan"]


def test_keys_without_an_integer_are_made_by_their_default(db):
    made = bulk_create(Keyed, [{"note": "a"}, {"note": None}])
    assert {each.pk for each in made} == set(Keyed.objects.values_list("pk", flat=True))


def test_a_queryset_chooses_the_database(db):
    assert bulk_create(Keyed.objects.using("default"), [{"note": "a"}])[0]._state.db == "default"


class Extra(Schema, extra="allow"):
    note: str


def test_what_the_schema_does_not_name_is_not_written(db):
    sent = {"note": "a", "key": "00000000-0000-0000-0000-000000000001"}
    assert str(bulk_create(Keyed, [Extra.model_validate(sent)])[0].pk) != sent["key"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"title": "a", "tags": [1]}, "tags is many-to-many"),
        ({"titel": "a"}, "titel is not a column"),
        ({"blurb": 1}, "blurb is not a column"),
        ({"title": "a", "author": {"id": 1, "name": "x"}}, "may contain only 'id'"),
        ({"title": "a"}, "Book.author is required"),
    ],
)
def test_rows_that_do_not_fit_the_model_are_the_project_s_fault(db, row, message):
    with pytest.raises(TypeError, match=message):
        bulk_create(Book, [row])


def test_a_computed_column_is_not_the_client_s_to_set(db):
    with pytest.raises(TypeError, match="total is computed by the database"):
        bulk_create(Receipt, [{"number": 1, "total": 5}])
    assert [made.upper for made in bulk_create(Receipt, [{"text": "a"}])] == ["A"]


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite stores any number")
def test_a_number_that_was_sent_as_text_is_told_to_be_too_large(db):
    for text in ("1e400", "99999999.99"):
        with pytest.raises(RowsRefused) as refused:
            bulk_update(Receipt.objects.all(), [{"pk": Receipt.objects.create().pk, "price": text}])
        assert [(e.code, e.name) for e in refused.value.errors] == [("unstorable_value", "price")]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_an_unknown_setting_is_named(settings_module, asynchronous):
    from django.core.exceptions import ImproperlyConfigured

    settings_module("MATT_CRUD", {"MAX_ROWS": 1})
    with pytest.raises(ImproperlyConfigured, match="MATT_CRUD has no option 'MAX_ROWS'"):
        _ = make_api(asynchronous).urls


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (Author, {"name": "a", "boss_id": 1}),
        (Edition, {"isbn": "1", "volume": 2}),
        (Everything, {"file": "a.txt", "char": "x"}),
        (Keyed, {}),  # the default of its key is another one for each object
        (Receipt, {"text": "x"}),  # computes columns in the database
    ],
)
def test_an_object_is_made_as_by_its_class(model, values):
    made, expected = maker(model)(values), model(**values)
    assert vars(made).keys() == vars(expected).keys()
    for name, value in vars(expected).items():
        if isinstance(value, UUID):
            assert isinstance(vars(made)[name], UUID)
            assert vars(made)[name] != value
        elif name != "_state":
            assert repr(vars(made)[name]) == repr(value)
    assert made._state.adding


def test_code_that_sees_how_an_object_is_made_gets_its_values_by_name():
    class Named(Author):
        def __init__(self, *args, **values):
            super().__init__(*args, **values)
            seen.append((args, values))

        class Meta:
            app_label = "project"
            proxy = True

    def receive(sender, args, kwargs, **_):
        seen.append((args, dict(kwargs)))

    seen: list[Any] = []
    maker(Named)({"name": "a"})
    pre_init.connect(receive, sender=Author)
    try:
        maker(Author)({"name": "a"})
    finally:
        pre_init.disconnect(receive, sender=Author)
    assert seen == [((), {"name": "a"})] * 2
