"""The comparison of two schemas and of everything that they refer to, in one direction."""

from collections.abc import Iterator
from typing import Any, Final

from django_matt.contrib.typescript.changes.schemas import Documents
from django_matt.contrib.typescript.changes.walks import Direction, Found, Walk

__all__ = ["Comparison", "Direction", "Found"]

Pair = tuple[str, str]
"""The names of a component in the base and in the revision."""


class Comparison:
    """Compares schemas of two documents. Each pair of components is compared once in each direction.

    A difference in a component is reported once, with all operations that use the component.
    """

    def __init__(self, documents: Documents) -> None:
        """Compare schemas of these documents."""
        self.documents = documents
        self.operation = ""
        """The operation whose schemas are being compared."""
        self._graphs: dict[tuple[str, bool], _Graph] = {}
        self._found: dict[Any, tuple[list[Found], int, frozenset[Pair]]] = {}

    @property
    def visited(self) -> set[str]:
        """The names of the components that were compared."""
        return {name for graph in self._graphs.values() for pair in graph.walks for name in pair}

    def find(self, before: Any, after: Any, subject: str, *, loose: bool = False) -> list[Found]:
        """Return the differences of two schemas; those in the components that they refer to are in ``find_shared``.

        ``subject`` is ``request-body``, ``request-parameter``, ``response-body`` or ``response-header``. ``loose``: every
        value is sent as text, as in a URL or a form.
        """
        graph = self._graphs.get((subject, loose))
        if graph is None:
            direction: Direction = "request" if subject.startswith("request") else "response"
            graph = self._graphs[subject, loose] = _Graph(self.documents, direction, loose)
        key = (id(before), id(after), subject, loose)
        kept = self._found.get(key)
        if kept is None:
            first = graph.walk(before, after)
            itself = graph.find_aliases(first)
            found = list(first.found)
            for pair in itself:
                found += [each for each in graph.walks[pair].found if each.place == ""]
            named = [
                Found(name_rule(rule, subject, nested=bool(place)), place.removeprefix("/"), text)
                for rule, place, text in found
            ]
            kept = (named, graph.reach(first), itself)
            if self.documents.is_part(before) and self.documents.is_part(after):
                self._found[key] = kept
        graph.use(self.operation, *kept[1:])
        return kept[0]

    def find_shared(self) -> Iterator[tuple[Found, tuple[str, ...]]]:
        """Yield the differences in components, each with the operations that use the component."""
        for (subject, _), graph in self._graphs.items():
            for pair, each, operations in graph.find_shared():
                rule = name_rule(each.rule, subject, nested=True)
                yield Found(rule, f"{pair[1]}{each.place}", each.text), operations


_NAMES: Final = {
    "request-parameter-property-type-compatible": "request-parameter-property-type-generalized",
    "request-parameter-type-compatible": "request-parameter-type-generalized",
    "response-body-enum-value-removed": "response-mediatype-enum-value-removed",
}
"""Rules whose names in oasdiff do not follow from the part that they apply to."""


def name_rule(rule: str, subject: str, *, nested: bool) -> str:
    """Return the id of a rule of a schema: ``response-property-became-nullable`` inside of a ``response-body``."""
    inner = subject.replace("-body", "-property")
    if inner == subject:
        inner = f"{subject}-property"
    found = rule.format(inner if nested else subject)
    return _NAMES.get(found, found)


class _Graph:
    """Which pairs of components refer to which, and where each leads: as bits of an integer, one for each pair that differs."""

    def __init__(self, documents: Documents, direction: Direction, loose: bool) -> None:
        self.documents, self.loose = documents, loose
        self.direction: Direction = direction
        self.walks: dict[Pair, Walk] = {}
        self._reached: dict[Pair, int] = {}
        self._differing: list[Pair] = []
        self._uses: dict[tuple[int, frozenset[Pair]], dict[str, None]] = {}

    def walk(self, before: Any, after: Any) -> Walk:
        """Return the comparison of two schemas, after that of all components that they refer to."""
        found = Walk(self.documents, self.direction, loose=self.loose)
        found.compare(before, after, "")
        for _, old, new in found.children:
            if (old, new) not in self.walks:
                self._explore((old, new))
        return found

    def find_aliases(self, walk: Walk) -> frozenset[Pair]:
        """Return the pairs that are the walk's own schemas under another name."""
        found: set[Pair] = set()
        waiting = [walk]
        while waiting:
            for place, old, new in waiting.pop().children:
                if place == "" and (old, new) not in found:
                    found.add((old, new))
                    waiting.append(self.walks[old, new])
        return frozenset(found)

    def reach(self, walk: Walk) -> int:
        """Return the bits of the pairs that a walk leads to."""
        bits = 0
        for _, old, new in walk.children:
            bits |= self._reached[old, new]
        return bits

    def use(self, operation: str, bits: int, itself: frozenset[Pair]) -> None:
        """Note that an operation uses some pairs."""
        if bits:
            self._uses.setdefault((bits, itself), {})[operation] = None

    def find_shared(self) -> Iterator[tuple[Pair, Found, tuple[str, ...]]]:
        """Yield each difference of a pair with its operations; what is about a schema itself is not shared."""
        users: dict[tuple[int, bool], dict[str, None]] = {}
        for (reached, itself), operations in self._uses.items():
            bits = reached
            while bits:
                lowest = bits & -bits
                bits ^= lowest
                number = lowest.bit_length() - 1
                whole = self._differing[number] not in itself
                users.setdefault((number, False), {}).update(operations)
                if whole:
                    users.setdefault((number, True), {}).update(operations)
        for number, pair in enumerate(self._differing):
            for each in self.walks[pair].found:
                found = users.get((number, each.place == ""))
                if found:
                    yield pair, each, tuple(sorted(found))

    def _explore(self, start: Pair) -> None:
        """Compare all pairs that can be reached and were not compared yet."""
        order: list[Pair] = []
        waiting = [(start, False)]
        while waiting:
            pair, left = waiting.pop()
            if left:
                order.append(pair)
            elif pair not in self.walks:
                walk = self._compare(pair)
                waiting.append((pair, True))
                waiting += [((old, new), False) for _, old, new in walk.children]
        # From the leaves up, which is enough without cycles.
        changed = True
        while changed:
            changed = False
            for pair in order:
                bits = self._reached[pair]
                for _, old, new in self.walks[pair].children:
                    bits |= self._reached[old, new]
                changed = changed or bits != self._reached[pair]
                self._reached[pair] = bits

    def _compare(self, pair: Pair) -> Walk:
        walk = self.walks[pair] = Walk(self.documents, self.direction, loose=self.loose)
        before, after = self.documents.schemas
        walk.compare(before[pair[0]], after[pair[1]], "")
        self._reached[pair] = 1 << len(self._differing) if walk.found else 0
        self._differing += [pair] if walk.found else []
        return walk
