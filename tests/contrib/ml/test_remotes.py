"""``Remote`` against answers that are wrong: each is a clear error of the request that needed it."""

import json
import time
from typing import Any

import pytest

from django_matt.contrib.ml.errors import DeadlineExceeded, RemoteFailed
from django_matt.contrib.ml.fleets import serving
from django_matt.contrib.ml.remotes import Remote
from django_matt.contrib.ml.served import Served
from django_matt.contrib.ml.tensors import NotATensor
from django_matt.errors.exceptions import ServiceUnavailable, UnprocessableContent
from tests.contrib.webhooks.receivers import receive

from .shelf.served import Linear

GOOD: dict[str, Any] = {
    "outputs": [
        {"name": "score", "shape": [1], "datatype": "FP32", "data": [2.5]},
        {"name": "version", "shape": [1], "datatype": "BYTES", "data": ["7"]},
        {"name": "other", "shape": [1], "datatype": "BYTES", "data": ["ignored"]},
    ]
}


def answering(body: Any, status: int = 200) -> Any:
    def answer(handler: Any, got: Any) -> None:
        if body is None:
            time.sleep(0.6)
            return
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(text)))
        handler.send_header("Retry-After", "4")
        handler.end_headers()
        handler.wfile.write(text)

    return answer


@pytest.fixture
def receiver() -> Any:
    with receive() as made:
        yield made


def remote(receiver: Any, **more: Any) -> Remote[Any]:
    url = receiver.url.rsplit("/", 1)[0] + "/v2"
    return Remote(url, "linear", Linear.Input, Linear.Output, **more)


ITEM = Linear.Input(features=[1, 2, 3])


def test_what_is_sent_is_the_protocol(receiver: Any):
    receiver.answer = answering(GOOD)
    client = remote(
        receiver, headers={"X-Key": "secret"}, datatypes={"features": "FP32"}, version="7"
    )
    assert client.infer([ITEM]) == [Linear.Output(score=2.5, version="7")]
    client.close()
    [got] = receiver.got
    assert got.path.endswith("/v2/models/linear/versions/7/infer")
    assert got.headers["x-key"] == "secret"
    tensor = {"name": "features", "shape": [1, 3], "datatype": "FP32", "data": [1.0, 2.0, 3.0]}
    assert json.loads(got.body) == {"inputs": [tensor]}


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (b"no JSON", 200, RemoteFailed),
        ([], 200, RemoteFailed),
        ({"outputs": []}, 200, RemoteFailed),
        ({"outputs": [GOOD["outputs"][0]]}, 200, RemoteFailed),
        (
            {"outputs": [{**GOOD["outputs"][0], "data": ["x"]}, GOOD["outputs"][1]]},
            200,
            RemoteFailed,
        ),
        (
            {"outputs": [{**e, "shape": [2], "data": e["data"] * 2} for e in GOOD["outputs"]]},
            200,
            RemoteFailed,
        ),
        (b"", 500, RemoteFailed),
        ({"error": "no"}, 404, RemoteFailed),
        ({"error": "bad item"}, 422, UnprocessableContent),
        ({"error": "full"}, 503, ServiceUnavailable),
        (b"", 504, DeadlineExceeded),
        (None, 0, DeadlineExceeded),
    ],
)
def test_a_wrong_answer_is_a_clear_error(
    receiver: Any, body: Any, status: int, error: type[Exception]
):
    receiver.answer = answering(body, status)
    client = remote(receiver, timeout=0.3 if body is None else 60)
    with pytest.raises(error) as raised:
        client.infer([ITEM])
    client.close()
    if status == 503:
        assert raised.value.headers == {"Retry-After": "4"}


def test_a_served_model_can_be_a_remote_one(receiver: Any, call: Any):
    class Far(Served):
        name = "far"
        Input, Output = Linear.Input, Linear.Output

        def load(self, device: str) -> None:
            self.remote = remote(receiver)

        def unload(self) -> None:
            self.remote.close()

        def predict(self, items: list[Any]) -> Any:
            return self.remote.infer(items)

    with serving(Far):
        receiver.answer = answering(GOOD)
        assert call("/ml/far", {"features": [1, 2, 3]}).json() == {"score": 2.5, "version": "7"}
        receiver.answer = answering(b"", 500)
        assert call("/ml/far", {"features": [1, 2, 3]}).status_code == 502


def test_a_schema_without_tensors_is_refused():
    from ninja import Schema

    class Inner(Schema):
        number: int

    class Nested(Schema):
        inner: Inner

    with pytest.raises(NotATensor, match=r"Nested\.inner: its type is not a number"):
        Remote("http://127.0.0.1/v2", "nested", Nested, Linear.Output)
