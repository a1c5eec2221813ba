"""``python -m django_matt.cli.examination FILE [--deploy]`` writes all findings about the project in this folder."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from django_matt.cli.diagnostics import Diagnostic, write_finding
from django_matt.cli.entry import say
from django_matt.cli.examination import databases, deployments, packages, projects, tiers

__all__ = ["examine"]


def examine(folder: Path, deploy: bool) -> Iterator[Diagnostic]:
    """Yield the findings, from the interpreter to the data; stop early if the settings or the apps do not load."""
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
        except Exception as error:  # noqa: BLE001 - the other parts are examined all the same
            yield Diagnostic(
                level="broken",
                what=f"This part of the project could not be examined. {say(error, folder)}",
                why="The same exception may be raised in a request.",
            )
    yield from projects.examine_checks(folder, deploy)
    if deploy:
        yield from deployments.examine_deployment()


def _main(arguments: list[str]) -> None:
    folder = Path.cwd()
    for finding in examine(folder, "--deploy" in arguments):
        write_finding(Path(arguments[0]), finding)
    sys.stdout.flush()
    # Threads of the project (pools, watchers) would keep this process alive, and the doctor waits for it.
    os._exit(0)


if __name__ == "__main__":
    _main(sys.argv[1:])
