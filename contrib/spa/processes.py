"""Two servers as one command: each in a group of its own, both end together."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

__all__ = ["run_together"]

_PAUSE = 0.1
_GRACE = 10.0
"""Seconds that a process has to end after its signal, before it is killed."""


class _Ended(BaseException):
    """A signal has arrived that ends this process."""


def run_together(commands: Sequence[tuple[Sequence[str], Path, Mapping[str, str]]]) -> int:
    """Run commands until one of them ends, or a signal arrives; end the others, and return the exit status.

    Each command has its folder and its environment. It runs in a session of its own, so that a Ctrl-C reaches this
    process only, which passes it on once.
    """
    ends = [
        getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
    ]
    before = {number: signal.signal(number, _end) for number in ends}
    started: list[subprocess.Popen[bytes]] = []
    try:
        for command, folder, environment in commands:
            started.append(
                subprocess.Popen(  # noqa: S603 - the commands are ours
                    command,
                    cwd=folder,
                    env={**environment},
                    # Another session cannot read the terminal; Vite would fail where it tries.
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                )
            )
        while all(process.poll() is None for process in started):
            time.sleep(_PAUSE)
        return next(process.returncode for process in started if process.returncode is not None)
    except _Ended:
        return 130
    finally:
        for number in ends:
            # A second Ctrl-C would leave a server behind.
            signal.signal(number, signal.SIG_IGN)
        _stop(started)
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, frame: FrameType | None) -> None:
    raise _Ended


def _stop(processes: Sequence["subprocess.Popen[bytes]"]) -> None:
    """End processes with all that they have started: by an interrupt, and by force if that does not help."""
    for process in processes:
        _signal(process, signal.SIGINT)
    give_up = time.monotonic() + _GRACE
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, give_up - time.monotonic()))
        _signal(process, signal.SIGKILL)
        process.wait()


def _signal(process: "subprocess.Popen[bytes]", number: int) -> None:
    # The group outlives its first process while another one of it runs.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
