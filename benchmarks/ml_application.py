"""What ``benchmarks.ml`` serves: one model behind one route, one item at a time or in batches, under WSGI or ASGI.

The environment chooses: ``ML_MODEL`` (``mlp``, ``transformer``), ``ML_WAY`` (``single``, ``batched``, ``remote``), ``ML_LANE`` (``wsgi``,
``asgi``). With ``remote``, batches are sent to another process at ``ML_REMOTE``.
"""

import os
import sys
import threading
import time
from contextlib import ExitStack
from typing import Annotated, Any

import django
import numpy as np
from django.conf import settings

WIDTH = 64

if not settings.configured:
    settings.configure(
        SECRET_KEY="only-for-benchmarks",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "ninja_extra",
            "django_matt",
            "django_matt.contrib.ml",
        ],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        MATT_ML={
            "THREADS": 1,
            "ASYNC": os.environ.get("ML_LANE") == "asgi",
            "OPEN_INFERENCE": "/v2",
        },
    )
    django.setup()

from django.urls import path  # noqa: E402
from ninja import Schema  # noqa: E402

from django_matt import MattAPI  # noqa: E402
from django_matt.contrib.ml.fleets import serving  # noqa: E402
from django_matt.contrib.ml.remotes import Remote  # noqa: E402
from django_matt.contrib.ml.served import Batch, Served  # noqa: E402
from django_matt.contrib.ml.tensors import Shape  # noqa: E402


class Features(Schema):
    """The input."""

    features: Annotated[list[float], Shape(WIDTH)]


class Score(Schema):
    """The output."""

    score: float


class MLP(Served):
    """Two layers of 1,024 numbers: 1.1 million parameters, by torch if it is there, else by numpy."""

    name = "mlp"
    batch = Batch(size=32, queue_seconds=0.5, deadline=10)
    Input, Output = Features, Score

    def load(self, device: str) -> None:
        """Make the network."""
        if "torch" in sys.modules:
            import torch

            torch.manual_seed(1)
            self.module = torch.nn.Sequential(
                torch.nn.Linear(WIDTH, 1024), torch.nn.ReLU(), torch.nn.Linear(1024, 1024),
                torch.nn.ReLU(), torch.nn.Linear(1024, 1),
            ).eval()  # fmt: skip
            return
        chance = np.random.default_rng(1)
        shapes = [(WIDTH, 1024), (1024, 1024), (1024, 1)]
        layers = [chance.standard_normal(shape, np.float32) / 32 for shape in shapes]

        def module(x: Any) -> Any:
            for layer in layers[:-1]:
                x = np.maximum(x @ layer, 0)
            return x @ layers[-1]

        self.module: Any = module

    def warm(self) -> list[Any]:
        """Return one item."""
        return [Features(features=[0.5] * WIDTH)]

    def predict(self, items: list[Any]) -> list[Any]:
        """Return the scores."""
        rows = [item.features for item in items]
        if "torch" in sys.modules:
            import torch

            with torch.inference_mode():
                found = self.module(torch.tensor(rows))
        else:
            found = self.module(np.array(rows, np.float32))
        return [Score(score=score) for score in found.reshape(-1).tolist()]


class Transformer(MLP):
    """Four layers over 8 tokens of 192 numbers, made of the features: 1.8 million parameters. It needs torch."""

    name = "transformer"

    def load(self, device: str) -> None:
        """Make the network."""
        import torch

        torch.manual_seed(1)
        layer = torch.nn.TransformerEncoderLayer(192, 4, 768, batch_first=True)
        self.module = torch.nn.Sequential(
            torch.nn.Unflatten(1, (8, WIDTH // 8)), torch.nn.Linear(WIDTH // 8, 192),
            torch.nn.TransformerEncoder(layer, 4, enable_nested_tensor=False),
            torch.nn.Flatten(), torch.nn.Linear(8 * 192, 1),
        ).eval()  # fmt: skip


class Slow(MLP):
    """Waits instead of computing, as a GPU lets its process do: 30 ms, and 1 ms per item. The server is faster than it."""

    name = "slow"

    def load(self, device: str) -> None:
        """Make nothing."""

    def predict(self, items: list[Any]) -> list[Any]:
        """Wait."""
        time.sleep(0.03 + 0.001 * len(items))
        return [Score(score=0.0) for _ in items]


MODELS = {each.name: each for each in (MLP, Transformer, Slow)}


def _make_remote(kind: Any) -> Any:
    """Return the same model, whose batches are predicted by another process."""

    class Elsewhere(kind):  # type: ignore[misc] # a class that is chosen at start
        def load(self, device: str) -> None:
            types = {"features": "FP32"}
            self.remote = Remote(
                os.environ["ML_REMOTE"], kind.name, Features, Score,
                binary=True, datatypes=types, timeout=30,
            )  # fmt: skip

        def predict(self, items: list[Any]) -> list[Any]:
            return self.remote.infer(items)

    return Elsewhere


api = MattAPI()
urlpatterns: list[Any] = []
_served = ExitStack()


def make_application() -> Any:
    """Load the model, and return what the server calls."""
    kind = MODELS[os.environ["ML_MODEL"]]
    if os.environ["ML_WAY"] == "remote":
        kind = _make_remote(kind)
    elif os.environ.get("ML_TORCH"):
        __import__("torch")
    _served.enter_context(serving(kind))
    if os.environ["ML_WAY"] == "single":
        _add_single(kind)
    urlpatterns.append(path("", api.urls))
    if os.environ["ML_LANE"] == "wsgi":
        from django_matt.wsgi import get_wsgi_application

        return get_wsgi_application()
    from django_matt.asgi import get_asgi_application

    return get_asgi_application()


def _add_single(kind: Any) -> None:
    """Add the route that predicts each item alone, as a view without this app does."""
    model, lock = kind(), threading.Lock()
    model.load("cpu")

    if os.environ["ML_LANE"] == "wsgi":

        @api.post("/single", response=Score)
        def single(request: Any, item: Features) -> Any:
            with lock:
                return model.predict([item])[0]

    else:

        @api.post("/single", response=Score)
        async def single_async(request: Any, item: Features) -> Any:
            return model.predict([item])[0]


if "ML_MODEL" in os.environ:
    application = make_application()
