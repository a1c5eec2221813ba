"""A ``Router`` that keeps what Ninja Extra's loses of Ninja's."""

from collections.abc import Callable
from typing import Any, get_args, get_origin, get_type_hints

from ninja import Router as NinjaRouter
from ninja.constants import NOT_SET
from ninja.responses import Status
from ninja_extra.router import Router as NinjaExtraRouter

__all__ = ["Router"]


class Router(NinjaExtraRouter):
    """Ninja Extra's router with Ninja's ``by_alias`` and ``exclude_*``, ``Status[…]`` and ``decorate_view``.

    It takes the keywords of ``ninja.Router``:

    >>> from ninja import Schema
    >>> router = Router(by_alias=True, tags=["shop"])
    >>> router.by_alias
    True
    """

    def __init__(self, **options: Any) -> None:
        """Take every keyword of ``ninja.Router``."""
        NinjaRouter.__init__(self, **options)
        self.path_operations = {}

    def add_api_operation(
        self, path: str, methods: list[str], view_func: Callable[..., Any], **options: Any
    ) -> None:
        """Add an operation; the router's own export options hold where the route names none."""
        if options.get("response", NOT_SET) is NOT_SET:
            hint = get_type_hints(view_func, include_extras=True).get("return")
            if get_origin(hint) is Status:
                options["response"] = get_args(hint)[0]
        for option in ("by_alias", "exclude_unset", "exclude_defaults", "exclude_none"):
            if options.get(option) is None:
                options[option] = getattr(self, option)
        super().add_api_operation(path, methods, view_func, **options)
        view_func._ninja_operation = self.path_operations[path].operations[-1]  # type: ignore[attr-defined]
