"""Django's private names: querysets, requests, responses, and the statements of the ORM.

The attributes of querysets and requests are read where they are used, because they are read for every request. Here they
are checked.
"""

from collections.abc import Callable
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any, cast

from django.db import transaction
from django.db.models import F, Manager, QuerySet
from django.db.models.base import ModelState
from django.db.models.lookups import Exact
from django.http import HttpRequest, HttpResponse
from django.utils.functional import LazyObject

from django_matt.upstream.names import expect, find, resolve

__all__ = [
    "AND",
    "INNER",
    "BaseTable",
    "ExtraWhere",
    "Join",
    "LimitedStream",
    "Query",
    "SQLCompiler",
    "SQLInsertCompiler",
    "SQLUpdateCompiler",
    "WhereNode",
    "allow_durable_inside",
    "format_number",
    "integer_ranges",
    "is_psycopg3",
    "load_post_and_files",
    "mark_logged",
    "psycopg_adapters",
    "unwrapped",
]

_find, _expect = partial(find, "django"), partial(expect, "django")

if TYPE_CHECKING:
    from django.core.handlers.wsgi import LimitedStream
    from django.db.models.sql import Query
    from django.db.models.sql.compiler import SQLCompiler, SQLInsertCompiler, SQLUpdateCompiler
    from django.db.models.sql.constants import INNER
    from django.db.models.sql.datastructures import BaseTable, Join
    from django.db.models.sql.where import AND, ExtraWhere, WhereNode
else:
    AND = _find("django.db.models.sql.where.AND", "scopes")
    INNER = _find("django.db.models.sql.constants.INNER", "scopes")
    Query = _find("django.db.models.sql.Query", "rows queries scopes")
    WhereNode = _find("django.db.models.sql.where.WhereNode", "rows scopes")
    BaseTable = _find("django.db.models.sql.datastructures.BaseTable", "shapes")
    Join = _find("django.db.models.sql.datastructures.Join", "shapes")
    ExtraWhere = _find("django.db.models.sql.where.ExtraWhere", "queries")
    _COMPILERS = "django.db.models.sql.compiler"
    SQLCompiler = _find(f"{_COMPILERS}.SQLCompiler", "fields")
    SQLInsertCompiler = _find(f"{_COMPILERS}.SQLInsertCompiler", "fields")
    SQLUpdateCompiler = _find(f"{_COMPILERS}.SQLUpdateCompiler", "fields")
    LimitedStream = _find("django.core.handlers.wsgi.LimitedStream", "forms")


def _probe_query() -> Any:
    return Query(None)


# ---- Django: what a queryset is going to do -----------------------------------------------------------------------------

_expect(
    "django.db.models.QuerySet",
    "_fields _iterable_class _result_cache _prefetch_related_lookups _known_related_objects _chain _db",
    "rows queries",
    QuerySet,
)
_expect("django.db.models.QuerySet", "_fetch_all _clone _values", "rows", QuerySet)
_expect(
    "django.db.models.sql.Query",
    """
    deferred_loading select_related distinct combinator group_by select_for_update extra extra_tables extra_order_by
    where annotations order_by
    """,
    "rows queries",
    _probe_query,
)
_expect(
    "django.db.models.sql.Query",
    """
    alias_cols alias_map alias_refcount annotation_select default_ordering distinct_fields external_aliases filter_is_sticky
    _filtered_relations high_mark low_mark names_to_path set_limits clear_limits clear_ordering standard_ordering
    values_select get_compiler
    """,
    "rows",
    _probe_query,
)
_expect("django.db.models.sql.where.WhereNode", "contains_over_clause", "rows", lambda: WhereNode)
_expect(
    "django.db.models.sql.Query",
    "_annotation_select_cache alias_map alias_refcount annotations combined_queries group_by order_by where",
    "scopes",
    _probe_query,
)
_expect("django.db.models.Manager", "_constructor_args", "scopes", Manager)


class _JoinProbe:
    """A relation without columns, over which a join is made to look at its attributes."""

    def get_joining_fields(self) -> tuple[Any, ...]:
        return ()


