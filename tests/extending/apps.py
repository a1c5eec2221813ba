"""The app's configuration."""

from typing import Any

from django.apps import AppConfig

from django_matt import ControllerBase, MattAPI, api_controller, http_get


@api_controller("/extended", auto_import=False)
class ExtendedController(ControllerBase):
    @http_get("")
    def extended(self) -> dict[str, str]:
        return {"by": "the app"}


class ExtendingConfig(AppConfig):
    """Satisfies ``ExtendsAPI``."""

    name = "tests.extending"
    label = "matt_extending"

    def extend(self, api: MattAPI) -> None:
        api.register_controllers(ExtendedController)

        def add_scheme(document: dict[str, Any]) -> None:
            schemes = document["components"].setdefault("securitySchemes", {})
            schemes["Extended"] = {"type": "http", "scheme": "bearer"}

        api.add_openapi(add_scheme)
