"""What was measured: filled from the worker's lines, read by the page and the plots."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Results", "machine", "measure"]


@dataclass(kw_only=True)
class Results:
    """One database's figures: CPU seconds and bytes, by case and stack."""

    database: str
    server: str = ""
    compiled: bool = False
    load: float = field(default_factory=lambda: os.getloadavg()[0])
    versions: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    best: dict[str, dict[str, float]] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)

    def take(self, line: dict[str, Any]) -> None:
        """Take one line of the worker."""
        if "case" in line:
            self.best[line["case"]] = line["best"]
        elif "missing" in line:
            self.missing[line["missing"]] = line["why"]
        elif "memory" in line:
            self.memory = line["memory"]
        else:
            self.server, self.compiled = line["server"], line["compiled"]
            self.versions = line["versions"]

    def ratios(self, case: str) -> dict[str, float]:
        """Return each stack's time of a case against hand-written Django's."""
        best = self.best[case]
        return {name: seconds / best["bare"] for name, seconds in best.items()}


def measure(results: Results, cases: list[str], rounds: int) -> Iterator[dict[str, Any]]:
    """Measure in a process of its own, filling ``results``; yield the worker's lines. Exits where it refuses."""
    command = [sys.executable, "-m", "benchmarks.worker", results.database]
    command += ["--rounds", str(rounds), "--cases", *cases]
    root = Path(__file__).resolve().parent.parent
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for text in process.stdout:
            line = json.loads(text)
            results.take(line)
            yield line
    if process.returncode:
        sys.exit(process.returncode)


def machine() -> str:
    """Describe this machine in a few words."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1].strip()
            for line in info.read_text().splitlines()
            if line.startswith("model name")
        ]
        cpu = names[0] if names else cpu
    return f"{cpu}, {os.cpu_count()} cores, {platform.system()}"
