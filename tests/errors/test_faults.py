"""Whose fault a refused write is, over HTTP: the client's where the request named it, the server's everywhere else."""

import asyncio
import functools
import inspect
import json
import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.core.signals import got_request_exception
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError
from ninja import Body, Field, Form, ModelSchema, PatchDict, Query, Schema
from ninja.pagination import paginate
from ninja_extra import api_controller, http_post
from pydantic import AliasChoices, ConfigDict

from django_matt import JSONL, MattAPI
from tests.project.models import Author, Book, Edition, Everything, Pass, Tag

pytestmark = pytest.mark.django_db(transaction=True)

DATABASE_WORDS = (
    "project_",
    "constraint failed",
    "check constraint",
    "column",
    "pages_are_positive",
    "one_volume",
    "_id)",
)


class EditionIn(Schema):
    isbn: str = "i"
    title: str = "t"
    pages: int | None = Field(None, alias="pageCount")
    author_id: int | None = Field(None, alias="writer")


class Nested(Schema):
    id: int | None


BODY: Any = Body(...)
BOOK_NUMBER: Any = Query(...)


class Envelope(Schema):
    lines: list[EditionIn]
    author: Nested | None = None


@pytest.fixture
def ada():
    return Author.objects.create(name="Ada")


@pytest.fixture(params=["sync", "async"])
def route(request: pytest.FixtureRequest, serve: Any, caplog: Any) -> Any:
    """Return ``route(work, path)``: POST, PUT, DELETE and GET run ``work``, whose signature is the operation's."""
    caplog.set_level(logging.WARNING)
    seen: list[Any] = []

    def receive(sender: Any, request: Any, **_: Any) -> None:
        seen.append(request)

    def mount(work: Callable[..., Any], path: str = "/it", **options: Any) -> SimpleNamespace:
        api = MattAPI(**options)
        view: Any = work
        if request.param == "async":

            async def view(request, **values):
                return await sync_to_async(work)(request, **values)

            functools.update_wrapper(view, work)
            del view.__wrapped__

            view.__signature__ = inspect.signature(work)
        api.api_operation(["POST", "PUT", "DELETE", "GET"], path)(view)
        client = serve(api)

        def send(method: str, path: str = "/it", data: Any = None, **headers: str) -> Any:
            body = {} if data is None else {"data": data, "content_type": "application/json"}
            caplog.clear()
            seen.clear()
            return getattr(client, method)(f"/api{path}", headers=headers, **body)

        return SimpleNamespace(
            api=api,
            client=client,
            send=send,
            post=lambda data=None, path="/it", **headers: send("post", path, data, **headers),
            get=lambda path="/it", **headers: send("get", path, **headers),
        )

    def judge(answer: Any, status: int) -> Any:
        """Check the status, and that the log and the signal tell the client's fault from the server's."""
        assert answer.status_code == status, answer.content
        records = [record for record in caplog.records if hasattr(record, "request_id")]
        assert [record.levelno for record in records] == [
            logging.ERROR if status == 500 else logging.WARNING
        ]
        assert records[0].exc_info is not None
        assert records[0].exc_info[2] is not None
        assert len(seen) == (status == 500)
        text = answer.content.decode()
        assert not [word for word in DATABASE_WORDS if word in text], text
        return answer.json()

    got_request_exception.connect(receive)
    yield SimpleNamespace(mount=mount, judge=judge)
    got_request_exception.disconnect(receive)


def _create(values: dict[str, Any]) -> None:
    # The transaction ends inside the view, as both databases check foreign keys at its end.
    with transaction.atomic():
        Edition.objects.create(**values)


# Objects that do not exist


def test_an_object_that_no_parameter_names_is_the_servers_to_have(route):
    def work(request):
        Author.objects.get(pk=4711)

    served = route.mount(work)
    route.judge(served.get(), 500)
    route.judge(served.post(), 500)


