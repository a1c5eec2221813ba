"""``matt_types diff``: what changed since a stored document, and what breaks clients."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from django_matt.contrib.typescript.changes import compare
from django_matt.contrib.typescript.changes.changelog import add_entry
from django_matt.contrib.typescript.changes.model_changes import find_model_changes
from django_matt.contrib.typescript.changes.notifications import check_target, notify
from django_matt.contrib.typescript.changes.reports import FORMATS, Report, fails
from django_matt.contrib.typescript.changes.sources import Base, check_same_api, read_base
from django_matt.contrib.typescript.changes.versions import is_new_version
from django_matt.contrib.typescript.documents import read_document
from django_matt.contrib.typescript.errors import TypesError
from django_matt.contrib.typescript.files import replace_files

__all__ = ["HELP", "add_arguments", "run"]

HELP: Final = "Name what changed in the API since a stored document, and what breaks clients."


def add_arguments(parser: CommandParser) -> None:
    """Add the options."""
    parser.add_argument("--api", help="The API, as shop.api:api; not needed if there is one.")
    parser.add_argument(
        "--base",
        metavar="FILE|REV",
        help="A document, or a git revision that has one. Default: the stored document.",
    )
    parser.add_argument(
        "--document",
        default="openapi.json",
        metavar="FILE",
        help="Where the document is stored, relative to BASE_DIR (default: openapi.json).",
    )
    parser.add_argument(
        "--save", action="store_true", help="Store the document of today afterwards."
    )
    parser.add_argument("--format", choices=sorted(FORMATS), default="text")
    parser.add_argument(
        "--fail-on",
        choices=["breaking", "warning", "any"],
        default="breaking",
        help="What makes the command exit with 1 (default: breaking).",
    )
    parser.add_argument(
        "--write-changelog",
        nargs="?",
        const="docs/api-changelog.md",
        metavar="FILE",
        help="Add the changes to a page, relative to BASE_DIR (default: docs/api-changelog.md).",
    )
    parser.add_argument(
        "--notify",
        action="append",
        default=[],
        metavar="admins|MAIL|URL",
        help="Send the report if anything changed; may be repeated.",
    )


def run(command: BaseCommand, options: Mapping[str, Any]) -> None:
    """Compare, print the report, and exit with 1 if something fails; with 2 if nothing could be compared."""
    try:
        failed = _run(command, options)
    except RecursionError:
        raise CommandError("A schema is nested too deeply to be compared.", returncode=2) from None
    except (TypesError, OSError) as error:
        raise CommandError(str(error), returncode=2) from error
    if failed:
        raise CommandError(failed, returncode=1)


def _run(command: BaseCommand, options: Mapping[str, Any]) -> str:
    for target in options["notify"]:
        check_target(target)
    document = read_document(options["api"]).openapi
    stored = _in_project(options["document"])
    if options["save"] and options["base"] is None and not stored.exists():
        _save(command, stored, document)
        return ""
    base = read_base(options["base"], stored)
    check_same_api(base, document)
    report = _report(base, document)
    command.stdout.write(FORMATS[options["format"]](report), ending="")
    if options["write_changelog"]:
        _write_changelog(command, _in_project(options["write_changelog"]), report, base)
    if options["save"]:
        _save(command, stored, document)
    undelivered = _notify(options["notify"], report)
    if fails(report, options["fail_on"]):
        return "\n".join([report.headline, *undelivered])
    if undelivered:
        raise TypesError("\n".join(undelivered))
    return ""


def _report(base: Base, document: Mapping[str, Any]) -> Report:
    old, new = base.document.get("info") or {}, document.get("info") or {}
    versions = str(old.get("version", "")), str(new.get("version", ""))
    return Report(
        title=str(new.get("title", "")),
        old_version=versions[0],
        version=versions[1],
        base=base.source,
        changes=compare(base.document, document),
        models=find_model_changes(base.revision),
        new_version=is_new_version(*versions),
    )


def _notify(targets: list[str], report: Report) -> list[str]:
    """Send the report to each target, if anything changed; return why some did not get it."""
    undelivered: list[str] = []
    for target in targets if report.changes or report.models else ():
        try:
            notify(target, report)
        except TypesError as error:
            undelivered.append(str(error))
    return undelivered


def _in_project(path: str) -> Path:
    return Path(getattr(settings, "BASE_DIR", None) or Path.cwd()).resolve() / path


def _save(command: BaseCommand, stored: Path, document: Mapping[str, Any]) -> None:
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if not stored.exists() or stored.read_bytes() != text.encode():
        replace_files(stored.parent, {stored.name: text})
        command.stderr.write(f"Stored {stored.name}.")


def _write_changelog(command: BaseCommand, path: Path, report: Report, base: Base) -> None:
    page = path.read_text(encoding="utf-8") if path.exists() else None
    written = add_entry(page, report, base.document, timezone.localdate())
    if written != page:
        replace_files(path.parent, {path.name: written})
        command.stderr.write(f"Wrote {path.name}.")
