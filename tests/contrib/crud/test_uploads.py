"""Files in the bodies of a ``CrudController``: forms beside JSON, and nothing is left of a refused request."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import MULTIPART_CONTENT, encode_multipart
from PIL import Image

from django_matt import MattAPI, api_controller
from django_matt.contrib.crud.controllers import AsyncCrudController, CrudController
from tests.project.models import Everything, Tag

pytestmark = pytest.mark.django_db

JSON: Any = {"content_type": "application/json"}
BOUNDARY = "BoUnDaRyStRiNg"


def png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (2, 3)).save(out, "PNG")
    return out.getvalue()


@pytest.fixture(params=[CrudController, AsyncCrudController], ids=["sync", "async"])
def base(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def media(tmp_path: Path, settings: Any) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def client(base: Any, serve: Any, media: Path) -> Any:
    class ThingController(base[Everything]):
        fields = ["id", "char", "file", "image", "maybe", "document", "tags"]

        def queryset(self) -> Any:
            return super().queryset().exclude(char="hidden")

    api = MattAPI()
    api.register_controllers(api_controller("/things")(ThingController))
    return serve(api)


def rewound(values: dict[str, Any]) -> dict[str, Any]:
    for value in values.values():
        if isinstance(value, SimpleUploadedFile):
            value.seek(0)
    return values


def post(client: Any, **values: Any) -> Any:
    return client.post("/api/things", rewound({"tags": "", **values}))


def patch(client: Any, key: int, **values: Any) -> Any:
    body = encode_multipart(BOUNDARY, rewound(values))
    return client.patch(f"/api/things/{key}", body, content_type=MULTIPART_CONTENT)


def text(name: str = "a.txt", content: bytes = b"one") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def stored(media: Path) -> list[str]:
    return sorted(str(each.relative_to(media)) for each in media.rglob("*") if each.is_file())


def test_a_form_creates_an_object_with_its_files(client: Any, media: Path):
    tag = Tag.objects.create(name="a")
    made = post(
        client,
        char="Oak",
        file=text(),
        image=SimpleUploadedFile("b.png", png()),
        maybe="",
        document='{"a": [1]}',
        tags=[tag.pk],
    )
    assert made.status_code == 201, made.content
    shown = made.json()
    assert {k: v for k, v in shown.items() if k != "id"} == {
        "char": "Oak",
        "file": "/media/files/a.txt",
        "image": "/media/images/b.png",
        "maybe": None,
        "document": {"a": [1]},
        "tags": [tag.pk],
    }
    assert stored(media) == ["files/a.txt", "images/b.png"]
    assert (media / "files/a.txt").read_bytes() == b"one"


def test_json_does_the_same_without_files(client: Any, media: Path):
    made = client.post("/api/things", {"char": "Oak", "tags": []}, **JSON)
    assert (made.status_code, made.json()["file"]) == (201, None)
    refused = client.post("/api/things", {"char": "Oak", "tags": [], "file": "a.txt"}, **JSON)
    assert (refused.status_code, "file" in refused.content.decode()) == (422, True)


def test_a_change_replaces_a_file_and_leaves_the_old_one(client: Any, media: Path):
    key = post(client, char="Oak", file=text()).json()["id"]
    changed = patch(client, key, file=text("b.txt", b"two"))
    assert (changed.status_code, changed.json()["file"]) == (200, "/media/files/b.txt")
    # As Django: another object, or a backup, may refer to it.
    assert stored(media) == ["files/a.txt", "files/b.txt"]
    assert patch(client, key, char="Elm").json()["file"] == "/media/files/b.txt"


@pytest.mark.parametrize("as_form", [True, False], ids=["form", "json"])
def test_a_file_is_removed_by_an_empty_text_and_by_null(client: Any, media: Path, as_form: bool):
    key = post(client, char="Oak", file=text()).json()["id"]
    if as_form:
        changed = patch(client, key, file="")
    else:
        changed = client.patch(f"/api/things/{key}", {"file": None}, **JSON)
    assert (changed.status_code, changed.json()["file"]) == (200, None)
    assert Everything.objects.get().file.name == ""


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"file": text("a.txt", b"")}, 422),
        ({"file": text(f"{'x' * 100}.txt")}, 422),
        ({"image": text("b.png", b"no image")}, 422),
        ({"file": text("big.txt", b"x" * 101)}, 413),
        ({"nothing": text()}, 422),
        ({"char": text()}, 422),
        ({"document": text()}, 422),
        ({"document": "{"}, 422),
        ({"file": text(), "char": "x" * 51}, 422),
        ({"file": text(), "tags": [10**6]}, 409),
        ({"file": text(), "char": "hidden"}, 403),
    ],
)
def test_nothing_is_stored_of_a_refused_form(
    client: Any, media: Path, settings: Any, values: Any, status: int
):
    settings.MATT_CRUD = {"MAX_FILE_BYTES": 100}
    refused = post(client, **{"char": "Oak", **values})
    assert refused.status_code == status, refused.content
    assert (stored(media), Everything.objects.count()) == ([], 0)
    kept = Everything.objects.create(char="Oak")
    assert patch(client, kept.pk, **values).status_code == status
    assert stored(media) == []
    kept.refresh_from_db()
    assert (kept.char, kept.file.name) == ("Oak", "")


def test_the_document_has_a_form_beside_json(client: Any):
    paths = client.get("/api/openapi.json").json()["paths"]
    for path, method in (("/api/things", "post"), ("/api/things/{id}", "patch")):
        content = paths[path][method]["requestBody"]["content"]
        assert set(content) == {"application/json", "multipart/form-data"}
        form = content["multipart/form-data"]["schema"]["properties"]
        assert form["file"] == {"title": "File", "type": "string", "format": "binary"}
    schema = client.get("/api/openapi.json").json()["components"]["schemas"]["EverythingIn"]
    assert schema["properties"]["file"]["type"] == "null"