def test_an_object_that_the_path_names_is_not_found(route):
    def work(request, pk: int):
        Author.objects.get(pk=pk)

    answer = route.mount(work, "/authors/{pk}").get("/authors/4711")
    assert route.judge(answer, 404) == {"detail": "Not Found"}


def test_an_object_that_the_query_or_the_body_names_is_not_found(route):
    def by_query(request, name: str):
        Author.objects.get(name=name)

    route.judge(route.mount(by_query).get("/it?name=x"), 404)

    def by_body(request, data: EditionIn):
        Author.objects.get(pk=data.author_id)

    route.judge(route.mount(by_body).post({"writer": 4711}), 404)


def test_a_page_number_names_no_object(serve):
    api = MattAPI()

    @api.get("/authors", response=list[dict])
    @paginate
    def authors(request):
        return [Author.objects.get(pk=4711)]

    assert serve(api).get("/api/authors?limit=3").status_code == 500


def test_a_relation_that_points_nowhere_is_the_servers(route, ada):
    book = Book.objects.create(title="b", author=ada)

    def work(request, pk: int):
        found = Book.objects.get(pk=pk)
        found.author_id = 4711
        return found.author.name

    route.judge(route.mount(work, "/books/{pk}").get(f"/books/{book.pk}"), 500)


def test_an_account_that_an_authentication_lacks_is_the_servers(serve):
    def auth(request):
        raise ObjectDoesNotExist

    api = MattAPI(auth=auth)

    @api.get("/it/{pk}")
    def it(request, pk: int):
        raise AssertionError

    assert serve(api).get("/api/it/1").status_code == 500


# NOT NULL


def test_a_null_that_the_server_forgot_is_a_500(route):
    def work(request, data: EditionIn):
        _create({"isbn": data.isbn})

    served = route.mount(work)
    route.judge(served.post({"isbn": "a"}), 500)
    # Sent, and lost by the view.
    route.judge(served.post({"isbn": "a", "writer": 5}), 500)
    # A field that the schema does not declare.
    route.judge(served.post({"isbn": "a", "author_id": None}), 500)


def test_a_null_that_the_client_sent_is_a_422_by_its_own_name(route):
    def work(request, data: EditionIn):
        _create(data.dict())

    served = route.mount(work)
    told = route.judge(served.post({"writer": None}), 422)
    assert told == {"detail": "A value for writer is required."}
    problem = served.post({"writer": None}, Accept="application/problem+json").json()
    assert (problem["code"], problem["names"]) == ("not_null", ["writer"])
    # Left out of a body where the schema says that it may be: nothing was sent.
    route.judge(served.post({"isbn": "a"}), 500)


def test_a_null_below_the_body_is_found(route):
    def work(request, data: Envelope):
        if data.author is not None:
            _create({"author_id": data.author.id})
        for line in data.lines:
            _create(line.dict())

    served = route.mount(work)
    assert "writer" in route.judge(served.post({"lines": [{"writer": None}]}), 422)["detail"]
    told = route.judge(served.post({"lines": [], "author": {"id": None}}), 422)
    assert told == {"detail": "A value for author.id is required."}
    route.judge(served.post({"lines": [{}]}), 500)


def test_a_null_in_a_patch_is_the_clients(route, ada):
    Edition.objects.create(isbn="a", author=ada)

    def work(request, data: PatchDict[EditionIn]):
        Edition.objects.update(**data)

    served = route.mount(work)
    assert "writer" in route.judge(served.post({"writer": None}), 422)["detail"]


def test_a_null_in_a_free_body_is_the_clients(route):
    def work(request, data: dict = BODY):
        _create(data)

    served = route.mount(work)
    assert "author" in route.judge(served.post({"author": None}), 422)["detail"]
    route.judge(served.post({"isbn": "a"}), 500)


