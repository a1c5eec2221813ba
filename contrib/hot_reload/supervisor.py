"""The process that ``manage.py runserver`` is: holds the port, and starts the process that serves again and again."""

import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from django.utils import autoreload

from django_matt.contrib.hot_reload.handovers import RESTART, Handover, environment

__all__ = ["listen", "supervise"]

_STOP_SECONDS = 5


def listen(address: str, port: int, *, ipv6: bool) -> socket.socket:
    """Bind the port, for all processes to come: between two of them a connection waits instead of being refused."""
    family = socket.AF_INET6 if ipv6 else socket.AF_INET
    found = socket.create_server((address, port), family=family, backlog=2048)
    found.set_inheritable(True)
    return found


def command() -> list[str]:
    """Return the command of this process with the launcher in front of what it runs."""
    arguments = [str(part) for part in autoreload.get_child_arguments()]
    rest = len(arguments) - len(sys.argv[1:])
    is_module = arguments[rest - 2 : rest - 1] == ["-m"]
    at = rest - (2 if is_module else 1)
    launcher = str(Path(__file__).with_name("launcher.py"))
    # With --noreload a failing django.setup() is raised, and with --traceback a failing check.
    return [
        *(arguments[:at] or [sys.executable]),
        launcher,
        *arguments[at:],
        "--noreload",
        "--traceback",
    ]


def supervise(handover: Handover) -> int:
    """Run server processes until one ends otherwise than by asking for the next; return its exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while True:
        autoreload.ensure_echo_on()
        process = subprocess.Popen(
            command(), env=environment(replace(handover, started=time.time())), close_fds=False
        )
        try:
            code = process.wait()
        except BaseException:
            _stop(process)
            raise
        if code != RESTART:
            return code


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        process.kill()
        process.wait()
