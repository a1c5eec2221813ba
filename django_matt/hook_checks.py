"""The system checks of hooks that fail: at a request that no operation takes, and in the OpenAPI document."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's name

from django_matt.discovery import find_apis
from django_matt.hooks import OperationHook

__all__ = ["check_hooks"]

_DESCRIBING = ("describe", "error_statuses")


@register("matt")
def check_hooks(**_: Any) -> list[CheckMessage]:
    """Report a hook that failed and is therefore not called for unknown URLs, or missing in the OpenAPI document."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return []
    found: list[CheckMessage] = []
    for api in {id(each): each for each, _ in find_apis()}.values():
        problems: list[str] = getattr(api, "hook_problems", [])
        found += [
            Error(f"{problem}.", hint="Fix its bind_unmatched().", id="matt.E006")
            for problem in problems
        ]
        if any(map(_describes, getattr(api, "hooks", ()))):
            # Only the document knows. It is not built for an API whose hooks do not describe.
            document: Any = api.get_openapi_schema(path_prefix="")
            found += [
                Warning(f"{problem}.", hint="Fix that method of the hook.", id="matt.W009")
                for problem in getattr(document, "hook_problems", ())
            ]
    return found


def _describes(hook: type[OperationHook]) -> bool:
    return any(getattr(hook, name) is not getattr(OperationHook, name) for name in _DESCRIBING)
