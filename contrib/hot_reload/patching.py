"""Patches edited function bodies into the running process with jurigged. All other edits restart the process.

jurigged accepts other edits too, but the process would then not do what the source says: a new field of a schema is
ignored, and a new route is not added to its router. An edit is therefore patched only if just function bodies differ.
"""

import ast
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jurigged.register import registry  # type: ignore[import-untyped]

__all__ = ["Patcher", "is_same_outside"]

_Function = ast.FunctionDef | ast.AsyncFunctionDef


class Patcher:
    """Keeps the source of every loaded module below ``roots``, to compare it with the edited file."""

    def __init__(self, roots: Iterable[Path], started: float) -> None:
        """Read the source of every loaded module, except files that were written after the process ``started``."""
        self._started = started
        self._roots = tuple(roots)
        self._sources: dict[Path, str] = {}
        registry.auto_register(self._is_ours)
        for module in list(sys.modules.values()):
            file = getattr(module, "__file__", None)
            if isinstance(file, str) and self._is_ours(file):
                self._note(Path(file))

    def _is_ours(self, file: str) -> bool:
        path = Path(file)
        return path.suffix == ".py" and any(root in path.parents for root in self._roots)

    def _note(self, path: Path) -> None:
        try:
            if path.stat().st_mtime < self._started:
                self._sources[path] = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return

    def patch(self, paths: Iterable[Path]) -> bool:
        """Patch the edited files. Return False if they need a restart instead."""
        edits = [(path, self._sources.get(path)) for path in paths]
        fresh: dict[Path, str] = {}
        for path, source in edits:
            if source is None or path.name == "settings.py":
                return False
            try:
                fresh[path] = path.read_text("utf-8")
                if not is_same_outside(source, fresh[path]):
                    return False
            except (OSError, UnicodeDecodeError, SyntaxError, ValueError, RecursionError):
                return False
        try:
            return all(self._refresh(path, source) for path, source in fresh.items())
        except Exception:  # noqa: BLE001 - a restart is right after any failure of jurigged
            return False

    def _refresh(self, path: Path, source: str) -> bool:
        file = registry.get(str(path))
        if file is None:
            return False
        failed: list[Any] = []

        def listen(event: Any) -> None:
            if isinstance(event, Exception):
                failed.append(event)

        file.activity.register(listen)
        file.refresh()
        self._sources[path] = source
        return not failed


def is_same_outside(before: str, after: str) -> bool:
    """Return whether two sources differ only in function bodies, comments and whitespace.

    >>> is_same_outside("def f(a):\\n    return 1", "def f(a):\\n    b = 2\\n    return b")
    True
    >>> is_same_outside("def f(a): pass", "def f(a, b): pass")
    False
    """
    return _outline(before) == _outline(after)


def _outline(source: str) -> str:
    tree = ast.parse(source)
    _empty(tree)
    return ast.dump(tree)


def _empty(node: ast.AST) -> None:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _Function):
            # Compare whether it is a generator, which changes how it is called, and its docstring, which is in the document.
            kind = [type(inner).__name__ for inner in ast.walk(child) if isinstance(inner, _KINDS)]
            mark = f"{ast.get_docstring(child)} {bool(kind)} {_captured(child)}"
            child.body = [ast.Expr(ast.Constant(mark))]
        else:
            _empty(child)


_KINDS = (ast.Yield, ast.YieldFrom)


def _captured(function: _Function) -> list[str]:
    """Return which of ``super`` and ``__class__`` a method uses: code with other free variables cannot be patched."""
    return sorted({n.id for n in ast.walk(function) if isinstance(n, ast.Name) and n.id in _CELLS})


_CELLS = {"super", "__class__"}
