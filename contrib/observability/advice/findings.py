"""One piece of advice."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["LEVELS", "Advice", "Level"]

Level = Literal["warn", "info"]
"""``warn``: it costs time that you can save. ``info``: worth knowing."""
LEVELS: tuple[Level, ...] = ("warn", "info")
"""The levels, the worst first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What to change, where, and why."""

    id: str
    """The id of the rule: ``A001``."""
    level: Level
    route: str
    """The method and the template of the path; the alias of a database for advice about it."""
    place: str
    """The file and line in your code."""
    reason: str
    remedy: str
    number: float
    """How much: queries, rows, milliseconds, columns or percent, as the rule documents it."""
    sql: str = ""
    """The statement that it is about."""
