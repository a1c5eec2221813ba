"""Where an exception comes from decides whose fault it is: the view, what is around it, or what is beside it."""

from functools import wraps
from typing import Any

import pytest
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.core.signals import got_request_exception
from django.db import connection, transaction
from ninja import Body, Schema
from ninja.decorators import decorate_view
from pydantic import field_validator

from django_matt import MattAPI
from tests.project.models import Author, Edition, Keyed

pytestmark = pytest.mark.django_db(transaction=True)


BODY: Any = Body(...)


class EditionIn(Schema):
    isbn: str = "i"
    title: str = "t"
    pages: int | None = None
    author_id: int | None = None


@pytest.fixture
def faults() -> Any:
    """The exceptions that error trackers have seen."""
    seen: list[Any] = []

    def receive(**_: Any) -> None:
        seen.append(1)

    got_request_exception.connect(receive)
    yield seen
    got_request_exception.disconnect(receive)


@pytest.fixture
def post(serve: Any, faults: Any) -> Any:
    """Return ``post(work, data)``: the answer of a route that does ``work(data)``, as its status and its text."""

    def send(work: Any, data: Any) -> tuple[int, str]:
        api = MattAPI()

        @api.post("/it")
        def it(request, data: EditionIn):
            work(data)

        faults.clear()
        answer = serve(api).post("/api/it", data, content_type="application/json")
        assert len(faults) == (answer.status_code == 500)
        return answer.status_code, answer.content.decode()

    return send


@pytest.fixture
def ada() -> Author:
    return Author.objects.create(name="Ada")


@pytest.mark.parametrize("around", ["decorate_view", "a router's decorator", "ATOMIC_REQUESTS"])
def test_a_reference_that_is_checked_at_the_commit_is_the_clients_where_it_was_sent(
    serve, monkeypatch, faults, around
):
    if around == "ATOMIC_REQUESTS":
        monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    api = MattAPI()
    if around == "a router's decorator":
        api.add_decorator(transaction.atomic, mode="view")

    def it(request, data: EditionIn):
        Edition.objects.create(isbn=data.isbn, author_id=data.author_id or 4711)

    api.post("/it")(decorate_view(transaction.atomic)(it) if around == "decorate_view" else it)
    client = serve(api)
    answer = client.post("/api/it", {"author_id": 4711}, content_type="application/json")
    assert (answer.status_code, answer.json()) == (
        409,
        {"detail": "The object that author_id refers to does not exist."},
    )
    assert not faults
    assert client.post("/api/it", {}, content_type="application/json").status_code == 500
    assert faults
    assert not Edition.objects.exists()


def passing(run: Any) -> Any:
    @wraps(run)
    def wrapped(*args: Any, **named: Any) -> Any:
        return run(*args, **named)

    return wrapped


@pytest.mark.parametrize("is_decorated", [False, True])
def test_an_account_that_an_authentication_lacks_is_nothing_that_the_path_names(
    serve, faults, is_decorated
):
    def auth(request):
        raise ObjectDoesNotExist

    api = MattAPI(auth=auth)

    def it(request, pk: int):
        raise AssertionError

    api.get("/it/{pk}")(decorate_view(passing)(it) if is_decorated else it)
    assert serve(api).get("/api/it/1").status_code == 500
    assert faults


class Checked(Schema):
    name: str

    @field_validator("name")
    @classmethod
    def check(cls, value: str) -> str:
        if value == "missing":
            Author.objects.get(name="the secret of a setting")
        raise ValidationError("the secret of a row")


@pytest.mark.parametrize("name", ["missing", "refused"])
def test_a_response_that_its_own_schema_refuses_is_the_servers(serve, faults, name):
    api = MattAPI()

    @api.get("/it/{pk}", response=Checked)
    def it(request, pk: int):
        return Author(name=name)

    answer = serve(api).get("/api/it/1")
    assert answer.status_code == 500
    assert b"secret" not in answer.content
    assert faults


