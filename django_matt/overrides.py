"""Lets existing APIs follow ``override_settings(MATT=…)``: what depends on the settings is decided again."""

from typing import Any
from weakref import WeakSet

from django.core.signals import setting_changed

from django_matt.formats.negotiation import FormatSet
from django_matt.settings import MattSettings, get_settings

__all__ = ["follow_settings"]

_DECIDES = ("TIER", "FORMATS", "MAX_PAGE_SIZE", "MAX_OFFSET")
"""The options that are looked at when an operation is bound; all others are read where they are used."""

_following: WeakSet[Any] = WeakSet()


def follow_settings(api: Any) -> None:
    """Let a new or copied API follow the settings from now on."""
    _following.add(api)


def _decided(settings: MattSettings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in _DECIDES}


def _follow(*, setting: str, **_: Any) -> None:
    if setting != "MATT":
        return
    for api in list(_following):
        before, now = api._settings, get_settings()
        if before == now:
            continue
        api._settings = now
        if api.formats is api._formats_of_settings and before.FORMATS != now.FORMATS:
            api.formats = api._formats_of_settings = FormatSet()
        for forget in api.forgets_settings:
            forget()
        if _decided(before) != _decided(now):
            _bind_again(api)


def _bind_again(api: Any) -> None:
    for router in api._bound or ():
        for view in router.path_operations.values():
            for operation in view.operations:
                binding = getattr(operation, "_matt_binding", None)
                if binding is not None:
                    binding.forget()


# After the receiver of django_matt.settings, which forgets the settings that were read.
setting_changed.connect(_follow)
