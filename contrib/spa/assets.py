"""The tags that load the front end: those of its build, or those of Vite's development server."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.utils.safestring import SafeString, mark_safe

from django_matt.contrib.spa.errors import NotBuiltError
from django_matt.contrib.spa.settings import SpaSettings, dev_server, get_settings

if TYPE_CHECKING:
    from django_vite.core.asset_loader import DjangoViteAppClient  # type: ignore[import-untyped]

__all__ = ["base_url", "render_tags"]

_CLIENT = "@vite/client"
"""The module of Vite's server that replaces changed modules in an open page."""


def render_tags() -> SafeString:
    """Return the ``<script>`` and ``<link>`` elements of the front end; raise ``NotBuiltError`` if there is nothing to load."""
    options = get_settings()
    origin = dev_server()
    if origin:
        client = _client(options.manifest, origin, "", 0)
        names = (_CLIENT, options.ENTRY)
        # django-vite escapes the attributes.
        tags = "\n".join(str(client.generate_vite_asset(name)) for name in names)
        return mark_safe(tags)  # noqa: S308
    from django_vite.core.exceptions import (  # type: ignore[import-untyped]
        DjangoViteAssetNotFoundError,
    )

    base = base_url(options)
    if base is None:
        raise NotBuiltError(f"{options.output} is not below a folder of static files.")
    try:
        written = options.manifest.stat().st_mtime_ns
        tags = str(_client(options.manifest, "", base, written).generate_vite_asset(options.ENTRY))
        return mark_safe(tags)  # noqa: S308 - the same
    except (OSError, DjangoViteAssetNotFoundError):
        raise NotBuiltError(f"{options.manifest} has no build of {options.ENTRY}.") from None


def base_url(options: SpaSettings) -> str | None:
    """Return the URL below which ``OUTPUT`` is served, such as ``/static/front/``; None if it is not served."""
    if not apps.is_installed("django.contrib.staticfiles"):
        return None
    for finder in get_finders():
        for storage in getattr(finder, "storages", {}).values():
            folder = Path(getattr(storage, "location", "")).resolve()
            if options.output.is_relative_to(folder):
                parts = [getattr(storage, "prefix", "") or "", options.output.relative_to(folder)]
                path = "/".join(
                    str(part).strip("/") for part in parts if str(part) not in {"", "."}
                )
                return urljoin(f"{settings.STATIC_URL}", f"{path}/" if path else "")
    return None


@lru_cache(maxsize=4)
def _client(manifest: Path, origin: str, base: str, written: int) -> "DjangoViteAppClient":
    """Return django-vite's reader of one manifest; ``written`` makes it read again after a build."""
    from django_vite.core.asset_loader import DjangoViteAppClient, DjangoViteConfig

    class Client(DjangoViteAppClient):  # type: ignore[misc]
        def get_dev_server_url(self, path: str) -> str:
            # Vite's `base` is "/" while it serves, whatever STATIC_URL is.
            return f"{origin}/{path}"

        def get_production_server_url(self, path: str) -> str:
            # Not staticfiles_storage.url: with the manifest of collectstatic it would hash Vite's hashed name once
            # more. The chunks import the entry by Vite's name, and the browser would run it twice.
            return urljoin(base, path)

    config = DjangoViteConfig(dev_mode=bool(origin), manifest_path=manifest)
    return Client(config)
