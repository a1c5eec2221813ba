"""What a sample stands for: everything runs by ``make test EXHAUSTIVE=yes``."""

import os
from collections.abc import Sequence
from typing import TypeVar

__all__ = ["is_exhaustive", "sample"]

T = TypeVar("T")


def is_exhaustive() -> bool:
    """Tell whether everything is to run."""
    return bool(os.environ.get("MATT_TEST_EXHAUSTIVE"))


def sample(values: Sequence[T], step: int, first: int = 0) -> Sequence[T]:
    """Return each ``step``-th value from ``first`` on; all of them if everything is to run."""
    return values if is_exhaustive() else values[first::step]
