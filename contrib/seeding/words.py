"""The words that values are made of, in the languages of the folder ``locales``."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path

from django_matt.contrib.seeding.errors import SeedingError

__all__ = ["LOCALES", "Words", "words_of"]

_FOLDER = Path(__file__).parent / "locales"
LOCALES: tuple[str, ...] = tuple(sorted(file.stem for file in _FOLDER.glob("*.txt")))
"""The locales that have words."""
# What Unicode does not split into a letter and its accent.
_SPELT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "ø": "o", "œ": "oe"})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The words of a language."""

    first_names: Sequence[str]
    last_names: Sequence[str]
    cities: Sequence[str]
    countries: Sequence[str]
    colours: Sequence[str]
    streets: Sequence[str]
    nouns: Sequence[str]
    words: Sequence[str]
    """Those that sentences are made of."""
    thing: Sequence[str]
    """The lists that the name of a thing is made of, in their order."""
    between: str
    """What is between the words of such a name."""
    phone: str
    """The beginning of telephone numbers that are reserved for fiction, with an ``x`` for each digit that follows."""
    plain_names: Sequence[str]
    """The first names, in letters that an e-mail address and a slug accept."""
    plain_nouns: Sequence[str]
    plain_colours: Sequence[str]


@lru_cache(maxsize=8)
def words_of(locale: str) -> Words:
    """Return the words of a locale, such as ``de`` or ``de-AT``; raise ``SeedingError`` if there are none."""
    language = locale.replace("_", "-").partition("-")[0].lower()
    if language not in LOCALES:
        raise SeedingError(f"There are no words for {locale!r}. Known are {', '.join(LOCALES)}.")
    lists = dict(_sections((_FOLDER / f"{language}.txt").read_text(encoding="utf-8")))
    form = {name: lists.pop(name)[0] for name in ("phone", "between")}
    lists["words"] += lists["nouns"]
    lists |= {
        f"plain_{name.removeprefix('first_')}": [_plain(word) for word in lists[name]]
        for name in ("first_names", "nouns", "colours")
    }
    return Words(
        phone=form["phone"],
        between=form["between"].replace("_", " "),
        **{each.name: tuple(lists[each.name]) for each in fields(Words) if each.name not in form},
    )


def _sections(text: str) -> list[tuple[str, list[str]]]:
    """Return the lists of a file: a name and a colon, then words with commas between them."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        name, colon, rest = line.partition(":")
        if colon:
            found.append((name, []))
        words = (rest if colon else line).split(",")
        found[-1][1].extend(word.strip() for word in words if word.strip())
    return found


def _plain(text: str) -> str:
    spelt = unicodedata.normalize("NFKD", text.translate(_SPELT))
    return "".join(letter for letter in spelt if letter.isascii() and letter.isalnum()).lower()
