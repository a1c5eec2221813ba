"""Load on one URL by h2load, a load generator in C: as fast as it goes, or at a fixed rate."""

import shutil
import subprocess
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CLIENTS", "MISSING", "Load", "LoadError", "generator", "is_installed", "press"]

CLIENTS = 8
MISSING = (
    "h2load is not installed (Debian and Ubuntu: apt-get install nghttp2-client, Fedora: dnf install nghttp2, "
    "macOS: brew install nghttp2)"
)
_WARM_UP = 0.5


class LoadError(Exception):
    """The server answered otherwise than it should, or not at all."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """What came back: answers a second, and seconds until half and until 99 of 100 of them were complete."""

    rate: float
    p50: float
    p99: float


def is_installed() -> bool:
    """Tell whether the load generator is there."""
    return shutil.which("h2load") is not None


def generator() -> str:
    """Return the load generator's name and version."""
    if not is_installed():
        return "no load generator"
    told = subprocess.run(["h2load", "--version"], capture_output=True, text=True, check=False)
    return told.stdout.strip().replace("/", " ")


def press(url: str, seconds: float, rate: float | None = None) -> Load:
    """Load a URL from up to ``CLIENTS`` connections, each with one request under way; raises ``LoadError``.

    At a fixed ``rate``, in requests a second, every client is a process of its own and they begin apart: those of one process
    send all at the same moment.
    """
    with tempfile.TemporaryDirectory(prefix="matt-load-") as folder, ExitStack() as running:
        # A client of less than one request a second may not send its first in time.
        clients = 1 if rate is None else max(1, min(CLIENTS, int(rate)))
        logs = [Path(folder) / f"{n}" for n in range(clients)]
        processes = []
        for log in logs:
            command = ["h2load", "--h1", "-t", "1", f"-D{round(seconds * 1000)}ms"]
            command += [f"--warm-up-time={round(_WARM_UP * 1000)}ms", f"--log-file={log}"]
            command += (
                ["-c", f"{CLIENTS}"] if rate is None else ["-c", "1", f"--rps={rate / clients:.3f}"]
            )
            process = subprocess.Popen([*command, url], stdout=subprocess.DEVNULL)
            running.callback(process.kill)
            processes.append(process)
            if rate is not None:
                time.sleep(1 / rate)
        try:
            for process in processes:
                process.wait(timeout=seconds + 30)
        except subprocess.TimeoutExpired:
            raise LoadError(f"{url} does not answer") from None
        rows = [line.split("\t") for log in logs for line in log.read_text().splitlines()]
    # A request that the end of the run cut short has no status.
    answered = [(status, int(spent)) for _, status, spent in rows if status != "0"]
    if not answered or any(status != "200" for status, _ in answered):
        raise LoadError(f"{url} answered {sorted({status for status, _ in answered})}")
    spent = sorted(microseconds / 1e6 for _, microseconds in answered)
    return Load(
        rate=len(spent) / seconds,
        p50=spent[len(spent) // 2],
        p99=spent[min(len(spent) - 1, len(spent) * 99 // 100)],
    )
