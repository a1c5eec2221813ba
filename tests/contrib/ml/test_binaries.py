"""Binary tensors: what is sent and answered behind the JSON, lengths and bytes that do not fit, and a client of others."""

import json
import struct
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from django_matt.contrib.ml.binaries import BinaryError, read_values, write_values
from django_matt.contrib.ml.fleets import serving

from .shelf.served import Linear
from .test_open_inference import Grid

FEATURES = struct.pack("<6f", 1, 2, 3, 4, 5, 6)


def linear(size: Any = 24, **more: Any) -> dict[str, Any]:
    tensor = {"name": "features", "shape": [2, 3], "datatype": "FP32"}
    return {"inputs": [{**tensor, "parameters": {"binary_data_size": size}, **more}]}


@pytest.fixture
def post(serve: Any, api: Any) -> Callable[..., Any]:
    """Return ``post(body, binary)``, which sends JSON with bytes behind it."""
    with serving(Grid, Linear):
        client = serve(api(OPEN_INFERENCE="/v2"))

    def send(body: Any, binary: bytes, length: Any = None, model: str = "linear") -> Any:
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        header = str(len(text) if length is None else length)
        wrap: Any = async_to_sync if api.kind == "async" else lambda method: method
        sender = client.async_client if api.kind == "async" else client
        with serving(Grid, Linear):
            return wrap(sender.post)(
                f"/api/v2/models/{model}/infer",
                text + binary,
                content_type="application/octet-stream",
                headers={"Inference-Header-Content-Length": header},
            )

    return send


def test_a_tensor_is_read_behind_the_json(post: Any):
    found = post(linear(), FEATURES)
    assert found.status_code == 200, found.content
    assert found.json()["outputs"] == [
        {"name": "score", "shape": [2], "datatype": "FP64", "data": [6.0, 15.0]},
        {"name": "version", "shape": [2], "datatype": "BYTES", "data": ["1", "1"]},
    ]


def test_outputs_are_written_behind_the_json(post: Any):
    found = post({**linear(), "parameters": {"binary_data_output": True}}, FEATURES)
    length = int(found["Inference-Header-Content-Length"])
    assert found["Content-Type"] == "application/octet-stream"
    assert found["X-Model-Version"] == "1"
    outputs = json.loads(found.content[:length])["outputs"]
    assert outputs == [
        {
            "name": "score",
            "shape": [2],
            "datatype": "FP64",
            "parameters": {"binary_data_size": 16},
        },
        {
            "name": "version",
            "shape": [2],
            "datatype": "BYTES",
            "parameters": {"binary_data_size": 10},
        },
    ]
    assert found.content[length:] == struct.pack("<2d", 6, 15) + b"\x01\x00\x00\x001" * 2


def test_one_output_is_binary_and_another_is_not(post: Any):
    wanted = [{"name": "score", "parameters": {"binary_data": True}}, {"name": "version"}]
    found = post({**linear(), "outputs": wanted}, FEATURES)
    length = int(found["Inference-Header-Content-Length"])
    score, version = json.loads(found.content[:length])["outputs"]
    assert score["parameters"] == {"binary_data_size": 16}
    assert version["data"] == ["1", "1"]
    assert found.content[length:] == struct.pack("<2d", 6, 15)


def test_tensors_in_json_and_behind_it_are_mixed(post: Any):
    texts = b"\x01\x00\x00\x00a" + b"\x02\x00\x00\x00\xc3\xa9"
    inputs = [
        {
            "name": "label",
            "shape": [2],
            "datatype": "BYTES",
            "parameters": {"binary_data_size": 11},
        },
        {"name": "pixels", "shape": [2, 2, 3], "datatype": "FP32", "data": [*range(12)]},
        {"name": "flag", "shape": [2], "datatype": "BOOL", "parameters": {"binary_data_size": 2}},
        {"name": "count", "shape": [2], "datatype": "INT16", "parameters": {"binary_data_size": 4}},
    ]
    found = post({"inputs": inputs}, texts + b"\x01\x00" + struct.pack("<2h", 3, 4), model="grid")
    assert found.status_code == 200, found.content
    assert {each["name"]: each["data"] for each in found.json()["outputs"]} == {
        "row_sums": [3.0, 12.0, 21.0, 30.0],
        "label": ["a", "é"],
        "kind": ["odd", "even"],
        "flag": [False, True],
    }


