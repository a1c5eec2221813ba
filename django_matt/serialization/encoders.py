"""Chooses the encoder: the compiled one if it was built, else the Python one."""

from importlib import import_module
from types import ModuleType
from typing import Any

from django_matt.serialization import encoder as encoder_py

__all__ = ["COMPILED", "dumps", "encoder", "encoder_py"]

encoder: ModuleType
try:
    encoder = import_module("django_matt.serialization._encoder_c")
except ImportError:
    encoder = encoder_py

COMPILED: bool = encoder.COMPILED


def dumps(data: Any) -> bytes:
    """Encode any data as Ninja's JSON (``json.dumps`` with ``NinjaJSONEncoder``), NaN and infinities as ``null``.

    >>> dumps({"a": [1, None]})
    b'{"a":[1,null]}'
    """
    encoded: bytes = encoder.dumps(data)
    return encoded
