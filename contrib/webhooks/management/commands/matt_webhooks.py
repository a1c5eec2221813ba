"""``manage.py matt_webhooks``: sends webhooks, shows what is waiting, and repeats, tests and encrypts again."""

import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_matt.contrib.webhooks.deliveries import find_log, record, webhook_database
from django_matt.contrib.webhooks.models import Endpoint
from django_matt.contrib.webhooks.services import replay, reseal_all, standing, start_test
from django_matt.contrib.webhooks.workers import send, work
from django_matt.errors.exceptions import Conflict

__all__ = ["Command"]


class Command(BaseCommand):
    """Send webhooks, and inspect and repeat what was sent."""

    help = "Send webhooks, show what is waiting, send again, send a test event, or encrypt the secrets again."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the subcommands."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        sending = actions.add_parser("send", help="send webhooks until it is stopped")
        sending.add_argument("--once", action="store_true", help="send what is due, and end")
        status = actions.add_parser("status", help="show how far the sending is")
        status.add_argument("--format", choices=("table", "json"), default="table")
        again = actions.add_parser("replay", help="send again what an endpoint has not accepted")
        again.add_argument("endpoint", metavar="ENDPOINT", help="the id of an endpoint")
        again.add_argument(
            "--from",
            dest="start",
            type=int,
            metavar="POSITION",
            help="all events from this position of the log on, also those that were delivered",
        )
        test = actions.add_parser("test", help="send a test event to an endpoint now")
        test.add_argument("endpoint", metavar="ENDPOINT", help="the id of an endpoint")
        actions.add_parser(
            "reseal", help="encrypt all secrets by SECRET_KEY, before an old key is removed"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what the action says."""
        try:
            getattr(self, f"_{options['action']}")(options)
        except (ImproperlyConfigured, Conflict) as error:
            raise CommandError(str(error)) from error

    def _send(self, options: dict[str, Any]) -> None:
        find_log()
        with _stop_by_signals() as stop:
            count = work(stop, once=options["once"])
        if options["once"]:
            self.stdout.write(f"{count} attempts made.")

    def _status(self, options: dict[str, Any]) -> None:
        found = standing()
        if options["format"] == "json":
            self.stdout.write(json.dumps(found, indent=2))
            return
        self.stdout.write(
            "At position {position} of the log, {behind} behind. {due} due, {waiting} waiting for another attempt, "
            "{dead} dead.".format(**found)
        )
        for each in found["endpoints"]:
            self.stdout.write("{id} {url}: {state}".format(**each))

    def _replay(self, options: dict[str, Any]) -> None:
        count = replay(_find(options["endpoint"]), options["start"])
        self.stdout.write(f"{count} deliveries are due.")

    def _test(self, options: dict[str, Any]) -> None:
        claimed = time.monotonic()
        delivery = start_test(_find(options["endpoint"]))
        outcome = send(delivery, claimed)
        record(delivery, outcome)
        if not outcome.is_success:
            raise CommandError(outcome.reason)
        self.stdout.write(f"The endpoint has accepted it with the status {outcome.status}.")

    def _reseal(self, options: dict[str, Any]) -> None:
        self.stdout.write(f"The secrets of {reseal_all()} endpoints are encrypted by SECRET_KEY.")


def _find(text: str) -> Endpoint:
    try:
        found = Endpoint.objects.using(webhook_database()).filter(pk=text).first()
    except ValidationError:
        found = None
    if found is None:
        raise CommandError(
            f"There is no endpoint {text!r}. The action status lists those that fail or are disabled."
        )
    return found


@contextmanager
def _stop_by_signals() -> Iterator[threading.Event]:
    """Stop after what is being sent, at SIGTERM and SIGINT."""
    stop = threading.Event()
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, lambda *_: stop.set()) for number in numbers]
    try:
        yield stop
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
