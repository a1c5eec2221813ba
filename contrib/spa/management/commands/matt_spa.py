"""``manage.py matt_spa``: installs the packages of the front end, builds it, or serves it beside ``runserver``."""

import os
import socket
import sys
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_matt.contrib.spa import services
from django_matt.contrib.spa.errors import SpaError
from django_matt.contrib.spa.processes import run_together
from django_matt.contrib.spa.settings import DEV_SERVER, SpaSettings, get_settings

__all__ = ["Command"]

BACKEND = "MATT_SPA_BACKEND"
"""The environment variable with the origin of Django, for the proxy of Vite's server."""


class Command(BaseCommand):
    """Install, build or serve the front end."""

    help = (
        "`install` installs what package-lock.json names. `build` builds the front end for production. `dev` serves it "
        "with Vite beside runserver, at one address, until you press Ctrl-C. Each installs the packages first if they "
        "are missing or incomplete, and writes the types of your API if the app typescript is installed."
    )
    # Without a build there are messages; the command is how to fix them.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the verbs and the addresses."""
        parser.add_argument("verb", choices=("install", "build", "dev"))
        parser.add_argument(
            "address",
            nargs="?",
            default="127.0.0.1:8000",
            help="Where Django is served: [host:]port.",
        )
        parser.add_argument("--front-port", type=int, default=5173, help="The port of Vite.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the verb."""
        try:
            chosen = get_settings()
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
        node = services.find_node()
        if services.install(chosen):
            self.stdout.write(f"Installed the packages of {chosen.ROOT}.")
        if options["verb"] == "install":
            return
        self._write_types()
        if options["verb"] == "build":
            services.build(chosen)
            return
        code = self._serve(chosen, node, options["address"], options["front_port"])
        if code:
            sys.exit(code)

    def _write_types(self) -> None:
        written = getattr(settings, "MATT_TYPESCRIPT", {})
        if apps.is_installed("django_matt.contrib.typescript") and written.get("OUTPUT"):
            call_command("matt_types", "write")

    def _serve(self, chosen: SpaSettings, node: str, address: str, front_port: int) -> int:
        host, port = _split(address)
        _need_free(host, port, "another address: matt_spa dev 8001")
        _need_free("localhost", front_port, "another port: matt_spa dev --front-port 5174")
        if not settings.DEBUG:
            raise SpaError(
                "DEBUG is off, so Vite's server would be ignored. Set DEBUG=true, or build."
            )
        variables = {
            **os.environ,
            DEV_SERVER: f"http://localhost:{front_port}",
            BACKEND: f"http://127.0.0.1:{port}",
        }
        vite = services.vite_command(chosen, node, front_port)
        django = [sys.executable, *_manage(), "runserver", address]
        self.stdout.write(f"Open http://{host}:{port}/; Ctrl-C ends both servers.")
        self.stdout.flush()
        return run_together([(vite, chosen.root, variables), (django, Path.cwd(), variables)])


def _manage() -> list[str]:
    """Return how this process was started: ``manage.py`` by its path, or ``-m django``."""
    script = Path(sys.argv[0]).resolve()
    return ["-m", "django"] if script.name == "__main__.py" else [str(script)]


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise SpaError(f"{address!r} is not an address; take [host:]port, such as 127.0.0.1:8000.")
    return host or "127.0.0.1", int(port)


def _need_free(host: str, port: int, other: str) -> None:
    """Raise ``SpaError`` if something listens already, before anything is started."""
    with socket.socket() as probe:
        probe.settimeout(2)
        # Every interface includes this one: connecting to 0.0.0.0 is connecting to this machine.
        if probe.connect_ex((host, port)) == 0:
            raise SpaError(f"Port {port} is taken. Stop what uses it, or choose {other}.")