def test_a_name_may_have_several_spellings(route):
    class Loose(Schema):
        model_config = ConfigDict(populate_by_name=True)
        author_id: int | None = Field(None, validation_alias=AliasChoices("writer", "poet"))

    def work(request, data: Loose):
        _create(data.dict())

    served = route.mount(work)
    for name in ("writer", "poet", "author_id"):
        assert name in route.judge(served.post({name: None}), 422)["detail"]


def test_an_empty_text_of_a_form_is_no_value(serve, caplog):
    api = MattAPI()

    @api.post("/it")
    def it(request, author: str = Form(...)):
        _create({"author_id": author or None})

    answer = serve(api).post("/api/it", {"author": ""})
    assert (answer.status_code, answer.json()) == (
        422,
        {"detail": "A value for author is required."},
    )


# Unique


def test_a_taken_value_is_the_clients_where_it_sent_one(route, ada):
    Edition.objects.create(isbn="taken", title="old", author=ada)

    def work(request, data: EditionIn):
        _create({"isbn": data.isbn, "author": ada})

    told = route.judge(route.mount(work).post({"isbn": "taken"}), 409)
    assert told == {"detail": "An object with the same isbn exists already."}


def test_a_taken_value_that_the_server_made_is_a_500(route, ada):
    Edition.objects.create(isbn="made", title="old", author=ada)

    def work(request, data: EditionIn):
        _create({"isbn": "made", "title": data.title, "author": ada})

    route.judge(route.mount(work).post({"title": "x"}), 500)


def test_a_taken_value_under_another_name_is_known_by_its_value(route, ada):
    Edition.objects.create(isbn="978-1", title="old", author=ada)

    class Labelled(Schema):
        label: str

    def work(request, data: Labelled):
        _create({"isbn": data.label, "author": ada})

    told = route.judge(route.mount(work).post({"label": "978-1"}), 409)
    assert told == {"detail": "An object with the same label exists already."}


def test_of_several_columns_those_of_the_request_are_named(route, ada):
    Edition.objects.create(isbn="a", title="same", author=ada)

    def work(request, data: EditionIn):
        _create({"isbn": data.isbn, "title": data.title, "author": ada})

    told = route.judge(route.mount(work).post({"isbn": "b", "title": "same"}), 409)
    assert told == {"detail": "An object with the same title exists already."}


def test_a_rule_of_the_projects_own_says_its_own_message(route, ada):
    Edition.objects.create(isbn="a", title="same", pages=1, author=ada)

    def work(request, data: EditionIn):
        _create({"isbn": data.isbn, "title": data.title, "volume": 2, "pages": 1, "author": ada})

    told = route.judge(route.mount(work).post({"isbn": "b", "title": "SAME"}), 409)
    assert told == {"detail": "A leaflet's title is its own."}


def test_the_path_names_a_relation_by_its_value(route):
    from tests.project.models import Owner

    owner = Owner.objects.create(name="o")
    Pass.objects.create(owner=owner, code="a")

    def work(request, pk: int):
        with transaction.atomic():
            Pass.objects.create(owner_id=pk, code="b")

    told = route.judge(
        route.mount(work, "/owners/{pk}/pass").post(path=f"/owners/{owner.pk}/pass"), 409
    )
    assert told == {"detail": "An object with the same pk exists already."}


# Foreign keys


def test_a_reference_that_the_client_sent_is_a_409(route):
    def work(request, data: EditionIn):
        _create(data.dict())

    told = route.judge(route.mount(work).post({"writer": 4711}), 409)
    assert told == {"detail": "The object that writer refers to does not exist."}


def test_a_reference_that_the_server_made_is_a_500(route):
    def work(request, data: EditionIn):
        _create({"isbn": data.isbn, "author_id": 4711})

    route.judge(route.mount(work).post({"isbn": "a"}), 500)


def test_a_reference_of_the_path_is_a_409(route):
    def work(request, pk: int):
        _create({"author_id": pk})

    answer = route.mount(work, "/authors/{pk}/editions").post(path="/authors/4711/editions")
    assert "does not exist" in route.judge(answer, 409)["detail"]


