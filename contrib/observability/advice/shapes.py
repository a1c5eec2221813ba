"""The tables and columns of a statement, as Django's ORM writes it."""

import re
from typing import NamedTuple

__all__ = ["Column", "Shape", "shape_of"]

_COLUMN = r'"(\w+)"\."(\w+)"'
_TABLE = re.compile(r'\bFROM "(\w+)"')
_JOINED = re.compile(r'\b(?:FROM|JOIN) "(\w+)"(?: "?([A-Z]\d+)"?)?(?=[\s)]|$)')
_SELECTED = re.compile(rf"(?:^|, ){_COLUMN}(?: AS \"?\w+\"?)?(?=,|$)")
_CONDITION = re.compile(
    rf'{_COLUMN}(?:::\w+)?\)? (=|IN|<=|>=|<|>|BETWEEN|LIKE|ILIKE|REGEXP|~)(?=[ (]) ?(?!\("?\w+"?\.)("?\w*)'
)
_UPPER_LIKE = re.compile(rf"UPPER\({_COLUMN}(?:::\w+)?\) (LIKE)")


class Column(NamedTuple):
    """A column of a table, and how it is compared."""

    table: str
    name: str
    operator: str = ""


class Shape(NamedTuple):
    """What a SELECT reads."""

    table: str
    """The first table."""
    selected: tuple[Column, ...]
    conditions: tuple[Column, ...]
    """The columns of the first level of WHERE that are compared with values."""
    order: Column | None
    """The first column that the rows are ordered by."""
    limited: bool
    counts: bool


def shape_of(text: str) -> Shape | None:
    """Return the shape of a fingerprint; None if it is not a SELECT of Django's ORM."""
    found = _TABLE.search(text)
    if not text.startswith("SELECT ") or found is None:
        return None
    names = {alias or table: table for table, alias in _JOINED.findall(text)}
    head, rest = text[7 : found.start()].strip(), text[found.end() :]
    head = head.removeprefix("DISTINCT ")
    where, order = _clause(rest, " WHERE "), _clause(rest, " ORDER BY ")
    compared = [*_CONDITION.findall(where), *((*each, "") for each in _UPPER_LIKE.findall(where))]
    first = re.match(_COLUMN, order)
    ordered = (
        None if first is None else Column(names.get(str(first[1]), str(first[1])), str(first[2]))
    )
    return Shape(
        found[1],
        tuple(Column(names.get(table, table), name) for table, name in _SELECTED.findall(head)),
        tuple(
            Column(names.get(table, table), name, operator)
            for table, name, operator, other in compared
            # A comparison with another column is the condition of a join.
            if not other.startswith('"')
        ),
        ordered,
        " LIMIT " in rest,
        head.startswith("COUNT(*)"),
    )


def _clause(text: str, word: str) -> str:
    """Return a clause of the outermost SELECT, without what follows it."""
    depth = 0
    begun = -1
    for at, character in enumerate(text):
        if character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
        elif character == " " and depth == 0:
            if begun < 0 and text.startswith(word, at):
                begun = at + len(word)
            elif (
                begun >= 0
                and at >= begun
                and re.match(
                    r" (?:GROUP BY|HAVING|ORDER BY|LIMIT|OFFSET|FOR|UNION) ", text[at : at + 12]
                )
            ):
                return text[begun:at]
    return "" if begun < 0 else text[begun:]
