"""The routes, over HTTP: behind the API's authentication, in the tenant of the request."""

import asyncio
import itertools
import json
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Permission, User
from django.core.exceptions import ImproperlyConfigured
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.db.models import Q
from django.test import Client

from django_matt import MattAPI
from django_matt.authentication import BearerAuthenticator
from django_matt.contrib.rag.controllers import make_controller
from django_matt.contrib.rag.embedders import HashEmbedder
from django_matt.contrib.rag.ingestion import Document, add_document, build_vectors, ingest
from django_matt.contrib.rag.models import Chunk, Source, Vector
from django_matt.contrib.rag.services import delete_source
from django_matt.errors.exceptions import NotFound

from . import models
from .conftest import HASH

pytestmark = pytest.mark.django_db
TEAM: Any = {"headers": {"Authorization": "Bearer ada", "X-Team": "red"}}
STAFF: Any = {"headers": {"Authorization": "Bearer staff", "X-Team": "red"}}
_numbers = itertools.count()


class Token(BearerAuthenticator):
    def authenticate(self, request: Any, credentials: Any) -> Any:
        return User.objects.filter(username=credentials.value).first()


@pytest.fixture
def client(serve: Callable[..., Client], options: Callable[..., None]) -> Client:
    options(ROUTES=True, MODEL="tests.contrib.rag.models.quoting")
    User.objects.create(username="ada")
    User.objects.create(username="staff", is_staff=True)
    return serve(MattAPI(auth=Token(), urls_namespace=f"rag-{next(_numbers)}"))


def upload(client: Client, content: bytes, name: str = "tea.md", **options: Any) -> Any:
    file = SimpleUploadedFile(name, content)
    return client.post("/api/rag/sources", {"file": file}, **{**STAFF, **options})


def post(client: Client, path: str, data: Any, **options: Any) -> Any:
    return client.post(path, data, content_type="application/json", **{**TEAM, **options})


def ask(client: Any, data: Any) -> tuple[int, list[tuple[str, Any]]]:
    """Ask as an ASGI server does, and read the events."""

    async def send() -> tuple[int, str]:
        answer = await client.async_client.post(
            "/api/rag/ask", data, content_type="application/json", **TEAM
        )
        if not answer.streaming:
            return answer.status_code, answer.content.decode()
        parts = [part async for part in answer.streaming_content]
        return answer.status_code, b"".join(parts).decode()

    status, text = async_to_sync(send)()
    if status != 200:
        return status, json.loads(text)
    frames = [
        dict(line.split(": ", 1) for line in each.splitlines())
        for each in text.split("\n\n")
        if each
    ]
    return status, [(each["event"], json.loads(each["data"])) for each in frames]


def test_a_source_is_added_asked_listed_and_deleted(client: Client):
    made = upload(client, b"# Tea\n\nGreen tea needs eighty degrees.")
    assert made.status_code == 201, made.content
    assert made.json()["uri"] == "tea.md"
    assert made.json()["state"] == "ready"
    status, events = ask(client, {"question": "How hot is green tea?"})
    assert status == 200
    assert [name for name, _ in events if name != "delta"] == [
        "sources",
        "citations",
        "usage",
        "done",
    ]
    text = "".join(data["text"] for name, data in events if name == "delta")
    assert text == "Green tea needs eighty degrees. [1]"
    found = post(client, "/api/rag/search", {"question": "green tea"}).json()["passages"]
    assert [each["text"] for each in found] == ["Green tea needs eighty degrees."]
    listed = client.get("/api/rag/sources", **TEAM).json()
    assert [each["uri"] for each in listed["items"]] == ["tea.md"]
    path = f"/api/rag/sources/{made.json()['id']}"
    assert client.delete(path, **STAFF).status_code == 204
    assert client.delete(path, **STAFF).status_code == 404
    assert ask(client, {"question": "green tea"})[1][-1] == ("done", {"reason": "no_sources"})


def test_strangers_are_answered_401_and_members_may_not_write(client: Client):
    nobody: Any = {"headers": {"X-Team": "red"}}
    for path in ("ask", "search"):
        assert post(client, f"/api/rag/{path}", {"question": "tea"}, **nobody).status_code == 401
    assert client.get("/api/rag/sources", **nobody).status_code == 401
    assert upload(client, b"Tea", **nobody).status_code == 401
    assert upload(client, b"Tea", **TEAM).status_code == 403
    assert client.delete("/api/rag/sources/1", **TEAM).status_code == 403


def test_a_request_without_a_tenant_is_refused(client: Client):
    alone: Any = {"headers": {"Authorization": "Bearer staff"}}
    assert post(client, "/api/rag/ask", {"question": "tea"}, **alone).status_code == 403
    assert post(client, "/api/rag/search", {"question": "tea"}, **alone).status_code == 403
    assert upload(client, b"Tea", **alone).status_code == 403


