"""``matt_types docs``: the API's reference in Markdown."""

from collections.abc import Mapping
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_matt.contrib.typescript.documents import read_document
from django_matt.contrib.typescript.files import output_folder, write_files
from django_matt.contrib.typescript.reference import write_reference

__all__ = ["HELP", "add_arguments", "run"]

HELP: Final = (
    "Write the reference of the API in Markdown: an index, and a page for each group of routes."
)


def add_arguments(parser: CommandParser) -> None:
    """Add the options."""
    parser.add_argument("--api", help="The API, as shop.api:api; not needed if there is one.")
    parser.add_argument(
        "--output", default="docs/api", help="The folder, relative to BASE_DIR (default: docs/api)."
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="Write nothing; exit with 1 if a page is not up to date.",
    )


def run(command: BaseCommand, options: Mapping[str, Any]) -> None:
    """Write the pages, or check them."""
    folder = output_folder(options["output"])
    pages = write_reference(read_document(options["api"]))
    written = write_files(folder, pages, check=options["check"])
    stale = [*written.changed, *written.removed]
    if options["check"] and stale:
        raise CommandError(
            f"Not up to date: {', '.join(stale)}. Run manage.py matt_types docs, and commit the result."
        )
    if stale:
        command.stdout.write(f"Wrote {len(written.changed)}, removed {len(written.removed)}.")
    else:
        command.stdout.write("Everything is up to date.")
