"""The test that projects inherit finds planted leaks, and passes on an API without one."""

import itertools
import unittest
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.http import Http404, StreamingHttpResponse
from ninja import File, Form, UploadedFile

from django_matt import MattAPI, Schema, Status
from django_matt.authentication import APIKeyAuthenticator, SessionAuthenticator
from django_matt.errors.exceptions import NotFound
from django_matt.testing import MattClient
from django_matt.testing.isolation import Actor, IsolationTest, assert_isolated, find_leaks

pytestmark = pytest.mark.django_db

namespaces = (f"isolation-{number}" for number in itertools.count())


class Key(APIKeyAuthenticator):
    """A key is the name of a user; the key of an inactive user is revoked."""

    def authenticate(self, request: Any, credentials: Any) -> Any:
        return User.objects.filter(username=credentials.value, is_active=True).first()


class NoteIn(Schema):
    text: str
    group_id: int
    tags: list[str] = []


class Contact(Schema):
    email: str


def note_of(request: Any, note_id: int, *, write: bool = False) -> Any:
    """Notes are groups; who may see one is a member, and who may write it is not called viewer."""
    found = request.auth.groups.filter(pk=note_id).first()
    if found is None or (write and request.auth.username == "viewer"):
        raise Http404
    return found


def make_api(*leaks: str) -> MattAPI:
    """Return an API that is safe, except for the routes whose names are in ``leaks``."""
    api = MattAPI(urls_namespace=next(namespaces), auth=Key(), extensions=[])

    @api.post("/login", auth=None)
    def login(request: Any, name: Form[str]) -> Any:
        return {"token": "t"}

    @api.get("/notes")
    def list_notes(request: Any) -> Any:
        found = Group.objects.all() if "list_notes" in leaks else request.auth.groups
        return [each.name for each in found.order_by("name")]

    @api.post("/notes")
    def add_note(request: Any, note: NoteIn) -> Any:
        if "add_note" not in leaks:
            note_of(request, note.group_id, write=True)
        return {}

    @api.get("/notes/{note_id}")
    async def read_note(request: Any, note_id: int) -> Any:
        from asgiref.sync import sync_to_async

        if "read_note" in leaks:
            return (await Group.objects.aget(pk=note_id)).name
        return (await sync_to_async(note_of)(request, note_id)).name

    @api.delete("/notes/{note_id}", response={204: None})
    def delete_note(request: Any, note_id: int) -> Any:
        found = note_of(request, note_id, write="delete_note" not in leaks)
        found.delete()
        return Status(204, None)

    @api.get("/notes/{note_id}/file", include_in_schema=False)
    def hidden(request: Any, note_id: int) -> Any:
        return {} if "hidden" in leaks else note_of(request, note_id).name

    @api.post("/notes/{note_id}/upload")
    def upload(request: Any, note_id: int, title: Form[str], file: File[UploadedFile]) -> Any:
        note_of(request, note_id, write=True)
        return {"size": file.size}

    @api.get("/search")
    def search(request: Any, note_id: int, q: str | None = None) -> Any:
        if "search" in leaks:
            raise NotFound(f"Not yours: {Group.objects.get(pk=note_id).name}")
        return note_of(request, note_id).name

    @api.get("/stream/{note_id}")
    def stream(request: Any, note_id: int) -> Any:
        if "stream" not in leaks:
            note_of(request, note_id)
        return StreamingHttpResponse(iter(lambda: b"endless", None))

    if "broken" in leaks:

        @api.get("/broken/{note_id}", operation_id="broken")
        def broken(request: Any, note_id: int) -> Any:
            raise RuntimeError("oh no")

    if "add_contact" in leaks:

        @api.post("/contacts/{note_id}", operation_id="add_contact")
        def add_contact(request: Any, note_id: int, contact: Contact) -> Any:
            if "@" not in contact.email:
                raise Http404
            note_of(request, note_id)
            return {}

    if "no_auth" in leaks:

        @api.get("/no-auth", auth=None, operation_id="no_auth")
        def no_auth(request: Any) -> Any:
            return {}

    for operation in api.operations():
        operation.operation.operation_id = operation.name
    return api


