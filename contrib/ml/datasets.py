"""Querysets as datasets of PyTorch: rows are read in chunks while a model is trained, so that memory stays constant."""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from django.db import connections
from django.db.models import QuerySet

from django_matt.contrib.ml.devices import import_torch

__all__ = ["queryset_dataset"]


def queryset_dataset(
    queryset: "QuerySet[Any]",
    columns: Sequence[str],
    convert: Callable[[tuple[Any, ...]], Any] | None = None,
    *,
    chunk_size: int = 2_000,
    shuffle: int = 0,
    seed: int = 0,
) -> Any:
    """Return a ``torch.utils.data.IterableDataset`` of the rows of a queryset, for a ``DataLoader``.

    ``columns`` are the arguments of ``values_list``: fields, lookups across relations, annotations. ``convert`` makes an example from
    the tuple of a row; by default it is a float32 tensor of all columns. ``shuffle`` is the size of a buffer from which rows are
    drawn at random, with a ``seed``; each epoch has another order. The workers of a ``DataLoader`` share the rows among them, each
    with a connection of its own.

    Raises ``MissingExtra`` without torch. The default ``convert`` raises ``ValueError`` for a column that is NULL or no number.

    >>> orders = Order.objects.order_by("pk")
    >>> loader = DataLoader(queryset_dataset(orders, ["count", "total"], shuffle=1_000), batch_size=64)
    """
    data = import_torch().utils.data
    base: Any = data.IterableDataset
    make = convert if convert is not None else _to_tensor(columns)
    epochs = iter(range(1 << 62))

    class QuerySetDataset(base):  # type: ignore[misc] # untyped
        def __iter__(self) -> Iterator[Any]:
            worker = data.get_worker_info()
            number, count = (0, 1) if worker is None else (worker.id, worker.num_workers)
            if worker is not None:
                # The connection of the process that forked this one must not be used by both.
                connections[queryset.db].inc_thread_sharing()
                connections[queryset.db].connect()
            rows: Iterable[Any] = queryset.values_list(*columns).iterator(chunk_size=chunk_size)
            rows = islice(rows, number, None, count)
            return map(make, _shuffled(rows, shuffle, f"{seed} {next(epochs)} {number}"))

    return QuerySetDataset()


def _shuffled(rows: Iterable[Any], size: int, seed: str) -> Iterator[Any]:
    """Yield rows in another order: each is drawn from a buffer of the next ``size`` rows."""
    if size < 2:
        yield from rows
        return
    chance = random.Random(seed)  # noqa: S311 - no secret
    buffer: list[Any] = []
    for row in rows:
        if len(buffer) < size:
            buffer.append(row)
            continue
        place = chance.randrange(size)
        buffer[place], drawn = row, buffer[place]
        yield drawn
    chance.shuffle(buffer)
    yield from buffer


def _to_tensor(columns: Sequence[str]) -> Callable[[tuple[Any, ...]], Any]:
    torch = import_torch()

    def convert(row: tuple[Any, ...]) -> Any:
        try:
            return torch.tensor([float(each) for each in row], dtype=torch.float32)
        except (TypeError, ValueError):
            wrong = [
                f"{name}={value!r}"
                for name, value in zip(columns, row, strict=True)
                if not _is_number(value)
            ]
            raise ValueError(f"Not a number: {', '.join(wrong)}. Use convert=.") from None

    return convert


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True
