"""What the resolver makes of declarations: objects with fields, enums and aliases, without anything only TypeScript has."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from django_matt.contrib.typescript.pulling.syntax import (
    NO_COMMENT,
    Comment,
    Constant,
    Declaration,
    Keyword,
    Named,
    Parameter,
    Place,
    Property,
    Scalar,
    Type,
    Union,
)

__all__ = [
    "AliasDefinition",
    "Definition",
    "Definitions",
    "EnumDefinition",
    "ObjectDefinition",
    "without_null",
]


@dataclass(slots=True)
class ObjectDefinition:
    """An object type with a name. ``fields`` are those that ``base`` lacks; ``others`` is the type of further keys."""

    name: str
    fields: tuple[Property, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    base: Named | None = None
    others: Type | None = None
    comment: Comment = NO_COMMENT
    place: Place = field(default=Place(), repr=False)


@dataclass(slots=True)
class AliasDefinition:
    """A name for a type that is not an object of its own."""

    name: str
    type: Type
    comment: Comment = NO_COMMENT
    place: Place = field(default=Place(), repr=False)


@dataclass(slots=True)
class EnumDefinition:
    """Named constants."""

    name: str
    members: tuple[tuple[str, Scalar], ...]
    comment: Comment = NO_COMMENT
    place: Place = field(default=Place(), repr=False)


Definition: TypeAlias = ObjectDefinition | AliasDefinition | EnumDefinition


@dataclass(slots=True)
class Definitions:
    """All definitions by name, in the order of the file; ``sources`` are the declarations that they come from."""

    found: dict[str, Definition] = field(default_factory=dict)
    sources: Mapping[str, Declaration] = field(default_factory=dict)

    def fields_of(self, name: str) -> dict[str, Property] | None:
        """Return the fields of an object, those of its bases included; None if the name is not an object's."""
        chain: list[ObjectDefinition] = []
        at = self.found.get(name)
        while isinstance(at, ObjectDefinition) and at not in chain:
            chain.append(at)
            at = self.found.get(at.base.name) if at.base else None
        if not chain:
            return None
        return {each.name: each for of in reversed(chain) for each in of.fields}

    def aliases(self, of: Type) -> Iterator[AliasDefinition]:
        """Yield the alias that a type names, then the one that this names, and so on; each once."""
        seen: set[str] = set()
        while isinstance(of, Named) and of.name not in seen:
            seen.add(of.name)
            found = self.found.get(of.name)
            if not isinstance(found, AliasDefinition):
                return
            yield found
            of = found.type

    def written_through(self, of: Type) -> Type:
        """Return a type with the aliases at its top written out."""
        for alias in self.aliases(of):
            of = alias.type
        return of

    def tag_of(self, union: Union) -> str | None:
        """Return the property whose value tells the members of a union apart, as in ``{ kind: "a" } | { kind: "b" }``."""
        members = [each for each in union.members if each != Keyword("null")]
        if len(members) < 2 or not all(
            isinstance(each, Named) and not each.arguments for each in members
        ):
            return None
        objects = [self.fields_of(each.name) for each in members if isinstance(each, Named)]
        for name in objects[0] or ():
            seen: list[Scalar] = []
            for fields in objects:
                found = (fields or {}).get(name)
                values = [] if found is None or found.optional else _constants(found.type)
                seen += values
                if not values:
                    break
            else:
                if len(set(seen)) == len(seen) and all(
                    isinstance(each, str | int) for each in seen
                ):
                    return name
        return None


def _constants(of: Type) -> list[Scalar]:
    """Return the values of a type that has a few of them; an empty list for others."""
    members = of.members if isinstance(of, Union) else (of,)
    values = [each.value for each in members if isinstance(each, Constant)]
    return values if len(values) == len(members) else []


def without_null(of: Type) -> tuple[Type, bool]:
    """Return a type without ``null``, and whether it had it."""
    if not isinstance(of, Union) or Keyword("null") not in of.members:
        return of, False
    rest = tuple(each for each in of.members if each != Keyword("null"))
    return rest[0] if len(rest) == 1 else Union(rest), True