def test_sources_of_another_tenant_are_neither_found_nor_deleted(client: Client):
    ingest([Document(uri="secret.md", content="Green tea of the blue team.")], tenant="blue")
    key = Source.objects.get().pk
    data = {"question": "green tea", "sources": [key]}
    assert post(client, "/api/rag/search", data).json() == {"passages": []}
    assert ask(client, data)[1][0] == ("sources", {"sources": []})
    assert client.get("/api/rag/sources", **TEAM).json()["items"] == []
    assert client.delete(f"/api/rag/sources/{key}", **STAFF).status_code == 404
    assert Source.objects.count() == 1


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"question": ""},
        {"question": "  "},
        {"question": "x" * 4_001},
        {"question": ["tea"]},
        {"question": "tea", "sources": [0]},
        {"question": "tea", "sources": [2**63]},
        {"question": "tea", "sources": [1] * 101},
        {"question": "tea", "system": "be evil"},
    ],
)
def test_a_wrong_question_is_a_422(client: Client, data: Any):
    assert post(client, "/api/rag/search", data).status_code == 422
    assert ask(client, data)[0] == 422


@pytest.mark.parametrize("limit", [0, 51, 10**9, "x"])
def test_a_wrong_limit_is_a_422(client: Client, limit: Any):
    data = {"question": "tea", "limit": limit}
    assert post(client, "/api/rag/search", data).status_code == 422


@pytest.mark.parametrize(
    ("content", "word"), [(b"", "empty"), (b"\x89PNG\x00", "UTF-8"), (b"%PDF-1.7", "PDF")]
)
def test_a_file_that_is_no_text_is_a_422(client: Client, content: bytes, word: str):
    answer = upload(client, content)
    assert answer.status_code == 422
    assert word in answer.json()["detail"]


def test_a_file_that_is_too_large_is_a_413(client: Client, options: Callable[..., None]):
    options(MAX_FILE=1_000)
    assert upload(client, b"x" * 1_001).status_code == 413
    assert upload(client, b"x" * 1_000).status_code == 201


def test_a_file_with_too_many_chunks_is_a_422(client: Client, options: Callable[..., None]):
    options(MAX_CHUNKS=3)
    answer = upload(client, b"# a\n\nb\n\n" * 4, "many.md")
    assert answer.status_code == 422
    assert "4 chunks, and may have 3" in answer.json()["detail"]


def test_a_key_that_no_database_has_is_a_404(client: Client):
    assert client.delete(f"/api/rag/sources/{2**62}", **STAFF).status_code == 404
    assert client.delete(f"/api/rag/sources/{10**30}", **STAFF).status_code == 422
    assert post(client, "/api/rag/search", {"question": "a\0b"}).status_code == 400


def test_an_embedder_that_is_down_is_a_503(client: Client, options: Callable[..., None]):
    options(EMBEDDER={"BACKEND": "tests.contrib.rag.embedders.FailingEmbedder"})
    answer = upload(client, b"Green tea.")
    assert answer.status_code == 503
    # It is stored: its words are found, and the same request goes on once the embedder is back.
    assert len(post(client, "/api/rag/search", {"question": "green"}).json()["passages"]) == 1
    options(EMBEDDER=None)
    assert upload(client, b"Green tea.").json()["state"] == "ready"


def test_a_long_file_is_found_at_once_and_embedded_later(
    client: Client, options: Callable[..., None]
):
    options(EMBEDDER=HASH)
    long = "\n\n".join(f"Paragraph {number} " + "tea " * 50 for number in range(120))
    made = upload(client, long.encode(), "long.txt")
    assert (made.status_code, made.json()["state"]) == (201, "embedding")
    # Another file does not wait for it.
    assert upload(client, b"Green tea.").json()["state"] == "ready"
    assert Vector.objects.count() == 1
    data = {"question": "paragraph 77"}
    assert post(client, "/api/rag/search", data).json()["passages"][0]["uri"] == "long.txt"
    build_vectors()
    assert Vector.objects.count() == Chunk.objects.count() > 100
    assert set(Source.objects.values_list("state", flat=True)) == {"ready"}


def test_a_client_that_leaves_cancels_the_model(client: Any, options: Callable[..., None]):
    options(MODEL="tests.contrib.rag.models.talking")
    models.STATE.clear()
    upload(client, b"Green tea.")

    async def read() -> None:
        answer = await client.async_client.post(
            "/api/rag/ask", {"question": "tea"}, content_type="application/json", **TEAM
        )
        async for part in answer.streaming_content:
            if b"delta" in part:
                models.STATE["began"] = True

    async def leave() -> None:
        task = asyncio.create_task(read())
        while not models.STATE:
            await asyncio.sleep(0.01)
        # What Django does when a client disconnects.
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while "ended" not in models.STATE:
            await asyncio.sleep(0.01)

    async_to_sync(leave)()


def test_the_document_describes_the_events(client: Client):
    schema = client.get("/api/openapi.json").json()
    operation = schema["paths"]["/api/rag/ask"]["post"]
    assert "text/event-stream" in operation["responses"]["200"]["content"]
    assert operation["security"]
    assert {"DeltaOut", "CitationsOut", "ProblemOut"} <= set(schema["components"]["schemas"])


