"""Examines the deployment, if the project has the command that knows its platform."""

import io
import json
from collections.abc import Iterator

from django_matt.cli.diagnostics import Diagnostic

__all__ = ["examine_deployment"]


def examine_deployment() -> Iterator[Diagnostic]:
    """Yield what ``manage.py matt_deploy check`` finds about each platform that the project is deployed to."""
    from django.core.management import CommandError, call_command, get_commands

    if "matt_deploy" not in get_commands():
        return
    output = io.StringIO()
    reason = ""
    try:
        call_command("matt_deploy", "check", "--format", "json", stdout=output)
    except CommandError as error:
        reason = str(error)
    try:
        rows = json.loads(output.getvalue())
    except ValueError:
        what, _, fix = reason.partition("\n")
        yield Diagnostic(level="doubtful", what=what, fix=fix.strip())
        return
    for row in rows:
        target = row.pop("target")
        yield Diagnostic(**{**row, "what": f"{target}: {row['what']}"})
