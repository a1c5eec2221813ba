"""Names in TypeScript: of component schemas, and of operations as ``products.create``."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from django_matt.contrib.typescript.places import is_live_list

__all__ = [
    "Names",
    "camel",
    "component_names",
    "identifier",
    "name_operations",
    "pascal",
    "singular",
]

KEYWORDS = frozenset(
    [
        "any",
        "arguments",
        "as",
        "async",
        "await",
        "bigint",
        "boolean",
        "break",
        "case",
        "catch",
        "class",
        "const",
        "constructor",
        "continue",
        "debugger",
        "declare",
        "default",
        "delete",
        "do",
        "else",
        "enum",
        "eval",
        "export",
        "extends",
        "false",
        "finally",
        "for",
        "from",
        "function",
        "get",
        "if",
        "implements",
        "import",
        "in",
        "infer",
        "instanceof",
        "interface",
        "intrinsic",
        "is",
        "keyof",
        "let",
        "module",
        "namespace",
        "never",
        "new",
        "null",
        "number",
        "object",
        "of",
        "package",
        "private",
        "protected",
        "public",
        "readonly",
        "require",
        "return",
        "set",
        "static",
        "string",
        "super",
        "switch",
        "symbol",
        "this",
        "throw",
        "true",
        "try",
        "type",
        "typeof",
        "undefined",
        "unique",
        "unknown",
        "var",
        "void",
        "while",
        "with",
        "yield",
    ]
)
"""Words that cannot name a type, or a constant of a module, in TypeScript 5.9 to 7."""
OURS = frozenset(
    {"$defs", "components", "operations", "paths", "webhooks", "Blob", "Omit", "Partial", "Record"}
)
"""What ``schema.d.ts`` itself exports, and the global types that it uses."""


class Named(Protocol):
    """The parts of a ``BoundOperation`` that its name is made of."""

    @property
    def controller(self) -> type | None:
        """The class of the controller."""
        ...

    @property
    def name(self) -> str:
        """The name of the function."""
        ...

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that the function answers."""
        ...


class Names:
    """Gives each name once: a second one that differs in nothing but case gets a number."""

    def __init__(self, reserved: Iterable[str] = KEYWORDS) -> None:
        """Take the names that cannot be given; unlike given names, they are compared with their case."""
        self._reserved = frozenset(reserved)
        self._used: set[str] = set()

    def add(self, wanted: str) -> str:
        """Return ``wanted``, or ``wanted2``, ``wanted3`` … if it is reserved or in use."""
        name, number = wanted, 1
        while name in self._reserved or name.casefold() in self._used:
            number += 1
            name = f"{wanted}{number}"
        self._used.add(name.casefold())
        return name


def identifier(text: str) -> str:
    """Return a text without the characters that an identifier cannot have; letters of every script are kept.

    >>> identifier("Straße-Input"), identifier("3d model")
    ('StraßeInput', '_3dModel')
    """
    first, *rest = _parts(text) or [""]
    name = first + "".join(part[:1].upper() + part[1:] for part in rest)
    return name if name.replace("$", "_").isidentifier() else f"_{name}"


def pascal(text: str) -> str:
    """Return ``OrderLine`` for ``order_line``, ``order-line`` and ``OrderLine``."""
    return identifier("".join(part[:1].upper() + part[1:] for part in _words(text)))


def camel(text: str) -> str:
    """Return ``orderLine`` for ``order_line``, ``order-line`` and ``OrderLine``; ``httpLog`` for ``HTTPLog``."""
    name = pascal(text)
    start = re.match(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]+$|[A-Z](?![A-Z])|[A-Z]+(?=[\d_])", name)
    head = start[0] if start else name[:1]
    return head.lower() + name[len(head) :]


def component_names(schemas: Iterable[str], reserved: Iterable[str] = ()) -> dict[str, str]:
    """Return the TypeScript name of each component, stable by the order of the document.

    ``Item-Input`` is ``ItemInput``; ``Item-Output`` is ``Item``, as it is what most code has in its hands;
    ``shop__schemas__Item`` is ``ShopSchemasItem``, and ``Page_int_`` is ``PageInt``.
    """
    schemas = list(schemas)
    taken = KEYWORDS | OURS | frozenset(reserved)
    names = Names(taken)
    known = set(schemas)
    # A name that needs no change keeps it, whatever comes before.
    found = {
        each: names.add(each)
        for each in schemas
        if each == _readable(each, known) and each not in taken
    }
    found |= {each: names.add(_readable(each, known)) for each in schemas if each not in found}
    return {each: found[each] for each in schemas}


