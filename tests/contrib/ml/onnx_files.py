"""Writes ONNX files by the wire format of protobuf, as the package onnx is not needed for anything else."""

import struct
from pathlib import Path

__all__ = ["write_linear"]


def _number(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def _field(number: int, value: "int | bytes | str") -> bytes:
    if isinstance(value, int):
        return _number(number << 3) + _number(value)
    data = value.encode() if isinstance(value, str) else value
    return _number(number << 3 | 2) + _number(len(data)) + data


def _tensor(name: str, shape: list[int], values: list[float]) -> bytes:
    sizes = b"".join(_field(1, size) for size in shape)
    return (
        sizes + _field(2, 1) + _field(8, name) + _field(9, struct.pack(f"<{len(values)}f", *values))
    )


def _value(name: str, width: int) -> bytes:
    axes = _field(1, _field(2, "items")) + _field(1, _field(1, width))
    kind = _field(1, _field(1, 1) + _field(2, axes))
    return _field(1, name) + _field(2, kind)


def write_linear(path: Path, weights: list[float], bias: float = 0.0) -> Path:
    """Write ``y = x @ weights + bias``, for items of ``len(weights)`` numbers."""
    nodes = [
        _field(1, "x") + _field(1, "w") + _field(2, "xw") + _field(4, "MatMul"),
        _field(1, "xw") + _field(1, "b") + _field(2, "y") + _field(4, "Add"),
    ]
    graph = b"".join(_field(1, node) for node in nodes) + _field(2, "linear")
    graph += _field(5, _tensor("w", [len(weights), 1], weights)) + _field(
        5, _tensor("b", [1], [bias])
    )
    graph += _field(11, _value("x", len(weights))) + _field(12, _value("y", 1))
    # IR version 8, opset 13.
    path.write_bytes(_field(1, 8) + _field(7, graph) + _field(8, _field(2, 13)))
    return path
