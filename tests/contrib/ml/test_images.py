"""Images in base64: what is read, and what is refused before it is decoded."""

import base64
import io
import struct
import zlib
from typing import Annotated, Any

import pytest
from ninja import Schema
from PIL import Image

from django_matt.contrib.ml.fleets import serving
from django_matt.contrib.ml.images import Base64Image
from django_matt.contrib.ml.served import Served


class Sizes(Served):
    name = "sizes"

    class Input(Schema):
        picture: Annotated[Any, Base64Image(max_pixels=10_000, min_side=2)]

    class Output(Schema):
        width: int
        mode: str

    def predict(self, items: list[Any]) -> list[Any]:
        return [self.Output(width=each.picture.width, mode=each.picture.mode) for each in items]


def encoded(size: tuple[int, int], kind: str = "PNG", mode: str = "RGB") -> str:
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, kind)
    return base64.b64encode(buffer.getvalue()).decode()


def bomb(width: int, height: int) -> str:
    """Return a small PNG whose header promises many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + data).decode()


@pytest.mark.parametrize(
    ("kind", "mode"), [("PNG", "L"), ("PNG", "RGBA"), ("JPEG", "RGB"), ("WEBP", "RGB")]
)
def test_an_image_is_read(call: Any, kind: str, mode: str):
    with serving(Sizes):
        found = call("/ml/sizes", {"picture": encoded((20, 10), kind, mode)})
        assert found.json() == {"width": 20, "mode": "RGB"}
        found = call(
            "/v2/models/sizes/infer", body(encoded((20, 10))), new=True, OPEN_INFERENCE="/v2"
        )
    assert found.json()["outputs"][0]["data"] == [20]


def body(picture: str) -> Any:
    return {"inputs": [{"name": "picture", "shape": [1], "datatype": "BYTES", "data": [picture]}]}


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (encoded((101, 100)), "The image has 101 x 100 pixels; the most are 10000."),
        (bomb(9_000, 9_000), "The image has 9000 x 9000 pixels"),
        (bomb(60_000, 60_000), "The image has too many pixels"),
        (bomb(2**31 - 1, 2**31 - 1), "The image"),
        (encoded((1, 1)), "each side must have 2 or more"),
        (bomb(50, 50), "not a readable"),
        (encoded((20, 20), "GIF", "P"), "not a readable"),
        (encoded((20, 20))[:60], "not a readable"),
        ("", "not a readable"),
        ("????", "not valid base64"),
        ("\u00e4", "not valid base64"),
        (5, "must be a string"),
    ],
)
def test_another_image_is_refused(call: Any, picture: Any, said: str):
    with serving(Sizes):
        found = call("/ml/sizes", {"picture": picture})
    assert found.status_code == 422
    assert said in found.content.decode()


def test_one_pixel_is_an_image_unless_the_model_wants_more():
    class Any1(Schema):
        picture: Annotated[Any, Base64Image()]

    assert Any1(picture=encoded((1, 1))).picture.size == (1, 1)


def test_the_document_describes_a_string(api: Any, serve: Any):
    with serving(Sizes):
        document = serve(api()).get("/api/openapi.json").json()
    [schema] = [
        v for k, v in document["components"]["schemas"].items() if "picture" in v["properties"]
    ]
    assert schema["properties"]["picture"]["type"] == "string"
    assert schema["properties"]["picture"]["contentEncoding"] == "base64"
