"""A served model in Ray Serve, as docs/ml.md shows it: ``python -m tests.contrib.ml.ray_application PORT``."""

import sys
from typing import Any

import ray  # type: ignore[import-not-found]
from ray import serve  # type: ignore[import-not-found]

__all__ = ["RayLinear"]


@serve.deployment
class RayLinear:
    """The model in an actor of Ray; a project's ``Served`` class needs its settings there."""

    def __init__(self) -> None:
        import django

        django.setup()
        from tests.contrib.ml.shelf.served import Linear

        self.model = Linear()
        self.model.load("cpu")
        self.largest = 0

    @serve.batch(max_batch_size=32, batch_wait_timeout_s=0.05)
    async def predict(self, items: list[Any]) -> Any:
        """Predict what has arrived."""
        self.largest = max(self.largest, len(items))
        return self.model.predict(items)

    async def __call__(self, request: Any) -> Any:
        """Answer one request of Starlette."""
        item = self.model.Input.model_validate(await request.json())
        answer = await self.predict(item)
        return {**answer.model_dump(), "largest": self.largest}


if __name__ == "__main__":
    ray.init(num_cpus=2, include_dashboard=False, object_store_memory=100_000_000)
    serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])})
    serve.run(RayLinear.bind(), route_prefix="/", blocking=True)
