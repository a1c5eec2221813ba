"""Long lists: read from a database cursor and written a batch of rows at a time, in constant memory.

Nobody knows how long a list is before it is read. So the query of an ordinary list asks for one row more than may be
kept in memory. If that row comes back, the list is read again from its start, this time through a cursor.
"""

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from typing import Any

from django.db import connections, transaction
from pydantic import BaseModel
from pydantic.errors import PydanticInvalidForJsonSchema

from django_matt.rows.engine import RenderedIterable
from django_matt.rows.row_plans import RowPlan
from django_matt.rows.sql_cache import evaluates_itself
from django_matt.serialization.plan import ResponsePlan

__all__ = ["BATCH", "Batches", "columns_of", "has_own_keys", "may_stream"]

# The number of rows that are read and written at a time.
BATCH = 1_000


class Batches:
    """A list that is too long for memory: it yields its items as JSON, a batch at a time."""

    def __init__(
        self,
        plan: ResponsePlan,
        queryset: Any,
        row_plan: RowPlan | None,
        planned: Any,
        *,
        columns: list[str],
        context: dict[str, Any],
    ) -> None:
        """Take what writes the rows, and what writes the instances where rows cannot be written.

        ``row_plan`` writes rows of ``queryset``; without one every batch is written by ``plan`` from instances of
        ``planned``. ``columns`` are the keys of the items, for formats that need a header. ``context`` goes to validators.
        """
        self.columns = columns
        self._plan = plan
        self._queryset = queryset
        self._row_plan = row_plan
        self._planned = planned
        self._context = context

    def read(self, separator: bytes) -> Generator[bytes]:
        """Yield the items as JSON, joined by ``separator``, a batch at a time. Closing the generator closes the cursor."""
        with _snapshot(self._queryset.db):
            if self._row_plan is None:
                yield from self._read_instances(separator)
            else:
                yield from self._read_rows(self._row_plan, separator)

    def _read_rows(self, row_plan: RowPlan, separator: bytes) -> Iterator[bytes]:
        with closing(row_plan.batches(self._queryset, BATCH, separator)) as batches:
            for keys, body in batches:
                # A batch without a body contains a value that did not fit. Only this batch is read again, as instances.
                found = self._write(self._find(keys), separator) if body is None else body
                if found:
                    yield found

    def _read_instances(self, separator: bytes) -> Iterator[bytes]:
        with closing(self._planned.iterator(chunk_size=BATCH)) as instances:
            while values := list(islice(instances, BATCH)):
                yield self._write(values, separator)

    def _find(self, keys: Any) -> list[Any]:
        """Return the instances with these keys in the same order. Rows that were deleted meanwhile are left out."""
        queryset = self._planned.all()
        queryset.query.clear_limits()
        queryset.query.clear_ordering(force=True)
        found = {instance.pk: instance for instance in queryset.filter(pk__in=keys)}
        return [found[key] for key in keys if key in found]

    def _write(self, values: list[Any], separator: bytes) -> bytes:
        # The plan writes JSON arrays. With another separator (one item per line) each item is an array of its own; the brackets
        # are cut off.
        lists = [values] if separator == b"," else [[value] for value in values]
        return separator.join(self._plan.encode(each, **self._context)[1:-1] for each in lists)


@contextmanager
def _snapshot(using: str) -> Iterator[None]:
    """Make all queries of a stream see the same rows.

    On SQLite they do as long as the cursor is open. PostgreSQL needs a transaction, for two reasons: only REPEATABLE READ
    shows the later queries the same rows, and outside of a transaction the server copies the whole list before it sends the
    first row (``WITH HOLD``).
    """
    connection = connections[using]
    if connection.vendor != "postgresql":
        yield
        return
    # The level can only be set in a transaction that has not queried yet. Inside the view's own it stays as it is.
    ours = connection.get_autocommit()
    with transaction.atomic(using=using):
        if ours:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def may_stream(queryset: Any, most: int) -> bool:
    """Tell whether a queryset may have more than ``most`` rows, and a cursor would give the same rows."""
    query = queryset.query
    if query.high_mark is not None and query.high_mark - query.low_mark <= most:
        return False
    if queryset._result_cache is not None or query.combinator or query.select_for_update:
        return False
    if issubclass(queryset._iterable_class, RenderedIterable) or evaluates_itself(queryset):
        return False
    connection = connections[queryset.db]
    if connection.vendor == "postgresql":
        return not connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS")
    return connection.vendor == "sqlite"


def has_own_keys(queryset: Any) -> bool:
    """Tell whether the primary key identifies a row of the result.

    A join can give several rows of one key that differ in their annotations only. Instances cannot be found again by key then.
    """
    query = queryset.query
    return not query.annotations or len(query.alias_map) <= 1


def columns_of(plan: ResponsePlan) -> list[str] | None:
    """Return the keys that the objects of a list may have, or None if the response is not a plain list of one schema."""
    annotation = plan.annotation
    schema = next(iter(getattr(annotation, "__args__", ())), None)
    if getattr(annotation, "__origin__", None) is not list or not isinstance(schema, type):
        return None
    bounded = plan.response_model.model_fields["response"].metadata
    if bounded or not issubclass(schema, BaseModel):
        return None
    if plan.node is not None and plan.node.item.fields:
        return [field.wire for field in plan.node.item.fields]
    try:
        found = schema.model_json_schema(by_alias=plan.export["by_alias"], mode="serialization")
    except PydanticInvalidForJsonSchema:
        return None
    if "$ref" in found:
        found = found["$defs"][found["$ref"].rpartition("/")[2]]
    known = "properties" in found and not found.get("additionalProperties")
    return list(found["properties"]) if known else None
