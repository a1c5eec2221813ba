"""``Metric``: a number of an app for a monitoring system, such as Prometheus."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["Metric"]


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