@pytest.mark.sampled(20)
@pytest.mark.parametrize(
    ("body", "binary", "length", "said"),
    [
        (linear(), FEATURES, 9_999, "and the body has"),
        (linear(), FEATURES, "-1", "must be the length"),
        (linear(), FEATURES, "x", "must be the length"),
        (linear(), FEATURES, "9" * 50, "must be the length"),
        (linear(), FEATURES, "²", "must be the length"),
        (linear(), FEATURES, 5, ""),
        (linear(25), FEATURES, None, "binary_data_size is 25, and 24 bytes are left"),
        (linear(2**70), FEATURES, None, "24 bytes are left"),
        (linear(20), FEATURES, None, "The tensors have 20 bytes, and the body has 24"),
        (linear(20), FEATURES[:20], None, "6 elements of FP32 have 24 bytes, not 20"),
        (linear(-24), FEATURES, None, "must be a number of bytes"),
        (linear(True), FEATURES, None, "must be a number of bytes"),
        (linear("24"), FEATURES, None, "must be a number of bytes"),
        (linear(datatype="FP64"), FEATURES, None, "6 elements of FP64 have 48 bytes, not 24"),
        (linear(datatype="INT16"), FEATURES, None, "6 elements of INT16 have 12 bytes"),
        (linear(shape=[1, 3]), FEATURES, None, "3 elements of FP32 have 12 bytes"),
        ({"inputs": []}, FEATURES, None, "The tensors have 0 bytes"),
        (b"", FEATURES, None, ""),
        (b"\xff", FEATURES, None, ""),
    ],
)
def test_lengths_that_do_not_fit_are_a_400(
    post: Any, body: Any, binary: bytes, length: Any, said: str
):
    found = post(body, binary, length)
    assert found.status_code in ((400,) if said else (400, 422)), found.content
    assert said in found.json()["error"]


@pytest.mark.parametrize(
    ("tensor", "binary", "said"),
    [
        ({"datatype": "FP128"}, FEATURES, "'FP128' is not a datatype"),
        ({"datatype": "BOOL"}, FEATURES, "The model takes FP64, not BOOL"),
        ({"data": [1, 2, 3, 4, 5, 6]}, FEATURES, "either data or a binary_data_size"),
        ({"parameters": None}, b"", "either data or a binary_data_size"),
        ({}, struct.pack("<6f", 1, 2, 3, 4, 5, float("nan")), "Element 5 is not a valid FP32"),
        ({}, struct.pack("<6f", float("-inf"), 2, 3, 4, 5, 6), "Element 0 is not a valid FP32"),
        ({"shape": [2**40, 3]}, FEATURES, "the most are 1000000"),
    ],
)
def test_tensors_that_the_model_does_not_take_are_a_422(
    post: Any, tensor: Any, binary: bytes, said: str
):
    found = post(linear(**tensor), binary)
    assert found.status_code == 422
    assert said in found.json()["error"]


@pytest.mark.parametrize(
    ("datatype", "values"),
    [
        ("BOOL", [True, False]), ("BYTES", ["", "é"]), ("FP16", [1.5, -2.0]), ("FP32", [0.5]),
        ("FP64", [0.1]), ("BF16", [1.5, -0.25]), ("INT8", [-128, 127]), ("INT64", [-(2**63)]),
        ("UINT8", [255]), ("UINT16", [65535]), ("UINT32", [2**32 - 1]), ("UINT64", [2**64 - 1]),
    ],
)  # fmt: skip
def test_values_survive_the_way_there_and_back(datatype: str, values: list[Any]):
    assert read_values(datatype, write_values(datatype, values), len(values)) == values


@pytest.mark.parametrize(
    ("datatype", "data"),
    [
        ("BOOL", b"\x02"), ("BYTES", b"\x05\x00\x00\x00a"), ("BYTES", b"\x01\x00"),
        ("BYTES", b"\xff\xff\xff\xffa"), ("BYTES", b"\x01\x00\x00\x00\xff"),
        ("BYTES", b"\x00\x00\x00\x00rest"), ("FP128", b""),
    ],
)  # fmt: skip
def test_bytes_that_are_not_the_datatype_are_refused(datatype: str, data: bytes):
    with pytest.raises(BinaryError):
        read_values(datatype, data, 1)


def test_a_value_out_of_range_is_not_written():
    for datatype, value in (("INT8", 300), ("FP16", 1e9), ("FP32", 1e300)):
        with pytest.raises(ValueError, match=datatype):
            write_values(datatype, [value])
