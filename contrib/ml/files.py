"""Files of models: digests, formats that cannot run code, and how each is opened."""

import hashlib
import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any, TypeVar

from django_matt.contrib.ml.devices import count_threads, import_onnx, import_torch
from django_matt.contrib.ml.errors import FileRefused
from django_matt.contrib.ml.settings import get_settings

__all__ = [
    "FORMATS",
    "checked_file",
    "digest_of",
    "load_weights",
    "open_exported",
    "open_onnx",
    "store_file",
]

M = TypeVar("M")

FORMATS = {
    ".onnx": "ONNX",
    ".pt2": "a program of torch.export",
    ".pt": "weights of PyTorch",
    ".pth": "weights of PyTorch",
    ".bin": "data that your load() reads",
    ".json": "data that your load() reads",
    ".npz": "arrays of numpy",
    ".safetensors": "weights",
}
"""The suffixes of files that may be registered. Files of pickle, joblib and others run code when they are read."""


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file; raise ``FileRefused`` if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise FileRefused(
            f"The file of a model cannot be read: {path}: {error.strerror}."
        ) from error


def checked_file(path: str, digest: str) -> Path:
    """Return the registered file; raise ``FileRefused`` if it is missing, or not the one that was registered."""
    found = Path(get_settings().FOLDER, path)
    _check_format(found)
    if digest_of(found) != digest:
        raise FileRefused(f"The file of a model has changed since it was registered: {found}.")
    return found


def store_file(source: Path, name: str, version: str) -> tuple[str, str]:
    """Copy a file into ``MATT_ML["FOLDER"]``; return its path there and its digest.

    The name of the copy contains the digest, so that no registered file is ever overwritten.
    """
    _check_format(source)
    digest = digest_of(source)
    relative = Path(name) / f"{version}-{digest[:16]}{source.suffix.lower()}"
    target = Path(get_settings().FOLDER, relative)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    shutil.copyfile(source, partial)
    partial.replace(target)
    return str(relative), digest_of(target)


def _check_format(path: Path) -> None:
    if path.suffix.lower() not in FORMATS:
        raise FileRefused(
            f"The file of a model may not be {path.suffix or 'without a suffix'}, as pickles run code: {path}. "
            f"Use one of {', '.join(FORMATS)}."
        )


def open_onnx(path: Path | None, device: str = "cpu") -> Any:
    """Return the ``onnxruntime.InferenceSession`` of a file, with the threads of ``MATT_ML``.

    Raises ``MissingExtra`` without onnxruntime, and ``FileRefused`` without a file or for one that is not ONNX.
    """
    found = _given(path)
    onnxruntime = import_onnx()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = count_threads()
    options.log_severity_level = 3
    providers = ["CPUExecutionProvider"]
    if device.startswith("cuda"):
        providers.insert(0, "CUDAExecutionProvider")
    try:
        return onnxruntime.InferenceSession(found, options, providers=providers)
    except Exception as error:  # its own classes are not public
        raise FileRefused(f"ONNX Runtime cannot open {found}: {error}") from error


def open_exported(path: Path | None, device: str = "cpu") -> Any:
    """Return the module of a ``.pt2`` file that ``torch.export.save`` has written. Raises what ``open_onnx`` raises.

    A file with pickled objects or compiled code is refused. Still, only load files that you trust: PyTorch evaluates the expressions
    of its shapes.
    """
    found, torch = _given(path), import_torch()
    _refuse_code(found, torch)
    try:
        module = torch.export.load(found).module()
    except Exception as error:  # whatever its reader finds
        raise FileRefused(f"PyTorch cannot open {found}: {error}") from error
    return module.to(device)


_PARTS = ("models/", "data/weights/", "data/constants/", "data/sample_inputs/", "extra/", ".data/")
_MARKS = ("archive_format", "archive_version", "byteorder")


def _refuse_code(path: Path, torch: Any) -> None:
    """Raise ``FileRefused`` if a ``.pt2`` archive has parts that PyTorch would unpickle, or run as compiled code."""
    try:
        with zipfile.ZipFile(path) as archive:
            for full in archive.namelist():
                name = full.partition("/")[2]
                if not name.startswith(_PARTS) and name not in _MARKS:
                    raise FileRefused(f"{path} contains {name}, which is not a part of a program.")
                if name.endswith("_config.json"):
                    for each in json.loads(archive.read(full))["config"].values():
                        if each["use_pickle"] or each["path_name"].startswith("custom_obj"):
                            raise FileRefused(f"{path} contains pickled objects.")
                elif name.endswith(".pt"):
                    if not name.startswith("data/sample_inputs/"):
                        raise FileRefused(f"{path} contains pickled weights.")
                    torch.load(io.BytesIO(archive.read(full)), weights_only=True)
    except FileRefused:
        raise
    except Exception as error:  # whatever the readers of the parts raise
        raise FileRefused(f"{path} is not a program of torch.export: {error}") from error


def load_weights(module: M, path: Path | None, device: str = "cpu") -> M:
    """Load the ``state_dict`` of a file into a module of PyTorch, and return the module, ready to predict.

    The file is read with ``weights_only=True``, which refuses everything that could run code.
    """
    found, torch = _given(path), import_torch()
    changed: Any = module
    try:
        changed.load_state_dict(torch.load(found, map_location=device, weights_only=True))
    except Exception as error:  # whatever its reader finds
        raise FileRefused(f"PyTorch cannot load the weights in {found}: {error}") from error
    ready: M = changed.to(device).eval()
    return ready


def _given(path: Path | None) -> Path:
    if path is None:
        raise FileRefused(
            "No file is registered for the model: run `manage.py matt_ml load NAME VERSION FILE --stage live`."
        )
    return path
