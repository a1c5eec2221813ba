"""The Open Inference Protocol: what is answered, and how wrong tensors are refused."""

from typing import Annotated, Any, Literal

import pytest
from ninja import Schema
from pydantic import Field

from django_matt.contrib.ml.fleets import serving
from django_matt.contrib.ml.served import Served
from django_matt.contrib.ml.tensors import Shape

from .shelf.served import Echo, Linear


class Grid(Served):
    """A model with two axes and several types."""

    name = "grid"

    class Input(Schema):
        pixels: Annotated[list[list[float]], Shape(2, 3)]
        label: str
        count: int = Field(ge=0)
        flag: bool

    class Output(Schema):
        row_sums: list[float] = Field(min_length=2, max_length=2)
        label: str
        kind: Literal["even", "odd"]
        flag: bool

    def predict(self, items: list[Any]) -> list[Any]:
        return [
            self.Output(
                row_sums=[sum(row) for row in item.pixels],
                label=item.label,
                kind="odd" if item.count % 2 else "even",
                flag=not item.flag,
            )
            for item in items
        ]


GRID = [
    {"name": "pixels", "shape": [2, 2, 3], "datatype": "FP32", "data": [*range(12)]},
    {"name": "label", "shape": [2], "datatype": "BYTES", "data": ["a", "b"]},
    {"name": "count", "shape": [2], "datatype": "INT8", "data": [1, 2]},
    {"name": "flag", "shape": [2], "datatype": "BOOL", "data": [True, False]},
]


def linear(**tensor: Any) -> dict[str, Any]:
    whole = {"name": "features", "shape": [2, 3], "datatype": "FP64", "data": [1, 2, 3, 4, 5, 6]}
    return {"id": "7", "inputs": [{**whole, **tensor}]}


@pytest.fixture
def infer(call: Any) -> Any:
    def send(body: Any, path: str = "/v2/models/linear/infer", **more: Any) -> Any:
        with serving(Echo, Grid, Linear):
            return call(path, body, OPEN_INFERENCE="/v2", **more)

    return send


def test_items_are_rows_of_tensors(infer: Any):
    found = infer(linear())
    assert found.status_code == 200
    assert found.json() == {
        "model_name": "linear",
        "model_version": "1",
        "id": "7",
        "outputs": [
            {"name": "score", "shape": [2], "datatype": "FP64", "data": [6.0, 15.0]},
            {"name": "version", "shape": [2], "datatype": "BYTES", "data": ["1", "1"]},
        ],
    }
    nested = infer(linear(data=[[1, 2, 3], [4, 5, 6]]))
    assert nested.json() == found.json()


def test_several_tensors_of_several_types(infer: Any):
    found = infer({"inputs": GRID}, "/v2/models/grid/infer")
    assert {each["name"]: (each["shape"], each["data"]) for each in found.json()["outputs"]} == {
        "row_sums": ([2, 2], [3.0, 12.0, 21.0, 30.0]),
        "label": ([2], ["a", "b"]),
        "kind": ([2], ["odd", "even"]),
        "flag": ([2], [False, True]),
    }


def test_the_client_chooses_outputs_and_the_version(infer: Any):
    body = {**linear(), "outputs": [{"name": "score"}]}
    found = infer(body, "/v2/models/linear/versions/1/infer").json()
    assert [each["name"] for each in found["outputs"]] == ["score"]
    assert infer(linear(), "/v2/models/linear/versions/2/infer").status_code == 404
    refused = infer({**linear(), "outputs": [{"name": "nothing"}]})
    assert refused.status_code == 422


def test_what_there_is_can_be_asked(infer: Any):
    def get(path: str) -> Any:
        return infer(None, path)

    assert get("/v2").json()["name"] == "django-matt"
    assert get("/v2/health/live").json() == {"live": True}
    assert get("/v2/health/ready").json() == {"ready": True}
    assert get("/v2/models/linear/ready").json() == {"name": "linear", "ready": True}
    assert get("/v2/models/linear/versions/1/ready").json() == {"name": "linear", "ready": True}
    assert get("/v2/models/linear/versions/2/ready").status_code == 404
    assert get("/v2/models/nothing/ready").status_code == 404
    assert get("/v2/models/linear/versions/1").json() == get("/v2/models/linear").json()
    assert get("/v2/models/grid").json() == {
        "name": "grid",
        "versions": ["1"],
        "platform": "django-matt",
        "inputs": [
            {"name": "pixels", "datatype": "FP64", "shape": [-1, 2, 3]},
            {"name": "label", "datatype": "BYTES", "shape": [-1]},
            {"name": "count", "datatype": "INT64", "shape": [-1]},
            {"name": "flag", "datatype": "BOOL", "shape": [-1]},
        ],
        "outputs": [
            {"name": "row_sums", "datatype": "FP64", "shape": [-1, 2]},
            {"name": "label", "datatype": "BYTES", "shape": [-1]},
            {"name": "kind", "datatype": "BYTES", "shape": [-1]},
            {"name": "flag", "datatype": "BOOL", "shape": [-1]},
        ],
    }


