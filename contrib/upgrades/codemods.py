"""The codemods of ``matt upgrade``: one for each name and habit that a release deprecates or no longer has."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import libcst as cst
import libcst.matchers as m
from libcst.metadata import ClassScope, ScopeProvider

from django_matt.contrib.upgrades.installed_apps import add_apps
from django_matt.contrib.upgrades.moves import Moves, move_names
from django_matt.contrib.upgrades.sources import Edit, Note, Source

__all__ = ["CODEMODS", "Codemod", "codemods_from"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Codemod:
    """What brings code to a newer release. Its second run on the same files changes nothing."""

    name: str
    """As the warning names it that announces the change."""
    summary: str
    removed: str = ""
    """The first release without what it replaces; empty while every release has it."""
    words: tuple[str, ...]
    """A file without any of these words has nothing for it."""
    run: Callable[[Sequence[Source], Path], list[Note]]
    """Edits the files of a project, whose folder is the second argument; returns what is left to a person."""


def codemods_from(version: str) -> list[Codemod]:
    """Return the codemods for code that ran on a release, such as ``"1.0"``; all of them for an empty text.

    What that release did not have any more cannot occur in such code. Raises ``ValueError`` for a text that is no version.
    """
    if not version:
        return list(CODEMODS)
    return [each for each in CODEMODS if not each.removed or _order(each.removed) > _order(version)]


def _order(version: str) -> tuple[int, ...]:
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


# -- conditional-app -----------------------------------------------------------------------------------------------------

_CONDITIONAL = Moves(
    {
        f"django_matt{module}.{name}": f"django_matt.contrib.conditional.{name}"
        for module in ("", ".conditions")
        for name in ("conditional", "check_preconditions")
    }
)


def _move_conditional(sources: Sequence[Source], root: Path) -> list[Note]:
    had = [source.text for source in sources]
    for source in sources:
        move_names(source, _CONDITIONAL)
    if had == [source.text for source in sources]:
        return []
    app = "django_matt.contrib.conditional"
    found = [add_apps(source, [app], "django_matt") for source in sources]
    if any(found):
        return []
    return [Note(root, 0, f'Add "{app}" to INSTALLED_APPS: no list with "django_matt" was found.')]


# -- mailers -------------------------------------------------------------------------------------------------------------

_MAILERS = Moves(
    {"django_matt.contrib.environments.email": "django_matt.contrib.environments.mailer"}
)
_UPDATE = m.Call(
    func=m.Attribute(value=m.Call(func=m.Name("globals"), args=[]), attr=m.Name("update")),
    args=[m.Arg(m.Call(func=m.Name("email"), args=[m.Arg(keyword=None)]))],
)
_BEFORE_61 = 'Django before 6.1 does not read MAILERS. There, add EMAIL_BACKEND = "django_matt.contrib.environments.mail_backends.connect".'


def _write_mailers(sources: Sequence[Source], root: Path) -> list[Note]:
    for source in sources:
        imported = m.ImportFrom(
            module=m.Attribute(attr=m.Name("environments")),
            names=[
                m.ZeroOrMore(),
                m.ImportAlias(name=m.Name("email"), asname=None),
                m.ZeroOrMore(),
            ],
        )
        if not m.findall(source.tree, imported):
            continue
        calls = cast("Sequence[cst.Call]", m.findall(source.tree, _UPDATE))
        edits = []
        for call in calls:
            url = source.code(cast("cst.Call", call.args[0].value).args[0].value)
            # The name as it was: its import and its uses are moved together, below.
            edits.append(Edit(*source.span(call), f'MAILERS = {{"default": email({url})}}'))
            source.note(call, _BEFORE_61)
        if len(m.findall(source.tree, m.Call(func=m.Name("email")))) != len(calls) or not calls:
            source.notes.append(
                Note(
                    source.path,
                    0,
                    "email(url) is mailer(url) now, which returns an entry of MAILERS.",
                )
            )
            continue
        source.apply(edits)
        move_names(source, _MAILERS)
    return []


# -- status-tuples -------------------------------------------------------------------------------------------------------

_VERBS = r"get|post|put|patch|delete|generic|api_operation"
_ROUTE = m.Decorator(
    decorator=m.Call(
        func=m.Name(m.MatchRegex(rf"http_(?:{_VERBS})"))
        | m.Attribute(attr=m.Name(m.MatchRegex(rf"(?:http_)?(?:{_VERBS})")))
    )
)
_CODE = m.Integer(m.MatchRegex(r"[1-5]\d\d")) | m.Attribute(
    attr=m.Name(m.MatchRegex(r"HTTP_\d{3}_\w+")) | m.Name(m.MatchRegex("[A-Z_]+")),
    value=m.Name(m.MatchRegex("status|HTTPStatus")),
)
_TUPLE = m.Tuple(elements=[m.Element(_CODE), m.Element()])


def _write_status(sources: Sequence[Source], root: Path) -> list[Note]:
    for source in sources:
        tuples = [
            value
            for function in m.findall(source.tree, m.FunctionDef())
            if any(m.matches(d, _ROUTE) for d in cast("cst.FunctionDef", function).decorators)
            for value in _returned(cast("cst.FunctionDef", function).body)
            if m.matches(value, _TUPLE)
        ]
        if not tuples:
            continue
        name, edits = _import_status(source)
        for value in tuples:
            start, end = source.span(value)
            if cast("cst.Tuple", value).lpar:
                start = source.text.rindex("(", 0, start)
                space = " " if source.text[start - 1].isalnum() else ""
                edits.append(Edit(start, start, f"{space}{name}"))
            else:
                edits += [Edit(start, start, f"{name}("), Edit(end, end, ")")]
        source.apply(edits)
    return []


def _returned(body: cst.CSTNode) -> Iterator[cst.BaseExpression]:
    """Yield what a function returns, without the functions and classes inside of it."""
    for node in body.children:
        if isinstance(node, cst.Return) and node.value is not None:
            yield from _branches(node.value)
        elif not isinstance(node, cst.FunctionDef | cst.ClassDef | cst.Lambda):
            yield from _returned(node)


def _branches(value: cst.BaseExpression) -> Iterator[cst.BaseExpression]:
    if isinstance(value, cst.IfExp):
        yield from _branches(value.body)
        yield from _branches(value.orelse)
    else:
        yield value


def _import_status(source: Source) -> tuple[str, list[Edit]]:
    """Return the name of ``Status`` in a file, and the edit that imports it if it is not there."""
    found = source.wrapper.resolve(ScopeProvider)
    module: Any = found[source.tree]
    # A name of a class, such as `Order.Status`, is in the way of no function; one of a function may be.
    scopes = {each for each in found.values() if each and not isinstance(each, ClassScope)}
    for framework in ("django_matt", "ninja", "ninja.responses"):
        for name in ("Status", "MattStatus"):
            for assignment in module.assignments[name]:
                known = assignment.get_qualified_names_for(name)
                is_hidden = any(each.assignments[name] for each in scopes - {module})
                if any(each.name == f"{framework}.Status" for each in known) and not is_hidden:
                    return name, []
    lines = [
        line
        for line in source.tree.body
        if isinstance(line, cst.SimpleStatementLine)
        and m.matches(line.body[0], m.ImportFrom(module=~m.Name("__future__")) | m.Import())
    ]
    taken = any(each.assignments["Status"] for each in scopes)
    name = "MattStatus" if taken else "Status"
    text = "from django_matt import " + (name if name == "Status" else f"Status as {name}")
    if not lines:
        return name, []
    first = next((line for line in lines if "django_matt" in source.code(line)), lines[-1])
    start = source.span(first)[0]
    return name, [Edit(start, start, text + source.newline)]


CODEMODS = (
    Codemod(
        name="conditional-app",
        summary="`conditional` and `check_preconditions` are imported from django_matt.contrib.conditional, an app.",
        removed="1.0",
        words=("conditional", "check_preconditions", "APPS"),
        run=_move_conditional,
    ),
    Codemod(
        name="mailers",
        summary="Settings have `MAILERS` with `mailer(url)` instead of `globals().update(email(url))`.",
        removed="1.0",
        words=("environments",),
        run=_write_mailers,
    ),
    Codemod(
        name="status-tuples",
        summary="Views return `Status(201, data)` instead of `201, data`, which Ninja has deprecated.",
        words=("return",),
        run=_write_status,
    ),
)
