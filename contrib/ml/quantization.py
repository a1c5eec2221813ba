"""int8 versions of ONNX files: smaller, often faster, and registered only if their answers agree."""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

from django.core.exceptions import ValidationError

from django_matt.contrib.ml.comparisons import compare_answers, measure_batch, predict_all
from django_matt.contrib.ml.devices import choose_device, import_onnx
from django_matt.contrib.ml.errors import FileRefused
from django_matt.contrib.ml.files import checked_file
from django_matt.contrib.ml.models import Model, Stage
from django_matt.contrib.ml.served import Served
from django_matt.contrib.ml.services import register

__all__ = ["Quantized", "quantize"]

_SECONDS = 0.5
"""How long each version is measured."""


@dataclass(frozen=True, slots=True)
class Quantized:
    """An int8 version beside the one that it was made of."""

    row: Model | None
    """The registered version; ``None`` if too few answers agree."""
    items: int
    agreed: int
    difference: float
    """The largest difference of two numbers, relative to their size."""
    bytes_before: int
    bytes_after: int
    speed_before: float
    """Items per second in full batches."""
    speed_after: float


def quantize(
    kind: type[Served],
    version: str,
    new_version: str,
    *,
    tolerance: float = 0.01,
    agreement: float = 1.0,
    stage: str = Stage.RETIRED,
) -> Quantized:
    """Write the weights of a registered ONNX file as int8, compare the answers to the items of ``warm()``, and register the new file.

    The multiplications are done in int8 too, with scales that ONNX Runtime computes per batch (dynamic quantization). It is registered if
    at least the share ``agreement`` of the items agree: numbers within ``tolerance``, everything else equal. Raises ``ValidationError``
    for a version that is not an ONNX file, for a new version that exists, and for a model without items; ``ImportError`` without the
    package ``onnx``.
    """
    row = Model.objects.filter(name=kind.name, version=version).first()
    if row is None or not row.path.endswith(".onnx"):
        raise ValidationError(f"{kind.name}:{version} is not a registered ONNX file.")
    if Model.objects.filter(name=kind.name, version=new_version).exists():
        raise ValidationError(f"{kind.name}:{new_version} is registered already.")
    before = checked_file(row.path, row.digest)
    with TemporaryDirectory() as folder:
        after = Path(folder, "int8.onnx")
        _write_int8(before, after)
        old, new = _load(kind, version, before), _load(kind, new_version, after)
        items = [*old.warm()]
        if not items:
            raise ValidationError(f"warm() of {kind.name} has no items to compare the answers to.")
        agreed, difference = compare_answers(
            predict_all(old, items), predict_all(new, items), tolerance
        )
        speeds = [
            measure_batch(each, items, kind.batch.size, _SECONDS)["per_second"]
            for each in (old, new)
        ]
        sizes = before.stat().st_size, after.stat().st_size
        for each in (old, new):
            each.unload()
        registered = None
        if agreed >= agreement * len(items):
            registered = register(kind.name, new_version, after, stage=stage)
    return Quantized(registered, len(items), agreed, difference, *sizes, *speeds)


def _write_int8(before: Path, after: Path) -> None:
    import_onnx()
    try:
        import_module("onnx")
        quantization = import_module("onnxruntime.quantization")
    except ImportError as error:
        raise ImportError("onnx is not installed: pip install onnx") from error
    try:
        # Seven bits: the sums of eight overflow on a CPU without instructions for them (VNNI), and give wrong answers.
        quantization.quantize_dynamic(
            before,
            after,
            weight_type=quantization.QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
        )
    except Exception as error:  # whatever its passes raise
        raise FileRefused(f"ONNX Runtime cannot quantize {before}: {error}") from error


def _load(kind: type[Served], version: str, file: Path) -> Served:
    model = kind()
    model.version, model.file = version, file
    model.load(choose_device())
    return model
