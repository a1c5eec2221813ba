"""Secrets in source lines: string literals that are assigned or passed to a sensitive name, hidden before they are shown."""

import ast
import re
from collections.abc import Callable, Iterator
from itertools import pairwise

__all__ = ["hide_literals"]

_HIDDEN = "********"
_QUOTED = re.compile(r"""(["'])(?:\\.|(?!\1).)*\1?""")
_NAME = re.compile(r"[\w.-]+")
_OPEN = re.compile(r"api", re.IGNORECASE)
"""Part of names such as ``api = MattAPI(title="Shop")`` and ``api_controller("/shop")``: what they call has no secrets."""

IsHidden = Callable[[str], bool]


def hide_literals(lines: list[str], is_hidden: IsHidden) -> list[str]:
    """Return the lines of a file with asterisks instead of string literals that belong to a sensitive name.

    >>> hide_literals(['secret_token = "never shown"', 'login(password="hush", user="ann")'], lambda name: name != "user")
    ['secret_token = ********', 'login(password=********, user="ann")']
    """
    text = "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        # A file that cannot be parsed is shown too: there, hide every literal beside a sensitive name.
        return [
            _QUOTED.sub(_HIDDEN, line) if any(map(is_hidden, _NAME.findall(line))) else line
            for line in lines
        ]
    shown = list(lines)
    for node in sorted(set(_secrets(tree, is_hidden)), key=_start, reverse=True):
        _hide(shown, node)
    return shown


def _start(node: ast.expr) -> tuple[int, int]:
    return node.lineno, node.col_offset


def _hide(lines: list[str], node: ast.expr) -> None:
    first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
    if last >= len(lines):
        return
    # The columns count bytes.
    before = lines[first].encode()[: node.col_offset].decode()
    after = lines[last].encode()[node.end_col_offset or 0 :].decode()
    if first == last:
        lines[first] = f"{before}{_HIDDEN}{after}"
        return
    lines[first], lines[last] = f"{before}{_HIDDEN}\n", after
    for number in range(first + 1, last):
        lines[number] = "\n"


def _secrets(tree: ast.AST, is_hidden: IsHidden) -> Iterator[ast.expr]:
    """Yield the literals that belong to a sensitive name."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        for names, value in _given(node):
            if any(map(is_hidden, names)):
                in_calls = any(is_hidden(_OPEN.sub("", name)) for name in names)
                yield from _literals(value, is_hidden, in_calls=in_calls)
        if not isinstance(node, ast.JoinedStr):
            waiting += ast.iter_child_nodes(node)
        # What is inside of an f-string has no right position before Python 3.12.
        elif any(any(_secrets(each, is_hidden)) for each in ast.iter_child_nodes(node)):
            yield node


def _given(node: ast.AST) -> Iterator[tuple[list[str], ast.expr | None]]:
    """Yield each value that a piece of code gives to names, or compares with them."""
    if isinstance(node, ast.Assign):
        yield [name for target in node.targets for name in _names(target)], node.value
    elif isinstance(node, ast.AnnAssign | ast.NamedExpr | ast.AugAssign):
        yield _names(node.target), node.value
    elif isinstance(node, ast.keyword):
        yield [node.arg or ""], node.value
    elif isinstance(node, ast.Dict):
        yield from ((_names(key), value) for key, value in zip(node.keys, node.values, strict=True))
    elif isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        names = [name for side in sides if not _is_text(side) for name in _names(side)]
        yield from ((names, side) for side in sides)
    elif isinstance(node, ast.arguments):
        last = [*node.posonlyargs, *node.args][-len(node.defaults) :] if node.defaults else []
        for argument, default in [
            *zip(last, node.defaults, strict=True),
            *zip(node.kwonlyargs, node.kw_defaults, strict=True),
        ]:
            yield [argument.arg], default
    elif isinstance(node, ast.Call):
        called = [_OPEN.sub("", name) for name in _names(node.func)[-1:]]
        yield from ((called, argument) for argument in node.args)
        # ``os.environ.setdefault("SECRET_KEY", "…")``, ``getenv("API_KEY", default="…")``
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        yield from ((_keys(key), value) for key, value in pairwise(given))
    elif isinstance(node, ast.Tuple) and len(node.elts) == 2:
        # ``("Authorization", "…")``
        yield _keys(node.elts[0]), node.elts[1]


def _names(node: ast.expr | None) -> list[str]:
    """Return what an expression is called: a name, an attribute, a key; of a tuple, each of its items."""
    if isinstance(node, ast.Name):
        # A variable called ``keys`` has the names of a mapping; a secret is ``api_keys``, ``KEYS`` or ``{"keys": …}``.
        return [] if node.id == "keys" else [node.id]
    if isinstance(node, ast.Attribute):
        return [node.attr]
    if isinstance(node, ast.Subscript):
        return _names(node.value) + _names(node.slice)
    if isinstance(node, ast.Tuple | ast.List):
        return [name for each in node.elts for name in _names(each)]
    if isinstance(node, ast.Starred):
        return _names(node.value)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    return []


def _keys(node: ast.expr) -> list[str]:
    """Return the name that a literal is; none of a path or a sentence."""
    names = _names(node) if isinstance(node, ast.Constant) else []
    return [_OPEN.sub("", name) for name in names if _NAME.fullmatch(name)]


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
    )


def _literals(
    node: ast.expr | None, is_hidden: IsHidden, *, in_calls: bool, inside: bool = False
) -> Iterator[ast.expr]:
    """Yield the texts in a value; those ``inside`` of a call may be names themselves, as in ``environ.get("API_KEY")``."""
    if node is None or isinstance(node, ast.Lambda):
        return
    if _is_text(node):
        value = getattr(node, "value", "an f-string")
        if value and not (inside and isinstance(value, str) and is_hidden(value)):
            yield node
        return
    is_call = isinstance(node, ast.Call)
    if is_call and not in_calls:
        return
    for field, child in ast.iter_fields(node):
        if isinstance(node, ast.Subscript) and field == "slice":
            continue  # ``environ["API_KEY"]``
        for each in child if isinstance(child, list) else [child]:
            value = each.value if isinstance(each, ast.keyword) else each
            if isinstance(value, ast.expr):
                yield from _literals(value, is_hidden, in_calls=in_calls, inside=inside or is_call)
