"""Numbers of the apps for a monitoring system, such as Prometheus."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

__all__ = ["Metric", "ReportsMetrics"]


@dataclass(frozen=True, slots=True)
class Metric:
    """A number that an app reports, once per set of labels.

    Choose labels with few values, such as the names of models and never those of users. ``name`` begins with the name of the app, and ends
    with its unit; a counter's with ``_total``: ``matt_ml_run_seconds_total``.

    >>> Metric("shop_open_carts", "Carts without an order.", "gauge", [({"shop": "north"}, 3)])
    Metric(name='shop_open_carts', help='Carts without an order.', kind='gauge', samples=[({'shop': 'north'}, 3)])
    """

    name: str
    help: str
    kind: Literal["counter", "gauge"]
    """Whether the number only grows, from 0 at the start of the process, or may fall too."""
    samples: Sequence[tuple[Mapping[str, str], float]]
    """The labels and the number of each."""


@runtime_checkable
class ReportsMetrics(Protocol):
    """An ``AppConfig`` that reports numbers of this process. The app ``observability`` shows them in ``/metrics``."""

    def metrics(self) -> Iterable[Metric]:
        """Return the numbers as they are now. It is called for each scrape, so it must be fast, and should not query the database."""
        ...
