"""An API whose routes raise what the test hands over."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from django_matt import MattAPI


@pytest.fixture(params=["sync", "async"])
def raising(request: pytest.FixtureRequest, serve: Any) -> Callable[..., Any]:
    """Return ``raising(make, **options)``: GET and POST /api/it run ``make()`` in a sync or an async view."""

    def mount(make: Callable[[], Any], **options: Any) -> SimpleNamespace:
        api = MattAPI(**options)

        if request.param == "sync":

            @api.api_operation(["GET", "POST"], "/it")
            def it(request):
                return make()

        else:

            @api.api_operation(["GET", "POST"], "/it")
            async def it_async(request):
                return make()

        client = serve(api)
        return SimpleNamespace(
            api=api,
            client=client,
            get=lambda **headers: client.get("/api/it", headers=headers),
            post=lambda **headers: client.post("/api/it", headers=headers),
        )

    return mount


def raises(exc: BaseException) -> Callable[[], Any]:
    """Return a function that raises ``exc``."""

    def make() -> Any:
        raise exc

    return make
