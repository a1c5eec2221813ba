"""``python -m django_matt.cli.examination FILE [--deploy]``: write all findings about the project of this folder."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from django_matt.cli.diagnostics import Diagnostic, write_finding
from django_matt.cli.entry import say
from django_matt.cli.examination import databases, packages, projects, tiers

__all__ = ["examine"]


def examine(folder: Path, deploy: bool) -> Iterator[Diagnostic]:
    """Yield what is found, from the interpreter to the data; stop where the next needs what is broken."""
    yield from packages.examine()
    started = True
    for finding in projects.start(folder):
        started = started and finding.level != "broken"
        yield finding
    if not started:
        return
    for part in (
        projects.examine_parts,
        tiers.examine_tiers,
        databases.examine_databases,
        databases.examine_changes,
    ):
        try:
            yield from part()
        except Exception as error:  # noqa: BLE001 - the other parts have something to say
            yield Diagnostic(
                level="broken",
                what=f"The examination of this part failed. {say(error, folder)}",
                why="What raises here may raise in a request too.",
            )
    yield from projects.examine_checks(folder, deploy)


def _main(arguments: list[str]) -> None:
    folder = Path.cwd()
    for finding in examine(folder, "--deploy" in arguments):
        write_finding(Path(arguments[0]), finding)
    sys.stdout.flush()
    # Threads of the project (pools, watchers) would keep the process, and the doctor waiting.
    os._exit(0)


if __name__ == "__main__":
    _main(sys.argv[1:])
