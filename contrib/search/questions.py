"""What a user typed, split into words and phrases: nothing of it is ever used as syntax of a database."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

__all__ = ["Question", "parse"]

MAX_TERMS = 64
"""More words than this do not make a question clearer; the rest is ignored."""

_MAX_CHARACTERS = 10_000
_TERM = re.compile(r'(?P<sign>-?)(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))')

# PostgreSQL's list for English (english.stop), for SQLite, which has none.
_ENGLISH = (
    "i me my myself we our ours ourselves you your yours yourself yourselves he him his himself she her hers herself it "
    "its itself they them their theirs themselves what which who whom this that these those am is are was were be been "
    "being have has had having do does did doing a an the and but if or because as until while of at by for with about "
    "against between into through during before after above below to from up down in out on off over under again "
    "further then once here there when where why how all any both each few more most other some such no nor not only own "
    "same so than too very s t can will just don should now"
)
_STOP_WORDS = frozenset(_ENGLISH.split())


@dataclass(frozen=True, slots=True)
class Question:
    """The words and phrases that a result should have, and those that it must not have."""

    terms: tuple[str, ...]
    excluded: tuple[str, ...]


def parse(text: str) -> Question:
    """Split a text into words, ``"phrases"`` and ``-excluded`` words, at most 64 in all.

    >>> parse('red -"small house" -tree "big garden"')
    Question(terms=('red', 'big garden'), excluded=('small house', 'tree'))
    """
    return _parse(text[:_MAX_CHARACTERS].replace("\0", " "))


@lru_cache(maxsize=64)
def _parse(text: str) -> Question:
    # A dictionary keeps the order, and each term once.
    found: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
    for match in _TERM.finditer(text):
        term = " ".join((match["phrase"] or match["word"] or "").split())
        # Without a letter or digit it is no word for either database; "or" is what happens anyway.
        if any(map(str.isalnum, term)) and term.lower() != "or":
            found[bool(match["sign"])].setdefault(term)
        if len(found[0]) + len(found[1]) >= MAX_TERMS:
            break
    return Question(tuple(found[0]), tuple(found[1]))


def without_stop_words(terms: tuple[str, ...]) -> list[str]:
    """Return the terms without the words that are in every English text."""
    return [each for each in terms if each.strip("'.,;:!?()").lower() not in _STOP_WORDS]
