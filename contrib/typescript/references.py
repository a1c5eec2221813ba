"""How a type refers to a component: by one name, by a name for each direction, or as ``Page<OrderOut>``."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from django_matt.contrib.typescript.names import Names, component_names
from django_matt.contrib.typescript.types import BRANDS, PARAMETER, REF, Direction
from django_matt.openapi.components import names_in

__all__ = ["Declaration", "References"]

DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
LIBRARIES = {"django_matt", "ninja", "ninja_extra"}
"""Whose generic classes are pages, which the document names better: ``OrderOutPage``."""
SUFFIXES: Mapping[Direction, str] = {"out": "", "in": "Input", "form": "Form", "text": "Text"}
DIFFERENCES: Mapping[str, Mapping[Direction, int]] = {
    "hidden": {"out": 0, "in": 1, "form": 1, "text": 1},
    "file": {"out": 0, "in": 0, "form": 1, "text": 0},
    "date": {"out": 0, "in": 1, "form": 2, "text": 2},
    "decimal": {"out": 0, "in": 1, "form": 1, "text": 1},
}
"""What makes the types of one schema differ, and which directions then share a type."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """One ``export type``: its name with its parameters, its component, and what its type is written of."""

    name: str
    component: str
    schema: Any
    direction: Direction


@dataclass(frozen=True, slots=True)
class _Generic:
    name: str
    arguments: tuple[str, ...]


class References:
    """The names of the components of a document, and the declarations that they need.

    A component whose type depends on the direction has one type for each that is in use: ``Item``, ``ItemInput``,
    ``ItemForm``. So has whatever refers to it.
    """

    def __init__(
        self,
        schemas: Mapping[str, Any],
        places: Iterable[tuple[Direction, Any]],
        classes: Mapping[str, type],
        differences: Iterable[str],
        reserved: Iterable[str] = (),
    ) -> None:
        """Take the components, where they are used, their classes, and the keys of ``DIFFERENCES`` that matter."""
        self.names = component_names(schemas, [*reserved, *BRANDS.values(), "DecimalText"])
        self._taken = Names([*self.names.values(), *reserved])
        self._refers = {name: list(dict.fromkeys(names_in(each))) for name, each in schemas.items()}
        self._wanted = frozenset(differences)
        self._differs = self._spread(schemas)
        self._generics: dict[str, _Generic] = {}
        self.declarations: list[Declaration] = []
        used = self._used(places)
        templates = dict(self._find_generics(schemas, classes))
        self._variants: dict[tuple[str, Direction], str] = {}
        for name, schema in schemas.items():
            if name in templates:
                if (template := templates[name]) is not None:
                    self.declarations.append(template)
                continue
            for direction, variant in self._declare(name, used.get(name) or {"out"}):
                self.declarations.append(Declaration(variant, name, schema, direction))

    def name(self, component: str, direction: Direction) -> str:
        """Return how a type refers to a component."""
        generic = self._generics.get(component)
        if generic is not None:
            arguments = ", ".join(self.name(each, direction) for each in generic.arguments)
            return f"{generic.name}<{arguments}>"
        return self._variants.get((component, direction)) or self.names[component]

    def main_name(self, component: str) -> str:
        """Return the name of a component's first type, which is that of responses if it is used there."""
        if component in self._generics:
            return self.name(component, "out")
        return self.names[component]

    def _declare(self, name: str, used: set[Direction]) -> Iterator[tuple[Direction, str]]:
        """Yield each type that a component needs; directions that do not differ share one."""
        known: dict[tuple[int, ...], str] = {}
        for direction in DIRECTIONS:
            key = tuple(DIFFERENCES[each][direction] for each in sorted(self._differs[name]))
            if direction in used and key not in known:
                wanted = self.names[name]
                known[key] = (
                    self._taken.add(f"{wanted}{SUFFIXES[direction] or 'Output'}")
                    if known
                    else wanted
                )
                yield direction, known[key]
            if key in known:
                self._variants[name, direction] = known[key]

    def _spread(self, schemas: Mapping[str, Any]) -> dict[str, set[str]]:
        """Return what makes each component differ, itself or by what it refers to."""
        found = {
            name: set(self._wanted.intersection(_own_differences(each)))
            for name, each in schemas.items()
        }
        users: dict[str, list[str]] = {}
        for name, targets in self._refers.items():
            for target in targets:
                users.setdefault(target, []).append(name)
        waiting = [name for name, each in found.items() if each]
        while waiting:
            name = waiting.pop()
            for user in users.get(name, ()):
                if not found[name] <= found[user]:
                    found[user] |= found[name]
                    waiting.append(user)
        return found

    def _used(self, places: Iterable[tuple[Direction, Any]]) -> dict[str, set[Direction]]:
        used: dict[str, set[Direction]] = {}
        waiting: list[tuple[Direction, str]] = []
        for start, part in places:
            waiting.extend((start, name) for name in names_in(part))
        while waiting:
            direction, name = waiting.pop()
            if direction not in used.setdefault(name, set()):
                used[name].add(direction)
                waiting.extend((direction, target) for target in self._refers.get(name, ()))
        return used

    def _find_generics(
        self, schemas: Mapping[str, Any], classes: Mapping[str, type]
    ) -> Iterator[tuple[str, Declaration | None]]:
        """Yield the instances of generic classes, the first of each class with its declaration.

        An instance is left out, and has a name of its own, if its schema is not that of the first one with other
        arguments, or if its arguments have no component: ``Page[int]`` is ``PageInt``.
        """
        components: dict[type, list[str]] = {}
        for name, cls in classes.items():
            components.setdefault(cls, []).append(name)
        first: dict[type, tuple[str, Any]] = {}
        for name, schema in schemas.items():
            metadata = getattr(classes.get(name), "__pydantic_generic_metadata__", None) or {}
            origin = metadata.get("origin")
            if origin is None or origin.__module__.partition(".")[0] in LIBRARIES:
                continue
            arguments = tuple(
                next(
                    (each for each in components.get(argument, ()) if each in self._refers[name]),
                    "",
                )
                for argument in metadata["args"]
            )
            if "" in arguments or len(set(arguments)) < len(arguments) or name in arguments:
                continue
            parameters = [
                f"T{parameter.__name__.removeprefix('T')}"
                for parameter in origin.__pydantic_generic_metadata__["parameters"]
            ]
            used = set(self.names.values())
            if len(parameters) != len(arguments) or not used.isdisjoint(parameters):
                continue
            template = _generalized(schema, dict(zip(arguments, parameters, strict=True)))
            own = self._wanted.intersection(_own_differences(template))
            if own or any(self._differs[each] for each in names_in(template)):
                continue
            if origin not in first:
                generic = self._taken.add(origin.__name__)
                first[origin] = generic, _bare(template)
                self._generics[name] = _Generic(generic, arguments)
                yield (
                    name,
                    Declaration(f"{generic}<{', '.join(parameters)}>", name, template, "out"),
                )
            elif first[origin][1] == _bare(template):
                self._generics[name] = _Generic(first[origin][0], arguments)
                yield name, None


