"""The models of the app: one that is code alone, and one that reads a file."""

import json
from typing import Annotated, Any

from ninja import Schema
from pydantic import Field

from django_matt.contrib.ml.served import Batch, Served
from django_matt.contrib.ml.tensors import Shape


class Echo(Served):
    name = "echo"

    class Input(Schema):
        text: str = Field(max_length=100)

    class Output(Schema):
        text: str

    def predict(self, items: list[Any]) -> list[Any]:
        return [self.Output(text=item.text) for item in items]

    def predict_stream(self, item: Any) -> Any:
        for letter in item.text:
            yield self.Output(text=letter)


class Linear(Served):
    """The product of the features with the weights of the file; without a file, their sum."""

    name = "linear"
    batch = Batch(size=8, deadline=30, queue_seconds=30)

    class Input(Schema):
        features: Annotated[list[float], Shape(3)]

    class Output(Schema):
        score: float
        version: str

    def load(self, device: str) -> None:
        self.weights = [1.0, 1.0, 1.0] if self.file is None else json.loads(self.file.read_text())

    def warm(self) -> list[Any]:
        return [self.Input(features=[1, 2, 3]), self.Input(features=[0, 0, 0.5])]

    def predict(self, items: list[Any]) -> list[Any]:
        return [
            self.Output(
                score=sum(x * w for x, w in zip(item.features, self.weights, strict=True)),
                version=self.version,
            )
            for item in items
        ]
