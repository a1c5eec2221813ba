"""``matt doctor``: says what is wrong with the project in this folder, why it matters, and how to fix it."""

import json
import re
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from django_matt.cli.consoles import out
from django_matt.cli.diagnostics import Diagnostic, read_findings
from django_matt.cli.managing import Project, need_project
from django_matt.installation import DISTRIBUTION, target

__all__ = ["examine", "register", "show"]

SECONDS = 120
"""How long the examination of a project may take. It loads all apps and connects to all databases."""
PROBE = f"""
import importlib.metadata, importlib.util, json
try: version = importlib.metadata.version({DISTRIBUTION!r})
except importlib.metadata.PackageNotFoundError: version = ""
try: ours = importlib.util.find_spec("django_matt.cli") is not None
except Exception: ours = False
print(json.dumps([version, importlib.util.find_spec("django_matt") is not None, ours]))
"""
_INSTALLS = re.compile(r"\bpip install |\bInstall the package ")
MARKS = {"fine": ("✓", "green"), "doubtful": ("!", "yellow"), "broken": ("✗", "red")}


def doctor(
    deploy: Annotated[
        bool, typer.Option("--deploy", help="Run the checks for production even if DEBUG is on.")
    ] = False,
) -> None:
    """Find out what is wrong with this project, and how to fix it.

    It examines Python and its packages, settings, .env, apps, URLs, databases, migrations and system checks. If one
    part is broken, it continues with the others. The exit code is 1 if something is broken.
    """
    project = need_project()
    findings = examine(project, deploy)
    show(out, project, findings)
    if any(finding.level == "broken" for finding in findings):
        raise typer.Exit(1)


def examine(project: Project, deploy: bool = False) -> list[Diagnostic]:
    """Return the findings about a project. The worst come last, because the terminal shows the end."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "findings"
        file.touch()
        ending = _examine(project, file, deploy)
        found = [*read_findings(file), *ending]
        # Without any finding, the project's Python did not find Django Matt itself.
        found = found if file.stat().st_size else _probe(project) or found
    if _makes_its_environment(project):
        found = [
            replace(each, fix="make install") if _INSTALLS.search(each.fix) else each
            for each in found
        ]
    order = list(MARKS)
    return sorted(dict.fromkeys(found), key=lambda finding: order.index(finding.level))


def _makes_its_environment(project: Project) -> bool:
    """Tell whether the project has no ``.venv`` yet, and its Makefile makes one with ``make install``."""
    if (project.folder / ".venv").exists() or project.python.is_relative_to(project.folder):
        return False
    try:
        text = (project.folder / "Makefile").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False
    return ".venv" in text and re.search(r"^install:", text, re.MULTILINE) is not None


def show(console: Console, project: Project, findings: list[Diagnostic]) -> None:
    """Print the findings, and how many of each kind there are."""
    python = project.python
    if python.is_relative_to(project.folder):
        python = python.relative_to(project.folder)
    heading = f"{project.folder.name}, examined with {python}\n"
    console.print(Text(heading, style="dim"), soft_wrap=True)
    for finding in findings:
        mark, colour = MARKS[finding.level]
        what = finding.what.replace("\n", "\n  ")
        console.print(Text.assemble((mark, f"bold {colour}"), " ", what), soft_wrap=True)
        if finding.why:
            console.print(Text(f"    {finding.why}", style="dim"), soft_wrap=True)
        if finding.fix:
            # Not wrapped, so that it can be copied.
            console.print(Text.assemble("    → ", (finding.fix, "bold")), soft_wrap=True)
    counts = {level: sum(finding.level == level for finding in findings) for level in MARKS}
    words = [
        f"{counts['broken']} broken",
        f"{counts['doubtful']} doubtful",
        f"{counts['fine']} fine",
    ]
    colour = "red" if counts["broken"] else "yellow" if counts["doubtful"] else "green"
    console.print(Text(f"\n{', '.join(words)}.", style=f"bold {colour}"))


def register(application: typer.Typer) -> None:
    """Add ``doctor``."""
    application.command(rich_help_panel="Work on a project")(doctor)


def _probe(project: Project) -> list[Diagnostic]:
    """Return why the project's Python does not find Django Matt."""
    try:
        said = project.ask("-c", PROBE, timeout=30)
        version, there, ours = json.loads(said.stdout.splitlines()[-1])
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired) as error:
        return [
            Diagnostic(
                level="broken",
                what=f"The Python of this project does not run: {project.python} ({error}).",
                why="Nothing of the project runs without it.",
                fix="python -m venv --clear .venv",
            )
        ]
    if ours:
        return []
    if there or version:
        return [
            Diagnostic(
                level="broken",
                what=f"The installed {DISTRIBUTION}{f' {version}' if version else ''} is another project of that name.",
                why=f"The package index has an unrelated {DISTRIBUTION}, up to version 0.10. This one is not on the index yet.",
                fix=f"{project.python} -m pip install {target('standard,cli')}",
            )
        ]
    return [
        Diagnostic(
            level="broken",
            what=f"Django Matt is not installed in {project.python}.",
            why="The project imports it. The matt command runs in another environment.",
            fix=f"{project.python} -m pip install -r requirements.txt",
        )
    ]


def _examine(project: Project, file: Path, deploy: bool) -> list[Diagnostic]:
    """Run the examination in the project's Python, which writes its findings; return why it did not finish."""
    arguments = ["-m", "django_matt.cli.examination", str(file), *(["--deploy"] if deploy else [])]
    try:
        said = project.ask(*arguments, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        what = f"The project could not be examined within {SECONDS} seconds."
        return [
            Diagnostic(
                level="broken",
                what=what,
                why="Something hangs while it starts or connects, and would do so in a server too.",
            )
        ]
    if said.returncode == 0:
        return []
    last = said.stderr.strip().splitlines()
    return [
        Diagnostic(
            level="broken",
            what=f"The examination ended early, with exit code {said.returncode}{f': {last[-1]}' if last else ''}.",
            why="What ended this process may end a server too.",
        )
    ]