@pytest.fixture
def case(db: Any) -> dict[str, Any]:
    """The arguments of ``find_leaks``: ada owns a note, and somebody else another one."""
    note = Group.objects.create(name="the secret of ada")
    for name in ("ada", "viewer", "other", "revoked"):
        user = User.objects.create_user(name, is_active=name != "revoked")
        user.groups.add(note if name != "other" else Group.objects.create(name="of other"))
    return {
        "owner": {"X-API-Key": "ada"},
        "actors": {
            "viewer": Actor(headers={"X-API-Key": "viewer"}, may={"GET"}),
            "other_tenant": Actor(headers={"X-API-Key": "other"}, has_own_rows=True),
            "revoked": {"X-API-Key": "revoked"},
        },
        "objects": {"note_id": note.pk, "group_id": note.pk},
        "secrets": ["the secret of ada"],
        "public": {"login"},
    }


def found(api: MattAPI, case: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {(each.kind, each.actor, each.operation_id) for each in find_leaks(api, **case)}


def test_a_safe_api_passes_and_its_rows_stay(case: dict[str, Any]):
    assert_isolated(make_api(), **case)
    assert Group.objects.filter(name="the secret of ada").exists()


@pytest.mark.parametrize(
    ("leak", "expected"),
    [
        ("list_notes", {("leak", "other_tenant", "list_notes")}),
        (
            "add_note",
            {("leak", "other_tenant", "add_note"), ("leak", "viewer", "add_note")},
        ),
        ("read_note", {("leak", "other_tenant", "read_note")}),
        ("delete_note", {("leak", "viewer", "delete_note")}),
        ("hidden", {("leak", "other_tenant", "hidden")}),
        ("search", {("leak", "other_tenant", "search"), ("untested", "owner", "search")}),
        ("stream", {("leak", "other_tenant", "stream")}),
        (
            "no_auth",
            {("leak", name, "no_auth") for name in ("anonymous", "viewer", "revoked")},
        ),
        (
            "broken",
            {("error", name, "broken") for name in ("viewer", "other_tenant", "owner")},
        ),
    ],
)
def test_a_planted_leak_is_found(case: dict[str, Any], leak: str, expected: Any):
    wrong = found(make_api(leak), case)
    if (
        leak == "no_auth"
    ):  # a viewer may GET, and somebody with own rows may call what names no object
        expected = {each for each in expected if each[1] != "viewer"}
    assert wrong == expected


def test_one_failure_lists_everything(case: dict[str, Any]):
    with pytest.raises(AssertionError) as caught:
        assert_isolated(make_api("read_note", "delete_note", "broken", "search"), **case)
    text = str(caught.value)
    note = case["objects"]["note_id"]
    assert f"other_tenant  GET     /api/notes/{note}  read_note    200" in text
    assert "delete_note  204" in text
    assert "contains 'the secret of ada'" in text
    assert "RuntimeError: oh no" in text
    assert "errors of the server" in text
    assert "not tested" in text


def test_a_request_that_the_owner_may_not_send_tests_nothing(case: dict[str, Any]):
    api = make_api("add_contact")
    assert found(api, case) == {("untested", "owner", "add_contact")}
    case["bodies"] = {"add_contact": {"email": "a@example.com"}}
    assert {each[:2] for each in found(api, case)} == {("leak", "viewer")}
    del case["bodies"]
    for pattern in ("add_contact", "add_c*"):
        case["untested"] = {pattern}
        assert found(api, case) == set()


def test_an_operation_that_does_not_exist_is_reported(case: dict[str, Any]):
    case["public"] = {"login", "renamed"}
    with pytest.raises(ValueError, match="'renamed'"):
        find_leaks(make_api(), **case)


def test_documents_of_other_tools_are_read(serve: Any, db: Any):
    api = MattAPI(urls_namespace=next(namespaces), auth=Key(), extensions=[])

    @api.post("/foreign/{thing}/{count}", operation_id="foreign", include_in_schema=False)
    def foreign(request: Any, thing: str, count: int, size: int, note: NoteIn) -> Any:
        return {"thing": thing}

    def describe(document: Any) -> None:
        document["paths"]["/api/foreign/{thing}/{count}"] = {
            "summary": "Not an operation",
            "parameters": [
                {"$ref": "#/components/parameters/Thing"},
                {"name": "count", "in": "path", "required": True, "schema": {"type": "integer"}},
            ],
            "post": {
                "operationId": "foreign",
                "parameters": [
                    {
                        "name": "size",
                        "in": "query",
                        "required": True,
                        "schema": {"minimum": 3, "type": "integer"},
                    }
                ],
                "requestBody": {"$ref": "#/components/requestBodies/Note"},
                "responses": {},
            },
        }
        components = document.setdefault("components", {})
        components["parameters"] = {
            "Thing": {"name": "thing", "in": "path", "required": True, "schema": {"const": "tea"}}
        }
        schema = {
            "properties": {"text": {}, "group_id": {"type": "integer"}},
            "required": ["text", "group_id"],
        }
        components["requestBodies"] = {
            "Note": {"content": {"application/json": {"schema": schema}}}
        }

    api.add_openapi(describe)
    serve(api)
    User.objects.create_user("ada")
    (leak,) = find_leaks(
        api,
        owner={"X-API-Key": "ada"},
        actors={"eve": {"X-API-Key": "eve"}, "ada": {"X-API-Key": "ada"}},
    )
    assert (leak.actor, leak.path, leak.status) == ("ada", "/api/foreign/tea/1", 200)


def test_actors_may_be_clients_with_sessions(serve: Any, db: Any):
    api = MattAPI(urls_namespace=next(namespaces), auth=SessionAuthenticator(), extensions=[])

    @api.post("/leave")
    def leave(request: Any) -> Any:
        from django.contrib.auth import logout

        logout(request)
        return {}

    @api.get("/mine/{user_id}")
    def mine(request: Any, user_id: int) -> Any:
        if request.user.pk != user_id:
            raise Http404
        return {}

    serve(api, "v1/")
    ada, bob = User.objects.create_user("ada"), User.objects.create_user("bob")
    owner, other = MattClient(), MattClient()
    owner.sign_in(ada)
    other.sign_in(bob)
    for operation in api.operations():
        operation.operation.operation_id = operation.name
    options: dict[str, Any] = {"owner": owner, "objects": {"user_id": ada.pk}}
    (leak,) = find_leaks(api, actors={"bob": other}, **options)
    assert (leak.actor, leak.path) == ("bob", "/v1/leave")
    assert find_leaks(api, actors={"bob": Actor(client=other, has_own_rows=True)}, **options) == []


def test_the_class_is_a_test_of_unittest_too(case: dict[str, Any]):
    class Safe(IsolationTest, unittest.TestCase):
        api = make_api()

    class Leaking(IsolationTest, unittest.TestCase):
        api = make_api("read_note")

    for cls, passes in ((Safe, True), (Leaking, False)):
        for name, value in case.items():
            setattr(cls, name, value)
        result = unittest.TestResult()
        unittest.defaultTestLoader.loadTestsFromTestCase(cls).run(result)
        assert result.testsRun == 1
        assert result.wasSuccessful() is passes, result.errors


class TestTheClassWithAFixtureOfPytest(IsolationTest):
    """It needs no ``TestCase``."""

    @pytest.fixture(autouse=True)
    def prepare(self, case: dict[str, Any]) -> None:
        self.api = make_api()
        for name, value in case.items():
            setattr(self, name, value)
