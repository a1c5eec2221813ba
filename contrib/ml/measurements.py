"""The counts of the models as metrics, for the app ``observability`` and others."""

from collections.abc import Iterator
from typing import Any, Literal

from django_matt.contrib.ml.services import statistics
from django_matt.metrics import Metric

__all__ = ["read_metrics"]

_OUTCOMES = ("answered", "failed", "refused", "expired", "cancelled")
_OTHERS: tuple[tuple[str, str, Literal["counter", "gauge"], str], ...] = (
    ("batches", "matt_ml_batches_total", "counter", "Batches that were predicted."),
    ("items", "matt_ml_batch_items_total", "counter", "Items of these batches."),
    (
        "waited_seconds",
        "matt_ml_waited_seconds_total",
        "counter",
        "Seconds that these items were queued.",
    ),
    ("run_seconds", "matt_ml_run_seconds_total", "counter", "Seconds that these batches took."),
    ("queued", "matt_ml_queued_items", "gauge", "Items that wait now."),
    ("running", "matt_ml_running_items", "gauge", "Items of the batch that runs now."),
)


def read_metrics() -> Iterator[Metric]:
    """Yield the metrics of all loaded versions. A model that is not loaded has none."""
    found = [
        ({"model": model, "stage": stage, "version": str(counts["version"])}, counts)
        for model, stages in statistics().items()
        for stage, counts in stages.items()
    ]
    yield Metric(
        "matt_ml_items_total",
        "Items of requests by how they ended.",
        "counter",
        [
            ({**labels, "outcome": each}, counts[each])
            for labels, counts in found
            for each in _OUTCOMES
        ],
    )
    for key, name, kind, text in _OTHERS:
        yield Metric(name, text, kind, [(labels, counts[key]) for labels, counts in found])
    shadows: list[Any] = [(labels, counts) for labels, counts in found if "agreed" in counts]
    if shadows:
        yield Metric(
            "matt_ml_compared_items_total",
            "Answers of a shadow version, by whether they were those that were sent.",
            "counter",
            [
                ({**labels, "outcome": each}, counts[each])
                for labels, counts in shadows
                for each in ("agreed", "differed")
            ],
        )