def test_a_column_that_converts_no_value_of_the_clients_tells_nothing_of_it(serve, faults):
    api = MattAPI()

    @api.get("/it")
    def it(request, key: str = "the secret of a setting"):
        Keyed.objects.get(key=key)

    client = serve(api)
    answer = client.get("/api/it")
    assert answer.status_code == 500
    assert b"secret" not in answer.content
    assert faults
    assert client.get("/api/it?key=x").json()["detail"][0]["loc"] == ["query", "key"]


@pytest.mark.parametrize("check", ["full_clean", "validate_constraints"])
def test_a_rule_of_the_model_is_told_without_its_name(post, ada, check):
    def work(data):
        getattr(Edition(isbn="a", title="t", author=ada, pages=data.pages or -1), check)()

    status, text = post(work, {"pages": -1})
    assert status == 422
    assert "The value of pages is not allowed." in text
    assert "pages_are_positive" not in text
    assert post(work, {"title": "x"})[0] == 500


@pytest.mark.parametrize("check", ["full_clean", "validate_constraints"])
def test_a_rule_of_several_fields_is_the_clients_where_it_sent_one_of_them(post, ada, check):
    def work(data):
        title = "ours" if data.title == "t" else data.title
        Edition.objects.create(isbn=f"of {title}", title=title, author=ada)
        getattr(Edition(isbn="b", title=title, author=ada), check)()

    status, text = post(work, {"title": "taken"})
    assert status == 422
    assert '["body", "title"]' in text
    assert post(work, {"isbn": "x"})[0] == 500


@pytest.mark.parametrize("check", ["clean_fields", "validate_unique"])
def test_a_part_of_full_clean_blames_no_field_that_was_not_sent(post, ada, check):
    Edition.objects.create(isbn="2" * 13, author=ada)

    def work(data):
        isbn = "2" * (13 if check == "validate_unique" else 99)
        getattr(Edition(isbn=isbn, title=data.title, pages=1, notes={}), check)()

    assert post(work, {"title": "x"})[0] == 500


def test_another_number_than_the_clients_is_the_servers(post, ada):
    def work(data):
        with transaction.atomic():
            for isbn in "ab":
                Edition.objects.create(isbn=isbn, author=ada)

    assert post(work, {"author_id": ada.pk + 1})[0] == 500
    assert post(work, {"author_id": ada.pk})[0] == 409


def test_a_number_of_the_path_is_no_value_of_another_column(serve, ada, faults):
    api = MattAPI()
    # The author's key is a value of the rule that is broken: the number must not be equal to it.
    volume = 8 if ada.pk == 7 else 7

    @api.post("/orders/{number}")
    def it(request, number: int):
        for isbn in "ab":
            Edition.objects.create(isbn=isbn, author=ada, volume=volume)

    assert serve(api).post(f"/api/orders/{volume}").status_code == 500
    assert faults


def test_ten_thousand_values_that_no_column_holds_are_compared_once_each(serve):
    # Each with each took half a minute.
    api = MattAPI()

    @api.post("/it")
    def it(request, data: dict[str, Any] = BODY):
        values = [(number, "x") for number in data.values()]
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO project_tag (id, name) VALUES (%s, %s)", values)

    sent = {f"k{number}": 2**70 + number for number in range(10_000)}
    answer = serve(api).post("/api/it", sent, content_type="application/json")
    assert answer.status_code == 422
    assert "k0" in answer.json()["detail"]
    assert "k20" not in answer.json()["detail"]


def test_an_error_is_one_line_of_the_log_whatever_a_client_has_written(serve, caplog):
    api = MattAPI()

    @api.post("/it", response=dict[str, int])
    def it(request, data: dict[str, Any] = BODY):
        return data

    sent = {"a\nERROR forged": "no number"}
    answer = serve(api).post("/api/it", sent, content_type="application/json")
    assert answer.status_code == 500
    (told,) = [each.getMessage() for each in caplog.records if "POST - it" in each.getMessage()]
    assert len(told.splitlines()) == 1
