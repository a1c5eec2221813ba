"""The order of definitions in a Python module: what a class or an alias needs when it is made comes before it."""

from collections.abc import Iterator

from django_matt.contrib.typescript.pulling.definitions import (
    AliasDefinition,
    Definition,
    Definitions,
    ObjectDefinition,
)
from django_matt.contrib.typescript.pulling.syntax import Named, parts_of

__all__ = ["order"]


def order(definitions: Definitions) -> tuple[list[str], set[str]]:
    """Return the names in order, and the aliases that refer to themselves.

    A base class and the types in an alias must exist before. The types of fields come before where they can;
    otherwise their names are quoted.
    """
    found = definitions.found
    hard = {name: [each for each in _needs(of) if each in found] for name, of in found.items()}
    soft = {name: [each for each in _uses(of) if each in found] for name, of in found.items()}
    reach = {name: _reach(name, hard) for name in found if isinstance(found[name], AliasDefinition)}
    recursive = {name for name, reached in reach.items() if name in reached}
    for name in recursive:
        hard[name] = []
    return _sorted(hard, soft), recursive


def _needs(of: Definition) -> Iterator[str]:
    match of:
        case ObjectDefinition():
            parts = [of.base, *(each.bound for each in of.parameters)]
        case AliasDefinition():
            parts = [of.type]
        case _:
            parts = []
    for part in parts_of(tuple(part for part in parts if part is not None)):
        if isinstance(part, Named):
            yield part.name


def _uses(of: Definition) -> Iterator[str]:
    if isinstance(of, ObjectDefinition):
        types = [each.type for each in of.fields] + ([of.others] if of.others else [])
        for part in parts_of(tuple(types)):
            if isinstance(part, Named):
                yield part.name


def _reach(name: str, edges: dict[str, list[str]]) -> set[str]:
    """Return everything that a name needs, directly or not."""
    seen: set[str] = set()
    pending = list(edges[name])
    while pending:
        at = pending.pop()
        if at not in seen:
            seen.add(at)
            pending += edges[at]
    return seen


def _sorted(hard: dict[str, list[str]], soft: dict[str, list[str]]) -> list[str]:
    """Return the names, each after those that it needs, and after those that it uses where that is possible."""
    done: dict[str, None] = {}
    for start in hard:
        inside: dict[str, Iterator[tuple[str, bool]]] = {}
        _enter(start, inside, hard, soft)
        while inside:
            name = next(reversed(inside))
            for other, must in inside[name]:
                if other in done or other in inside:
                    continue
                # What a field uses waits if it needs a class that is not finished.
                if not must and _reach(other, hard) & inside.keys():
                    continue
                _enter(other, inside, hard, soft)
                break
            else:
                done[name] = None
                del inside[name]
    return list(done)


def _enter(
    name: str,
    inside: dict[str, Iterator[tuple[str, bool]]],
    hard: dict[str, list[str]],
    soft: dict[str, list[str]],
) -> None:
    edges = [(each, True) for each in hard[name]] + [(each, False) for each in soft[name]]
    inside[name] = iter(edges)
