"""Whether a regular expression from a client may run in Python, which has no time limit for one."""

import re
from importlib import import_module
from typing import Any

__all__ = ["is_cheap"]

# Python's own parser. Whether type checkers find it depends on which other modules are read.
_constants: Any = import_module("re._constants")
_parser: Any = import_module("re._parser")

_MOST_REPEATS = 2
_LONG = 16
_REPEATS = {_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT}


def is_cheap(pattern: str) -> bool:
    """Tell whether ``pattern`` is valid and cannot backtrack without end; SQLite's ``REGEXP`` is Python's ``re``.

    A repeat inside a repeat, or an alternative inside one, can cost exponential time; many repeats in a row a high
    power of the text's length. Back references are refused with them.

    >>> is_cheap("^oak.*table$"), is_cheap("(a+)+$"), is_cheap("[")
    (True, False, False)
    """
    try:
        re.compile(pattern)
        return _count(_parser.parse(pattern), inside=False) <= _MOST_REPEATS
    except (re.error, OverflowError, RecursionError, _TooDearError):
        return False


class _TooDearError(Exception):
    """The pattern may take exponential time."""


def _count(node: Any, *, inside: bool) -> int:
    """Return how many long repeats there are; raise ``_TooDearError`` for one inside another."""
    repeats = 0
    for operator, argument in node:
        long = operator in _REPEATS and argument[1] > _LONG
        if operator is _constants.GROUPREF or (
            inside and (operator is _constants.BRANCH or operator in _REPEATS)
        ):
            raise _TooDearError
        repeats += long
        for child in _children(argument):
            repeats += _count(child, inside=inside or operator in _REPEATS)
    return repeats


def _children(argument: Any) -> list[Any]:
    if isinstance(argument, _parser.SubPattern):
        return [argument]
    if isinstance(argument, (tuple, list)):
        return [child for part in argument for child in _children(part)]
    return []
