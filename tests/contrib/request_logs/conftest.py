"""A project that has the app and its middleware, asked by a sync and by an async client, and what it writes."""

import io
import json
import logging
import logging.config
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from django_matt.contrib.request_logs import logging_config

APP = "django_matt.contrib.request_logs"
MIDDLEWARE = f"{APP}.middleware.RequestLogMiddleware"


class Log:
    """What the project has written."""

    def __init__(self, stream: io.StringIO) -> None:
        self._stream = stream

    @property
    def lines(self) -> list[str]:
        return self._stream.getvalue().splitlines()

    @property
    def entries(self) -> list[dict[str, Any]]:
        """The lines as objects, with ``debug=False``."""
        return [json.loads(line) for line in self.lines]

    @property
    def requests(self) -> list[dict[str, Any]]:
        """Those of the requests alone."""
        return [entry for entry in self.entries if entry["logger"] == "django_matt.request"]


@pytest.fixture
def log_to() -> Iterator[Callable[..., Log]]:
    """Return ``log_to(debug=…, level=…)``: configure logging as a project does, with a stream in the place of stderr."""
    names = [None, *logging_config(debug=True)["loggers"]]
    kept = [(logging.getLogger(name), vars(logging.getLogger(name)).copy()) for name in names]
    for logger, state in kept:
        state["handlers"], state["filters"] = [*logger.handlers], [*logger.filters]

    def configure(*, debug: bool = False, level: str = "INFO") -> Log:
        stream = io.StringIO()
        config = logging_config(debug=debug, level=level)
        config["handlers"]["console"]["stream"] = stream
        logging.config.dictConfig(config)
        return Log(stream)

    yield configure
    for logger, state in kept:
        vars(logger).update(state)
        logger.manager._clear_cache()  # type: ignore[attr-defined]


@pytest.fixture(params=["sync", "async"])
def logged(
    request: Any, serve: Any, settings: Any, log_to: Callable[..., Log]
) -> Callable[..., tuple[Callable[..., Any], Log]]:
    """Return ``logged(api, debug=False, **options)``: ``ask(path, method="get", **headers)`` and the log."""

    def install(
        api: Any, *, debug: bool = False, level: str = "INFO", **options: Any
    ) -> tuple[Callable[..., Any], Log]:
        settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, APP]
        settings.MIDDLEWARE = [MIDDLEWARE, *settings.MIDDLEWARE]
        settings.MATT_REQUEST_LOGS = options
        client = serve(api)

        def ask(path: str, method: str = "get", cookies: Any = None, **headers: str) -> Any:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            asker: Any = client if request.param == "sync" else client.async_client
            asker.cookies.update(cookies or {})
            send = getattr(asker, method)
            if request.param == "async":
                send = async_to_sync(send)
            return send(f"/api{path}", headers=named)

        return ask, log_to(debug=debug, level=level)

    return install
