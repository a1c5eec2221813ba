"""``manage.py runserver``: Django's command, with uvicorn as its server and hot reload in the browser."""

import errno
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles.management.commands.runserver import Command as Runserver
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections
from django.utils.module_loading import import_string

from django_matt.asgi import get_asgi_application
from django_matt.contrib.hot_reload.process_state import ProcessState, offer, take
from django_matt.contrib.hot_reload.settings import get_settings
from django_matt.contrib.hot_reload.supervisor import listen, supervise
from django_matt.errors.exceptions import MissingExtra

__all__ = ["Command"]

_LIBRARIES = {"uvicorn": "hot-reload", "watchfiles": "hot-reload", "websockets": "hot-reload"}
_WSGI = (
    "Serving under WSGI, because of --wsgi. There is no lifespan, no WebSocket, and so no hot reload in the browser. "
    "The server restarts when you edit a Python file."
)
_ERRORS = {
    errno.EACCES: "You don't have permission to access that port.",
    errno.EADDRINUSE: "That port is already in use.",
    errno.EADDRNOTAVAIL: "That IP address can't be assigned to.",
}


class Command(Runserver):
    """Django's ``runserver`` with ASGI, lifespan, and hot reload in the browser. Hot reload needs ``DEBUG``."""

    help = "Starts a development server (ASGI). Pages reload when you edit a file, and show every error."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options that Django's command does not have."""
        super().add_arguments(parser)
        parser.add_argument(
            "--wsgi",
            action="store_true",
            help="Serve WSGI_APPLICATION as Django does, without hot reload in the browser.",
        )
        parser.add_argument(
            "--cert-file", default="", help="Serve HTTPS with this certificate (PEM)."
        )
        parser.add_argument(
            "--key-file", default="", help="The private key of the certificate (PEM)."
        )

    # Set by Django's handle().
    addr: str
    port: str
    use_ipv6: bool

    def run(self, **options: Any) -> None:
        """Run as the supervisor, as one of its server processes, or as Django's own command."""
        handover = take()
        if handover is not None:
            self._serve(handover, options)
            return
        if options["wsgi"] or not settings.DEBUG:
            self.stdout.write(_WSGI if options["wsgi"] else "DEBUG is off, and so is hot reload.")
            super().run(**options)
            return
        extras = {**_LIBRARIES, **({"jurigged": "hot-patch"} if get_settings().IN_PROCESS else {})}
        for library, extra in extras.items():
            if find_spec(library) is None:
                raise MissingExtra(library, extra)
        self._begin(options)

    def _begin(self, options: dict[str, Any]) -> None:
        for name in ("cert_file", "key_file"):
            if options[name] and not Path(options[name]).is_file():
                raise CommandError(f"The file {options[name]} does not exist.")
        if bool(options["cert_file"]) != bool(options["key_file"]):
            raise CommandError("HTTPS needs both --cert-file and --key-file.")
        try:
            listener = listen(self.addr, int(self.port), ipv6=self.use_ipv6)
        except (OSError, OverflowError) as error:
            number = error.errno if isinstance(error, OSError) else None
            raise CommandError(_ERRORS.get(number or 0, str(error))) from error
        if not options["use_reloader"]:
            self._check(options)
            from django_matt.contrib.hot_reload.serving import serve_plainly

            application = self._application(options)
            serve_plainly(
                application,
                listener,
                options["cert_file"],
                options["key_file"],
                lambda: self._tell(listener.getsockname()[1], options),
            )
            return
        with listener, tempfile.TemporaryDirectory(prefix="matt-hot-reload-") as folder:
            state = str(Path(folder) / "changes.json")
            handover = offer(listener.fileno(), state, options["cert_file"], options["key_file"])
            try:
                code = supervise(handover)
            except KeyboardInterrupt:
                code = 0
        if code:
            raise SystemExit(code)

    def _serve(self, handover: ProcessState, options: dict[str, Any]) -> None:
        from django_matt.contrib.hot_reload.broadcasters import Broadcaster, set_hub
        from django_matt.contrib.hot_reload.serving import serve_project

        hub = Broadcaster()
        set_hub(hub)
        self._check(options)
        with handover.open_socket() as listener:
            port = listener.getsockname()[1]
        serve_project(
            self._application(options),
            hub,
            handover,
            in_process=get_settings().IN_PROCESS,
            when_started=lambda: self._tell(port, options),
        )

    def _check(self, options: dict[str, Any]) -> None:
        if not options["skip_checks"]:
            # Prints what it finds, and nothing if it finds nothing.
            self.check(**BaseCommand.get_check_kwargs(self, options))  # type: ignore[arg-type]
        self.check_migrations()
        for connection in connections.all(initialized_only=True):
            connection.close()

    def _application(self, options: dict[str, Any]) -> Any:
        path = _application_path()
        application = import_string(path) if path else get_asgi_application()
        if (
            options["use_static_handler"]
            and (settings.DEBUG or options["insecure_serving"])
            and apps.is_installed("django.contrib.staticfiles")
        ):
            from django_matt.contrib.hot_reload.static_files import StaticFiles

            application = StaticFiles(application)
        return application

    def _tell(self, port: int, options: dict[str, Any]) -> None:
        scheme = "https" if options["cert_file"] else "http"
        host = f"[{self.addr}]" if self.use_ipv6 else self.addr
        # There is no module after settings.configure().
        module = f", {settings.SETTINGS_MODULE}" if settings.SETTINGS_MODULE else ""
        self.stdout.write(
            f"Starting development server at {scheme}://{host}:{port}/ "
            f"(Django {self.get_version()}{module}). Ctrl-C ends it."
        )


def _application_path() -> str | None:
    """Return the path of the project's ASGI application, or None for Django's default.

    Django's ``startproject`` writes an ``asgi.py`` beside the ``wsgi.py``, and sets only ``WSGI_APPLICATION``.
    """
    path: str | None = getattr(settings, "ASGI_APPLICATION", None)
    if path or not settings.WSGI_APPLICATION:
        return path
    package = settings.WSGI_APPLICATION.rpartition(".")[0].rpartition(".")[0]
    module = f"{package}.asgi" if package else "asgi"
    return f"{module}.application" if find_spec(module) else None
