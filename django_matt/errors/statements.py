"""The model and the values of a statement that failed, read from the frames of its exception."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model

from django_matt.upstream import SQLCompiler, SQLInsertCompiler, SQLUpdateCompiler

__all__ = ["Statement", "failed_statement"]

_MAX_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of the ORM's that failed; of raw SQL only ``parameters`` are known."""

    model: type[Model] | None = None
    rows: list[Mapping[Any, Any]] = field(default_factory=list)
    """The values by field, an expression's left out."""
    parameters: list[Any] = field(default_factory=list)
    using: str = DEFAULT_DB_ALIAS


def failed_statement(exc: BaseException) -> Statement:
    """Return what the frames of an exception know of the statement that raised it.

    The database names no value, and SQLite often no column; Django's compilers, which are on the way, know both.
    """
    found, parameters = Statement(), list[Any]()
    for name, module, local in _frames(exc):
        compiler = local.get("self")
        if name == "execute_sql" and isinstance(compiler, SQLCompiler):
            found = _of_compiler(compiler)
        elif module == "django.db.backends.utils" and name in {"_execute", "_executemany"}:
            parameters = list(_flatten(local.get("params", local.get("param_list"))))
    return Statement(found.model, found.rows, parameters, found.using)


def _frames(exc: BaseException) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    traceback = exc.__traceback__
    while traceback is not None:
        frame = traceback.tb_frame
        module = str(frame.f_globals.get("__name__", ""))
        if module.startswith("django.db."):
            yield frame.f_code.co_name, module, frame.f_locals
        traceback = traceback.tb_next


def _of_compiler(compiler: Any) -> Statement:
    query = compiler.query
    rows: list[Mapping[Any, Any]] = []
    if isinstance(compiler, SQLInsertCompiler):
        rows = [
            {column: getattr(instance, column.attname, None) for column in query.fields}
            for instance in query.objs[:_MAX_ROWS]
            if isinstance(instance, Model)
        ]
    elif isinstance(compiler, SQLUpdateCompiler):
        values = {
            column: value
            for column, _, value in query.values
            if not hasattr(value, "resolve_expression")
        }
        rows = [values]
    return Statement(query.model, rows, using=str(compiler.using))


def _flatten(parameters: Any) -> Iterator[Any]:
    values = parameters.values() if isinstance(parameters, Mapping) else parameters
    for value in values or ():
        if isinstance(value, list | tuple | dict):
            yield from _flatten(value)
        else:
            yield value
