"""Answers of versions compared, and their speed measured, for the commands."""

import statistics
import time
from typing import Any

from django_matt.contrib.ml.batchers import check_results
from django_matt.contrib.ml.served import Served

__all__ = ["compare_answers", "measure_batch", "predict_all"]


def predict_all(model: Served, items: list[Any]) -> list[Any]:
    """Return the answers to a batch, as data."""
    return [
        each.model_dump() if hasattr(each, "model_dump") else each
        for each in check_results(model.predict(items), len(items))
    ]


def compare_answers(mine: list[Any], other: list[Any], tolerance: float) -> tuple[int, float]:
    """Return how many answers are equal, and the largest difference of their numbers relative to their size."""
    agreed, most = 0, 0.0
    for one, two in zip(mine, other, strict=True):
        difference = _difference(one, two)
        agreed += difference <= tolerance
        most = max(most, difference)
    return agreed, most


def _difference(one: Any, two: Any) -> float:
    if isinstance(one, dict) and isinstance(two, dict) and one.keys() == two.keys():
        return max((_difference(one[key], two[key]) for key in one), default=0.0)
    if isinstance(one, list | tuple) and isinstance(two, list | tuple) and len(one) == len(two):
        return max(map(_difference, one, two), default=0.0)
    if isinstance(one, float) and isinstance(two, int | float):
        return abs(one - two) / max(1.0, abs(one))
    return 0.0 if one == two else float("inf")


def measure_batch(model: Served, items: list[Any], size: int, seconds: float) -> dict[str, Any]:
    """Predict a batch of ``size`` again and again; return the items per second, and milliseconds of a batch (``p50``, ``p99``)."""
    batch = [items[number % len(items)] for number in range(size)]
    model.predict(list(batch))
    times: list[float] = []
    end = time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        begun = time.perf_counter()
        model.predict(list(batch))
        times.append(time.perf_counter() - begun)
    ordered = sorted(times)
    return {
        "size": size,
        "per_second": size / statistics.mean(times),
        "p50": 1e3 * ordered[len(ordered) // 2],
        "p99": 1e3 * ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))],
    }
