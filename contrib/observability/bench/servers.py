"""A project behind granian or uvicorn, one worker on 127.0.0.1, for as long as it is measured."""

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings

from django_matt.errors.exceptions import MissingExtra

__all__ = ["ServerError", "application_of", "folder_of_project", "run_server", "server_name"]

_SECONDS = 60
_COMMANDS = {
    "granian": "--interface {interface} --host 127.0.0.1 --port {port} --workers 1 --no-ws --log-level warning",
    "uvicorn": "--interface asgi3 --host 127.0.0.1 --port {port} --no-access-log --log-level warning",
}


class ServerError(Exception):
    """The project's server did not start."""


def server_name(interface: str) -> str:
    """Return ``granian`` or ``uvicorn``; raise ``MissingExtra`` if none serves the interface."""
    usable = ["granian"] if interface == "wsgi" else ["granian", "uvicorn"]
    for each in usable:
        if find_spec(each) is not None:
            return each
    raise MissingExtra("granian", "server")


def application_of(interface: str) -> str:
    """Return the application that the settings name, or that is beside ``ROOT_URLCONF``, as ``module:name``."""
    named = getattr(settings, f"{interface.upper()}_APPLICATION", None)
    if not named:
        named = f"{settings.ROOT_URLCONF.rpartition('.')[0]}.{interface}.application"
    return ":".join(named.rsplit(".", 1))


def folder_of_project() -> Path:
    """Return the folder from which the settings module is imported; raise ``ServerError`` if there is no such module."""
    name = os.environ.get("DJANGO_SETTINGS_MODULE", "")
    found = find_spec(name) if name else None
    if found is None or found.origin is None:
        raise ServerError(
            "DJANGO_SETTINGS_MODULE names no settings module that a server could import."
        )
    is_package = found.submodule_search_locations is not None
    return Path(found.origin).resolve().parents[name.count(".") + is_package]


@contextmanager
def run_server(
    folder: Path, application: str, interface: str, target: str, headers: Mapping[str, str]
) -> Iterator[str]:
    """Serve the project of ``folder``, and yield its address once ``target`` answers; raise ``ServerError``."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    name = server_name(interface)
    options = _COMMANDS[name].format(interface=interface, port=port).split()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(  # noqa: S603 - the user's own project
            [sys.executable, "-m", name, *options, application],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": _path(folder)},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        try:
            if not _answers(process, port, target, headers):
                said.seek(0)
                lines = said.read().decode(errors="replace").strip().splitlines()[-15:]
                raise ServerError(
                    "\n".join([f"{name} does not serve {application} in {folder}:", *lines])
                )
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _path(folder: Path) -> str:
    return os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH", "")]))


def _answers(
    process: "subprocess.Popen[bytes]", port: int, target: str, headers: Mapping[str, str]
) -> bool:
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", target, headers=dict(headers))
            connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
        else:
            return True
        finally:
            connection.close()
    return False
