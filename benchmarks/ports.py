"""Ports for servers that cannot find one themselves."""

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

__all__ = ["free_port"]

# Below those that systems give to whoever asks for any port, which may be given away before the server has it.
_PORTS = range(20_000, 32_000)
_FOLDER = Path(tempfile.gettempdir(), f"matt-ports-{os.getuid()}")
_kept: list[int] = []


def free_port() -> int:
    """Return a port of 127.0.0.1 that no other process gets from here while this one lives."""
    _FOLDER.mkdir(exist_ok=True)
    for port in random.SystemRandom().sample(_PORTS, 500):
        # Not a file object, which would complain that nobody closes it: the lock lasts as long as the process.
        lock = os.open(_FOLDER / str(port), os.O_WRONLY | os.O_CREAT)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            os.close(lock)
            continue
        _kept.append(lock)
        return port
    raise OSError("no port of 127.0.0.1 is free")
