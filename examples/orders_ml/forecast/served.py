"""The model: how many of a product a customer orders at once."""

from typing import Any

from ninja import Schema
from pydantic import Field

from django_matt.contrib.ml.files import open_exported
from django_matt.contrib.ml.served import Batch, Served
from forecast.training import FEATURES

__all__ = ["Quantity"]


class Quantity(Served):
    """Reads the file that ``manage.py train`` has registered."""

    name = "quantity"
    batch = Batch(size=64, deadline=5)

    class Input(Schema):
        """A product."""

        price: float = Field(ge=0, le=1_000_000)
        weight: float = Field(default=0, ge=0, le=100_000, description="kilograms")

    class Output(Schema):
        """A number of pieces."""

        quantity: float

    def load(self, device: str) -> None:
        """Open the exported network."""
        self.device, self.network = device, open_exported(self.file, device)

    def warm(self) -> list[Any]:
        """Return products of several prices."""
        return [self.Input(price=price, weight=price / 10) for price in (1, 10, 100)]

    def predict(self, items: list[Any]) -> list[Any]:
        """Predict the quantities of products at once."""
        import torch

        rows = [[getattr(item, name) for name in FEATURES] for item in items]
        with torch.inference_mode():
            found = self.network(torch.tensor(rows, device=self.device))
        return [self.Output(quantity=max(0.0, each)) for each in found[:, 0].tolist()]
