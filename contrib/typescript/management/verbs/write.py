"""``manage.py matt_types write``: types of the API's document, and a client, into a folder of the front end."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_matt.contrib.typescript import (
    clients,
    declarations,
    enums,
    interfaces,
    queries,
    validators,
)
from django_matt.contrib.typescript.documents import Document, read_document
from django_matt.contrib.typescript.errors import TypesError
from django_matt.contrib.typescript.files import Written, output_folder, write_files
from django_matt.contrib.typescript.settings import TypeScriptSettings, get_settings

__all__ = ["EMITTERS", "HELP", "add_arguments", "run", "write_types"]

HELP = "Write TypeScript types and a client from the API."

Emitter = Callable[[Document, TypeScriptSettings], dict[str, str]]
EMITTERS: tuple[Emitter, ...] = (
    declarations.emit,
    enums.emit,
    interfaces.emit,
    clients.emit,
    queries.emit,
    validators.emit,
)
"""Each returns the texts of its files by name; no two write the same file."""


def add_arguments(parser: CommandParser) -> None:
    """Add the options; those that are not given are those of ``settings.MATT_TYPESCRIPT``."""
    parser.add_argument("--api", help="shop.api:api, or the urls_namespace of the API")
    parser.add_argument("--output", help="the folder to write to, such as web/src/api")
    parser.add_argument(
        "--media", choices=("json", "all"), help="type JSON bodies only, or those of every format"
    )
    parser.add_argument("--dates", choices=("string", "temporal"), help="how dates are typed")
    parser.add_argument("--decimals", choices=("string", "brand"), help="how decimals are typed")
    parser.add_argument(
        "--include",
        action="append",
        metavar="NAME",
        help="also write the interface of a Django model (shop.Order), of all models of an app (shop), or of a schema"
        " (shop.events.OrderPlaced); can be repeated",
    )
    parser.add_argument("--react", action="store_true", default=None, help="write TanStack hooks")
    parser.add_argument("--zod", action="store_true", default=None, help="write zod schemas")
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; exit with 1 if a file is not up to date",
    )


def run(command: BaseCommand, options: Mapping[str, Any]) -> None:
    """Write the files, and name those that changed."""
    chosen = _chosen(options)
    folder = output_folder(chosen.OUTPUT)
    written = write_types(chosen, check=options["check"])
    here = Path.cwd()
    shown = folder.relative_to(here) if folder.is_relative_to(here) else folder
    changed, removed = (
        ("is not up to date", "is not needed") if options["check"] else ("written", "removed")
    )
    for name in written.changed:
        command.stdout.write(f"{shown / name}: {changed}")
    for name in written.removed:
        command.stdout.write(f"{shown / name}: {removed}")
    if not written.stale:
        command.stdout.write(f"{shown}: up to date")
    elif options["check"]:
        raise CommandError("Run manage.py matt_types write, and commit the files.", returncode=1)


def write_types(options: TypeScriptSettings, *, check: bool = False) -> Written:
    """Write all files for ``options``. Raises ``TypesError``, and then nothing is written."""
    folder = output_folder(options.OUTPUT)
    document = read_document(options.API)
    files: dict[str, str] = {}
    for emit in EMITTERS:
        files |= emit(document, options)
    return write_files(folder, files, check=check)


def _chosen(options: Mapping[str, Any]) -> TypeScriptSettings:
    """Return the settings with the options that were given."""
    try:
        found = get_settings()
    except ImproperlyConfigured as error:
        raise TypesError(str(error)) from None
    names = [field.name for field in fields(TypeScriptSettings)]
    given = {name: options[name.lower()] for name in names if options.get(name.lower()) is not None}
    if "INCLUDE" in given:
        given["INCLUDE"] = tuple(given["INCLUDE"])
    return replace(found, **given)
