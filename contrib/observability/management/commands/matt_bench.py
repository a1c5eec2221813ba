"""``manage.py matt_bench``: how many requests a second the GET operations of your project answer."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.test import Client

from django_matt.contrib.observability.advice.replays import Replay, host, replay
from django_matt.contrib.observability.bench.loads import Load, LoadError, generator, press
from django_matt.contrib.observability.bench.revisions import RevisionError, check_out
from django_matt.contrib.observability.bench.servers import (
    ServerError,
    application_of,
    folder_of_project,
    run_server,
    server_name,
)
from django_matt.contrib.observability.management.calls import (
    add_call_options,
    read_call_options,
)
from django_matt.contrib.observability.statements import is_write
from django_matt.errors.exceptions import MissingExtra

__all__ = ["Command"]

_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class _Result:
    """One operation, with its load now and, with ``--compare``, before."""

    route: str
    now: Load
    before: Load | None

    @property
    def ratio(self) -> float | None:
        return None if self.before is None else self.now.rate / self.before.rate


class Command(BaseCommand):
    """Measure."""

    help = (
        "Serve your project with one worker, and measure how many requests a second its GET operations answer. With "
        "--compare, an earlier revision is measured in turn, so that the ratio does not depend on the machine."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument(
            "route",
            nargs="*",
            help="a part of the path, the name or the operationId; all by default",
        )
        parser.add_argument("--connections", type=int, default=16, help="how many clients (16)")
        parser.add_argument(
            "--seconds", type=float, default=5, help="how long each operation is measured (5)"
        )
        parser.add_argument(
            "--interface", choices=["asgi", "wsgi"], default="asgi", help="how it is served (asgi)"
        )
        parser.add_argument(
            "--application", help="what is served, as module:name; by default that of the settings"
        )
        add_call_options(parser)
        parser.add_argument(
            "--compare", metavar="REV", help="a revision of git to measure in the same run, in turn"
        )
        parser.add_argument(
            "--fail-if-slower",
            type=float,
            metavar="PERCENT",
            help="end with 1 if an operation answers so many percent fewer requests than at REV",
        )
        parser.add_argument(
            "--writes",
            action="store_true",
            help="measure operations that write, too: nothing is rolled back",
        )
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Measure, and print."""
        if options["connections"] < 1 or not 0.1 <= options["seconds"] <= 3600:
            raise CommandError("--connections is at least 1, --seconds from 0.1 to 3600.")
        if options["fail_if_slower"] is not None and not options["compare"]:
            raise CommandError("--fail-if-slower needs --compare REV.")
        given = read_call_options(options)
        found = replay(options["route"], given.known, given.headers, given.user, 1)
        calls = {call.operation.path: call for call in found}
        if not calls:
            raise CommandError("No GET operation of a mounted MattAPI matches.")
        reasons = {
            path: reason for path, call in calls.items() if (reason := _reason(call, options))
        }
        for path, reason in reasons.items():
            self.stderr.write(f"GET {path} is not measured: {reason}.")
        measured = [call for path, call in calls.items() if path not in reasons]
        if not measured:
            raise CommandError("Nothing to measure.")
        if settings.DEBUG:
            self.stderr.write(
                self.style.WARNING(
                    "DEBUG is on, which makes everything slower: measure without it."
                )
            )
        try:
            with _signed_in(given.user) as cookies:
                sent = {
                    "Host": host(),
                    "Accept": "application/json",
                    **_secure(),
                    **cookies,
                    **given.headers,
                }
                self._run(measured, sent, options)
        except (ServerError, RevisionError, MissingExtra) as error:
            raise CommandError(str(error)) from None

    def _run(self, calls: list[Replay], headers: dict[str, str], options: dict[str, Any]) -> None:
        interface = options["interface"]
        application = options["application"] or application_of(interface)
        folder = folder_of_project()
        with ExitStack() as stack:
            folders = [folder]
            if options["compare"]:
                folders.append(stack.enter_context(check_out(folder, options["compare"])))
            servers = [
                stack.enter_context(
                    run_server(each, application, interface, calls[0].address, headers)
                )
                for each in folders
            ]
            if not options["json"]:
                self.stdout.write(
                    f"{application} by {server_name(interface)}, one worker; {options['connections']} connections by "
                    f"{generator()}; {options['seconds']:g} s each"
                )
            results = []
            for call in calls:
                result = self._measure(call, servers, headers, options)
                results.append(result)
                if not options["json"]:
                    self.stdout.write(_line(result, options["compare"]))
        if options["json"]:
            rows = [{**asdict(each), "ratio": each.ratio} for each in results]
            self.stdout.write(json.dumps({"generator": generator(), "routes": rows}, indent=2))
        allowed = options["fail_if_slower"]
        if allowed is not None:
            slower = [each.route for each in results if (each.ratio or 1) < 1 - allowed / 100]
            if slower:
                raise CommandError(f"Slower by more than {allowed:g} %: {', '.join(slower)}.")

    def _measure(
        self, call: Replay, servers: list[str], headers: dict[str, str], options: dict[str, Any]
    ) -> _Result:
        """Press the servers in turn, so that a machine that becomes slower does so for both."""
        rounds = _ROUNDS if len(servers) > 1 else 1
        loads: list[list[Load]] = [[] for _ in servers]
        for _ in range(rounds):
            for server, found in zip(servers, loads, strict=True):
                try:
                    found.append(
                        press(
                            server + call.address,
                            headers,
                            options["connections"],
                            options["seconds"] / rounds,
                        )
                    )
                except LoadError as error:
                    raise CommandError(f"GET {call.operation.path} {error}.") from None
        now, *before = [
            Load(
                rate=median(each.rate for each in found),
                p50=median(each.p50 for each in found),
                p99=median(each.p99 for each in found),
            )
            for found in loads
        ]
        return _Result(f"GET {call.operation.path}", now, before[0] if before else None)


def _reason(call: Replay, options: dict[str, Any]) -> str:
    """Return why an operation is not measured; nothing if it is."""
    if call.status != 200:
        return call.reason or f"it answered {call.status}"
    writes = any(is_write(query.text) for detail in call.seen for query in detail.queries)
    return (
        "it writes to the database; --writes measures it"
        if writes and not options["writes"]
        else ""
    )


def _line(result: _Result, revision: str | None) -> str:
    now = result.now
    text = (
        f"{result.route}\n  {now.rate:10,.0f} requests/s   half within {now.p50 * 1000:.1f} ms, "
        f"99 % within {now.p99 * 1000:.1f} ms"
    )
    if result.before is not None:
        text += (
            f"\n  {result.before.rate:10,.0f} at {revision}: {result.ratio:.2f} times as many now"
        )
    return text


def _secure() -> dict[str, str]:
    """Return the header by which a proxy says that a request came over HTTPS, if the settings name one."""
    if not settings.SECURE_PROXY_SSL_HEADER:
        return {}
    name, value = settings.SECURE_PROXY_SSL_HEADER
    return {name.removeprefix("HTTP_").replace("_", "-"): value}


@contextmanager
def _signed_in(user: Any) -> Iterator[dict[str, str]]:
    """Yield the header of a session of the user; it is deleted in the end."""
    if user is None:
        yield {}
        return
    client = Client()
    client.force_login(user)
    try:
        name = settings.SESSION_COOKIE_NAME
        yield {"Cookie": f"{name}={client.cookies[name].value}"}
    finally:
        client.logout()