_expect(
    "django.db.models.sql.where.WhereNode",
    "children connector negated resolved",
    "shapes",
    WhereNode,
)
_expect(
    "django.db.models.lookups.Lookup",
    "bilateral_transforms lhs process_rhs rhs",
    "shapes",
    lambda: Exact(F("pk"), 1),
)
_expect(
    "django.db.models.sql.datastructures.Join",
    "filtered_relation join_cols join_field join_type parent_alias table_name",
    "shapes",
    lambda: Join("", "", "", "", cast("Any", _JoinProbe()), nullable=False),
)
for _each in ("related.ForeignObject", "reverse_related.ForeignObjectRel"):
    _find(f"django.db.models.fields.{_each}.get_extra_restriction", "shapes")
_expect("django.db.models.base.ModelState", "fields_cache", "queries", lambda: ModelState)
_expect("django.db.models.Manager", "_queryset_class", "rows queries", lambda: Manager)
_expect("django.db.models.QuerySet", "_hints", "queries", QuerySet)

# ---- Django: requests, responses and transactions ---------------------------------------------------------------------------


def _probe_request() -> Any:
    request: Any = resolve("django.core.handlers.wsgi.WSGIRequest")(
        {"REQUEST_METHOD": "POST", "wsgi.input": BytesIO(b"")}
    )
    request.body, request.POST  # noqa: B018 (reads, which makes `_body` and `_post`)
    return request


_expect("django.http.HttpRequest", "_read_started _stream _body _post", "forms", _probe_request)
_find("django.http.HttpRequest._load_post_and_files", "forms")


def load_post_and_files(request: HttpRequest) -> None:
    """Parse the form of a request whose method is POST."""
    state: Any = request
    state._load_post_and_files()


_expect("django.http.HttpResponse.headers", "_store", "operations", lambda: HttpResponse().headers)
_expect("django.db.transaction.Atomic", "_from_testcase", "conditions", transaction.atomic)


def allow_durable_inside(block: Any) -> None:
    """Let a durable transaction begin inside of this one, as Django's ``TestCase`` does."""
    block._from_testcase = True


def mark_logged(response: Any) -> None:
    """Let Django's handler not log a response that is logged already."""
    response._has_been_logged = True


format_number: Callable[[Any, Any, Any], Any] = _find(
    "django.db.backends.utils.format_number", "cursors"
)
"""Round a number to the digits of a column; raises if it has too many."""
integer_ranges: Any = _find(
    "django.db.backends.base.operations.BaseDatabaseOperations.integer_field_ranges",
    "columns",
    otherwise={},
)
"""The least and the largest value of each kind of integer column."""

# ---- Django: psycopg and views ------------------------------------------------------------------------------------


def is_psycopg3() -> bool:
    """Tell whether Django talks to PostgreSQL through psycopg 3, and its adapters are where they were.

    psycopg is optional, so these names are looked up by the first connection, and not when Django Matt is imported.
    """
    try:
        from django.db.backends.postgresql.psycopg_any import TextLoader, adapt, is_psycopg3
    except ImportError:
        return False
    return bool(is_psycopg3 and TextLoader and adapt)


def psycopg_adapters() -> tuple[Any, Any]:
    """Return psycopg's loader of text, and the module with its maps of adapters."""
    from django.db.backends.postgresql.psycopg_any import TextLoader, adapt

    return TextLoader, adapt


def _probe_non_atomic() -> Any:
    def view() -> None: ...

    return transaction.non_atomic_requests(view)


_expect(
    "django.db.transaction.non_atomic_requests",
    "_non_atomic_requests",
    "transactions",
    _probe_non_atomic,
)
_expect("django.http.HttpResponse", "_resource_closers", "asgi", HttpResponse)
_expect("django.utils.functional.LazyObject", "_wrapped", "users scopes", LazyObject)


def unwrapped(lazy: Any) -> Any:
    """Return the object inside of a lazy one, such as the user in ``request.user``."""
    bool(lazy)  # finds it, if nothing has yet
    return lazy._wrapped