@pytest.mark.sampled(20)
@pytest.mark.parametrize(
    ("tensor", "said"),
    [
        ({"shape": [2, 2]}, "inputs/0/shape/1: Axis 1 has 2 elements, and the model takes 3."),
        ({"shape": [0, 3], "data": []}, "Axis 0 has 0 elements"),
        ({"shape": [-1, 3]}, "Axis 0 has -1 elements"),
        ({"shape": [6]}, "The shape has 1 axes, and the model takes 2."),
        ({"shape": [2, 3, 1]}, "The shape has 3 axes"),
        ({"shape": [3, 3]}, "inputs/0/data: The shape says 9 elements, and data has 6."),
        ({"shape": [100_000_000, 3]}, "has 300000000 elements; the most are 1000000"),
        ({"shape": [2**62, 3]}, "the most are 1000000"),
        ({"data": [[1, 2, 3], [4, 5]]}, "do not have the shape at axis 1"),
        ({"data": [[1, 2, 3], 4]}, "do not have the shape at axis 1"),
        ({"data": [[[1], [2], [3]], [[4], [5], [6]]]}, "do not have the shape at axis 2"),
        ({"datatype": "FP128"}, "'FP128' is not a datatype of the protocol."),
        ({"datatype": "BYTES"}, "The model takes FP64, not BYTES."),
        ({"datatype": "BOOL"}, "The model takes FP64, not BOOL."),
        ({"data": [1, 2, 3, 4, 5, "6"]}, "inputs/0/data/5: Element 5 is not a valid FP64."),
        ({"data": [1, 2, 3, 4, 5, True]}, "Element 5 is not a valid FP64."),
        ({"data": [1, 2, 3, 4, 5, None]}, "Element 5 is not a valid FP64."),
        ({"datatype": "UINT8", "data": [1, 2, 3, 4, 5, 256]}, "Element 5 is not a valid UINT8."),
        ({"datatype": "INT8", "data": [-129, 2, 3, 4, 5, 6]}, "Element 0 is not a valid INT8."),
        ({"datatype": "FP16", "data": [70000, 2, 3, 4, 5, 6]}, "Element 0 is not a valid FP16."),
        ({"name": "other"}, "The model takes the tensors features, not other."),
    ],
)
def test_a_wrong_tensor_is_a_422_that_names_its_place(infer: Any, tensor: Any, said: str):
    found = infer(linear(**tensor))
    assert found.status_code == 422, found.content
    # As the protocol has it, beside what this API says.
    assert said in found.json()["error"]
    assert said in found.json()["detail"]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999", "1" + "0" * 400])
def test_numbers_that_are_not_finite_are_refused(infer: Any, value: str):
    text = '{"inputs": [{"name": "features", "shape": [1, 3], "datatype": "FP64", "data": [1, 2, %s]}]}'
    found = infer(text % value)
    assert found.status_code in (400, 422)
    assert found.json()["error"]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{}",
        '{"inputs": 3}',
        '{"inputs": [{"name": "features"}]}',
        '{"inputs": []}',
        "\x00",
    ],
)
def test_a_body_that_is_no_request_is_refused(infer: Any, body: str):
    found = infer(body)
    assert found.status_code in (400, 422)
    assert found.json()["error"]


def test_a_request_of_too_many_items_is_refused(infer: Any):
    many = {**linear()["inputs"][0], "shape": [1_001, 3], "data": [0.0] * 3_003}
    answer = infer({"inputs": [many]})
    assert answer.status_code == 422
    assert "The request has 1001 items; the most are 1000." in answer.content.decode()


def test_an_item_that_the_schema_refuses_is_named(infer: Any):
    negative = [GRID[0], GRID[1], {**GRID[2], "data": [1, -2]}, GRID[3]]
    found = infer({"inputs": negative}, "/v2/models/grid/infer")
    assert found.status_code == 422
    assert "Item 1, count: Input should be greater than or equal to 0" in found.json()["error"]
    different = [GRID[0], {**GRID[1], "shape": [1], "data": ["a"]}, *GRID[2:]]
    found = infer({"inputs": different}, "/v2/models/grid/infer")
    assert "Axis 0, the number of items, is not the same" in found.json()["error"]


def test_an_unknown_model_is_a_404(infer: Any):
    found = infer(linear(), "/v2/models/nothing/infer")
    assert (found.status_code, found.json()["error"]) == (404, found.json()["detail"])


def test_without_the_setting_there_is_no_such_route(call: Any):
    with serving(Linear):
        assert call("/v2/models/linear/infer", linear()).status_code == 404
