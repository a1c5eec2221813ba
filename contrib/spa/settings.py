"""One typed, frozen view of ``settings.MATT_SPA``, and the address of the development server."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from django_matt.settings import read_settings

__all__ = ["DEV_SERVER", "ORIGIN", "VITE", "SpaSettings", "dev_server", "get_settings"]

DEV_SERVER = "MATT_SPA_DEV_SERVER"
"""The environment variable with the origin of Vite's server. ``manage.py matt_spa dev`` sets it for ``runserver``."""
VITE = (
    "vite/bin/vite.js",
    *("--host", "localhost", "--port", "{port}", "--strictPort", "--clearScreen", "false"),
)
"""Vite's development server, as ``DEV`` has it."""
ORIGIN = re.compile(r"https?://(\[[0-9a-f:]+\]|[a-z0-9.-]+)(:[0-9]{1,5})?")
"""An origin as browsers send it: scheme, host and port, in lower case, without a path (RFC 6454, 6.2)."""

_FILE = re.compile(r"[^/\\?#]+(/[^/\\?#]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaSettings:
    """The options of ``settings.MATT_SPA``, with their defaults. A relative path begins at ``BASE_DIR``.

    >>> SpaSettings().ENTRY
    'src/main.tsx'
    """

    ROOT: str | os.PathLike[str] = "front"
    """The folder with ``package.json`` and ``vite.config.ts``."""
    OUTPUT: str | os.PathLike[str] = "static/front"
    """Vite's ``build.outDir``. It must be below a folder that ``staticfiles`` serves."""
    ENTRY: str = "src/main.tsx"
    """The first module, relative to ``ROOT``, as in ``build.rolldownOptions.input``."""
    SERVER: str = ""
    """What ``npm run build`` writes for Node to run, relative to ``ROOT``, such as ``"dist/server/entry.mjs"``.

    With it, Node renders the pages, and a proxy joins both servers to one site. Django serves no page, so ``OUTPUT`` and
    ``ENTRY`` are not used.
    """
    DEV: tuple[str, ...] = VITE
    """The development server: a script below ``node_modules``, then its arguments. ``{port}`` is replaced by the port."""
    ORIGINS: tuple[str, ...] = ()
    """Other origins whose pages use the sessions of this site, such as a front end on another port. They are checked only."""

    @property
    def root(self) -> Path:
        """The absolute path of ``ROOT``."""
        return _base() / self.ROOT

    @property
    def output(self) -> Path:
        """The absolute path of ``OUTPUT``."""
        return _base() / self.OUTPUT

    @property
    def manifest(self) -> Path:
        """Where Vite writes its manifest, with ``build.manifest`` on."""
        return self.output / ".vite/manifest.json"

    @property
    def built(self) -> Path:
        """What a build writes: the file that Node runs, or the manifest of a page that Django serves."""
        return self.root / self.SERVER if self.SERVER else self.manifest

    @property
    def dev_script(self) -> Path:
        """The script of the development server."""
        return self.root / "node_modules" / self.DEV[0]


def _base() -> Path:
    return Path(getattr(settings, "BASE_DIR", ".")).resolve()


def get_settings() -> SpaSettings:
    """Return the project's settings; raise ``ImproperlyConfigured`` for an unknown option or an invalid value."""
    found = read_settings(SpaSettings, "MATT_SPA")
    for name in ("ROOT", "OUTPUT"):
        value = getattr(found, name)
        if not isinstance(value, (str, os.PathLike)) or not str(value):
            raise ImproperlyConfigured(
                f"settings.MATT_SPA[{name!r}] is {value!r}; it must be the path of a folder."
            )
    for name in ("ENTRY", "SERVER"):
        value = getattr(found, name)
        is_left_out = name == "SERVER" and value == ""
        if not isinstance(value, str) or not (_FILE.fullmatch(value) or is_left_out):
            raise ImproperlyConfigured(
                f"settings.MATT_SPA[{name!r}] is {value!r}; it must be the path of a file below ROOT."
            )
    if (
        isinstance(found.DEV, str)
        or not found.DEV
        or not all(isinstance(each, str) for each in found.DEV)
    ):
        raise ImproperlyConfigured(
            f'settings.MATT_SPA["DEV"] is {found.DEV!r}; it must be a list: a script below node_modules, and its arguments.'
        )
    if isinstance(found.ORIGINS, str) or not all(
        isinstance(each, str) and ORIGIN.fullmatch(each) for each in found.ORIGINS
    ):
        raise ImproperlyConfigured(
            f'settings.MATT_SPA["ORIGINS"] is {found.ORIGINS!r}; it must be a list of origins, '
            "such as https://app.example.com: scheme, host and port, without a path."
        )
    return found


def dev_server() -> str:
    """Return the origin of Vite's server, such as ``http://localhost:5173``; empty without DEBUG, whatever is set.

    Raises ``ImproperlyConfigured`` for a value that is not an origin.
    """
    origin = os.environ.get(DEV_SERVER, "") if settings.DEBUG else ""
    if origin and not ORIGIN.fullmatch(origin):
        raise ImproperlyConfigured(
            f"{DEV_SERVER} is {origin!r}; it must be an origin, such as http://localhost:5173."
        )
    return origin
