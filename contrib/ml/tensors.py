"""Tensors of the Open Inference Protocol: how the items of a model are written as tensors, and read from them."""

import math
import sys
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin

from ninja import Schema
from pydantic import BaseModel, Field, GetCoreSchemaHandler, TypeAdapter
from pydantic_core import CoreSchema

from django_matt.contrib.ml.binaries import cut_tensors, read_values, write_values

__all__ = [
    "Column",
    "NotATensor",
    "Shape",
    "Tensor",
    "TensorError",
    "columns_of",
    "describe",
    "move_behind",
    "read_items",
    "write_tensors",
]

_INTEGERS = {
    f"{sign}{bits}": (sign, int(bits))
    for sign in ("INT", "UINT")
    for bits in ("8", "16", "32", "64")
}
_FLOATS = {
    "FP16": 65504.0,
    "FP32": 3.4028234663852886e38,
    "FP64": sys.float_info.max,
    "BF16": 3.38e38,
}
_DATATYPES = {str: "BYTES", bool: "BOOL", int: "INT64", float: "FP64"}


class NotATensor(Exception):  # noqa: N818 - a reason
    """A field that has no datatype of the protocol, and why."""


class TensorError(ValueError):
    """What is wrong with a tensor; ``place`` is where, below the tensor."""

    def __init__(self, message: str, *place: str | int) -> None:
        """Take a sentence for the client."""
        super().__init__(message)
        self.place = place


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of each axis of a nested list: ``Annotated[list[list[float]], Shape(28, 28)]``. -1 is any size.

    The sizes are constraints of pydantic, and not a function: an async route would call a function in a thread, of which there are few.
    """

    axes: tuple[int, ...]

    def __init__(self, *axes: int) -> None:
        """Take the sizes, the outermost first."""
        object.__setattr__(self, "axes", axes)

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Set the length of each list; raise ``TypeError`` if there are fewer levels of lists than axes."""
        found = handler(source)
        level: Any = found
        for size in self.axes:
            if level.get("type") != "list":
                raise TypeError(f"Shape{self.axes} needs lists with {len(self.axes)} levels.")
            if size != -1:
                level.update(min_length=size, max_length=size)
            level = level.get("items_schema", {})
        return found


class Tensor(Schema):
    """A tensor: ``data`` in row-major order, flat or nested, or ``binary_data_size`` in the parameters and its bytes behind the JSON."""

    name: str = Field(max_length=200)
    shape: list[Annotated[int, Field(lt=2**63)]] = Field(max_length=16)
    datatype: str = Field(max_length=20)
    parameters: dict[str, Any] | None = None
    data: list[Any] | None = None

    @property
    def binary_size(self) -> Any:
        """How many bytes behind the JSON are the tensor, as its client says; ``None`` for one in JSON."""
        return (self.parameters or {}).get("binary_data_size")


@dataclass(frozen=True, slots=True)
class Column:
    """A field of a schema as a tensor, whose first axis are the items."""

    name: str
    datatype: str
    axes: tuple[int, ...]
    """The axes behind the first; -1 is any size."""


def columns_of(schema: type[BaseModel]) -> list[Column]:
    """Return the tensors of a schema; raise ``NotATensor`` for a field that has no datatype."""
    found = []
    for name, field in schema.model_fields.items():
        annotation: Any = field.annotation
        for each in reversed(field.metadata):
            annotation = Annotated[annotation, each]
        try:
            found.append(Column(name, *_describe(annotation)))
        except NotATensor as reason:
            raise NotATensor(f"{schema.__name__}.{name}: {reason}") from None
    return found


def _describe(annotation: Any) -> tuple[str, tuple[int, ...]]:
    kind, metadata = annotation, []
    if get_origin(annotation) is Annotated:
        kind, *metadata = get_args(annotation)
    shape = next((each.axes for each in metadata if isinstance(each, Shape)), None)
    if kind in _DATATYPES:
        return _DATATYPES[kind], ()
    if get_origin(kind) is list:
        datatype, inner = _describe(get_args(kind)[0])
        axes = (_length(metadata), *inner)
        return datatype, axes if shape is None else (*shape, *axes[len(shape) :])
    if (
        get_origin(kind) is not None
        and get_args(kind)
        and all(isinstance(each, str) for each in get_args(kind))
    ):
        return "BYTES", ()  # a Literal of texts
    # A type of its own that is written as a text or a number, such as an image in base64.
    written = TypeAdapter(annotation).json_schema().get("type")
    names = {"string": "BYTES", "boolean": "BOOL", "integer": "INT64", "number": "FP64"}
    if written not in names:
        raise NotATensor("its type is not a number, a boolean, a text, or a list of one of these")
    return names[written], ()


def _length(metadata: Sequence[Any]) -> int:
    least = next((each.min_length for each in metadata if hasattr(each, "min_length")), None)
    most = next((each.max_length for each in metadata if hasattr(each, "max_length")), None)
    return least if least is not None and least == most else -1


# ---- reading --------------------------------------------------------------------------------------------------------


