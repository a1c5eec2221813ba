"""The device that models are loaded to, and the threads that they use on a CPU."""

import os
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django_matt.contrib.ml.settings import get_settings
from django_matt.errors.exceptions import MissingExtra

__all__ = [
    "choose_device",
    "count_cores",
    "count_processes",
    "count_threads",
    "import_onnx",
    "import_torch",
    "set_threads",
]


def import_torch() -> Any:
    """Return PyTorch; raise ``MissingExtra`` without it.

    It is untyped here, so that type checkers say the same with and without it: it is not in the locked requirements.
    """
    try:
        return import_module("torch")
    except ImportError as error:
        raise MissingExtra("torch", "ml") from error


def choose_device() -> str:
    """Return ``MATT_ML["DEVICE"]``, or for ``"auto"`` the device that PyTorch or ONNX Runtime can use: a GPU, else ``"cpu"``."""
    chosen = get_settings().DEVICE
    return _find_device() if chosen == "auto" else chosen


def import_onnx() -> Any:
    """Return ONNX Runtime, which has no types; raise ``MissingExtra`` without it."""
    try:
        return import_module("onnxruntime")
    except ImportError as error:
        raise MissingExtra("onnxruntime", "onnx") from error


@cache
def _find_device() -> str:
    if find_spec("torch") is not None:
        torch = import_torch()
        if torch.cuda.is_available():
            return "cuda"
        if torch.backends.mps.is_available():
            return "mps"
        return "cpu"
    if find_spec("onnxruntime") is not None:
        onnxruntime = import_onnx()
        if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
            return "cuda"
    return "cpu"


def count_cores() -> int:
    """Return the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def count_processes() -> int:
    """Return the processes of the server as ``WEB_CONCURRENCY`` says, which uvicorn and gunicorn read; 1 without it."""
    given = os.environ.get("WEB_CONCURRENCY", "")
    return max(1, int(given)) if given.isascii() and given.isdigit() else 1


def count_threads() -> int:
    """Return how many threads of the CPU one process gives to its models."""
    return get_settings().THREADS or max(1, count_cores() // count_processes())


def set_threads() -> None:
    """Let PyTorch use ``count_threads()`` threads. It takes effect before the first operation."""
    if find_spec("torch") is not None:
        import_torch().set_num_threads(count_threads())
