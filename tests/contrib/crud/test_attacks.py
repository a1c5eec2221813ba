"""What a hostile or careless client sends to a ``CrudController``: each is answered, and nothing is half-written."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from types import new_class
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import Q
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from ninja_extra.permissions import BasePermission

from django_matt import MattAPI, Schema, api_controller
from django_matt.contrib.crud.controllers import (
    ALL,
    AsyncCrudController,
    CrudController,
    Schemas,
)
from tests.project.models import Author, Edition, Everything, Owner, Pet, Stamped

pytestmark = pytest.mark.django_db

JSON: Any = {"content_type": "application/json"}
# Named twice, because the client of the tests sends none with an empty body.
CSV: Any = {"content_type": "text/csv", "CONTENT_TYPE": "text/csv"}
EVERY = [*ALL, "bulk_import", "export"]


@pytest.fixture(params=[CrudController, AsyncCrudController], ids=["sync", "async"])
def base(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def served(serve: Any, base: Any) -> Callable[..., Any]:
    """Return ``served(model, prepare=…, **attributes)``: a client of a controller at ``/api/things``."""

    def make(
        model: Any, prepare: Callable[[MattAPI], Any] = lambda api: None, **attributes: Any
    ) -> Any:
        api = MattAPI()
        prepare(api)
        cls = new_class("ThingController", (base[model],), {}, lambda body: body.update(attributes))
        api.register_controllers(api_controller("/things")(cls))
        return serve(api)

    return make


@pytest.fixture
def ada(db: None) -> Author:
    return Author.objects.create(name="Ada")


@pytest.fixture
def editions(served: Any) -> Any:
    return served(
        Edition,
        fields=["id", "isbn", "title", "volume", "pages", "notes", "author"],
        expand={"author": ["name"]},
        filters=["title", "author__name__icontains", "pages__gte"],
        search=["title"],
        ordering=["title"],
        verbs=EVERY,
    )


# ---- imports --------------------------------------------------------------------------------------------------------


def head(ada: Author, *rows: str) -> str:
    return "\n".join(["isbn,title,author_id", *(f"{row},{ada.pk}" for row in rows), ""])


@pytest.mark.parametrize(
    ("body", "status", "created"),
    [
        (b"", 201, 0),
        (b"\xef\xbb\xbf", 201, 0),
        (b"\r\n\r\n", 201, 0),
        (b"isbn;title\na;b\n", 422, 0),
        (b"ISBN,title\na,b\n", 422, 0),
        (b"isbn,title,title\na,b,c\n", 400, 0),
        (b"isbn,title\na,b,c\n", 400, 0),
        (b"isbn,title,\na,b,c\n", 422, 0),
        (b"isbn,title\na,b\x00\n", 400, 0),
        (b'isbn,title\n"a,b\n', 400, 0),
        (b"\xff\xfei\x00s\x00", 400, 0),
        (b"isbn,title\rx,y\r", 400, 0),
        (b"isbn\n" + b"x" * 10_000_000, 413, 0),
        # One row of many short lines.
        (b"isbn\n" + b'"x\n",' * 400_000, 413, 0),
        # One cell of many short lines.
        (b'isbn\n"' + b"\n" * 400_000 + b'"\n', 400, 0),
    ],
)
def test_a_body_that_is_no_csv_is_refused(editions: Any, body: bytes, status: int, created: int):
    answer = editions.post("/api/things/import", body, **CSV)
    assert answer.status_code == status, answer.content[:500]
    assert Edition.objects.count() == created


def test_a_csv_of_a_spreadsheet_is_read(editions: Any, ada: Author):
    body = "\ufeff" + head(ada, "a,'=SUM(A1)", '"b"," x"').replace("\n", "\r\n")
    assert editions.post("/api/things/import", body, **CSV).json() == {"created": 2}
    assert set(Edition.objects.values_list("title", flat=True)) == {"=SUM(A1)", " x"}


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip"])
def test_a_compressed_import_is_refused(editions: Any, ada: Author, encoding: str):
    headers = {"Content-Encoding": encoding}
    answer = editions.post("/api/things/import", head(ada, "a,b"), **CSV, headers=headers)
    assert (answer.status_code, Edition.objects.count()) == (415, 0)


def test_large_rows_are_written_in_small_batches(editions: Any, ada: Author):
    body = "isbn,title,notes,author_id\n" + "".join(
        f'i{n},t{n},"""{"x" * 100_000}""",{ada.pk}\n' for n in range(100)
    )
    assert editions.post("/api/things/import", body, **CSV).json() == {"created": 100}
    again = editions.post("/api/things/import", body.replace("i0,t0,", "j0,u0,", 1), **CSV)
    assert again.status_code == 409
    # The first batch that has refused rows; the names of rows count from the start of the body.
    assert {error["loc"][1] for error in again.json()["detail"]} >= {1, 2, 3}
    assert Edition.objects.count() == 100


def test_one_row_that_is_there_stops_the_whole_import(editions: Any, ada: Author):
    editions.post("/api/things/import", head(ada, "i5,old"), **CSV)
    rows = [f"i{n},new{n}" for n in range(10)]
    answer = editions.post("/api/things/import", head(ada, *rows), **CSV)
    assert (answer.status_code, Edition.objects.count()) == (409, 1)
    assert answer.json()["detail"][0]["loc"] == ["body", 5, "isbn"]


# ---- files ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def files(served: Any, tmp_path: Path, settings: Any) -> Any:
    settings.MEDIA_ROOT = tmp_path / "media"
    return served(Everything, fields=["id", "char", "integer", "file", "document", "tags"])


def send(client: Any, method: str, path: str, values: dict[str, Any]) -> Any:
    body = encode_multipart(BOUNDARY, values)
    return client.generic(method, path, body, content_type=MULTIPART_CONTENT)


def upload(name: str = "a.txt") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, b"one")


@pytest.mark.parametrize("name", ["../../x.txt", "..\\..\\x.txt", "/etc/x.txt", "C:\\x.txt"])
def test_the_path_in_the_name_of_a_file_is_dropped(files: Any, name: str, tmp_path: Path):
    parts = ['name="tags"\r\n\r\n', f'name="file"; filename="{name}"\r\n\r\none']
    start = f"--{BOUNDARY}\r\nContent-Disposition: form-data; "
    body = ("".join(f"{start}{part}\r\n" for part in parts) + f"--{BOUNDARY}--\r\n").encode()
    made = files.generic("POST", "/api/things", body, content_type=MULTIPART_CONTENT)
    assert made.status_code == 201, made.content
    (stored,) = [each for each in tmp_path.rglob("*") if each.is_file()]
    assert stored.parent == tmp_path / "media" / "files"


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"file": [upload(), upload("b.txt")]}, "file"),
        ({"char": upload()}, "char"),
        ({"integer": upload()}, "integer"),
        ({"document": upload()}, "document"),
        ({"tags": upload()}, "tags"),
        ({"nothing": upload()}, "nothing"),
        ({"file": "media/secret.txt"}, "file"),
    ],
)
def test_a_form_with_a_file_that_fits_nowhere_is_refused(
    files: Any, values: dict[str, Any], name: str, tmp_path: Path
):
    for value in values.values():
        for each in value if isinstance(value, list) else [value]:
            if not isinstance(each, str):
                each.seek(0)
    answer = send(files, "POST", "/api/things", {"tags": "", **values})
    assert answer.status_code == 422, answer.content
    assert name in {part for error in answer.json()["detail"] for part in error["loc"]}
    assert Everything.objects.count() == 0
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == []


def test_json_with_a_file_as_base64_is_refused(files: Any):
    body = {"char": "a", "file": base64.b64encode(b"one").decode()}
    assert files.post("/api/things", body, **JSON).status_code == 422
    assert files.post("/api/things", {**body, "file": {"name": "a"}}, **JSON).status_code == 422
    assert Everything.objects.count() == 0


def test_a_form_without_fields_changes_nothing(files: Any):
    thing = Everything.objects.create(char="a", file="files/a.txt")
    for values in ({}, {"char": "b"}):
        answer = send(files, "PATCH", f"/api/things/{thing.pk}", values)
        assert answer.status_code == 200, answer.content
    thing.refresh_from_db()
    assert (thing.char, thing.file.name) == ("b", "files/a.txt")


# ---- versions and deleted objects -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("*", 200),
        ("{tag}", 200),
        ('"other", {tag}', 200),
        ("W/{tag}", 412),
        ('"other"', 412),
        ("nonsense", 400),
        ('""', 412),
    ],
)
def test_each_kind_of_condition_is_obeyed(served: Any, header: str, status: int):
    client = served(Stamped, fields=["id", "title"], version="changed", verbs=["show", "change"])
    place = f"/api/things/{Stamped.objects.create(title='a').pk}"
    tag = client.get(place).headers["ETag"]
    options = {**JSON, "headers": {"If-Match": header.replace("{tag}", tag)}}
    assert client.patch(place, {"title": "b"}, **options).status_code == status
    assert Stamped.objects.get().title == ("b" if status == 200 else "a")


def test_no_route_reaches_a_deleted_object(served: Any):
    client = served(
        Everything,
        fields=["id", "char"],
        soft_delete="boolean",
        filters=["id", "char"],
        search=["char"],
        verbs=EVERY,
    )
    gone = Everything.objects.create(char="gone", boolean=True)
    place = f"/api/things/{gone.pk}"
    row = {"id": gone.pk, "char": "x"}
    answers = [
        client.get(place),
        client.patch(place, {"char": "x"}, **JSON),
        client.delete(place),
        client.patch("/api/things/bulk", [row], **JSON),
    ]
    assert [answer.status_code for answer in answers] == [404] * 4
    for query in ("", f"?id={gone.pk}", "?char=gone", "?search=gone"):
        assert client.get(f"/api/things{query}").json() == {"items": [], "count": 0}
        assert client.get(f"/api/things/export{query}").json() == []
    for body in ({"char": "y", "boolean": False}, {"char": "y", "boolean": True}):
        assert client.post("/api/things", body, **JSON).status_code == 422
        assert client.post("/api/things/bulk", [body], **JSON).status_code == 422
    sent = client.post("/api/things/import", "char,boolean\ny,false\n", **CSV)
    assert sent.status_code == 422
    assert list(Everything.objects.values_list("char", "boolean")) == [("gone", True)]


def test_scopes_and_marks_of_deleted_objects_are_both_obeyed(served: Any):
    client = served(
        Everything,
        lambda api: api.add_scope(Everything, lambda request: ~Q(char="theirs")),
        fields=["id", "char"],
        soft_delete="boolean",
        verbs=EVERY,
    )
    Everything.objects.create(char="theirs")
    Everything.objects.create(char="gone", boolean=True)
    mine = Everything.objects.create(char="mine")
    assert client.get("/api/things/export").json() == [{"id": mine.pk, "char": "mine"}]
    assert client.post("/api/things/import", "char\ntheirs\n", **CSV).status_code == 403
    rows = [{"id": mine.pk, "char": "theirs"}]
    assert client.patch("/api/things/bulk", rows, **JSON).status_code == 403
    assert Everything.objects.filter(char="theirs").count() == 1


def test_a_filter_by_a_related_object_shows_no_more_than_its_own_rows(served: Any):
    client = served(Pet, fields=["id", "name", "owner"], filters=["owner__name", "owner__is_gone"])
    Pet.objects.create(name="a", owner=Owner.objects.create(name="gone", is_gone=True))
    assert client.get("/api/things?owner__is_gone=false").json()["count"] == 0
    assert client.get("/api/things?owner__name=nobody").json()["count"] == 0


# ---- lists ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("ordering=author__name", 422),
        ("ordering=-", 422),
        ("ordering=title,title,title", 422),
        ("ordering=title;drop", 422),
        ("search=%00", 400),
        ("title=%00", 400),
        ("author__name__icontains=%00", 400),
        ("search=" + "x" * 1_000, 422),
        ("pages__gte=99999999999999999999", 422),
        ("pages__gte=NaN", 422),
        ("limit=-1", 422),
        ("offset=9999999", 200),
        ("offset=99999999", 422),
        ("unknown=1", 200),
    ],
)
def test_a_query_that_means_nothing_is_answered(editions: Any, query: str, status: int):
    answer = editions.get(f"/api/things?{query}")
    assert answer.status_code == status, answer.content
    if "offset" not in query and "limit" not in query:
        assert editions.get(f"/api/things/export?{query}").status_code == status


# ---- who may do what ------------------------------------------------------------------------------------------------


class Nobody(BasePermission):
    """Refuses everybody."""

    def has_permission(self, request: Any, controller: Any) -> bool:
        return False


@pytest.mark.parametrize("verb", EVERY)
def test_a_permission_closes_its_verb_and_no_other(served: Any, ada: Author, verb: str):
    client = served(Author, fields=["id", "name"], verbs=EVERY, permissions={verb: [Nobody]})
    place, row = f"/api/things/{ada.pk}", {"name": "x"}
    answers = {
        "list": client.get("/api/things"),
        "show": client.get(place),
        "export": client.get("/api/things/export"),
        "create": client.post("/api/things", row, **JSON),
        "change": client.patch(place, row, **JSON),
        "bulk_create": client.post("/api/things/bulk", [row], **JSON),
        "bulk_change": client.patch("/api/things/bulk", [{"id": ada.pk, **row}], **JSON),
        "bulk_import": client.post("/api/things/import", "name\nx\n", **CSV),
        "delete": client.delete(place),
    }
    assert {name for name, answer in answers.items() if answer.status_code == 403} == {verb}
    assert all(answer.status_code < 300 for name, answer in answers.items() if name != verb)


def test_passwords_are_hashed_and_never_shown(served: Any, settings: Any):
    settings.AUTH_PASSWORD_VALIDATORS = [
        {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"}
    ]
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    client = served(User, fields=["id", "username"], write_only=["password"], verbs=EVERY)
    body = {"username": "ada", "password": "aBc-4711-xyz"}
    key = client.post("/api/things", body, **JSON).json()["id"]
    assert User.objects.get(pk=key).check_password("aBc-4711-xyz")
    place = f"/api/things/{key}"
    changed = client.patch(place, {"password": "dEf-4711-xyz"}, **JSON)
    assert (changed.status_code, "password" in changed.json()) == (200, False)
    assert User.objects.get(pk=key).check_password("dEf-4711-xyz")
    assert client.patch(place, {"password": "123"}, **JSON).status_code == 422
    rows = [{"id": key, "password": "plain"}]
    assert client.patch("/api/things/bulk", rows, **JSON).status_code == 422
    assert client.post("/api/things/bulk", [body], **JSON).status_code == 422
    sent = client.post("/api/things/import", "username,password\neve,plain\n", **CSV)
    assert sent.status_code == 422
    assert client.patch(place, {"is_superuser": True}, **JSON).status_code == 422
    assert "password" not in client.get("/api/things/export?format=csv").getvalue().decode()


class UserIn(Schema):
    username: str
    password: str


@pytest.mark.parametrize(
    ("model", "attributes", "says"),
    [
        (User, {"fields": "__all__"}, "would show the passwords"),
        (User, {"fields": ["id", "password"]}, "would show passwords"),
        (User, {"fields": ["id"], "filters": ["password__startswith"]}, "hash of a password"),
        (User, {"fields": ["id"], "search": ["password"]}, "hash of a password"),
        (User, {"fields": ["id"], "ordering": ["password"]}, "hash of a password"),
        (Group, {"fields": ["id"], "filters": ["user__password"]}, "hash of a password"),
        (
            Group,
            {"fields": ["id", "user"], "expand": {"user": ["password"]}},
            "would show passwords",
        ),
        (
            User,
            {
                "fields": ["id"],
                "schemas": Schemas(create=UserIn),
                "verbs": ["bulk_create"],
            },
            "cannot write .'password'",
        ),
    ],
)
def test_a_controller_that_gives_away_passwords_is_refused(
    base: Any, model: Any, attributes: dict[str, Any], says: str
):
    with pytest.raises(TypeError, match=says):
        new_class("ThingController", (base[model],), {}, lambda body: body.update(attributes))


def test_deeply_nested_json_and_large_numbers_are_refused(editions: Any, ada: Author):
    row = {"isbn": "a", "title": "b", "author_id": ada.pk}
    deep = json.dumps({**row, "notes": 0}).replace("0}", "[" * 100_000 + "]" * 100_000 + "}")
    for body in (deep, json.dumps({**row, "volume": 10**30}), json.dumps({**row, "pages": 1e308})):
        assert editions.post("/api/things", body, **JSON).status_code in (400, 422)
        lines = {"content_type": "application/jsonl"}
        assert editions.post("/api/things/import", body, **lines).status_code in (400, 422)
    assert Edition.objects.count() == 0