def _own_differences(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if schema.get("readOnly") or schema.get("writeOnly"):
            yield "hidden"
        shape = schema.get("format")
        if isinstance(shape, str):
            if shape == "binary":
                yield "file"
            elif shape == "decimal":
                yield "decimal"
            elif shape in BRANDS:
                yield "date"
        for each in schema.values():
            if isinstance(each, (dict, list)):
                yield from _own_differences(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from _own_differences(each)


def _generalized(schema: Any, parameters: Mapping[str, str]) -> Any:
    """Return a schema with its arguments replaced by the parameters of its class."""
    if isinstance(schema, dict):
        parameter = parameters.get(str(schema.get("$ref", "")).removeprefix(REF))
        if parameter is not None:
            return {PARAMETER: parameter}
        return {key: _generalized(value, parameters) for key, value in schema.items()}
    if isinstance(schema, list):
        return [_generalized(each, parameters) for each in schema]
    return schema


def _bare(schema: Any) -> Any:
    """Return a schema without its titles, descriptions and examples, in which instances of a class differ."""
    if isinstance(schema, dict):
        texts = {"title", "description", "examples"}
        return {
            key: _bare(value)
            for key, value in schema.items()
            if key not in texts or not isinstance(value, (str, list))
        }
    return [_bare(each) for each in schema] if isinstance(schema, list) else schema
