"""The process of ``manage.py runserver``: it owns the port, and starts a new server process for each restart."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from django.utils import autoreload

from django_matt.contrib.hot_reload.process_state import (
    RESTART,
    VARIABLE,
    ProcessState,
    environment,
)

__all__ = ["listen", "supervise"]

_INTERRUPTED = 130
"""The code of a server process that Ctrl-C has ended."""
_STOP_SECONDS = 5
_SPARE_AFTER_SECONDS = 2


def listen(address: str, port: int, *, ipv6: bool) -> socket.socket:
    """Bind the port once for all server processes. Between two of them, connections wait instead of being refused."""
    family = socket.AF_INET6 if ipv6 else socket.AF_INET
    found = socket.create_server((address, port), family=family, backlog=2048)
    found.set_inheritable(True)
    return found


def command(*more: str) -> list[str]:
    """Return the command line of this process, run by the launcher with the arguments ``more``."""
    arguments = [str(part) for part in autoreload.get_child_arguments()]
    rest = len(arguments) - len(sys.argv[1:])
    is_module = arguments[rest - 2 : rest - 1] == ["-m"]
    at = rest - (2 if is_module else 1)
    launcher = str(Path(__file__).with_name("launcher.py"))
    # --noreload makes a failing django.setup() raise, and --traceback a failing check.
    return [
        *(arguments[:at] or [sys.executable]),
        *(launcher, *more),
        *arguments[at:],
        *("--noreload", "--traceback"),
    ]


def supervise(handover: ProcessState) -> int:
    """Run server processes, one after the other, until one does not ask for a restart; return its exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    spare: _Spare | None = None
    process: subprocess.Popen[bytes] | None = None
    try:
        while True:
            autoreload.ensure_echo_on()
            fresh = replace(handover, started=time.time())
            process = spare.begin(fresh) if spare and spare.is_ready() else _cold(fresh)
            spare = None
            try:
                code = process.wait(_SPARE_AFTER_SECONDS)
            except subprocess.TimeoutExpired:
                spare = _Spare() if os.name == "posix" else None
                code = process.wait()
            if code == _INTERRUPTED:
                return 0
            if code != RESTART:
                return code
    finally:
        if process is not None:
            _stop(process)
        if spare is not None:
            spare.end()


def _cold(handover: ProcessState) -> "subprocess.Popen[bytes]":
    return _start(command(), environment(handover))


def _start(arguments: list[str], env: dict[str, str]) -> "subprocess.Popen[bytes]":
    # The arguments are those of this process.
    return subprocess.Popen(arguments, env=env, close_fds=False)  # noqa: S603


class _Spare:
    """The next server process, started ahead. It has already imported the libraries, which is most of a restart."""

    def __init__(self) -> None:
        reading, self._writing = os.pipe()
        os.set_inheritable(reading, True)
        self._process = _start(command("--wait", str(reading)), environment(None))
        os.close(reading)

    def is_ready(self) -> bool:
        return self._process.poll() is None

    def begin(self, handover: ProcessState) -> "subprocess.Popen[bytes]":
        with suppress(BrokenPipeError):
            os.write(self._writing, environment(handover)[VARIABLE].encode())
        os.close(self._writing)
        return self._process

    def end(self) -> None:
        os.close(self._writing)
        _stop(self._process)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        process.kill()
        process.wait()
