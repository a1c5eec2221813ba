"""Long lists: read from a cursor of the database's and written so many rows at a time, in constant memory.

How long a list is shows in the query that answers the short ones, which asks for one row more than is held at most. A
longer one is read again from its start, by one statement.
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

# So many rows are read and written at a time.
BATCH = 1_000


class Batches:
    """A list that is too long to be held: what is left to read and write of it."""

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
        """Let ``row_plan`` write the rows of ``queryset``, and ``plan`` the instances of ``planned`` that it cannot.

        ``columns`` are the keys of the objects.
        """
        self.columns = columns
        self._plan = plan
        self._queryset = queryset
        self._row_plan = row_plan
        self._planned = planned
        self._context = context

    def read(self, separator: bytes) -> Generator[bytes]:
        """Yield the items as JSON, so many at a time, joined by ``separator``; closing it closes the cursor."""
        with _snapshot(self._queryset.db):
            if self._row_plan is None:
                yield from self._read_instances(separator)
            else:
                yield from self._read_rows(self._row_plan, separator)

    def _read_rows(self, row_plan: RowPlan, separator: bytes) -> Iterator[bytes]:
        with closing(row_plan.batches(self._queryset, BATCH, separator)) as batches:
            for keys, body in batches:
                found = self._write(self._find(keys), separator) if body is None else body
                if found:
                    yield found

    def _read_instances(self, separator: bytes) -> Iterator[bytes]:
        with closing(self._planned.iterator(chunk_size=BATCH)) as instances:
            while values := list(islice(instances, BATCH)):
                yield self._write(values, separator)

    def _find(self, keys: Any) -> list[Any]:
        """Return the instances of rows, but of those that have been deleted."""
        queryset = self._planned.all()
        queryset.query.clear_limits()
        queryset.query.clear_ordering(force=True)
        found = {instance.pk: instance for instance in queryset.filter(pk__in=keys)}
        return [found[key] for key in keys if key in found]

    def _write(self, values: list[Any], separator: bytes) -> bytes:
        lists = [values] if separator == b"," else [[value] for value in values]
        return separator.join(self._plan.encode(each, **self._context)[1:-1] for each in lists)


@contextmanager
def _snapshot(using: str) -> Iterator[None]:
    """Let all queries of a stream see the same rows.

    SQLite's do while the cursor is open. PostgreSQL's cursor lives in a transaction; outside of one the server would
    first copy the whole list.
    """
    connection = connections[using]
    if connection.vendor != "postgresql":
        yield
        return
    ours = connection.get_autocommit()
    with transaction.atomic(using=using):
        if ours:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def may_stream(queryset: Any, most: int) -> bool:
    """Tell whether a queryset may be longer than ``most``, and can be read by a cursor with the same outcome."""
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
    """Tell whether the key says which row: joined rows may differ in their annotations alone."""
    query = queryset.query
    return not query.annotations or len(query.alias_map) <= 1


def columns_of(plan: ResponsePlan) -> list[str] | None:
    """Return the keys that an object of a list may have; None where the response is no plain list of a schema."""
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
