"""``manage.py matt_types pull``: Ninja schemas, and drafts of Django models, from the types of a TypeScript file."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_matt.contrib.typescript.files import LOCK
from django_matt.contrib.typescript.pulling.definitions import Definitions
from django_matt.contrib.typescript.pulling.migrations import (
    MigrationError,
    app_label_of,
    make_migration,
)
from django_matt.contrib.typescript.pulling.models import write_models
from django_matt.contrib.typescript.pulling.records import Record, read_record, with_record
from django_matt.contrib.typescript.pulling.resolving import resolve
from django_matt.contrib.typescript.pulling.schemas import write_schemas
from django_matt.contrib.typescript.pulling.sources import load
from django_matt.contrib.typescript.pulling.syntax import Note, SourceError
from django_matt.contrib.typescript.pulling.targets import (
    Target,
    build,
    check_nothing,
    check_schemas,
    digests_of,
    target_path,
)
from django_matt.contrib.typescript.pulling.writes import restore, write_all
from django_matt.errors.exceptions import MissingExtra

__all__ = ["HELP", "add_arguments", "run"]

HELP = "Write Ninja schemas, and drafts of models, from TypeScript."


def add_arguments(parser: CommandParser) -> None:
    """Add the options."""
    parser.add_argument("file", metavar="FILE.ts", help="the TypeScript file")
    parser.add_argument(
        "--to", metavar="shop/schemas.py", help="the file to write; needed the first time"
    )
    parser.add_argument(
        "--models",
        action="store_true",
        help="also write drafts of models to models.py beside it, and their migration",
    )
    parser.add_argument("--dry-run", action="store_true", help="show the diff, and write nothing")
    parser.add_argument(
        "--prefer",
        choices=("python", "typescript"),
        help="for types that changed on both sides: keep the Python, or replace it",
    )


def run(command: BaseCommand, options: Mapping[str, Any]) -> None:
    """Read the file, merge its types into the Python files, and write these."""
    project = Path(getattr(settings, "BASE_DIR", None) or Path.cwd()).resolve()
    path = _file(options["file"], project)
    source = Path(os.path.relpath(path, project)).as_posix()
    record = read_record(project, source)
    given = options["to"] or record.to
    if not given:
        raise CommandError(
            f"Say where to write: matt_types pull {options['file']} --to shop/schemas.py"
        )
    to = target_path(given, project)
    shown = to.relative_to(project).as_posix()
    known = record if record.to == shown else Record()
    definitions, notes = _read(path)
    if not definitions.found:
        for note in notes:
            command.stderr.write(str(note), command.style.WARNING)
        raise CommandError(
            f"{source} declares no types that can be carried over. Nothing was written."
        )
    targets, more = _targets(definitions, to, project, known=known, source=source, options=options)
    for note in sorted({*notes, *more}):
        command.stderr.write(str(note), command.style.WARNING)
    conflicts = [(target, each) for target in targets for each in target.conflicts]
    for target, conflict in conflicts:
        command.stdout.write(conflict.show(target.shown, source) + "\n")
    if conflicts:
        names = ", ".join(each.name for _, each in conflicts)
        raise CommandError(
            f"Nothing was written, because of {names}. Edit the Python by hand and run the command again with "
            "--prefer python to keep it, or use --prefer typescript to replace it.",
            returncode=1,
        )
    if options["dry_run"]:
        for target in targets:
            command.stdout.write(target.diff(), ending="")
        return
    _write(command, targets, project, source, known)


def _file(given: str, project: Path) -> Path:
    """Return the TypeScript file; a relative path begins at the working directory, or at the project."""
    for folder in (Path.cwd(), project):
        path = (folder / given).resolve()
        if path.is_file():
            return path
    what = "is a folder" if Path(given).is_dir() else "does not exist"
    raise CommandError(f"{given} {what}. Name a TypeScript file, such as web/src/types.ts.")


def _read(path: Path) -> tuple[Definitions, list[Note]]:
    try:
        return resolve(load(path))
    except (SourceError, MissingExtra) as error:
        raise CommandError(f"{error}\nNothing was written.") from None
    except RecursionError:
        raise CommandError(
            f"{path.name}: the types are nested too deeply. Nothing was written."
        ) from None


def _targets(
    definitions: Definitions,
    to: Path,
    project: Path,
    *,
    known: Record,
    source: str,
    options: Mapping[str, Any],
) -> tuple[list[Target], list[Note]]:
    """Return the files with the new regions merged into them, and what these could not carry over."""
    wanted = [("schemas", to, write_schemas, check_schemas)]
    if options["models"]:
        wanted.append(("models", to.with_name("models.py"), write_models, check_nothing))
    targets: list[Target] = []
    notes: list[Note] = []
    for kind, path, write, check in wanted:
        texts, origins, found = write(definitions)
        notes += found
        target = build(
            path,
            path.relative_to(project).as_posix(),
            texts,
            digests_of(definitions, origins, texts),
            known=known.regions[kind],
            docstring=f"{kind.title()} of {Path(source).name}.",
            prefer=options["prefer"],
            check=check,
        )
        targets.append(target)
    return targets, notes


def _write(
    command: BaseCommand, targets: list[Target], project: Path, source: str, known: Record
) -> None:
    """Write the files, the record and the migration; all of them or none."""
    schemas, *models = targets
    regions = {
        "schemas": schemas.record,
        "models": models[0].record if models else known.regions["models"],
    }
    texts = {each.path: each.after for each in targets if each.changed}
    lock = with_record(project, source, Record(schemas.shown, regions))
    before = write_all({**texts, project / LOCK: lock})
    printed = ""
    if models and models[0].changed:
        label = app_label_of(models[0].path.parent)
        if label is None:
            printed = (
                f"{models[0].path.parent.name} is not in INSTALLED_APPS, so there is no migration yet. "
                "Add it, and run `python manage.py makemigrations`."
            )
        else:
            try:
                printed = make_migration(label, project)
            except MigrationError as fault:
                restore(before)
                raise CommandError(
                    f"Nothing was written, because makemigrations failed:\n{fault}"
                ) from None
    for target in targets:
        _report(command, target)
    if printed:
        command.stdout.write(printed)
    if any("serialize_by_alias" in each.python for each in schemas.record.values()):
        command.stdout.write(
            "Some fields have an alias. Give their routes or routers by_alias=True, so that responses have the names of "
            "TypeScript."
        )


def _report(command: BaseCommand, target: Target) -> None:
    if target.changed:
        count = len(target.record)
        names = f"{count} name{'s' if count != 1 else ''}"
        command.stdout.write(command.style.SUCCESS(f"Wrote {target.shown} ({names})"))
    else:
        command.stdout.write(f"{target.shown} is up to date.")
    for name in target.kept:
        command.stdout.write(f"{target.shown}: {name} was edited by hand, and stays as it is.")
