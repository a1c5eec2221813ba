"""One typed, frozen view of ``settings.MATT_HOT_RELOAD``."""

from dataclasses import dataclass

from django_matt.settings import read_settings

__all__ = ["HotReloadSettings", "get_settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HotReloadSettings:
    """The options of ``settings.MATT_HOT_RELOAD``, with their defaults.

    >>> HotReloadSettings().IN_PROCESS
    False
    """

    IN_PROCESS: bool = False
    """Patch edited function bodies into the running process, without a restart. Needs the extra ``hot-patch``."""
    WATCH: tuple[str, ...] = ()
    """Directories to watch besides the project's own."""
    IGNORE: tuple[str, ...] = ()
    """Names or paths of directories that are not watched, besides ``node_modules`` and others that never are."""


def get_settings() -> HotReloadSettings:
    """Return the project's settings; raise ``ImproperlyConfigured`` for an unknown name."""
    return read_settings(HotReloadSettings, "MATT_HOT_RELOAD")
