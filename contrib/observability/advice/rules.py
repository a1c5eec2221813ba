"""The rules of advice. Each is a function with an id, which looks at a ``Case`` and yields what it finds."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connections, models, transaction

from django_matt.contrib.observability.advice.cases import Case
from django_matt.contrib.observability.advice.findings import LEVELS, Advice, Level
from django_matt.contrib.observability.advice.shapes import Column, shape_of
from django_matt.contrib.observability.observations import Detail, Query
from django_matt.contrib.observability.settings import get_settings
from django_matt.contrib.observability.statements import is_write

__all__ = ["RULES", "advise"]

REPEATED = 5
"""From how many times on a repeated statement is reported."""
SAME = 3
"""From how many times on a statement with the same values is reported."""
MANY_ROWS = 10_000
"""A table with fewer rows is read and sorted in a few milliseconds."""
LONG_LIST = 1_000
"""From how many items on a list needs pages."""
LARGE_TABLE = 100_000
"""From how many rows on a count is reported."""
MANY_ITEMS = 10
"""A list with fewer items says little about a route."""
ENOUGH_REQUESTS = 20
"""How many requests must have been seen before an answer is called the same."""

Found = Iterator[dict[str, Any]]
Rule = Callable[[Case], Found]
RULES: dict[str, tuple[Level, Rule]] = {}
"""The rules by their ids, with the level of what they find."""

_TEXT_SEARCH = {"LIKE", "ILIKE", "REGEXP", "~"}


def rule(name: str, level: Level) -> Callable[[Rule], Rule]:
    """Return a decorator that adds a rule."""

    def add(function: Rule) -> Rule:
        RULES[name] = (level, function)
        return function

    return add


def advise(requests: Iterable[Detail]) -> list[Advice]:
    """Return the advice for requests, the worst first, without what the project has silenced."""
    options = get_settings()
    case = Case(requests, options.SLOW_MS)
    found: dict[tuple[str, ...], Advice] = {}
    for name, (level, function) in RULES.items():
        for each in function(case):
            advice = Advice(id=name, level=level, **each)
            path = advice.route.partition(" ")[2]
            if name in options.SILENCED_ADVICE or f"{name} {path}" in options.SILENCED_ADVICE:
                continue
            found.setdefault((name, advice.route, advice.place, advice.reason), advice)
    return sorted(found.values(), key=lambda each: (LEVELS.index(each.level), each.id, each.route))


def _repeated(case: Case) -> Iterator[tuple[str, Detail, list[Query]]]:
    """Yield the statements that one request has sent several times, of each route the worst request."""
    for route, requests in case.by_route.items():
        worst: dict[tuple[str, str], tuple[Detail, list[Query]]] = {}
        for request in requests:
            ordered = sorted(request.queries, key=lambda each: (each.alias, each.text))
            for key, alike in groupby(ordered, key=lambda each: (each.alias, each.text)):
                queries = list(alike)
                if key not in worst or len(worst[key][1]) < len(queries):
                    worst[key] = (request, queries)
        for request, queries in worst.values():
            if len(queries) > 1:
                yield route, request, queries


def _place(request: Detail, queries: list[Query]) -> str:
    return Counter(each.place for each in queries).most_common(1)[0][0] or request.place


@rule("A001", "warn")
def n_plus_one(case: Case) -> Found:
    """Find a query for each item of a list. The number is how many there were."""
    for route, request, queries in _repeated(case):
        different = len({each.same for each in queries})
        if different >= REPEATED and not is_write(queries[0].text):
            yield {
                "route": route,
                "place": _place(request, queries),
                "reason": f"One request sent the same query {len(queries)} times, with other values each time.",
                "remedy": "Load the related rows with the list: return the queryset and let the response schema read the "
                "relation, or use select_related() or prefetch_related().",
                "number": len(queries),
                "sql": queries[0].text,
            }


@rule("A002", "warn")
def slow_query(case: Case) -> Found:
    """Find slow queries. The number is milliseconds."""
    for route, request, query in case.statements():
        ms = round(query.seconds * 1_000, 1)
        if ms >= case.slow_ms:
            plan = case.plan(query)
            shown = "" if plan is None else f" Its plan: {'; '.join(plan.text.split(chr(10))[:5])}."
            yield {
                "route": route,
                "place": query.place or request.place,
                "reason": f"A query took {ms} ms.{shown}",
                "remedy": "Read fewer rows, or add an index for its conditions.",
                "number": ms,
                "sql": query.text,
            }


def _scans(case: Case) -> Iterator[tuple[str, Detail, Query, Any, Any, int]]:
    """Yield the statements that read all rows of a table with many rows."""
    for route, request, query in case.statements():
        shape = shape_of(query.text)
        if shape is None or (shape.counts and not shape.conditions):
            continue
        plan = case.plan(query)
        if plan is None or shape.table not in plan.scanned:
            continue
        rows = case.database(query.alias).rows(shape.table)
        if rows >= MANY_ROWS:
            yield route, request, query, shape, plan, rows


def _wants_index(case: Case, query: Query, column: Column) -> bool:
    """Return whether a column has no index, and values that an index can tell apart."""
    model = case.models.get(column.table)
    if model is None:
        return False
    found = next((each for each in model._meta.concrete_fields if each.column == column.name), None)
    if found is None or isinstance(found, models.BooleanField) or found.choices:
        return False
    return not case.database(query.alias).has_index(column.table, column.name)


def _shown(rows: int) -> str:
    return f"{LARGE_TABLE:,} rows or more" if rows > LARGE_TABLE else f"{rows:,} rows"


def _index_advice(
    case: Case, query: Query, column: Column, cost: float | None
) -> dict[str, str] | None:
    """Return the remedy of an index, measured by HypoPG if it is there; None if the database would not use it."""
    after = case.database(query.alias).cost_with_index(query.text, *column[:2])
    text = f'Add models.Index(fields=["{_field(case, column)}"]) to the model, or db_index=True to the field.'
    if cost is None or after is None:
        return {"remedy": text}
    if after > cost * 0.9:
        return None
    return {
        "remedy": f"{text} HypoPG estimates that its cost falls from {cost:,.0f} to {after:,.0f}."
    }


def _field(case: Case, column: Column) -> str:
    fields = case.models[column.table]._meta.concrete_fields
    return next(each.name for each in fields if each.column == column.name)


@rule("A003", "warn")
def filter_without_index(case: Case) -> Found:
    """Find a condition that reads all rows of a table. The number is the rows."""
    for route, request, query, shape, plan, rows in _scans(case):
        wanted = [each for each in shape.conditions if each.table == shape.table]
        if any(each.operator in _TEXT_SEARCH for each in wanted):
            continue
        column = next((each for each in wanted if _wants_index(case, query, each)), None)
        # Another condition with an index may be enough; the database has decided against it.
        if column is None:
            continue
        more = _index_advice(case, query, column, plan.cost)
        if more is not None:
            yield {
                "route": route,
                "place": query.place or request.place,
                "reason": f"A filter on {column.table}.{column.name}, which has no index, reads all of {_shown(rows)}.",
                "number": rows,
                "sql": query.text,
                **more,
            }


@rule("A004", "warn")
def order_without_index(case: Case) -> Found:
    """Find an ordering that sorts a whole table to send a part of it. The number is the rows."""
    for route, request, query, shape, plan, rows in _scans(case):
        column = shape.order
        if not (shape.limited and plan.sorts and column) or column.table != shape.table:
            continue
        more = None
        if _wants_index(case, query, column):
            more = _index_advice(case, query, column, plan.cost)
        if more is not None:
            yield {
                "route": route,
                "place": query.place or request.place,
                "reason": f"{column.table} is ordered by {column.name}, which has no index: all of {_shown(rows)} are "
                "sorted to send some of them.",
                "number": rows,
                "sql": query.text,
                **more,
            }


@rule("A005", "info")
def columns_never_sent(case: Case) -> Found:
    """Find large columns that are loaded for a list and not in the response. The number is the columns."""
    large = (models.TextField, models.JSONField, models.BinaryField)
    for route, request, query in case.statements():
        shape = shape_of(query.text)
        # What is loaded for a queryset that the view returns is decided by the response schema.
        if shape is None or request.items < MANY_ITEMS or not query.place:
            continue
        reads, model = case.reads(request), case.models.get(shape.table)
        if reads is None or model is None or reads.own_code or shape.table not in reads.columns:
            continue
        needed = {*reads.columns[shape.table], model._meta.pk.column}
        needed |= {each.name for each in shape.conditions}
        unused = {each.name for each in shape.selected if each.table == shape.table} - needed
        fields = {each.column: each for each in model._meta.concrete_fields}
        heavy = sorted(name for name in unused if isinstance(fields.get(name), large))
        if heavy:
            yield {
                "route": route,
                "place": query.place or request.place,
                "reason": f"{len(unused)} columns of {shape.table} are loaded and not sent, of which {', '.join(heavy)} may "
                "be large.",
                "remedy": "Return the queryset instead of a list: the response then loads only what it sends. Or use "
                "only() or defer().",
                "number": len(unused),
                "sql": query.text,
            }


@rule("A006", "info")
def tier_closed(case: Case) -> Found:
    """Find lists that are not written from database rows. The number is the items."""
    for route, requests in case.by_route.items():
        request = max(requests, key=lambda each: each.items)
        tier, _, reason = request.tier.partition("; ")
        reads = case.reads(request)
        if (
            request.items < MANY_ITEMS
            or request.method != "GET"
            or reads is None
            or not reads.models
        ):
            continue
        if tier.startswith(("rows", "none")):
            continue
        if reads.tier.startswith("rows"):
            # Other reasons are about the query itself, which the view needs.
            if not tier or (reason and not reason.startswith("the view creates instances")):
                continue
            reason = reason or "the view does not return a queryset"
            remedy = "Return the queryset itself, without list() and without building instances."
        elif request.paginated:
            # The reason is that of the page, whose items may come from rows.
            continue
        else:
            tier, reason = reads.tier, reads.reason or "a field cannot be read from a row"
            remedy = "Remove the named part from the list's schema, or use an annotation of the queryset instead."
        yield {
            "route": route,
            "place": request.place,
            "reason": f"The list is written from {tier}, and not from database rows: {reason}.",
            "remedy": remedy,
            "number": request.items,
        }


@rule("A007", "warn")
def long_list(case: Case) -> Found:
    """Find lists without pages. The number is the items."""
    for route, requests in case.by_route.items():
        request = max(requests, key=lambda each: each.items)
        if request.items > LONG_LIST and not request.paginated:
            yield {
                "route": route,
                "place": request.place,
                "reason": f"One response has {request.items:,} items or more, and it grows with the table.",
                "remedy": "Add @paginate.",
                "number": request.items,
            }


@rule("A008", "info")
def large_count(case: Case) -> Found:
    """Find the count of a large table. The number is the rows that were counted for this advice."""
    for route, request, query in case.statements():
        shape = shape_of(query.text)
        if shape is None or not shape.counts:
            continue
        rows = case.database(query.alias).rows(shape.table)
        if rows >= LARGE_TABLE:
            yield {
                "route": route,
                "place": query.place or request.place,
                "reason": f"COUNT(*) of {shape.table} reads {_shown(rows)} for one number.",
                "remedy": "Paginate by cursor, which counts nothing, or show an estimate.",
                "number": rows,
                "sql": query.text,
            }


@rule("A009", "warn")
def no_time_limit(case: Case) -> Found:
    """Find a PostgreSQL database whose statements may run without end. The number is 0."""
    aliases = {query.alias for request in case.requests for query in request.queries}
    for alias in sorted(aliases):
        connection = connections[alias]
        if connection.vendor != "postgresql":
            continue
        try:
            with transaction.atomic(using=alias), connection.cursor() as cursor:
                cursor.execute("SHOW statement_timeout")
                limit = cursor.fetchone()[0]
        except DatabaseError:
            continue
        if limit == "0":
            yield {
                "route": f"database {alias}",
                "place": str(getattr(settings, "SETTINGS_MODULE", "settings")),
                "reason": "A statement may run without end: the database has no statement_timeout.",
                "remedy": f'Set DATABASES["{alias}"]["OPTIONS"] = {{"options": "-c statement_timeout=30s"}}.',
                "number": 0,
            }


@rule("A010", "info")
def cacheable(case: Case) -> Found:
    """Find routes whose answer is mostly the same. The number is percent."""
    for route, requests in case.by_route.items():
        seen = [each for each in requests if each.status == 200 and each.size]
        if not route.startswith("GET ") or any(each.cacheable for each in seen):
            continue
        asked: dict[int, list[int]] = {}
        for each in seen:
            if each.count:
                asked.setdefault(each.asked, []).append(each.answer)
        for answers in asked.values():
            same = Counter(answers).most_common(1)[0][1] * 100 / len(answers)
            if len(answers) >= ENOUGH_REQUESTS and same > 80:
                yield {
                    "route": route,
                    "place": seen[0].place,
                    "reason": f"{same:.0f} % of {len(answers)} answers to the same request were the same.",
                    "remedy": "Add @conditional, so that clients get a 304, or cache the response.",
                    "number": round(same),
                }
                break


@rule("A011", "warn")
def same_query(case: Case) -> Found:
    """Find queries that a request sends again with the same values. The number is how many times."""
    for route, request, queries in _repeated(case):
        times = Counter(each.same for each in queries).most_common(1)[0][1]
        if times >= SAME and not is_write(queries[0].text):
            yield {
                "route": route,
                "place": _place(request, queries),
                "reason": f"One request sent the same query with the same values {times} times.",
                "remedy": "Keep its result in a variable.",
                "number": times,
                "sql": queries[0].text,
            }


@rule("A012", "warn")
def writes_in_a_loop(case: Case) -> Found:
    """Find a write for each item of a list. The number is how many there were."""
    for route, request, queries in _repeated(case):
        if len(queries) >= REPEATED and is_write(queries[0].text):
            yield {
                "route": route,
                "place": _place(request, queries),
                "reason": f"One request sent the same write {len(queries)} times.",
                "remedy": "Use bulk_create(), bulk_update(), or update() and delete() of a queryset.",
                "number": len(queries),
                "sql": queries[0].text,
            }


@rule("A013", "info")
def text_search_without_index(case: Case) -> Found:
    """Find a search in texts that reads all rows of a table. The number is the rows."""
    for route, request, query, shape, _, rows in _scans(case):
        column = next((each for each in shape.conditions if each.operator in _TEXT_SEARCH), None)
        if column is not None:
            yield {
                "route": route,
                "place": query.place or request.place,
                "reason": f"A search in {column.table}.{column.name} reads all of {_shown(rows)}.",
                "remedy": "On PostgreSQL, add a GIN index with gin_trgm_ops, or use full-text search.",
                "number": rows,
                "sql": query.text,
            }
