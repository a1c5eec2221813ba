"""What ``matt doctor`` finds, as the examination writes it and the terminal shows it."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

__all__ = ["Diagnostic", "read_findings", "write_finding"]

Level = Literal["fine", "doubtful", "broken"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One thing about a project: what it is and, if it is not fine, why it matters and how to fix it."""

    level: Level
    what: str
    why: str = ""
    fix: str = ""


def write_finding(path: Path, finding: Diagnostic) -> None:
    """Append a finding to a file at once, so that it stays if the process dies at the next."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(finding)) + "\n")


def read_findings(path: Path) -> Iterator[Diagnostic]:
    """Yield the findings of a file; a half-written last line is left out."""
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            yield Diagnostic(**json.loads(line))
        except (ValueError, TypeError):
            return