def test_the_keys_of_a_many_to_many_field_are_named_by_it(route, ada):
    book = Book.objects.create(title="b", author=ada)

    class Tagged(Schema):
        tags: list[int]

    def work(request, data: Tagged):
        with transaction.atomic():
            book.tags.set(data.tags)

    told = route.judge(route.mount(work).post({"tags": [4711]}), 409)
    assert told == {"detail": "The object that tags refers to does not exist."}


def test_what_others_refer_to_is_a_409_where_the_request_named_it(route, ada):
    def by_path(request, pk: int):
        raise ProtectedError("secret", set())

    def by_nobody(request):
        raise ProtectedError("secret", set())

    assert route.judge(route.mount(by_path, "/it/{pk}").post(path="/it/1"), 409) == {
        "detail": "Other objects still refer to this one."
    }
    route.judge(route.mount(by_nobody).post(), 500)


def test_a_row_deleted_under_others_is_a_409_where_the_request_named_it(route, ada):
    Edition.objects.create(isbn="a", author=ada)

    def delete():
        with transaction.atomic():
            Author.objects.filter(pk=ada.pk)._raw_delete("default")

    def by_path(request, pk: int):
        delete()

    def by_nobody(request):
        delete()

    route.judge(route.mount(by_path, "/it/{pk}").post(path=f"/it/{ada.pk}"), 409)
    route.judge(route.mount(by_nobody).post(), 500)


# CHECK


def test_a_broken_check_is_the_clients_where_it_sent_the_value(route, ada):
    def work(request, data: EditionIn):
        _create({"isbn": data.isbn, "pages": data.pages or -1, "author": ada})

    served = route.mount(work)
    told = route.judge(served.post({"pageCount": -5}), 422)
    assert told == {"detail": "The value of pageCount is not allowed."}
    route.judge(served.post({"isbn": "a"}), 500)


def test_the_check_of_a_column_is_known_by_it(route):
    class Positive(Schema):
        positive: int = -1

    def work(request, data: Positive):
        with transaction.atomic():
            Everything.objects.create(positive=data.positive)

    served = route.mount(work)
    assert "positive" in route.judge(served.post({"positive": -2}), 422)["detail"]
    route.judge(served.post({}), 500)


# Values that no column holds


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite stores it")
def test_a_value_that_does_not_fit_is_the_clients_where_it_sent_it(route, ada):
    class Small(Schema):
        title: str = "x" * 50
        volume: int = 1

    def work(request, data: Small):
        _create({"isbn": "a", "title": data.title, "volume": data.volume, "author": ada})

    served = route.mount(work)
    assert "title" in route.judge(served.post({"title": "y" * 21}), 422)["detail"]
    assert "volume" in route.judge(served.post({"title": "y", "volume": 2**40}), 422)["detail"]
    route.judge(served.post({"volume": 3}), 500)


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite divides by zero")
def test_a_query_that_cannot_be_computed_is_the_servers(route):
    def work(request, number: int):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")

    route.judge(route.mount(work).post(path="/it?number=3"), 500)


# full_clean()


def test_full_clean_blames_the_client_for_what_it_sent_alone(route, ada):
    def work(request, data: EditionIn):
        Edition(**data.dict()).full_clean()

    served = route.mount(work)
    told = route.judge(served.post({"title": "x" * 21, "isbn": "a"}), 422)
    assert [(error["loc"], error["type"]) for error in told["detail"]] == [
        (["body", "title"], "max_length")
    ]
    told = route.judge(served.post({"isbn": "a", "title": "t", "writer": 4711}), 422)
    assert told["detail"][0]["loc"] == ["body", "writer"]
    route.judge(served.post({"isbn": "a", "title": "t"}), 500)


def test_a_validation_error_raised_by_hand_is_always_the_clients(route):
    def work(request):
        raise ValidationError({"slug": "Taken."})

    answer = route.mount(work).post()
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "slug"])


# Everywhere


