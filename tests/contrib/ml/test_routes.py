"""The typed routes: answers, versions, errors, streams, and what the document says about them."""

import json
import threading
from typing import Any

import pytest

from django_matt.contrib.ml.errors import ModelLoading
from django_matt.contrib.ml.fleets import serving
from django_matt.contrib.ml.replicas import Replica, Wanted
from django_matt.contrib.ml.services import register
from django_matt.errors.exceptions import UnprocessableContent
from tests.waiting import SECONDS

from .shelf.served import Echo, Linear


def test_a_route_answers_with_the_schema_of_the_model(call: Any):
    with serving(Echo, Linear):
        found = call("/ml/linear", {"features": [1, 2, 3]})
    assert (found.status_code, found.json()) == (200, {"score": 6.0, "version": "1"})
    assert found["X-Model-Version"] == "1"


def test_the_document_has_the_schemas_and_the_errors(api: Any, serve: Any):
    with serving(Linear):
        client = serve(api())
        document = client.get("/api/openapi.json").json()
    route = document["paths"]["/api/ml/linear"]["post"]
    assert {"200", "422", "503", "504"} <= route["responses"].keys()
    assert "/api/ml/linear/versions/{version}" in document["paths"]
    assert route["operationId"] == "predict_linear"
    features = document["components"]["schemas"]["LinearInput"]["properties"]["features"]
    assert (features["minItems"], features["maxItems"]) == (3, 3)


@pytest.mark.parametrize(
    "body",
    [
        '{"features": [1, 2, NaN]}',
        '{"features": [1, 2, Infinity]}',
        '{"features": [1, 2, "nan"]}',
        '{"features": [1, 2, "-inf"]}',
        '{"features": [1, 2, 1e400]}',
    ],
)
def test_numbers_that_are_not_finite_are_refused(call: Any, body: str):
    with serving(Linear):
        assert call("/ml/linear", body).status_code in (400, 422)


def test_a_wrong_shape_names_the_axis(call: Any):
    with serving(Linear):
        found = call("/ml/linear", {"features": [1, 2]})
    assert found.status_code == 422
    [error] = found.json()["detail"]
    assert error["loc"] == ["body", "item", "features"]
    assert error["msg"] == "List should have at least 3 items after validation, not 2"


def test_an_unknown_version_is_a_404(call: Any):
    with serving(Linear):
        found = call("/ml/linear/versions/9", {"features": [1, 2, 3]})
    assert found.status_code == 404
    assert call("/ml/nothing", {}).status_code == 404


@pytest.mark.django_db
def test_a_version_is_asked_by_its_name(call: Any, weights: Any):
    register("linear", "2", weights(2, 0, 0), stage="live")
    register("linear", "3", weights(0, 0, 1), stage="canary", share=1)
    register("linear", "4", weights(0, 0, 1))
    with serving(Linear, registry=True):
        for version, score in (("2", 2.0), ("3", 3.0)):
            found = call(f"/ml/linear/versions/{version}", {"features": [1, 2, 3]})
            assert found.json() == {"score": score, "version": version}
        assert call("/ml/linear/versions/4", {"features": [1, 2, 3]}).status_code == 404


def test_an_answer_is_streamed_in_parts(call: Any, api: Any):
    with serving(Echo) as fleet:
        found = call("/ml/echo/stream", {"text": "abc"})
        text = _read(found)
        assert [json.loads(line[5:])["text"] for line in text.splitlines() if line] == [*"abc"]
        replica = fleet.find("echo").choose_live()
        # Every place is free again, soon after the end of the stream.
        for _ in range(replica.model.batch.size):
            assert replica._streams.acquire(timeout=SECONDS)
        assert "overloaded" in _read(call("/ml/echo/stream", {"text": "abc"}))
        for _ in range(replica.model.batch.size):
            replica._streams.release()


def test_a_model_is_freed_when_its_last_stream_has_ended():
    freed = threading.Event()

    class Reader(Echo):
        def unload(self) -> None:
            freed.set()

    replica = Replica(Reader, Wanted("1", "", "", "live", 0))
    with replica.stream(Reader.Input(text="abc")) as parts:
        next(parts)
        closing = threading.Thread(target=replica.close, args=(SECONDS,))
        closing.start()
        assert not freed.wait(0.2)
        assert [each.text for each in parts] == [*"bc"]
    closing.join(SECONDS)
    assert freed.is_set()
    with pytest.raises(ModelLoading), replica.stream(Reader.Input(text="abc")):
        pass


def _read(response: Any) -> str:
    from asgiref.sync import async_to_sync

    async def read() -> bytes:
        return b"".join([part async for part in response.streaming_content])

    if response.is_async:
        return async_to_sync(read)().decode()
    return b"".join(response.streaming_content).decode()


class Strict(Linear):
    name = "strict"

    def predict(self, items: list[Any]) -> list[Any]:
        if any(item.features[0] < 0 for item in items):
            raise UnprocessableContent("The first feature may not be negative.")
        return super().predict(items)[:-1] if items[0].features[0] == 7 else super().predict(items)


def test_an_error_of_the_model_for_an_item_is_its_answer(call: Any):
    with serving(Strict):
        found = call("/ml/strict", {"features": [-1, 2, 3]})
    assert found.status_code == 422
    assert "may not be negative" in found.content.decode()


def test_too_few_results_are_an_error_of_the_server(call: Any):
    with serving(Strict):
        assert call("/ml/strict", {"features": [7, 2, 3]}).status_code == 500


def test_a_body_that_is_too_large_is_not_read(call: Any):
    with serving(Linear):
        found = call("/ml/linear", '{"features": [' + "1," * 2_000_000 + "1]}")
    assert found.status_code == 413
