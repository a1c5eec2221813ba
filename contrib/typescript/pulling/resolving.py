"""Resolves declarations: inheritance, intersections, utility types, generic aliases; names for objects without one."""

from dataclasses import replace

from django_matt.contrib.typescript.pulling.definitions import (
    AliasDefinition,
    Definitions,
    EnumDefinition,
    ObjectDefinition,
)
from django_matt.contrib.typescript.pulling.shapes import (
    ANY,
    NULL,
    UNDEFINED,
    UTILITIES,
    Shapes,
    substitute,
    union,
)
from django_matt.contrib.typescript.pulling.sources import Source
from django_matt.contrib.typescript.pulling.syntax import (
    Array,
    Comment,
    Commented,
    Constant,
    Declaration,
    Indexed,
    Intersection,
    KeyOf,
    Keyword,
    Mapping,
    Members,
    Named,
    Note,
    Parameter,
    Place,
    Property,
    Tuple,
    Type,
    Union,
    Unsupported,
    ValuesOf,
    parts_of,
)

__all__ = ["resolve"]

LISTS = {"Array", "ReadonlyArray"}
#: Types of the language whose JSON is that of another type.
ALIKE = {
    "Date": Keyword("Date"),
    "URL": Keyword("URL"),
    "bigint": Keyword("bigint"),
    "String": Keyword("string"),
    "Number": Keyword("number"),
    "Boolean": Keyword("boolean"),
    "Object": Keyword("object"),
}
KEYWORDS = {
    "string",
    "number",
    "boolean",
    "bigint",
    "null",
    "any",
    "unknown",
    "object",
    "Date",
    "URL",
}


def resolve(source: Source) -> tuple[Definitions, list[Note]]:
    """Return the definitions of a file's declarations, and notes about what is not carried over, by place."""
    resolver = _Resolver(source)
    for declaration in list(source.types.values()):
        resolver.define(declaration)
    for name, value in source.values.items():
        if name not in resolver.used_values:
            resolver.note(value.place, f"no type is made of the constant {name}: not carried over")
    return resolver.definitions, sorted({*source.notes, *resolver.notes})