def test_a_broken_rule_on_a_read_is_the_servers(route, ada):
    Edition.objects.create(isbn="taken", title="old", author=ada)

    def work(request, isbn: str):
        _create({"isbn": isbn, "author": ada})

    route.judge(route.mount(work).get("/it?isbn=taken"), 500)


def test_a_controller_and_a_query_schema_are_known_too(serve, ada):
    Edition.objects.create(isbn="taken", title="old", author=ada)

    class Isbn(Schema):
        isbn: str = Field(alias="book-number")

    @api_controller("/editions")
    class Editions:
        @http_post("")
        def create(self, data: EditionIn):
            _create({"isbn": data.isbn, "author": ada})

        @http_post("/query")
        def query(self, data: Isbn = BOOK_NUMBER):
            _create({"isbn": data.isbn, "author": ada})

    api = MattAPI()
    api.register_controllers(Editions)
    client = serve(api)
    answer = client.post("/api/editions", {"isbn": "taken"}, content_type="application/json")
    assert answer.json() == {"detail": "An object with the same isbn exists already."}
    answer = client.post("/api/editions/query?book-number=taken")
    assert answer.json() == {"detail": "An object with the same book-number exists already."}


def test_a_model_schema_names_its_fields(route, ada):
    class FromModel(ModelSchema):
        class Meta:
            model = Book
            fields = ["title", "author"]

    def work(request, data: FromModel):
        with transaction.atomic():
            Book.objects.create(title=data.title, author_id=data.author)

    told = route.judge(route.mount(work).post({"title": "t", "author_id": 4711}), 409)
    assert told == {"detail": "The object that author_id refers to does not exist."}


def test_in_debug_a_hint_says_what_the_view_did_not_set(route, settings):
    settings.DEBUG = True

    def work(request, data: EditionIn):
        _create({"isbn": data.isbn})

    answer = route.mount(work).post({"isbn": "a"})
    assert answer.status_code == 500
    assert "did not set `author` of Edition" in answer.json()["hint"]


def test_the_unmapped_error_of_a_trigger_is_the_servers(route):
    def work(request, isbn: str):
        raise IntegrityError("a trigger of the project's own")

    route.judge(route.mount(work).post(path="/it?isbn=a"), 500)


def test_tags_are_made_of_what_a_list_holds(route):
    # A bulk write of the view's own: any item may be the one.
    def work(request, names: list[dict]):
        with transaction.atomic():
            Tag.objects.bulk_create([Tag(**each) for each in names])

    told = route.judge(route.mount(work).post([{"name": "a"}, {"name": None}]), 422)
    assert told == {"detail": "A value for name is required."}


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize(
    ("path", "status", "level"),
    [("/lines/{pk}", 404, logging.WARNING), ("/lines", 500, logging.ERROR)],
    ids=["named", "unnamed"],
)
def test_a_stream_ends_by_the_same_rule(serve, caplog, asynchronous, path, status, level):
    class Line(Schema):
        name: str

    api = MattAPI()

    def lines(request, **values: int):
        yield {"name": "first"}
        raise Author.DoesNotExist

    async def lines_async(request, **values: int):
        yield {"name": "first"}
        raise Author.DoesNotExist

    view: Any = lines_async if asynchronous else lines
    if "{" in path:
        view.__signature__ = inspect.signature(lambda request, pk: None)
    api.get(path, response=JSONL[Line])(view)
    client = serve(api)
    if asynchronous:
        text = asyncio.run(_read(client.async_client, "/api" + path.format(pk=4711)))
    else:
        text = client.get("/api" + path.format(pk=4711)).getvalue().decode()
    assert json.loads(text.splitlines()[-1])["status"] == status
    (record,) = [record for record in caplog.records if hasattr(record, "request_id")]
    assert record.levelno == level


async def _read(client: Any, path: str) -> str:
    answer = await client.get(path)
    return "".join([chunk.decode() async for chunk in answer.streaming_content])
