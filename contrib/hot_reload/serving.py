"""The server process: runs uvicorn and the watcher, and restarts or reloads when files change."""

import asyncio
import logging
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import uvicorn
from django.apps import apps

from django_matt.contrib.hot_reload.applications import ReloadApplication
from django_matt.contrib.hot_reload.broadcasters import Broadcaster
from django_matt.contrib.hot_reload.change_actions import ChangeClassifier, is_source
from django_matt.contrib.hot_reload.failures import describe
from django_matt.contrib.hot_reload.process_state import RESTART, ProcessState, take
from django_matt.contrib.hot_reload.watching import Watcher, roots_of
from django_matt.extensions import FileChange, HearsFileChanges

__all__ = ["LifespanFailedError", "serve_failure", "serve_plainly", "serve_project"]

logger = logging.getLogger("django_matt")

_LISTEN_SECONDS = 0.05
_GRACE_SECONDS = 1
_LAST_SECONDS = 2.0


class LifespanFailedError(Exception):
    """The application's lifespan failed at start-up. The cause of this exception says why, if it is known."""


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, when_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._when_started = when_started
        self._loop: asyncio.AbstractEventLoop | None = None
        self.restarts = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._loop = asyncio.get_running_loop()
            self._when_started()

    def restart(self) -> None:
        """End this process, so that the next one starts. Any thread may call it; it does not wait for running views."""
        if not self.restarts and self._loop is not None:
            self.restarts = True
            self._loop.call_soon_threadsafe(self._wind_down)
            # Do not wait for a view that sleeps, or that is stopped in a debugger.
            last = threading.Timer(_LAST_SECONDS, os._exit, (RESTART,))
            last.daemon = True
            last.start()

    def _wind_down(self) -> None:
        """Leave new connections to the next process, and give open ones a short time to send their request."""
        for server in self.servers:
            server.close()
        asyncio.get_running_loop().call_later(_LISTEN_SECONDS, setattr, self, "should_exit", True)


def serve_project(
    application: Any,
    hub: Broadcaster,
    handover: ProcessState,
    *,
    in_process: bool,
    when_started: Callable[[], None],
) -> None:
    """Serve until a signal or a restart; raise ``LifespanFailedError`` if the application does not start."""
    gate = _gate(application, hub, handover)
    judge = ChangeClassifier()
    announcer = _Announcer()
    server: _Server

    def begin() -> None:
        arrived = handover.collect()
        watcher.start()
        announcer.tell(arrived)
        when_started()

    def hear(changes: list[FileChange]) -> None:
        try:
            verdict = judge.judge(changes)
            patched = patch(verdict.modules) if verdict.modules else True
            if verdict.restart or not patched:
                _say((verdict.restart or verdict.modules)[0], "restarting")
                handover.keep(changes)
                server.restart()
                return
            announcer.tell(changes)
            if verdict.reload or verdict.modules:
                hub.reload()
            elif verdict.styles:
                hub.restyle(verdict.styles)
        except Exception:
            # Keep the watcher's thread alive: the next edit may fix this.
            logger.exception("Hot reload could not handle the changes.")

    patch = _patching(in_process, handover)
    roots = [*roots_of(handover.base, [*handover.watch, *map(str, judge.directories())])]
    watcher = _watcher(roots, hear, handover)
    server = _server(gate, handover, begin)
    _run(server, handover.open_socket())
    watcher.stop()
    if gate.error is not None and not server.started:
        raise LifespanFailedError("The application's lifespan failed.") from gate.error
    if server.restarts:
        _leave()


def serve_failure(error: BaseException) -> None:
    """Answer every request with a failure until a file changes. Exit with code 1 if there is no supervisor."""
    handover = take()
    if handover is None:
        sys.exit(1)
    failure = describe(error)
    gate = _gate(None, Broadcaster(failure), handover)
    suspects = {frame["file"] for frame in _frames(failure.trace)}

    def hear(changes: list[FileChange]) -> None:
        if any(is_source(change.path) or str(change.path) in suspects for change in changes):
            _say(changes[0].path, "trying again")
            handover.keep(changes)
            server.restart()

    roots = roots_of(handover.base, handover.watch)
    watcher = _watcher(roots, hear, handover)
    server = _server(gate, handover, watcher.start)
    sys.stderr.write("\nThe server did not start. It tries again when a file changes.\n")
    sys.stderr.flush()
    _run(server, handover.open_socket())
    watcher.stop()
    if server.restarts:
        _leave()


def serve_plainly(
    application: Any,
    listener: socket.socket,
    certificate: str,
    key: str,
    when_started: Callable[[], None],
) -> None:
    """Serve without hot reload, for ``--noreload``."""
    config = _config(application, certificate, key)
    _run(_Server(config, when_started), listener)


def _gate(application: Any, hub: Broadcaster, handover: ProcessState) -> ReloadApplication:
    return ReloadApplication(
        application,
        hub,
        hosts=handover.hosts,
        origins=handover.origins,
        script_name=handover.script_name,
    )


def _watcher(
    roots: list[Path], hear: Callable[[list[FileChange]], None], handover: ProcessState
) -> Watcher:
    return Watcher(
        roots,
        hear,
        ignore=handover.ignore,
        since=handover.started,
        is_known=handover.is_known,
        parent=handover.parent,
    )


def _server(
    gate: ReloadApplication, handover: ProcessState, when_started: Callable[[], None]
) -> _Server:
    return _Server(_config(gate, handover.certificate, handover.key), when_started)


def _config(application: Any, certificate: str, key: str) -> uvicorn.Config:
    # The project configures logging, so uvicorn must not.
    return uvicorn.Config(
        application,
        log_config=None,
        # Nobody needs to know that uvicorn has started, or that a page has connected.
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        ssl_certfile=certificate or None,
        ssl_keyfile=key or None,
    )


def _run(server: _Server, listener: socket.socket) -> None:
    # If the lifespan fails, uvicorn exits, which would hide the reason.
    with suppress(SystemExit):
        server.run(sockets=[listener])


def _leave() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    sys.exit(RESTART)


def _say(path: Path, what: str) -> None:
    with suppress(ValueError):
        path = path.relative_to(Path.cwd())
    sys.stdout.write(f"{path} changed, {what}.\n")
    sys.stdout.flush()


def _frames(trace: Any) -> list[Any]:
    found = list(trace["frames"])
    for link in [trace["cause"], *trace["exceptions"]]:
        found += _frames(link) if link else []
    return found


def _patching(in_process: bool, handover: ProcessState) -> Callable[[Iterable[Path]], bool]:
    if not in_process:
        return lambda paths: False
    from django_matt.contrib.hot_reload.patching import Patcher

    return Patcher(roots_of(handover.base, handover.watch), handover.started).patch


class _Announcer:
    """Calls ``file_changed`` of the apps that have it, in a thread and in the order of the changes."""

    def __init__(self) -> None:
        self._apps = [
            config for config in apps.get_app_configs() if isinstance(config, HearsFileChanges)
        ]
        self._lock = threading.Lock()

    def tell(self, changes: list[FileChange]) -> None:
        if self._apps and changes:
            threading.Thread(target=self._tell, args=(changes,), daemon=True).start()

    def _tell(self, changes: list[FileChange]) -> None:
        with self._lock:
            for change in changes:
                for config in self._apps:
                    try:
                        config.file_changed(change)
                    except Exception:
                        logger.exception(
                            "The app %s failed in file_changed() for %s.", config.label, change.path
                        )