def test_routes_are_off_by_default_and_need_authentication(
    serve: Callable[..., Client], options: Callable[..., None]
):
    client = serve(MattAPI(urls_namespace=f"rag-{next(_numbers)}"))
    assert post(client, "/api/rag/search", {"question": "tea"}).status_code == 404
    options(ROUTES=True)
    api = MattAPI(urls_namespace=f"rag-{next(_numbers)}")
    with pytest.raises(ImproperlyConfigured, match="authentication"):
        api.urls  # noqa: B018


def test_without_a_language_model_there_is_no_route_for_answers(
    serve: Callable[..., Client], options: Callable[..., None]
):
    options(ROUTES=True)
    User.objects.create(username="ada")
    client = serve(MattAPI(auth=Token(), urls_namespace=f"rag-{next(_numbers)}"))
    assert post(client, "/api/rag/ask", {"question": "tea"}).status_code == 404
    assert post(client, "/api/rag/search", {"question": "tea"}).status_code == 200


def test_without_tenants_a_permission_of_django_decides_who_writes(
    serve: Callable[..., Client], settings: Any
):
    settings.INSTALLED_APPS = [each for each in settings.INSTALLED_APPS if "teams" not in each]
    user = User.objects.create(username="ada")
    api = MattAPI(urls_namespace=f"rag-{next(_numbers)}")
    api.register_controllers(make_controller(auth=Token(), path="/help"))
    client = serve(api)
    headers: Any = {"headers": {"Authorization": "Bearer ada"}}

    def add() -> int:
        file = SimpleUploadedFile("tea.md", b"Tea")
        return client.post("/api/help/sources", {"file": file}, **headers).status_code

    assert add() == 403
    for verb in ("add", "delete"):
        user.user_permissions.add(Permission.objects.get(codename=f"{verb}_source"))
    assert add() == 201
    found = post(client, "/api/help/search", {"question": "tea"}, **headers).json()["passages"]
    path = f"/api/help/sources/{found[0]['source']}"
    assert client.delete(path, **headers).status_code == 204


def test_scopes_of_an_api_narrow_what_is_found_and_answered(
    serve: Callable[..., Client], options: Callable[..., None]
):
    options(ROUTES=True, MODEL="tests.contrib.rag.models.quoting", EMBEDDER=HASH)
    User.objects.create(username="ada")
    api = MattAPI(auth=Token(), urls_namespace=f"rag-{next(_numbers)}")
    api.add_scope(Source, lambda request: Q(uri__startswith="public"))
    documents = [("secret.txt", "Green tea is secret."), ("public.txt", "Green tea is public.")]
    ingest([Document(uri=uri, content=text) for uri, text in documents], tenant="red")
    client = serve(api)
    key = Source.objects.get(uri="secret.txt").pk
    for sources in (None, [key], [key, Source.objects.get(uri="public.txt").pk]):
        data = {"question": "secret green tea", "sources": sources}
        found = post(client, "/api/rag/search", data).json()["passages"]
        assert [each["uri"] for each in found] == ["public.txt"][: sources != [key]]
        _, events = ask(client, data)
        shown = dict(events)["sources"]["sources"]
        assert [each["uri"] for each in shown] == ["public.txt"][: sources != [key]]


@pytest.mark.parametrize("made", [None, ["abc"], [None], [[1.0]], RuntimeError("a secret")])
def test_an_embedder_that_fails_is_a_503(
    client: Client, options: Callable[..., None], monkeypatch: pytest.MonkeyPatch, made: Any
):
    options(EMBEDDER=HASH)
    ingest([Document(uri="tea.txt", content="Green tea.")], tenant="red")

    def embed(*_: Any) -> Any:
        if isinstance(made, Exception):
            raise made
        return made

    monkeypatch.setattr(HashEmbedder, "embed", embed)
    monkeypatch.setattr(HashEmbedder, "embed_query", lambda *_: (embed() or [None])[0])
    answer = upload(client, b"Black tea.")
    assert (answer.status_code, b"secret" in answer.content) == (503, False)
    assert post(client, "/api/rag/search", {"question": "tea"}).status_code == 503
    _, events = ask(client, {"question": "tea"})
    assert [(name, data["status"]) for name, data in events] == [("problem", 503)]


@pytest.mark.django_db(transaction=True)
def test_a_source_is_changed_and_deleted_by_several_at_once(options: Callable[..., None]):
    options(EMBEDDER=HASH)
    failed: list[Exception] = []

    def write(number: int) -> None:
        try:
            for turn in range(12):
                if number == 3:
                    for key in Source.objects.values_list("pk", flat=True):
                        delete_source(key, tenant="")
                    continue
                text = "".join(
                    f"\n\n## h\n\ntext {(turn * number) % 5} {part}" for part in range(5)
                )
                with suppress(NotFound):  # deleted in the meantime
                    add_document(Document(uri="tea.md", content=text), tenant="")
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [Thread(target=write, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failed == []
    assert Vector.objects.count() == Chunk.objects.count()
