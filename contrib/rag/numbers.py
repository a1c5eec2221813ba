"""Vectors as the database stores them: their numbers, and the signs of these as bits."""

import math
import sys
from array import array
from collections.abc import Sequence

from django_matt.contrib.rag.errors import EmbedderUnavailable

__all__ = ["pack_bits", "pack_vector", "unpack_vector"]


def pack_vector(vector: Sequence[float], dimensions: int) -> bytes:
    """Return a vector of length 1 as it is stored; raise ``EmbedderUnavailable`` for one that is no vector."""
    try:
        numbers = [float(each) for each in vector]
    except (TypeError, ValueError):
        raise EmbedderUnavailable("The embedder does not answer with vectors.") from None
    if len(numbers) != dimensions:
        raise EmbedderUnavailable(
            f"The embedder returned {len(numbers)} dimensions instead of {dimensions}."
        )
    length = math.sqrt(math.fsum(each * each for each in numbers))
    if not math.isfinite(length):
        raise EmbedderUnavailable("The embedder returned a vector with NaN or infinity.")
    made = array("f", [each / (length or 1.0) for each in numbers])
    if sys.byteorder == "big":
        made.byteswap()
    return made.tobytes()


def unpack_vector(data: bytes) -> "array[float]":
    """Return the numbers of a stored vector."""
    numbers = array("f", data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def pack_bits(data: bytes) -> bytes:
    """Return the signs of a stored vector: a bit is 1 for a number above zero. The length is a multiple of 8 bytes.

    >>> pack_bits(pack_vector([1.0, -1.0, 2.0], 3))[0] == 0b10100000
    True
    """
    signs = "".join("1" if each > 0 else "0" for each in unpack_vector(data))
    size = -(-len(signs) // 64) * 8
    return int(signs.ljust(size * 8, "0") or "0", 2).to_bytes(size)