def read_items(
    tensors: Sequence[Tensor],
    columns: Sequence[Column],
    most: int,
    binary: bytes = b"",
    *,
    most_items: int | None = None,
) -> list[dict[str, Any]]:
    """Return the items in tensors as dictionaries, before they are validated by the schema.

    A tensor has at most ``most`` elements and ``most_items`` items. ``binary`` are the bytes behind the JSON. Raises ``TensorError``, whose first place is the index of the tensor if it is about one,
    and ``BinaryError``.
    """
    sized = [(index, each) for index, each in enumerate(tensors) if each.binary_size is not None]
    cut = cut_tensors([(each.name, each.binary_size) for _, each in sized], binary)
    raws = dict(zip((index for index, _ in sized), cut, strict=True))
    names = [tensor.name for tensor in tensors]
    wanted = [column.name for column in columns]
    if sorted(names) != sorted(wanted):
        raise TensorError(
            f"The model takes the tensors {', '.join(wanted)}, not {', '.join(names) or 'none'}."
        )
    values: dict[str, list[Any]] = {}
    for column in columns:
        index = names.index(column.name)
        try:
            values[column.name] = _read(tensors[index], column, most, raws.get(index), most_items)
        except TensorError as error:
            raise TensorError(str(error), index, *error.place) from None
    counts = {len(each) for each in values.values()}
    if len(counts) > 1:
        raise TensorError("Axis 0, the number of items, is not the same for all tensors.")
    return [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]


def _read(
    tensor: Tensor, column: Column, most: int, raw: bytes | None, most_items: int | None
) -> list[Any]:
    """Return the values of a tensor by item. The shape is looked at before the data."""
    check = _element_check(tensor.datatype, column.datatype)
    shape, axes = tensor.shape, (-1, *column.axes)
    if len(shape) != len(axes):
        raise TensorError(
            f"The shape has {len(shape)} axes, and the model takes {len(axes)}.", "shape"
        )
    for axis, (size, wanted) in enumerate(zip(shape, axes, strict=True)):
        if size < 1 or wanted not in (-1, size):
            takes = wanted if wanted != -1 else "any positive number"
            raise TensorError(
                f"Axis {axis} has {size} elements, and the model takes {takes}.", "shape", axis
            )
    count = math.prod(shape)
    if count > most:
        raise TensorError(f"The tensor has {count} elements; the most are {most}.", "shape")
    if most_items is not None and shape[0] > most_items:
        raise TensorError(
            f"The request has {shape[0]} items; the most are {most_items}.", "shape", 0
        )
    if (tensor.data is None) is (raw is None):
        raise TensorError("A tensor has either data or a binary_data_size.", "data")
    flat = read_values(tensor.datatype, raw, count) if raw is not None else tensor.data or []
    for depth in range(len(shape)):
        if not any(isinstance(each, list) for each in flat):
            break
        flat = _flatten(flat, shape[depth + 1] if depth + 1 < len(shape) else None, depth + 1)
    if len(flat) != count:
        raise TensorError(f"The shape says {count} elements, and data has {len(flat)}.", "data")
    for index, each in enumerate(flat):
        if not check(each):
            raise TensorError(f"Element {index} is not a valid {tensor.datatype}.", "data", index)
    for size in reversed(shape[1:]):
        flat = _group(flat, size)
    return flat


def _flatten(data: list[Any], size: int | None, axis: int) -> list[Any]:
    found: list[Any] = []
    for each in data:
        if not isinstance(each, list) or (size is not None and len(each) != size) or size is None:
            raise TensorError(
                f"The nested lists of data do not have the shape at axis {axis}.", "data"
            )
        found += each
    return found


def _group(flat: list[Any], size: int) -> list[Any]:
    return [flat[start : start + size] for start in range(0, len(flat), size)]


def _element_check(given: str, wanted: str) -> Callable[[Any], bool]:
    """Return what tells whether an element is valid; raise ``TensorError`` for a datatype that the model does not take."""
    if given == "BYTES":
        taken, check = wanted == "BYTES", _is_text
    elif given == "BOOL":
        taken, check = wanted == "BOOL", _is_bool
    elif given in _INTEGERS:
        sign, bits = _INTEGERS[given]
        low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1)) if sign == "INT" else (0, 2**bits)
        taken = wanted in ("INT64", "FP64")

        def check(value: Any) -> bool:
            return type(value) is int and low <= value < high
    elif given in _FLOATS:
        largest, taken = _FLOATS[given], wanted == "FP64"

        def check(value: Any) -> bool:
            return type(value) in (int, float) and abs(value) <= largest  # not NaN either
    else:
        raise TensorError(f"{given!r} is not a datatype of the protocol.", "datatype")
    if not taken:
        raise TensorError(f"The model takes {wanted}, not {given}.", "datatype")
    return check


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


# ---- writing --------------------------------------------------------------------------------------------------------


def move_behind(tensors: Sequence[dict[str, Any]], names: Container[str]) -> bytes:
    """Turn tensors of these names into binary ones, and return their bytes; raise ``ValueError`` for a value out of range."""
    found = []
    for each in tensors:
        if each["name"] in names:
            found.append(write_values(each["datatype"], each.pop("data")))
            each["parameters"] = {"binary_data_size": len(found[-1])}
    return b"".join(found)


def write_tensors(items: Sequence[Any], columns: Sequence[Column]) -> list[dict[str, Any]]:
    """Return items as tensors with flat data; raise ``TensorError`` if their lists do not have the same length."""
    found = []
    for column in columns:
        values = [item[column.name] for item in items]
        shape, flat = [len(values)], values
        for axis in range(1, len(column.axes) + 1):
            sizes = {len(each) for each in flat}
            if len(sizes) > 1:
                raise TensorError(f"{column.name}: axis {axis} is not the same for all items.")
            shape.append(sizes.pop() if sizes else 0)
            flat = [each for inner in flat for each in inner]
        found.append(
            {"name": column.name, "shape": shape, "datatype": column.datatype, "data": flat}
        )
    return found


def describe(columns: Sequence[Column]) -> Iterator[dict[str, Any]]:
    """Yield the metadata of tensors."""
    for column in columns:
        yield {"name": column.name, "datatype": column.datatype, "shape": [-1, *column.axes]}
