"""The three-way merge: what the generator changed since it ran last, in a file that a person has edited since."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

__all__ = ["Choice", "Conflict", "lines_of", "merge"]

Choice = Literal["refuse", "keep", "replace"]
"""What to do where both have changed the same lines: nothing at all, keep the person's lines, or take the generated ones."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Lines that the generator and a person have both changed."""

    line: int
    """The number of the first line in the person's file."""
    edited: Sequence[str]
    generated: Sequence[str]


def lines_of(text: str) -> list[str]:
    """Return the lines of a text with their ends. Unlike ``str.splitlines()``, only ``\\n`` ends a line, as for Python's parser."""
    return [line for line in re.split(r"(?<=\n)", text) if line]


def merge(
    base: str, edited: str, generated: str, choice: Choice = "refuse"
) -> tuple[str, list[Conflict]]:
    """Return the edited text with what the generator changed between ``base`` and ``generated``, and the conflicts.

    Lines that both changed in the same way are no conflict. In a conflict, the result has the lines of ``choice``, and
    those of the person for ``"refuse"``.
    """
    texts = [lines_of(text) for text in (base, edited, generated)]
    result: list[str] = []
    conflicts: list[Conflict] = []
    line = 1
    for old, mine, new in _regions(*texts):
        if new in (mine, old):
            result += mine
        elif mine == old:
            result += new
        else:
            conflicts.append(Conflict(line, mine, new))
            result += new if choice == "replace" else mine
        line += len(mine)
    return "".join(result), conflicts


def _regions(
    base: list[str], edited: list[str], generated: list[str]
) -> Iterator[tuple[list[str], list[str], list[str]]]:
    """Yield the parts of the three texts that belong together. Between them are lines that no text has changed."""
    mine, new = _kept(base, edited), _kept(base, generated)
    begin = (0, 0, 0)
    for line in range(len(base) + 1):
        # The end of the texts is a line that all have.
        is_end = line == len(base)
        if not is_end and not (line in mine and line in new):
            continue
        at = (line, len(edited), len(generated)) if is_end else (line, mine[line], new[line])
        yield base[begin[0] : at[0]], edited[begin[1] : at[1]], generated[begin[2] : at[2]]
        if not is_end:
            same = [base[line]]
            yield same, same, same
            begin = (at[0] + 1, at[1] + 1, at[2] + 1)


def _kept(base: list[str], other: list[str]) -> dict[int, int]:
    """Return where the lines of the base are in the other text, for those that are still there."""
    blocks = SequenceMatcher(None, base, other, autojunk=False).get_matching_blocks()
    return {block.a + i: block.b + i for block in blocks for i in range(block.size)}
