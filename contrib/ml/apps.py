"""The app's configuration."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from django.apps import AppConfig
from django.core.checks import register

from django_matt.metrics import Metric

__all__ = ["MLConfig"]


class MLConfig(AppConfig):
    """Add ``"django_matt.contrib.ml"`` to ``INSTALLED_APPS``."""

    name = "django_matt.contrib.ml"
    label = "matt_ml"
    verbose_name = "Django Matt: models of machine learning"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks."""
        from django_matt.contrib.ml import checks

        register(checks.check_settings, "matt")
        register(checks.check_served, "matt")
        register(checks.check_threads, "matt")

    def extend(self, api: Any) -> None:
        """Add the routes of each model, and those of the Open Inference Protocol if the settings have a path for them."""
        from django_matt.contrib.ml.controllers import make_router
        from django_matt.contrib.ml.fleets import find_served
        from django_matt.contrib.ml.open_inference import make_open_inference_router
        from django_matt.contrib.ml.settings import get_settings

        options, classes = get_settings(), find_served()
        if options.PATH is not None:
            for kind in classes.values():
                api.add_router(options.PATH, make_router(kind, options))
        if options.OPEN_INFERENCE is not None:
            api.add_router(options.OPEN_INFERENCE, make_open_inference_router(options))

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Load and warm up the models when the server starts, and free them when it ends."""
        from django_matt.contrib.ml.fleets import current_fleet

        fleet = current_fleet()
        await asyncio.to_thread(fleet.start_in_thread)
        try:
            yield
        finally:
            await asyncio.to_thread(fleet.close)

    def metrics(self) -> Iterable[Metric]:
        """Return what the models of this process have done, by model, stage and version."""
        from django_matt.contrib.ml.measurements import read_metrics

        return read_metrics()

    def health_checks(self) -> Mapping[str, Callable[[], object]]:
        """Return the check ``models``, which fails if a model does not answer."""
        from django_matt.contrib.ml.fleets import current_fleet

        return {"models": lambda: current_fleet().check()}
