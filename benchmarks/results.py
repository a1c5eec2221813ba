"""What was measured: filled from the workers' lines, read by the tables, the page and the plots."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.cases import CASES
from benchmarks.load import Load
from benchmarks.stacks import STACKS, serving

__all__ = ["CPU", "WALL", "Results", "Served", "Streamed", "machine", "work"]

CPU, WALL = 0, 1


@dataclass(frozen=True, kw_only=True)
class Streamed:
    """The one long answer of one stack: seconds, and how many bytes the process grew by."""

    cpu: float
    wall: float
    first: float
    grown: int | None


@dataclass(frozen=True, kw_only=True)
class Served:
    """The stacks behind a server, by case and stack: at most, at the same rate, and the worker's memory."""

    most: dict[str, dict[str, Load]]
    steady: dict[str, dict[str, Load]]
    rates: dict[str, float]
    memory: dict[str, int | None]


@dataclass(kw_only=True)
class Results:
    """One database's figures."""

    database: str
    entries: int
    server: str = ""
    compiled: bool = False
    load: float = field(default_factory=lambda: os.getloadavg()[0])
    versions: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    best: dict[str, dict[str, tuple[float, float]]] = field(default_factory=dict)
    rounds: int = 0
    streamed: dict[str, Streamed] = field(default_factory=dict)
    served: dict[str, Served] = field(default_factory=dict)

    def take(self, line: dict[str, Any]) -> None:
        """Take one line of a worker."""
        if "case" in line:
            self.best[line["case"]] = {
                name: (cpu, wall) for name, (cpu, wall) in line["best"].items()
            }
            self.rounds = line["rounds"]
        elif "missing" in line:
            self.missing[line["missing"]] = line["why"]
        elif "stream" in line:
            self._take_stream(line)
        elif "interface" in line:
            parts = {key: line[key] for key in ("most", "steady", "rates", "memory")}
            self.served[line["interface"]] = Served(**parts)
        elif "server" in line:
            self.server, self.compiled = line["server"], line["compiled"]
            self.versions = line["versions"]

    def _take_stream(self, line: dict[str, Any]) -> None:
        made = Streamed(**{key: line[key] for key in ("cpu", "wall", "first", "grown")})
        known = self.streamed.get(line["stream"])
        if known is None or made.wall < known.wall:
            self.streamed[line["stream"]] = made

    def cases(self) -> list[str]:
        """Return the cases that every stack was measured in."""
        return [case for case in CASES if case in self.best]

    def stacks(self, case: str) -> list[str]:
        """Return the stacks that a case was measured on."""
        return [name for name in STACKS if name in self.best[case]]

    def ratios(self, case: str, clock: int) -> dict[str, float]:
        """Return each stack's time of a case against hand-written Django's, by CPU or wall."""
        best = self.best[case]
        return {name: best[name][clock] / best["bare"][clock] for name in self.stacks(case)}

    def to_stream(self) -> list[str]:
        """Return the stacks whose long answer is measured: of those written in two ways, the first."""
        names = serving("stream", asynchronous=False)
        return [name for name in names if name not in self.missing and not STACKS[name].second]


def work(results: Results, *arguments: str) -> Iterator[dict[str, Any]]:
    """Let a process of its own work, filling ``results``; yield its lines. Exits where it refuses."""
    command = [sys.executable, "-m", "benchmarks.worker", results.database, *arguments]
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
