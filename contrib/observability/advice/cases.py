"""What the rules look at: the requests that were observed, and the databases."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property

from django.apps import apps
from django.db.models import Model

from django_matt.contrib.observability.advice.explaining import Database, Plan, Refused
from django_matt.contrib.observability.observations import Detail, Query
from django_matt.operations import BoundOperation, find_operation
from django_matt.reads import Reads

__all__ = ["Case"]


class Case:
    """Requests and databases; everything is asked once."""

    def __init__(self, requests: Iterable[Detail], slow_ms: float) -> None:
        """Take the requests; those of unknown URLs are left out."""
        self.requests = [each for each in requests if each.operation is not None]
        self.slow_ms = slow_ms
        self._databases: dict[str, Database] = {}
        self._operations: dict[int, BoundOperation] = {}

    @cached_property
    def by_route(self) -> dict[str, list[Detail]]:
        """The requests by the method and the template of the path."""
        found = defaultdict(list)
        for each in self.requests:
            found[f"{each.method} {each.route}"].append(each)
        return dict(found)

    def statements(self) -> Iterator[tuple[str, Detail, Query]]:
        """Yield the route, a request and a query for each statement of each route: the slowest of those alike."""
        for route, requests in self.by_route.items():
            slowest: dict[tuple[str, str], tuple[Detail, Query]] = {}
            for request in requests:
                for query in request.queries:
                    known = slowest.get((query.alias, query.text))
                    if known is None or known[1].seconds < query.seconds:
                        slowest[query.alias, query.text] = (request, query)
            for request, query in slowest.values():
                yield route, request, query

    def database(self, alias: str) -> Database:
        """Return a database by its alias."""
        if alias not in self._databases:
            self._databases[alias] = Database(alias)
        return self._databases[alias]

    def plan(self, query: Query) -> Plan | None:
        """Return the plan of a statement; None if it has none."""
        try:
            return self.database(query.alias).explain(query.text)
        except Refused:
            return None

    def reads(self, request: Detail) -> Reads | None:
        """Return what the route's usual response reads; None if that is not known."""
        key = id(request.operation)
        if key not in self._operations:
            self._operations[key] = find_operation(request.api, request.operation)
        found = self._operations[key].reads()
        return next((each for each in found if each.status == request.status), None)

    @cached_property
    def models(self) -> dict[str, type[Model]]:
        """The models by the names of their tables."""
        return {model._meta.db_table: model for model in apps.get_models(include_auto_created=True)}