def name_operations(
    operations: Sequence[tuple[str, str, Mapping[str, Any], Named | None]], prefix: str = "/"
) -> list[tuple[str, str]]:
    """Return the group and the verb of each operation: ``("products", "create")`` of ``ProductController.create_product``.

    An operation is its method, its path, its Operation Object and its route. The words of the group are left out of the
    verb. A verb that two operations would share keeps all of its words, and gets a number if it is shared still.
    """
    paths: dict[Any, list[str]] = {}
    keys = [_group(path, details, bound, prefix) for _, path, details, bound in operations]
    for key, (_, path, *_) in zip(keys, operations, strict=True):
        paths.setdefault(key, []).append(path)
    exports = Names(KEYWORDS | OURS)
    exported = {
        key: exports.add(camel(key if isinstance(key, str) else _noun(key, found)))
        for key, found in paths.items()
    }
    groups = [exported[key] for key in keys]
    whole = [_verb(*each) for each in operations]
    short = [_without(verb, group) for verb, group in zip(whole, groups, strict=True)]
    shared = Counter((group, camel(verb)) for group, verb in zip(groups, short, strict=True))
    alone = [shared[group, camel(verb)] == 1 for group, verb in zip(groups, short, strict=True)]
    # A property may be a keyword: products.delete().
    taken = {group: Names({"__proto__", "then"}) for group in groups}
    named: dict[int, str] = {}
    # A verb that nobody shares comes before those that may need a number.
    for at in sorted(range(len(groups)), key=lambda at: not alone[at]):
        named[at] = taken[groups[at]].add(camel(short[at] if alone[at] else whole[at]))
    return [(group, named[at]) for at, group in enumerate(groups)]


def _group(path: str, details: Mapping[str, Any], bound: Named | None, prefix: str) -> Any:
    """Return what an operation is grouped by: its controller, its first tag, or the first part of its path."""
    if bound is not None and bound.controller is not None:
        return bound.controller
    tags = details.get("tags") or ()
    static = [part for part in path.removeprefix(prefix).split("/") if part and "{" not in part]
    return str(tags[0]) if tags else (static or ["root"])[0]


def _noun(controller: type, paths: Iterable[str]) -> str:
    """Return what a controller is about: its class's name, in the plural if its paths have that."""
    name = controller.__name__
    name = re.sub(r"(API|Api)?Controller(Base|API|Api)?$", "", name) or name
    parts = {pascal(part).lower() for path in paths for part in path.split("/")}
    plural = _plural(name)
    return plural if plural.lower() in parts else name


def _verb(method: str, path: str, details: Mapping[str, Any], bound: Named | None) -> str:
    if bound is None:
        return str(details.get("operationId") or f"{method} {path}")
    several = len([each for each in bound.methods if each != "HEAD"]) > 1
    # A live list is the function of the list once more.
    name = f"{bound.name}_live" if is_live_list(details) else bound.name
    return f"{name}_{method}" if several else name


def _without(verb: str, group: str) -> str:
    """Return a function's name without the noun of its group: ``list`` of ``list_order_lines`` in ``orderLines``."""
    words = _words(verb)
    noun = [word.lower() for word in _words(group)]
    if not noun or len(words) <= len(noun):
        return verb
    forms = {tuple(noun), (*noun[:-1], singular(noun[-1]))}
    for start in range(1, len(words) - len(noun) + 1):
        if tuple(word.lower() for word in words[start : start + len(noun)]) in forms:
            return "_".join(words[:start] + words[start + len(noun) :])
    return verb


def _plural(noun: str) -> str:
    if re.search(r"[^aeiou]y$", noun):
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("x", "ch", "sh", "ss")) else f"{noun}s"


def singular(noun: str) -> str:
    """Return ``category`` for ``categories``, and ``parcel`` for ``parcels``."""
    if noun.endswith("ies"):
        return f"{noun[:-3]}y"
    if re.search(r"(x|ch|sh|ss)es$", noun):
        return noun[:-2]
    return noun[:-1] if noun.endswith("s") and not noun.endswith("ss") else noun


def _readable(name: str, known: set[str]) -> str:
    base = name.removesuffix("-Output")
    if base != name and base not in known:
        name = base
    if "__" in name:
        name = "".join(pascal(part) for part in name.split("__"))
    return pascal(name) if re.search(r"_.*_$", name) else identifier(name)


def _parts(text: str) -> list[str]:
    """Split at what an identifier cannot have."""
    spaced = "".join(char if f"a{char}".isidentifier() or char == "$" else " " for char in text)
    return spaced.split()


def _words(text: str) -> list[str]:
    """Split at what an identifier cannot have, at underscores, and before capitals."""
    parts = (word for part in _parts(text) for word in part.split("_"))
    humps = (re.sub(r"(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", word) for word in parts)
    return [word for hump in humps for word in hump.split()]
