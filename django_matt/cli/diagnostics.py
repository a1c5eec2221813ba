"""The findings of ``matt doctor``: the examination writes them to a file, the command reads and shows them."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

__all__ = ["Diagnostic", "read_findings", "write_finding"]

Level = Literal["fine", "doubtful", "broken"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One finding about a project: what it is and, if something is wrong, why it matters and how to fix it."""

    level: Level
    what: str
    why: str = ""
    fix: str = ""


def write_finding(path: Path, finding: Diagnostic) -> None:
    """Append a finding to a file. It is written at once, so that it is kept if the process dies afterwards."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(finding)) + "\n")


def read_findings(path: Path) -> Iterator[Diagnostic]:
    """Yield the findings in a file, without a last line that is incomplete."""
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            yield Diagnostic(**json.loads(line))
        except (ValueError, TypeError):
            return
