"""``manage.py demo``: migrate, load the demo data, serve, and say what to open."""

import os
import signal
import socket
import subprocess
import sys
import time
from argparse import ArgumentParser
from importlib.util import find_spec
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

SERVERS = ("granian", "uvicorn", "runserver")
START_SECONDS = 60
STOP_SECONDS = 10


class Command(BaseCommand):
    """From nothing to a shop that answers."""

    help = "Migrates, loads the demo data and serves the shop until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the address and the server."""
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", default=os.environ.get("PORT") or "8000")
        parser.add_argument("--server", choices=["auto", *SERVERS], default="auto")
        parser.add_argument("--products", type=int, default=200, help="how many products (200)")

    def handle(self, *, host: str, port: str, server: str, products: int, **options: Any) -> None:
        """Do all of it; Ctrl-C and SIGTERM end it with exit code 0."""
        check_port(host, number := port_number(port))
        signal.signal(signal.SIGTERM, interrupt)
        child: subprocess.Popen[bytes] | None = None
        try:
            self.stdout.write("Migrating the database.")
            call_command("migrate", verbosity=0, interactive=False)
            call_command("load_demo", interactive=False, products=products, stdout=self.stdout)
            # Its own session: Ctrl-C reaches this process only, which then stops the server in order.
            child = subprocess.Popen(
                command_line(server, host, number), cwd=settings.BASE_DIR, start_new_session=True
            )
            wait_until_served(child, host, number)
            self.show_addresses(f"http://{host}:{port}")
            code = child.wait()
        except KeyboardInterrupt:
            if child is not None:
                stop(child)
            self.stdout.write("\nThe demo has ended.")
        else:
            raise CommandError(f"The server ended by itself with code {code}.")
        finally:
            if child is not None:
                stop(child)

    def show_addresses(self, base: str) -> None:
        """Print what to open."""
        self.stdout.write(
            f"\n  Start here        {base}/\n"
            f"  The API           {base}/api/products?search=oak&ordering=-price\n"
            f"  One product       {base}/api/products/1\n"
            f"  As CSV            {base}/api/reports/stock?format=csv\n"
            f"  Documentation     {base}/api/docs\n"
            f"  A deliberate bug  {base}/api/oops\n\n"
            "Each request is one line below. Ctrl-C ends the demo.\n"
        )
        self.stdout.flush()


def port_number(text: str) -> int:
    """Return a port as a number; ``make demo`` passes what ``PORT`` says."""
    if not text.isdecimal() or not 1 <= int(text) <= 65_535:
        raise CommandError(f"{text!r} is not a port. Use a number from 1 to 65535: PORT=8001.")
    return int(text)


def check_port(host: str, port: int) -> None:
    """Raise ``CommandError`` where the address cannot be had, before anything is written."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, proto) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise CommandError(
            f"{host}:{port} cannot be used ({error.strerror}): choose another with PORT=8001."
        ) from error


def command_line(server: str, host: str, port: int) -> list[str]:
    """Return how to start the server; ``auto`` takes the first one that is installed."""
    if server == "auto":
        server = next((name for name in SERVERS[:2] if find_spec(name)), "runserver")
    python = sys.executable
    at = ["--host", host, "--port", str(port)]
    # ASGI: under WSGI a stream of events is sent only when it is complete.
    if server == "granian":
        return [
            *(
                python,
                "-m",
                "granian",
                "--interface",
                "asginl",
                "--no-ws",
                "--log-level",
                "warning",
            ),
            *(*at, "config.asgi:application"),
        ]
    if server == "uvicorn":
        return [
            *(python, "-m", "uvicorn", "--lifespan", "off", "--log-level", "warning"),
            *(*at, "config.asgi:application"),
        ]
    return [python, "manage.py", "runserver", "--noreload", f"{host}:{port}"]


def wait_until_served(child: "subprocess.Popen[bytes]", host: str, port: int) -> None:
    """Wait until the port answers; raise ``CommandError`` where the server ends or takes too long."""
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up:
        if child.poll() is not None:
            raise CommandError(f"The server did not start (code {child.returncode}); see above.")
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise CommandError(f"The server did not answer within {START_SECONDS} seconds.")


def stop(child: "subprocess.Popen[bytes]") -> None:
    """End the server and its workers: politely, then for certain."""
    if child.poll() is not None:
        return
    # A second Ctrl-C must not leave the server behind.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    child.terminate()
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def interrupt(number: int, frame: FrameType | None) -> None:
    """Treat SIGTERM as Ctrl-C."""
    raise KeyboardInterrupt
