"""The same model behind LitServe, for ``benchmarks.ml``: batches of 32, which wait 2 ms. Its port is the argument."""

import os
import sys
from typing import Any

import litserve

from benchmarks.ml_application import MODELS, Features

__all__ = ["LitModel"]


class LitModel(litserve.LitAPI):  # type: ignore[misc] # not installed where types are checked
    """A served class in LitServe, as docs/ml.md shows it."""

    def setup(self, device: str) -> None:
        """Load the model."""
        import torch

        torch.set_num_threads(1)
        self.model = MODELS[os.environ["LIT_MODEL"]]()
        self.model.load("cpu")

    def decode_request(self, request):  # type: ignore[no-untyped-def] # LitServe reads an annotation as a schema
        """Validate the item."""
        return Features.model_validate(request)

    def predict(self, x: list[Any]) -> list[Any]:
        """Predict a batch."""
        return self.model.predict(x)

    def encode_response(self, output: Any) -> Any:
        """Return JSON."""
        return output.model_dump()


if __name__ == "__main__":
    api = LitModel(max_batch_size=32, batch_timeout=0.002)
    litserve.LitServer(api, accelerator="cpu", workers_per_device=1).run(
        host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="error"
    )