class _Resolver(Shapes):
    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self.definitions = Definitions(sources=source.types)
        self._parameters: dict[str, Parameter] = {}
        self._taken = set(source.types)

    # ---- declarations

    def define(self, declaration: Declaration) -> None:
        """Add what a declaration defines."""
        self._parameters = {each.name: each for each in declaration.parameters}
        self.at = declaration.place
        name, of, found = declaration.name, declaration.type, self.definitions.found
        enumeration = self.enumeration(of)
        if enumeration is not None:
            found[name] = EnumDefinition(name, enumeration, declaration.comment, declaration.place)
        elif self.is_class(declaration):
            found[name] = ObjectDefinition(name)  # its place in the order
            found[name] = self._object(
                name, of, declaration.parameters, declaration.comment, declaration.place
            )
        elif not declaration.parameters:
            type_ = self.plain(of, name)
            if not isinstance(of, Unsupported):
                found[name] = AliasDefinition(name, type_, declaration.comment, declaration.place)

    def _object(
        self,
        name: str,
        of: Type,
        parameters: tuple[Parameter, ...] = (),
        comment: Comment = Comment(),  # noqa: B008 - frozen
        place: Place = Place(),  # noqa: B008 - frozen
    ) -> ObjectDefinition:
        base = None
        if isinstance(of, Intersection):
            base = next((each for each in of.members if self.is_base(each, name, place)), None)
        inherited = {each.name: each for each in self.members(base).properties} if base else {}
        members = self.members(of)
        own = [each for each in members.properties if inherited.get(each.name) != each]
        plain = tuple(self._property(each, name) for each in own)
        others = members.others and self._mapping(members.others.key, members.others.value, name)
        bare = self.plain(base, name) if base else None
        return ObjectDefinition(
            name,
            plain,
            tuple(
                replace(each, bound=each.bound and self.plain(each.bound, f"{name}{each.name}"))
                for each in parameters
            ),
            bare if isinstance(bare, Named) else None,
            others.value if isinstance(others, Mapping) else None,
            comment,
            place,
        )

    def _property(self, each: Property, owner: str) -> Property:
        """Return a property with its type resolved; ``undefined`` makes it optional."""
        hint = f"{owner}{_pascal(each.name)}"
        self.at = each.place
        of, optional = each.type, each.optional
        if isinstance(of, Union) and UNDEFINED in of.members:
            of = union([member for member in of.members if member != UNDEFINED])
            optional = True
        return replace(each, type=self.plain(of, hint), optional=optional)

    # ---- objects

    # ---- types

    def plain(self, of: Type, hint: str) -> Type:
        """Return a type that Python has; ``hint`` names an object in it that has no name."""
        if isinstance(of, Commented):
            return replace(of, type=self.plain(of.type, hint))
        return self.entered(self._plain, of, hint) or ANY

    def _plain(self, of: Type, hint: str) -> Type:
        match of:
            case Keyword():
                return self._keyword(of)
            case Constant():
                return of
            case Array(item):
                return replace(of, item=self.plain(item, hint))
            case Tuple():
                return self._tuple(of, hint)
            case Union(members):
                return self._plain_union(members, hint)
            case Mapping():
                return self._mapping(of.key, of.value, hint)
            case Members():
                if not of.properties and of.others:
                    return self._mapping(of.others.key, of.others.value, hint)
                return self._hoist(of, hint) if of.properties else Keyword("object")
            case Intersection():
                return self._plain_intersection(of, hint)
            case Indexed():
                return self.plain(self.indexed(of), hint)
            case KeyOf() | ValuesOf():
                values = self.values_of(of)
                if not values:
                    return self._lost(
                        Unsupported("keyof" if isinstance(of, KeyOf) else "typeof", of.place)
                    )
                return union([Constant(value) for value in values])
            case Named():
                return self._named(of, hint)
            case Unsupported():
                return self._lost(of)
        return ANY

    def _keyword(self, of: Keyword) -> Type:
        if of.name not in {*KEYWORDS, "undefined"}:
            return self._lost(Unsupported(f"`{of.name}`", self.at))
        return {"undefined": NULL, "unknown": ANY}.get(of.name, of)

    def _lost(self, of: Unsupported) -> Type:
        self.note(of.place, f"{of.what}: not carried over, any value is accepted")
        return ANY

    def _plain_union(self, members: tuple[Type, ...], hint: str) -> Type:
        several = sum(isinstance(each, Members) for each in members) > 1
        found = [
            self.plain(each, f"{hint}{i}" if several else hint)
            for i, each in enumerate(members, 1)
            if each != Keyword("never")
        ]
        return union(found)

    def _plain_intersection(self, of: Intersection, hint: str) -> Type:
        if self.needs_class(of):
            return self._hoist(of, hint)
        # `string & { __brand: "Sku" }` is text at run time.
        rest = [each for each in of.members if not self.is_object(each)]
        if len(rest) == 1:
            return self.plain(rest[0], hint)
        return self._lost(Unsupported("an intersection of types that are not objects", of.place))

    def _tuple(self, of: Tuple, hint: str) -> Type:
        items = [
            replace(each, type=self.plain(each.type, f"{hint}{i}"))
            for i, each in enumerate(of.items, 1)
        ]
        if not any(each.rest for each in items):
            return Tuple(tuple(items), of.place)
        inner = [
            each.type.item if each.rest and isinstance(each.type, Array) else each.type
            for each in items
        ]
        if len(items) > 1:
            self.note(of.place, "a tuple with `...`: carried over as a list of any length")
        return Array(union(inner))

    def _mapping(self, key: Type, value: Type, hint: str) -> Type:
        bare = value.type if isinstance(value, Commented) else value
        if isinstance(bare, Union):
            # An index signature with `| undefined` is about keys that are missing.
            bare = union([each for each in bare.members if each != UNDEFINED])
            value = replace(value, type=bare) if isinstance(value, Commented) else bare
        bare = self.plain(key, f"{hint}Key")
        members = bare.members if isinstance(bare, Union) else (bare,)
        if not all(
            isinstance(each, Constant | Named) or each in (Keyword("string"), Keyword("number"))
            for each in members
        ):
            bare = Keyword("string")
        return Mapping(bare, self.plain(value, f"{hint}Value"))

    def _hoist(self, of: Type, hint: str) -> Type:
        """Give an object a name and a definition. It has those parameters of the type around it that it uses."""
        used = {part.name for part in parts_of(of) if isinstance(part, Named)}
        parameters = tuple(each for each in self._parameters.values() if each.name in used)
        name, number = hint, 2
        while name in self._taken:
            name, number = f"{hint}{number}", number + 1
        self._taken.add(name)
        found = self.definitions.found
        found[name] = ObjectDefinition(name)
        found[name] = self._object(name, of, parameters)
        return Named(name, tuple(Named(each.name) for each in parameters))

    def _named(self, of: Named, hint: str) -> Type:
        name, arguments = of.name, of.arguments
        if name in self._parameters or (name in self.definitions.found and name not in self.types):
            return of
        if name in self.types:
            return self._declared(of, self.types[name], hint)
        if name in LISTS and len(arguments) == 1:
            return Array(self.plain(arguments[0], hint))
        if name in ALIKE and not arguments:
            return ALIKE[name]
        if name == "Record" and len(arguments) == 2:
            if self.keys(arguments[0]):
                return self._hoist(of, hint)
            return self._mapping(*arguments, hint)
        if name in UTILITIES and arguments:
            if self.needs_class(of):
                return self._hoist(of, hint)
            inner = self.plain(arguments[0], hint)
            if name != "Readonly" and not isinstance(inner, Mapping):
                self.note(
                    of.place, f"{name} of a type whose properties are not known: it is that type"
                )
            return inner
        if name == "NonNullable" and len(arguments) == 1:
            inner = self.plain(arguments[0], hint)
            members = inner.members if isinstance(inner, Union) else (inner,)
            return union([each for each in members if each != NULL])
        if name in {"Exclude", "Extract"} and (values := self.values_of(of)):
            return union([Constant(value) for value in values])
        self.note(of.place, f"{name} is not declared here: any value is accepted")
        return ANY

    def _declared(self, of: Named, declared: Declaration, hint: str) -> Type:
        bindings = self.bindings(declared, of.arguments)
        if self.is_class(declared) or self.enumeration(declared.type) is not None:
            return Named(
                of.name,
                tuple(
                    self.plain(each, f"{hint}{i or ''}") for i, each in enumerate(bindings.values())
                ),
            )
        if declared.parameters:
            # Python's aliases have no parameters that mypy and pydantic both read, so it is written out.
            if declared.name in self.inside:
                self.note(
                    of.place,
                    f"{of.name} is a generic alias that refers to itself: any value is accepted",
                )
                return ANY
            given = {name: self.plain(each, f"{hint}{name}") for name, each in bindings.items()}
            self.inside.add(declared.name)
            try:
                return self.plain(substitute(declared.type, given), hint)
            finally:
                self.inside.discard(declared.name)
        return ANY if isinstance(declared.type, Unsupported) else Named(of.name)


def _pascal(name: str) -> str:
    """Return the name of a property as a part of a class's name."""
    words = [word for word in "".join(c if c.isalnum() else " " for c in name).split() if word]
    return "".join(word[0].upper() + word[1:] for word in words) or "Value"
