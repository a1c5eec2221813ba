"""The bodies of methods: those of REST framework's views as those of controllers."""

import re
import textwrap
from collections.abc import Callable
from typing import cast

import libcst as cst
import libcst.matchers as m

__all__ = ["Body", "methods_text", "translate"]

_STRING = re.compile(
    r"""((?<![fF\w])[rRbBuU]{0,2}(?:\"{3}[\s\S]*?\"{3}|'{3}[\s\S]*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|\#[^\n]*)"""
)
_RESPONSE = ("data", "status", "template_name", "headers", "exception", "content_type")
"""The parameters of REST framework's ``Response``, in their order."""
_NAMES = (
    (re.compile(r"(?<![\w.])(?:self\.)?request\.data\b"), "data"),
    (re.compile(r"(?<![\w.])(?:self\.)?request\.query_params\b"), "self.context.request.GET"),
    (re.compile(r"(?<![\w.])self\.request\b"), "self.context.request"),
    # Not the name of an argument.
    (re.compile(r"(?<![\w.])request\b(?!\s*=(?!=))"), "self.context.request"),
)
_OF_VIEWS = re.compile(
    r"(?<![\w.])(?:self\.(?:get_serializer\w*|serializer_class|kwargs|action|paginate\w*|get_paginated_response|"
    r"filter_queryset|perform_\w+|format_kwarg|lookup_\w+|object)\b|super\(\))"
)


class Body:
    """What was made of a body: its lines, the statuses that it answers with, and what only REST framework's views have."""

    def __init__(self, lines: list[str], statuses: set[int], lost: set[str]) -> None:
        self.lines = lines
        self.statuses = statuses
        self.lost = sorted(lost)
        """What its responses were given besides data and status, such as ``headers``."""
        text = "\n".join(lines)
        code = "".join(part for part in _STRING.split(text) if not _STRING.fullmatch(part))
        self.left = sorted(set(_OF_VIEWS.findall(code)))
        self.needs_data = re.search(r"(?<![\w.])data\b(?!\s*=(?!=))", code) is not None


def methods_text(body: cst.BaseSuite) -> list[str]:
    """Return the lines of a body, without its indent."""
    text = textwrap.dedent(cst.Module([]).code_for_node(body).strip("\n"))
    return text.strip().splitlines()


def translate(body: cst.BaseSuite, found: str = "") -> Body:
    """Return a view's body as that of a controller's route; ``found`` is the code that finds the object of its key."""
    statuses: set[int] = set()
    lost: set[str] = set()

    def answer(node: cst.CSTNode, _: object) -> cst.BaseExpression:
        call = cast("cst.Call", node)
        given = {
            arg.keyword.value if arg.keyword else str(i): arg.value
            for i, arg in enumerate(call.args)
        }
        names = dict(enumerate(_RESPONSE))
        lost.update(
            {names.get(int(each), each) if each.isdigit() else each for each in given}
            - {*_RESPONSE[:2]}
        )
        value = given.get("0") or given.get("data") or cst.Name("None")
        status = given.get("1") or given.get("status")
        if status is None:
            statuses.add(200)
            return value
        text = cst.Module([]).code_for_node(status)
        number = re.search(r"HTTP_(\d{3})_|^(\d{3})$", text)
        if number:
            text = number[1] or number[2]
            statuses.add(int(text))
        return cst.parse_expression(f"Status({text}, {cst.Module([]).code_for_node(value)})")

    tree = cast("cst.BaseSuite", m.replace(body, m.Call(func=m.Name("Response")), answer))
    text = "\n".join(methods_text(tree))
    for pattern, new in _NAMES:
        text = _outside(text, lambda part, p=pattern, n=new: p.sub(n, part))  # type: ignore[misc]
    if found:
        text = text.replace("self.get_object()", found)
    return Body(text.splitlines(), statuses, lost)


def _outside(text: str, change: Callable[[str], str]) -> str:
    """Change a text outside of its strings and comments."""
    return "".join(
        part if number % 2 else change(part) for number, part in enumerate(_STRING.split(text))
    )
