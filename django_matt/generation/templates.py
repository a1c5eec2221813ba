"""Renders the templates of generated source.

They are Django templates with other brackets, ``<% if … %>`` and ``<< name >>``, because generated HTML contains Django's own.
A line that consists of tags alone leaves no line.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from django.template import Context, Engine

__all__ = ["quoted", "render", "wrapped"]

WIDTH = 88
"""The line length of ruff and Black without settings."""
_TAG_LINE = re.compile(r"^[ \t]*((?:<%[^\n]*?%>[ \t]*)+)\n", re.M)
# The braces of the generated source are hidden from the engine behind characters that no text has.
_HIDDEN = {"{": "\ue000", "}": "\ue001"}
_OURS = {"<%": "{%", "%>": "%}", "<<": "{{", ">>": "}}"}


def render(template: Path, **values: Any) -> str:
    """Return the text of a template file with its values. They are not escaped."""
    text = _TAG_LINE.sub(lambda match: match[1].rstrip(" \t"), template.read_text(encoding="utf-8"))
    for brackets in (_HIDDEN, _OURS):
        for old, new in brackets.items():
            text = text.replace(old, new)
    # A number is not written as the project shows it to people: 8,000.
    context = Context(values, autoescape=False, use_l10n=False)
    rendered: str = Engine(autoescape=False).from_string(text).render(context)
    for old, new in _HIDDEN.items():
        rendered = rendered.replace(new, old)
    rendered = re.sub(r"\n{4,}", "\n\n\n", rendered).strip("\n") + "\n"
    if template.name.endswith(".py-tpl"):
        rendered = "".join(map(_shortened, rendered.splitlines(keepends=True)))
    return rendered


def quoted(text: str) -> str:
    """Return the literal of a text as ruff writes it: in the quotes that need fewer backslashes, or in double ones."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    # With both quotes in it, repr() takes the single ones and escapes them.
    body = repr(f"{text}'\"")[1:-4].replace("\\'", "'")
    return f"{quote}{body.replace(quote, chr(92) + quote)}{quote}"


def wrapped(
    start: str, items: Sequence[str], end: str, *, call: bool = False, width: int = WIDTH
) -> str:
    """Return items between brackets as ruff formats them: on one line if they fit, else one on each line.

    ``start`` ends with the opening bracket, and its indentation is that of the statement. The arguments of a ``call`` may
    also be on one line of their own.
    """
    line = f"{start}{', '.join(items)}{end}"
    if len(line) <= width or not items:
        return line
    indent = " " * (len(start) - len(start.lstrip()))
    inner = f"{indent}    {', '.join(items)}"
    if call and len(inner) <= width:
        return f"{start}\n{inner}\n{indent}{end}"
    return "\n".join([start, *(f"{indent}    {item}," for item in items), f"{indent}{end}"])


def _shortened(line: str) -> str:
    """Return a statement of one line, on several if it is too long: split at its brackets as ruff does."""
    text = line.rstrip("\n")
    # Ruff does not count what a line says to a checker.
    if len(text.partition("  # type:")[0]) <= WIDTH or text.lstrip().startswith(('"""', "#")):
        return line
    pairs = list(_pairs(text))
    if not pairs:
        return line
    # The parameters of a definition and of a decorator, and what is on the right of an assignment.
    is_head = text.lstrip().startswith(("def ", "async def ", "@", "from ", "class "))
    begin, end, commas = pairs[0] if is_head else pairs[-1]
    places = [begin, *commas, end]
    items = [text[a + 1 : b].strip() for a, b in pairwise(places)]
    items = [item for item in items if item]
    indent = " " * (len(text) - len(text.lstrip()))
    if len(items) == 1 and len(indent) + 4 + len(items[0]) > WIDTH and " | " in items[0]:
        parts = f"\n{indent}    | ".join(items[0].split(" | "))
        return f"{text[: begin + 1]}\n{indent}    {parts}\n{indent}{text[end:]}\n"
    is_call = text[begin] == "(" and not text[:begin].endswith("= ")
    return wrapped(text[: begin + 1], items, text[end:], call=is_call) + "\n"


def _pairs(text: str) -> Iterator[tuple[int, int, list[int]]]:
    """Yield the places of each outer pair of brackets, and of the commas between them. Texts are skipped."""
    depth, begin, quote = 0, 0, ""
    commas: list[int] = []
    for place, sign in enumerate(text):
        if quote:
            quote = "" if sign == quote and text[place - 1] != "\\" else quote
        elif sign in "\"'":
            quote = sign
        elif sign in "([{":
            if not depth:
                begin, commas = place, []
            depth += 1
        elif sign in ")]}":
            depth -= 1
            if not depth:
                yield begin, place, commas
        elif sign == "," and depth == 1:
            commas.append(place)
