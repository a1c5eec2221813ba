"""Trains a network on the order lines of the shop."""

from collections.abc import Callable
from typing import Any

from django.db.models import F, FloatField, QuerySet
from django.db.models.functions import Cast, Coalesce
from store.models import Order, OrderLine

from django_matt.contrib.ml.datasets import queryset_dataset
from django_matt.contrib.ml.exports import register_module
from django_matt.contrib.ml.models import Model

__all__ = ["FEATURES", "select_lines", "train"]

FEATURES = ("price", "weight")


def select_lines() -> "QuerySet[Any]":
    """Return the lines of orders that were not cancelled, with the features of their products."""
    return (
        OrderLine.objects.exclude(order__status=Order.Status.CANCELLED)
        .annotate(
            price=Cast("unit_price", FloatField()),
            weight=Coalesce(F("product__weight"), 0.0),
        )
        .order_by("pk")
    )


def train(version: str, epochs: int, tell: Callable[[str], object]) -> Model:
    """Train on all lines, and register the network as the live version of ``quantity``."""
    import torch
    from torch.utils.data import DataLoader

    torch.manual_seed(1)
    network = torch.nn.Sequential(
        # Prices and weights have no bound; the logarithm of one more than them is of the size that networks like.
        Logarithm(),
        torch.nn.Linear(len(FEATURES), 16),
        torch.nn.ReLU(),
        torch.nn.Linear(16, 1),
    )
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    rows = queryset_dataset(select_lines(), [*FEATURES, "quantity"], shuffle=1_000)
    for epoch in range(1, epochs + 1):
        losses = []
        for batch in DataLoader(rows, batch_size=64):
            loss = torch.nn.functional.mse_loss(network(batch[:, :-1]), batch[:, -1:])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        if not losses:
            raise ValueError("The shop has no orders to learn from: run load_demo.")
        tell(f"epoch {epoch}: loss {sum(losses) / len(losses):.3f}")
    return register_module(
        "quantity", version, network, torch.zeros(2, len(FEATURES)), stage="live"
    )


def Logarithm() -> Any:  # noqa: N802 - a layer, as torch names them
    """Return a layer with the logarithm of one more than each number."""
    import torch

    class Layer(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return torch.log1p(x)

    return Layer()
