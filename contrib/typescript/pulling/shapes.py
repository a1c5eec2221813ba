"""Objects as TypeScript sees them: their properties, their keys, what they extend, and what utility types make of them."""

from dataclasses import fields, is_dataclass, replace
from typing import Any

from django_matt.contrib.typescript.pulling.sources import Source
from django_matt.contrib.typescript.pulling.syntax import (
    Array,
    Comment,
    Constant,
    Declaration,
    Enumeration,
    Indexed,
    Intersection,
    KeyOf,
    Keyword,
    Members,
    Named,
    Note,
    Place,
    Property,
    Scalar,
    SourceError,
    Type,
    Union,
    Unsupported,
    ValuesOf,
)

__all__ = ["ANY", "NULL", "UNDEFINED", "UTILITIES", "Shapes", "substitute", "union"]

#: Types that are followed one inside the other: each takes frames of Python's stack.
MAX_DEPTH = 90
#: Parts of types in a file, once generic aliases are written out. `[T, T]` in itself sixty times has more.
MAX_PARTS = 1_000_000
ANY, NULL, UNDEFINED = Keyword("any"), Keyword("null"), Keyword("undefined")
#: Utility types of objects, and what they make of a property: optional, required, or as it is.
UTILITIES = {"Partial": True, "Required": False, "Readonly": None, "Pick": None, "Omit": None}


class Shapes:
    """Answers questions about the declared types."""

    def __init__(self, source: Source) -> None:
        """Take the declarations."""
        self.types = source.types
        self.values = source.values
        self.notes: list[Note] = []
        self.used_values: set[str] = set()
        self.at = Place()
        """Where notes are about a type that has no place of its own."""
        self.inside: set[str] = set()
        self._depth = self._parts = 0

    def note(self, place: Place, text: str) -> None:
        """Note what is not carried over."""
        self.notes.append(Note(place, text))

    def entered(self, act: Any, of: Any, *more: Any) -> Any:
        """Follow a type; note and return None if it has no end, and give up if everything together has none."""
        self._parts += 1
        if self._parts > MAX_PARTS:
            text = f"the types of this file have more than {MAX_PARTS:,} parts when they are written out"
            raise SourceError(self.at, text)
        if self._depth >= MAX_DEPTH:
            self.note(
                self.at,
                "a type that is nested too deeply, or without an end: any value is accepted",
            )
            return None
        self._depth += 1
        try:
            return act(of, *more)
        finally:
            self._depth -= 1

    def enumeration(self, of: Type) -> tuple[tuple[str, Scalar], ...] | None:
        """Return the members of an enum, or of a constant object that the type has the values of."""
        if isinstance(of, ValuesOf) and of.name in self.values:
            self.used_values.add(of.name)
            of = self.values[of.name].type
        return of.members if isinstance(of, Enumeration) and of.members else None

    def is_base(self, of: Type, name: str, place: Place) -> bool:
        """Tell whether an object can inherit from a type: another declared object, whose class comes before."""
        seen = {name}
        at: Type | None = of
        while isinstance(at, Named) and at.name in self.types:
            if at.name in seen:
                raise SourceError(place, f"{name} extends itself")
            seen.add(at.name)
            declared = self.types[at.name]
            inner = declared.type
            if not self.is_class(declared):
                return False
            bases = inner.members if isinstance(inner, Intersection) else ()
            at = next(
                (each for each in bases if isinstance(each, Named) and each.name in self.types),
                None,
            )
        return len(seen) > 1

    def is_class(self, declared: Declaration) -> bool:
        """Tell whether a declaration becomes a class. An interface of nothing but an index does not."""
        of = declared.type
        if isinstance(of, Members) and of.others and not of.properties:
            return False
        return declared.is_interface or self.needs_class(of)

    def needs_class(self, of: Type) -> bool:
        """Tell whether a type is an object that no other declaration names."""
        match of:
            case Members():
                return bool(of.properties)
            case Intersection():
                return all(self.entered(self.is_object, each) for each in of.members)
            case Indexed():
                inner = self.entered(self.indexed, of)
                return isinstance(inner, Members | Intersection) and self.needs_class(inner)
            case Named(name, arguments) if name not in self.types and arguments:
                if name in UTILITIES:
                    return bool(self.entered(self.is_object, arguments[0]))
                return name == "Record" and bool(self.keys(arguments[0]))
        return False

    def is_object(self, of: Type) -> bool:
        """Tell whether a type is an object, under a name or not."""
        seen: set[str] = set()
        while isinstance(of, Named) and of.name in self.types and of.name not in seen:
            seen.add(of.name)
            declared = self.types[of.name]
            if declared.is_interface:
                return True
            of = declared.type
        return isinstance(of, Members) or self.needs_class(of)

    def members(self, of: Type) -> Members:
        """Return all properties of an object type, inherited ones included."""
        return self.entered(self._find_members, of) or Members()

    def _find_members(self, of: Type) -> Members:
        match of:
            case Members():
                return of
            case Intersection():
                found: dict[str, Property] = {}
                others = None
                for each in map(self.members, of.members):
                    found |= {one.name: one for one in each.properties}
                    others = each.others or others
                return Members(tuple(found.values()), others, of.place)
            case Indexed():
                return self.members(self.indexed(of))
            case Named(name, arguments) if name in self.types:
                declared = self.types[name]
                if name in self.inside:
                    raise SourceError(
                        declared.place, f"{name} has its own properties in its definition"
                    )
                self.inside.add(name)
                try:
                    return self.members(
                        substitute(declared.type, self.bindings(declared, arguments))
                    )
                finally:
                    self.inside.discard(name)
            case Named("Record", (key, value)):
                keys = self.keys(key)
                return Members(
                    tuple(Property(str(each), value, place=of.place) for each in keys),
                    place=of.place,
                )
            case Named(name, arguments) if name in UTILITIES and arguments:
                return self._utility(of, name, arguments)
            case Named(name):
                self.note(
                    of.place, f"{name} is not declared here: its properties are not carried over"
                )
            case Unsupported():
                self.note(of.place, f"{of.what}: not carried over")
        return Members()

    def _utility(self, of: Named, name: str, arguments: tuple[Type, ...]) -> Members:
        """Return what a utility type makes of an object."""
        members = self.members(arguments[0])
        properties = members.properties
        if name in {"Pick", "Omit"}:
            keys = self.keys(arguments[1]) if len(arguments) > 1 else []
            if not keys:
                self.note(of.place, f"the keys of {name} are not known: it has every property")
            else:
                properties = tuple(
                    each for each in properties if (each.name in keys) is (name == "Pick")
                )
        optional = UTILITIES[name]
        if optional is not None:
            properties = tuple(replace(each, optional=optional) for each in properties)
        return replace(members, properties=properties)

    def keys(self, of: Type) -> list[str]:
        """Return the names that a type of constants has; an empty list if it has others too."""
        inner = self.entered(self.values_of, of)
        return [str(each) for each in inner or ()]

    def values_of(self, of: Type) -> list[Scalar] | None:
        """Return the values of a type of constants, or None."""
        match of:
            case Constant(value):
                return [value]
            case Union(members):
                each = [self.entered(self.values_of, member) for member in members]
                return None if None in each else [value for values in each for value in values]
            case KeyOf(ValuesOf(name)) if name in self.values:
                self.used_values.add(name)
                of_value = self.values[name].type
                return (
                    [key for key, _ in of_value.members]
                    if isinstance(of_value, Enumeration)
                    else None
                )
            case KeyOf(inner):
                return [one.name for one in self.members(inner).properties]
            case ValuesOf(name) if name in self.values:
                self.used_values.add(name)
                return self.values_of(self.values[name].type)
            case Enumeration(members):
                return [value for _, value in members]
            case Named(name) if name in self.types and not of.arguments:
                found: list[Scalar] | None = self.entered(self.values_of, self.types[name].type)
                return found
            case Named("Exclude" | "Extract", (whole, part)) if of.name not in self.types:
                values, other = (
                    self.entered(self.values_of, whole),
                    self.entered(self.values_of, part),
                )
                if values is None or other is None:
                    return None
                return [value for value in values if (value in other) is (of.name == "Extract")]
        return None

    def indexed(self, of: Indexed) -> Type:
        """Return the type of ``Order["id"]``, or of a member of an enum."""
        target = self.types.get(of.object.name) if isinstance(of.object, Named) else None
        keys = self.keys(of.key)
        if isinstance(of.object, Named) and target is None and not of.object.arguments:
            return Unsupported(f"{of.object.name} is not declared here", of.place)
        if target is not None and isinstance(target.type, Enumeration):
            names = dict(target.type.members)
            if all(key in names for key in keys):
                return union([Constant(names[key]) for key in keys])
        if of.key == Keyword("number"):
            inner = of.object
            if isinstance(inner, Named) and target is not None:
                inner = target.type
            if isinstance(inner, Array):
                return inner.item
        found = {each.name: each for each in self.members(of.object).properties}
        if keys and all(key in found for key in keys):
            types = [found[key].type for key in keys]
            return union([*types, *[UNDEFINED for key in keys if found[key].optional][:1]])
        return Unsupported("an indexed access type", of.place)

    def bindings(self, declared: Declaration, arguments: tuple[Type, ...]) -> dict[str, Type]:
        """Return the type of each parameter; defaults count, and a missing one is any."""
        return {
            each.name: arguments[i] if i < len(arguments) else each.default or ANY
            for i, each in enumerate(declared.parameters)
        }


