"""``manage.py matt_events``: gives positions, processes events, shows how far consumers are, and repeats events."""

import json
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_matt.contrib.events.consumers import Consumer, consumers
from django_matt.contrib.events.models import Subscription
from django_matt.contrib.events.relays import relay
from django_matt.contrib.events.services import first_position, last_position
from django_matt.contrib.events.standings import standings
from django_matt.contrib.events.subscriptions import forget, replay, subscribe
from django_matt.contrib.events.workers import drain, work

__all__ = ["Command"]


class Command(BaseCommand):
    """Run or inspect the processing of events."""

    help = (
        "Run a worker or a relay of events, show how far each consumer is, or process events again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the subcommands."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        actions.add_parser("relay", help="give positions to committed events until it is stopped")
        working = actions.add_parser(
            "work", help="process events until it is stopped; it runs a relay too"
        )
        working.add_argument(
            "--consumers", metavar="A,B", help="only these consumers; by default all of the project"
        )
        working.add_argument("--drain", action="store_true", help="process what is due, and end")
        status = actions.add_parser("status", help="show how far each consumer is")
        status.add_argument("--format", choices=("table", "json"), default="table")
        again = actions.add_parser("replay", help="deliver events to a consumer once more")
        again.add_argument("--consumer", required=True, metavar="NAME")
        again.add_argument(
            "--from", dest="start", type=int, required=True, metavar="POSITION", help="the first"
        )
        again.add_argument(
            "--again",
            action="store_true",
            help="also what a consumer with once=True has a receipt for",
        )

        removed = actions.add_parser(
            "forget", help="remove a consumer, or topics of one, that the code no longer has"
        )
        removed.add_argument("--consumer", required=True, metavar="NAME")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what the action says."""
        getattr(self, f"_{options['action']}")(options)

    def _relay(self, options: dict[str, Any]) -> None:
        with _stop_by_signals() as stop:
            relay(stop)

    def _work(self, options: dict[str, Any]) -> None:
        chosen = _choose(options["consumers"])
        if options["drain"]:
            self.stdout.write(f"{drain(chosen)} deliveries processed.")
            return
        with _stop_by_signals() as stop:
            relaying = threading.Thread(target=relay, args=(stop,), name="matt-relay", daemon=True)
            relaying.start()
            work(chosen, stop)
            relaying.join()

    def _status(self, options: dict[str, Any]) -> None:
        found = standings()
        if options["format"] == "json":
            first, last = first_position(), last_position()
            told = {"first": first, "last": last, "consumers": [asdict(each) for each in found]}
            self.stdout.write(json.dumps(told, indent=2))
            return
        self.stdout.write(f"The log has the positions {first_position()} to {last_position()}.")
        for each in found:
            newer = f", {each.newer} for newer code" if each.newer else ""
            unknown = "" if each.consumer in consumers else " (not in the code)"
            self.stdout.write(
                f"{each.consumer}{unknown}: at {each.position}, {each.behind} behind, {each.pending} pending, "
                f"{each.waiting} waiting for another attempt, {each.dead} dead{newer}"
            )
            if each.error:
                self.stdout.write(f"  last error: {each.error}")

    def _replay(self, options: dict[str, Any]) -> None:
        (chosen,) = _choose(options["consumer"])
        subscribe([chosen])
        count = replay(chosen, options["start"], again=options["again"])
        self.stdout.write(f"{count} deliveries of {chosen.name} are due.")

    def _forget(self, options: dict[str, Any]) -> None:
        name = options["consumer"]
        try:
            count = forget(name)
        except Subscription.DoesNotExist:
            raise CommandError(f"No consumer {name} has ever been started.") from None
        what = f"topics of {name} that the code no longer has" if name in consumers else name
        self.stdout.write(f"Removed {what}, with {count} deliveries.")


def _choose(names: str | None) -> Sequence[Consumer]:
    wanted = list(consumers) if names is None else [name.strip() for name in names.split(",")]
    unknown = [name for name in wanted if name not in consumers]
    if not wanted:
        raise CommandError(
            "The project has no consumers. Write them into a module named `consumers` of an installed app."
        )
    if unknown:
        known = ", ".join(sorted(consumers)) or "none"
        raise CommandError(f"There is no consumer {', '.join(unknown)}. The project has: {known}.")
    return [consumers[name] for name in wanted]


@contextmanager
def _stop_by_signals() -> Iterator[threading.Event]:
    """Stop after what is being processed, at SIGTERM and SIGINT; a second one ends the process at once."""
    stop = threading.Event()
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}

    def restore() -> None:
        for each, handler in before.items():
            signal.signal(each, handler)

    def handle(*_: Any) -> None:
        stop.set()
        restore()

    for each in before:
        signal.signal(each, handle)
    try:
        yield stop
    finally:
        restore()
