"""What SQL and Python code of a migration do to the last release, as far as it can be read."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import sqlparse
from django.db.migrations import operations
from django.db.models import Model

__all__ = ["break_of", "fault_of"]

_NAME = r'(?:"?[\w$]+"?\.)?"?([\w$]+)"?'
_TABLE = rf"ALTER TABLE (?:IF EXISTS )?(?:ONLY )?{_NAME}\s*\*? "
_COLUMN = r'"?([\w$]+)"?'
_CHANGES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.I), text)
    for pattern, text in (
        (rf"DROP TABLE (?:IF EXISTS )?{_NAME}", "The last release still reads the table {0}."),
        (rf"{_TABLE}RENAME TO ", "The last release knows the table {0} by its old name."),
        (rf"{_TABLE}.*?\bRENAME (?:COLUMN )?(?!TO\b|CONSTRAINT\b){_COLUMN} TO ", "The last release knows the column {1} by its old name."),
        (rf"{_TABLE}.*?\bDROP (?:COLUMN )?(?!CONSTRAINT\b|NOT\b|DEFAULT\b|IDENTITY\b|EXPRESSION\b)(?:IF EXISTS )?{_COLUMN}", "The last release reads the column {1} in every query of its model."),
        (rf"{_TABLE}.*?\bALTER (?:COLUMN )?{_COLUMN} (?:SET DATA )?TYPE ", "The last release reads and writes the old type of {1}."),
        (rf"{_TABLE}.*?\bALTER (?:COLUMN )?{_COLUMN} SET NOT NULL", "The last release may write NULL into {1}."),
        (rf"{_TABLE}.*?\bADD (?:COLUMN )?(?!CONSTRAINT\b|CHECK\b|UNIQUE\b|PRIMARY\b|FOREIGN\b|EXCLUDE\b)(?!.*\bDEFAULT\b)(?!.*\bGENERATED\b){_COLUMN} .*\bNOT NULL", "The last release inserts rows without the column {1}, which takes no NULL."),
    )
)  # fmt: skip


def break_of(operation: Any, statements: Iterable[str], released: Any) -> str:
    """Return why the last release fails after SQL that Django did not write; empty if nothing is known.

    What the last release does not know, because its models are without it, may change.
    """
    written = (operations.RunSQL, operations.SeparateDatabaseAndState)
    if not isinstance(operation, written):
        return ""
    if not isinstance(operation, operations.RunSQL) and not _is_removal(operation):
        return ""
    known = {
        model._meta.db_table: {field.column for field in model._meta.concrete_fields}
        for model in released.apps.get_models()
        if model._meta.managed
    }
    for statement in statements:
        text = " ".join(sqlparse.format(statement, strip_comments=True).split())
        for pattern, message in _CHANGES:
            found = pattern.match(text)
            if found is None or found[1] not in known:
                continue
            names = found.groups()
            is_added = "ADD (?:COLUMN" in pattern.pattern
            if len(names) > 1 and not is_added and names[1] not in known[names[0]]:
                continue
            return message.format(*names)
    return ""


def _is_removal(operation: Any) -> bool:
    """Whether operations for the database alone take something away: SQLite makes a table again for any change."""
    removals = (operations.RemoveField, operations.DeleteModel, operations.RunSQL)
    return any(isinstance(each, removals) for each in operation.database_operations)


def fault_of(operation: Any) -> str:
    """Return which models of today a function of RunPython uses, whose tables may be others when it runs."""
    code = getattr(operation.code, "__code__", None)
    if code is None:
        return ""
    there = getattr(operation.code, "__globals__", {})
    used = sorted(name for name in _names(code) if _is_model(there.get(name)))
    imported = sorted(name for name in _names(code) if name.endswith(".models"))
    if not used and not imported:
        return ""
    return (
        f"It uses {', '.join(used or imported)} of today, whose columns may be others when this migration runs. Take the "
        "model from `apps.get_model`."
    )


def _names(code: Any) -> Iterator[str]:
    yield from code.co_names
    for each in code.co_consts:
        if hasattr(each, "co_names"):
            yield from _names(each)


def _is_model(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, Model) and value is not Model