def union(members: list[Type]) -> Type:
    """Return a union without repetitions, with nested ones flattened and ``null`` at the end."""
    flat: list[Type] = []
    for each in members:
        flat += each.members if isinstance(each, Union) else (each,)
    if ANY in flat:
        return ANY
    if {Constant(True), Constant(False)} <= set(flat):
        flat = [
            each
            for each in flat
            if not isinstance(each, Constant) or not isinstance(each.value, bool)
        ]
        flat.append(Keyword("boolean"))
    found = list(dict.fromkeys(each for each in flat if each != NULL))
    found += [NULL] if NULL in flat else []
    return found[0] if len(found) == 1 else Union(tuple(found)) if found else ANY


def substitute(of: Any, bindings: dict[str, Type]) -> Any:
    """Return a type in which parameters are replaced."""
    if not bindings:
        return of
    if isinstance(of, Named) and of.name in bindings and not of.arguments:
        return bindings[of.name]
    if isinstance(of, tuple):
        return tuple(substitute(each, bindings) for each in of)
    if is_dataclass(of) and not isinstance(of, Place | Comment | type):
        changed = {
            each.name: substitute(getattr(of, each.name), bindings)
            for each in fields(of)
            if is_dataclass(getattr(of, each.name)) or isinstance(getattr(of, each.name), tuple)
        }
        return replace(of, **changed)
    return of
