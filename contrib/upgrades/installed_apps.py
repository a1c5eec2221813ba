"""Adds apps to ``INSTALLED_APPS``, wherever the list is written: an assignment, a keyword or an entry of a dictionary."""

import re
from collections.abc import Iterator, Sequence
from typing import cast

import libcst as cst
import libcst.matchers as m

from django_matt.contrib.upgrades.sources import Edit, Source

__all__ = ["add_apps"]


def add_apps(source: Source, apps: Sequence[str], beside: str, *, at_end: bool = False) -> bool:
    """Add each of ``apps`` to the lists with the app ``beside``, behind it or at the end; return whether there is such a list.

    An app that the file lists already is not added. The names of lists end with ``APPS``, as in ``THIRD_PARTY_APPS``.
    """
    if "APPS" not in source.text:
        return False
    lists = list(_lists(source))
    present = {_app(text) for texts in lists for text in texts}
    edits: list[Edit] = []
    found = False
    for texts in lists:
        names = [_app(text) for text in texts]
        if beside not in names:
            continue
        found = True
        place = texts[-1] if at_end else texts[names.index(beside)]
        edits += _insert(source, place, [app for app in apps if app not in present])
    source.apply(edits)
    return found


def _app(text: cst.SimpleString) -> str:
    """Return the app that an entry names, also by its configuration: ``"ninja_extra.apps.NinjaExtraConfig"``."""
    return str(text.evaluated_value).partition(".apps.")[0]


def _lists(source: Source) -> Iterator[list[cst.SimpleString]]:
    """Yield the strings of each list of apps."""
    names = m.Name(m.MatchRegex(r"(?:[A-Z]\w*_)?APPS"))
    shapes = (
        m.Assign(targets=[m.AssignTarget(target=names)])
        | m.AnnAssign(target=names)
        | m.AugAssign(target=names)
        | m.Arg(keyword=names)
        | m.DictElement(key=m.SimpleString(m.MatchRegex(r"""['"]INSTALLED_APPS['"]""")))
    )
    kinds = (cst.Assign, cst.AnnAssign, cst.AugAssign, cst.Arg, cst.DictElement)
    nodes: list[cst.CSTNode] = [node for kind in kinds for node in source.all(kind)]
    for node in [each for each in nodes if m.matches(each, shapes)]:
        value = cast("cst.Assign | cst.Arg", node).value
        for each in m.findall(value, m.List() | m.Tuple()) if value is not None else ():
            elements = cast("cst.List | cst.Tuple", each).elements
            texts = [e.value for e in elements if isinstance(e.value, cst.SimpleString)]
            if texts:
                yield texts


def _insert(source: Source, text: cst.SimpleString, apps: Sequence[str]) -> Iterator[Edit]:
    if not apps:
        return
    values = [f"{text.quote[-1]}{app}{text.quote[-1]}" for app in apps]
    end = source.span(text)[1]
    indent = source.before_on_line(text)
    rest = re.compile(r"(,?)[ \t]*(?:#[^\r\n]*)?(?=[\r\n])").match(source.text, end)
    if indent.strip() or rest is None:
        yield Edit(end, end, "".join(f", {value}" for value in values))
        return
    # On lines of their own, with a comma at the end if the list has one there.
    lines = f",{source.newline}{indent}".join(values)
    if not rest[1]:
        yield Edit(end, end, ",")
    yield Edit(rest.end(), rest.end(), f"{source.newline}{indent}{lines}{rest[1]}")
