"""``manage.py matt_spa``: installs the packages of the front end, builds it, runs a script of it, or serves it beside ``runserver``."""

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
from django_matt.contrib.spa.nodes import Node, find_node
from django_matt.contrib.spa.processes import run_together
from django_matt.contrib.spa.settings import DEV_SERVER, SpaSettings, get_settings

__all__ = ["Command"]

ADDRESS = "127.0.0.1:8000"
BACKEND = "MATT_SPA_BACKEND"
"""The environment variable with the origin of Django, for the proxy of the development server, and for pages rendered by Node."""


class Command(BaseCommand):
    """Install, build or serve the front end, or run one of its scripts."""

    help = (
        "`install` installs what package-lock.json names. `build` builds the front end for production. `run` runs a "
        "script of package.json, such as `run check`. `dev` serves the front end by its development server beside "
        "runserver, at one address, until you press Ctrl-C. Each installs the packages first if they "
        "are missing or incomplete, and writes the types of your API if the app typescript is installed."
    )
    # Without a build there are messages; the command is how to fix them.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the verbs and the addresses."""
        parser.add_argument("verb", choices=("install", "build", "run", "dev"))
        parser.add_argument(
            "what",
            nargs="?",
            metavar="address",
            help=f"Where dev serves Django, [host:]port ({ADDRESS}); the script of run.",
        )
        parser.add_argument(
            "--front-port", type=int, default=5173, help="The port of the development server."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the verb."""
        try:
            chosen = get_settings()
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
        if options["verb"] == "run" and not options["what"]:
            raise CommandError("Which script of package.json? For example: matt_spa run check.")
        node = find_node(chosen.root)
        if services.install(chosen, node):
            self.stdout.write(f"Installed the packages of {chosen.ROOT}.")
        if options["verb"] == "install":
            return
        self._write_types()
        if options["verb"] == "build":
            services.build(chosen, node)
            return
        if options["verb"] == "run":
            services.run_script(chosen, node, options["what"])
            return
        code = self._serve(chosen, node, options["what"] or ADDRESS, options["front_port"])
        if code:
            sys.exit(code)

    def _write_types(self) -> None:
        written = getattr(settings, "MATT_TYPESCRIPT", {})
        if apps.is_installed("django_matt.contrib.typescript") and written.get("OUTPUT"):
            call_command("matt_types", "write")

    def _serve(self, chosen: SpaSettings, node: Node, address: str, front_port: int) -> int:
        host, port = _split(address)
        _need_free(host, port, "another address: matt_spa dev 8001")
        _need_free("localhost", front_port, "another port: matt_spa dev --front-port 5174")
        if not settings.DEBUG:
            raise SpaError(
                "DEBUG is off, so the development server would be ignored. Set DEBUG=true, or build."
            )
        variables = {
            **node.environment,
            DEV_SERVER: f"http://localhost:{front_port}",
            BACKEND: f"http://127.0.0.1:{port}",
        }
        front = services.dev_command(chosen, node, front_port)
        django = [sys.executable, *_manage(), "runserver", address]
        # A page that Node renders is not Django's; its server passes on what is.
        page = f"http://localhost:{front_port}" if chosen.SERVER else f"http://{host}:{port}"
        self.stdout.write(f"Open {page}/; Ctrl-C ends both servers.")
        self.stdout.flush()
        return run_together([(front, chosen.root, variables), (django, Path.cwd(), variables)])


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
