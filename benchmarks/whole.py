"""A whole run: every database, and what was measured once for all of them. It is kept in a file after each part."""

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from benchmarks.prices import Prices
from benchmarks.results import Results
from benchmarks.startup import Started

__all__ = ["NAMES", "Whole", "keep", "resume"]

NAMES = {"sqlite": "SQLite", "postgres": "PostgreSQL"}
_ROOT = Path(__file__).resolve().parent.parent
KEPT = _ROOT / "build" / "benchmarks.json"


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


@dataclass(kw_only=True)
class Whole:
    """What one run measured; a part that was left out is empty."""

    databases: list[Results]
    started: dict[str, Started] = field(default_factory=dict)
    """Start-up, by stack."""
    prices: Prices | None = None
    done: list[str] = field(default_factory=list)
    """The parts that are complete: ``sqlite rounds``."""
    commit: str = field(default_factory=_commit)
    """The code that was measured."""


def keep(whole: Whole, part: str, file: Path = KEPT) -> None:
    """Write a run down, one part of which is now complete."""
    whole.done.append(part)
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(TypeAdapter(Whole).dump_json(whole))


def resume(file: Path = KEPT) -> Whole:
    """Return the run that was stopped; raise ``ValueError`` if there is none, or if it measured other code."""
    if not file.exists():
        raise ValueError(f"there is no {file.relative_to(file.parents[1])}: no run was stopped")
    try:
        whole = TypeAdapter(Whole).validate_json(file.read_bytes())
    except ValidationError as error:
        raise ValueError(f"{file.name} was written by another version: {error}") from None
    if whole.commit != _commit():
        raise ValueError(f"the stopped run measured {whole.commit}, and this is {_commit()}")
    return whole
