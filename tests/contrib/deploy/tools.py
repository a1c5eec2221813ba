"""Stand-ins for ``fly``, ``doctl``, ``aws`` and ``docker``: the platforms themselves are out of reach here.

Each writes down its arguments and its standard input, and prints what it is told to.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

__all__ = ["Tools"]

STAND_IN = """\
#!{python} -ES
import json, os, sys
name, folder = os.path.basename(sys.argv[0]), os.path.dirname(sys.argv[0])
line = " ".join([name, *sys.argv[1:]])
said = json.load(open(os.path.join(folder, "answers.json")))
answer = next((each for start, each in said.items() if line.startswith(start)), {{}})
text = ""
if not os.isatty(0):
    text = sys.stdin.read()
with open(os.path.join(folder, "calls.jsonl"), "a") as log:
    log.write(json.dumps({{"line": line, "stdin": text}}) + "\\n")
if answer.get("interrupts"):
    # As Ctrl-C does, which every process of the terminal gets.
    os.kill(os.getppid(), 2)
sys.stdout.write(answer.get("stdout", ""))
sys.stderr.write(answer.get("stderr", ""))
sys.exit(answer.get("code", 0))
"""


class Tools:
    """Executables in a folder that is first in ``PATH``."""

    def __init__(self, folder: Path, *names: str) -> None:
        """Make the executables."""
        self.folder = folder
        folder.mkdir()
        for name in names:
            path = folder / name
            path.write_text(STAND_IN.format(python=sys.executable))
            path.chmod(0o755)
        self.answer({})

    def answer(self, answers: dict[str, dict[str, Any]]) -> None:
        """Set what is printed, and the exit code, for command lines that begin so."""
        (self.folder / "answers.json").write_text(json.dumps(answers))

    @property
    def path(self) -> str:
        """``PATH`` with the stand-ins, without any real tool of the same name that is elsewhere than the system's."""
        return f"{self.folder}{os.pathsep}/usr/bin{os.pathsep}/bin"

    @property
    def calls(self) -> list[dict[str, str]]:
        """What was called so far."""
        log = self.folder / "calls.jsonl"
        if not log.exists():
            return []
        return [json.loads(line) for line in log.read_text().splitlines()]
