"""A served model: loaded when the server starts, freed when it ends, asked by a route, watched by the health check."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from django.apps import AppConfig
from django.http import HttpRequest

from django_matt import MattAPI, Schema
from django_matt.errors.problems import ErrorResponse


class NotLoaded(Exception):
    """What the library of a model raises before it has its weights."""


class Prediction(Schema):
    label: str


class ModelServerConfig(AppConfig):
    name = "tests.apps.model_server"
    model: Callable[[str], str] | None = None

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        self.model = lambda text: "question" if text.endswith("?") else "statement"
        try:
            yield
        finally:
            self.model = None

    def health_checks(self) -> Mapping[str, Callable[[], object]]:
        return {"model": lambda: self.predict("ready?")}

    def predict(self, text: str) -> str:
        if self.model is None:
            raise NotLoaded
        return self.model(text)

    def extend(self, api: MattAPI) -> None:
        @api.get("/predictions", response=Prediction)
        def predict(request: HttpRequest, text: str) -> dict[str, str]:
            return {"label": self.predict(text)}

        @api.get("/async-predictions", response=Prediction)
        async def predict_async(request: HttpRequest, text: str) -> dict[str, str]:
            return {"label": self.predict(text)}

        def not_loaded(request: HttpRequest, exc: NotLoaded) -> ErrorResponse:
            return ErrorResponse(
                status=503,
                detail="The model is being loaded.",
                code="not_loaded",
                headers={"Retry-After": "5"},
            )

        api.register_error(NotLoaded, not_loaded, hint="Start the server by `django_matt.asgi`.")
