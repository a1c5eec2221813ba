"""What was pulled, in the ``pull`` section of ``.matt-types.json``: both sides of each type, to see which one changed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from django_matt.contrib.typescript.files import LOCK, read_lock
from django_matt.contrib.typescript.pulling.regions import Pulled

__all__ = ["Record", "read_record", "with_record"]

KINDS = ("schemas", "models")


@dataclass(slots=True)
class Record:
    """Of one TypeScript file: where its types went, and each region of ``schemas`` and of ``models``."""

    to: str = ""
    regions: dict[str, dict[str, Pulled]] = field(
        default_factory=lambda: {kind: {} for kind in KINDS}
    )


def read_record(project: Path, source: str) -> Record:
    """Return the record of a TypeScript file, empty if it was never pulled. Raises ``CommandError``."""
    found = _read(project).get("pull", {}).get(source)
    if found is None:
        return Record()
    try:
        regions = {
            kind: {
                name: Pulled("\n".join(each["python"]) + "\n", str(each["typescript"]))
                for name, each in found.get(kind, {}).items()
            }
            for kind in KINDS
        }
        return Record(str(found["to"]), regions)
    except (KeyError, TypeError, AttributeError):
        raise _damaged(project / LOCK) from None


def with_record(project: Path, source: str, record: Record) -> str:
    """Return the text of ``.matt-types.json`` with the record of a TypeScript file."""
    content = _read(project)
    written: dict[str, Any] = {"to": record.to}
    for kind, regions in record.regions.items():
        if regions:
            written[kind] = {name: _written(each) for name, each in regions.items()}
    content.setdefault("version", 1)
    content["pull"] = {**content.get("pull", {}), source: written}
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _written(each: Pulled) -> Mapping[str, Any]:
    return {"typescript": each.typescript, "python": each.python.removesuffix("\n").split("\n")}


def _read(project: Path) -> dict[str, Any]:
    found = read_lock(project)
    if not isinstance(found.get("pull", {}), dict):
        raise _damaged(project / LOCK)
    return found


def _damaged(path: Path) -> CommandError:
    return CommandError(
        f"{path} is damaged. Restore it from version control; without it, edits by hand cannot be told from what was pulled."
    )
