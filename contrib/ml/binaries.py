"""The binary tensors of the Open Inference Protocol: raw values behind the JSON of a request or a response.

The header ``Inference-Header-Content-Length`` is the length of the JSON. The tensors follow in the order in which the JSON names them,
each as long as its parameter ``binary_data_size`` says, little-endian and in row-major order:
https://github.com/kserve/open-inference-protocol, specification/protocol/binary_data_extension.md
"""

import struct
from collections.abc import Iterable, Sequence
from typing import Any

from django_matt.errors.exceptions import BadRequest

__all__ = ["HEADER", "BinaryError", "cut_tensors", "read_values", "split_body", "write_values"]

HEADER = "Inference-Header-Content-Length"

_CODES = {
    "BOOL": "?", "INT8": "b", "INT16": "h", "INT32": "i", "INT64": "q",
    "UINT8": "B", "UINT16": "H", "UINT32": "I", "UINT64": "Q",
    "FP16": "e", "FP32": "f", "FP64": "d", "BF16": "H",
}  # fmt: skip
"""What ``struct`` calls them. BF16 is the first half of an FP32."""


class BinaryError(BadRequest):
    """The lengths of binary tensors do not fit, or their bytes are not what their datatype says."""

    default_code = "invalid_binary_tensor"


def split_body(length: str, body: bytes) -> tuple[bytes, bytes]:
    """Return the JSON of a body, and the bytes behind it; raise ``BinaryError`` for a header that does not fit."""
    if not (length.isascii() and length.isdigit() and len(length) < 12):
        raise BinaryError(f"{HEADER} must be the length of the JSON in bytes.")
    if int(length) > len(body):
        raise BinaryError(f"{HEADER} is {length}, and the body has {len(body)} bytes.")
    return body[: int(length)], body[int(length) :]


def cut_tensors(sizes: Iterable[tuple[str, Any]], data: bytes) -> list[bytes]:
    """Return the bytes of each tensor; ``sizes`` are the names of the tensors and their ``binary_data_size``.

    Raises ``BinaryError`` unless all bytes belong to exactly one of them.
    """
    found, start = [], 0
    for name, size in sizes:
        if type(size) is not int or size < 0:
            raise BinaryError(f"{name}: binary_data_size must be a number of bytes.")
        if start + size > len(data):
            left = len(data) - start
            raise BinaryError(f"{name}: binary_data_size is {size}, and {left} bytes are left.")
        found.append(data[start : start + size])
        start += size
    if start != len(data):
        raise BinaryError(f"The tensors have {start} bytes, and the body has {len(data)}.")
    return found


def read_values(datatype: str, data: bytes, count: int) -> list[Any]:
    """Return the values of a tensor; raise ``BinaryError`` unless they are ``count`` of this datatype.

    >>> read_values("INT16", bytes([1, 0, 255, 255]), 2)
    [1, -1]
    >>> read_values("BYTES", bytes([2, 0, 0, 0]) + b"ok", 1)
    ['ok']
    """
    if datatype == "BYTES":
        return _read_texts(data, count)
    code = _CODES.get(datatype)
    if code is None:
        raise BinaryError(f"{datatype!r} is not a datatype of the protocol.")
    size = struct.calcsize(f"<{code}")
    if len(data) != size * count:
        raise BinaryError(
            f"{count} elements of {datatype} have {size * count} bytes, not {len(data)}."
        )
    if datatype == "BOOL" and not set(data) <= {0, 1}:
        raise BinaryError("The bytes of BOOL are 0 or 1.")
    if datatype == "BF16":
        data = b"".join(b"\0\0" + data[at : at + 2] for at in range(0, len(data), 2))
        code = "f"
    return [*struct.unpack(f"<{count}{code}", data)]


def _read_texts(data: bytes, count: int) -> list[str]:
    found, start = [], 0
    for number in range(count):
        [size] = struct.unpack_from("<I", data, start) if start + 4 <= len(data) else [None]
        if size is None or start + 4 + size > len(data):
            raise BinaryError(f"Text {number} of {count} is longer than its tensor.")
        try:
            found.append(data[start + 4 : start + 4 + size].decode())
        except UnicodeDecodeError:
            raise BinaryError(f"Text {number} is not UTF-8.") from None
        start += 4 + size
    if start != len(data):
        raise BinaryError(f"{count} texts have {start} bytes, and the tensor has {len(data)}.")
    return found


def write_values(datatype: str, values: Sequence[Any]) -> bytes:
    """Return values as the bytes of a tensor; raise ``ValueError`` for one that the datatype cannot express.

    >>> write_values("FP32", [1.0])
    b'\\x00\\x00\\x80?'
    """
    if datatype == "BYTES":
        texts = [each.encode() for each in values]
        return b"".join(struct.pack("<I", len(each)) + each for each in texts)
    try:
        if datatype == "BF16":
            whole = struct.pack(f"<{len(values)}f", *values)
            return b"".join(whole[at + 2 : at + 4] for at in range(0, len(whole), 4))
        return struct.pack(f"<{len(values)}{_CODES[datatype]}", *values)
    except (struct.error, OverflowError) as error:
        raise ValueError(f"A value is not a valid {datatype}: {error}") from error
