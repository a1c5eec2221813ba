"""``manage.py matt_caching``: shows the cached routes, and clears the cache of responses."""

from collections.abc import Iterator
from time import perf_counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_matt.contrib.caching.hooks import CachingHook
from django_matt.contrib.caching.stores import PREFIX, get_store
from django_matt.contrib.caching.validity import EVERYTHING, name_of_route, renew, uses_versions
from django_matt.contrib.caching.writes import invalidate
from django_matt.discovery import find_apis
from django_matt.hooks import bound_hooks
from django_matt.operations import list_operations

__all__ = ["Command"]


class Command(BaseCommand):
    """Show and clear the cache of responses."""

    help = "Show the cached routes, or make what is stored invalid."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the two subcommands."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="status|clear")
        verbs.add_parser("status", help="show the cache and the cached routes")
        clear = verbs.add_parser("clear", help="make everything that is stored invalid")
        clear.add_argument("route", nargs="?", help="of one route: its path or its name, as shown")

    def handle(self, *, verb: str, route: str | None = None, **_: Any) -> None:
        """Run one of them."""
        if verb == "status":
            self._show()
        else:
            self._clear(route)

    def _show(self) -> None:
        store, begun = get_store(), perf_counter()
        answers = store.get_many([f"{PREFIX}status"]) is not None
        took = f"answers in {1000 * (perf_counter() - begun):.1f} ms"
        self.stdout.write(f"cache: {store.alias}, {took if answers else 'does not answer'}")
        by = "the version of the SQLite file" if uses_versions() else "a token of each table"
        self.stdout.write(f"valid by: {by}")
        for path, hook in _cached_routes():
            caching, vary = hook.answers.caching, [_name(each) for each in hook.answers.keys.vary]
            words = [path, hook.answers.keys.route, f"{caching.seconds:g} s"]
            words += [f"stale {caching.stale:g} s"] * bool(caching.stale)
            words += ["public"] * caching.public
            self.stdout.write("\t".join([*words, f"vary: {', '.join(vary) or '-'}"]))

    def _clear(self, route: str | None) -> None:
        if route is None:
            if uses_versions():
                invalidate()
            else:
                self._renew(EVERYTHING)
            self.stdout.write("Everything that was stored is invalid.")
            return
        names = {
            hook.answers.keys.route
            for path, hook in _cached_routes()
            if route in (path, hook.answers.keys.route)
        }
        if not names:
            known = ", ".join(path for path, _ in _cached_routes())
            raise CommandError(f"{route} is not a cached route; these are: {known or 'none'}.")
        if uses_versions():
            raise CommandError(
                "In the memory of processes, only everything can be cleared: leave the route out."
            )
        for name in names:
            self._renew(name_of_route(name))
        self.stdout.write(f"What was stored of {route} is invalid.")

    @staticmethod
    def _renew(name: str) -> None:
        if get_store().is_local:
            raise CommandError(
                "The cache is in the memory of the processes of the server, which a command cannot reach."
            )
        if get_store().get_many([PREFIX]) is None:
            raise CommandError("The cache does not answer.")
        renew([name])


def _cached_routes() -> Iterator[tuple[str, CachingHook]]:
    for api, _ in find_apis():
        bind = getattr(api, "bind_operations", None)
        if bind is not None:
            bind()
        for each in list_operations(api):
            for hook in bound_hooks(each.operation):
                if isinstance(hook, CachingHook):
                    yield each.path, hook


def _name(vary: Any) -> str:
    return vary if isinstance(vary, str) else getattr(vary, "__qualname__", repr(vary))
