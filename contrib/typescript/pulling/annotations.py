"""Resolved types → Python annotations."""

from collections.abc import Callable, Mapping
from typing import Any

from django_matt.contrib.typescript.pulling.constraints import MISSING, Refined, refine
from django_matt.contrib.typescript.pulling.definitions import (
    Definitions,
    EnumDefinition,
    without_null,
)
from django_matt.contrib.typescript.pulling.identifiers import upper
from django_matt.contrib.typescript.pulling.syntax import (
    Array,
    Commented,
    Constant,
    Keyword,
    Named,
    Place,
    Scalar,
    Tuple,
    Type,
    Union,
)
from django_matt.contrib.typescript.pulling.syntax import Mapping as Record
from django_matt.contrib.typescript.pulling.writing import literal

__all__ = ["AnnotationWriter", "field_arguments", "member_names"]

KEYWORDS = {
    "string": "str",
    "number": "float",
    "boolean": "bool",
    "bigint": "int",
    "int": "int",
    "null": "None",
    "any": "Any",
    "object": "dict[str, Any]",
    "Date": "datetime.datetime",
    "date": "datetime.date",
    "time": "datetime.time",
    "duration": "datetime.timedelta",
    "decimal": "Decimal",
    "uuid": "UUID",
    "email": "EmailStr",
    "URL": "AnyUrl",
    "ipv4": "IPv4Address",
    "ipv6": "IPv6Address",
}


class AnnotationWriter:
    """Writes types that refer to the classes of one module."""

    def __init__(self, definitions: Definitions, names: Mapping[str, str]) -> None:
        """Take the definitions, and the Python names of types and type parameters."""
        self.definitions = definitions
        self.names = names
        self.parameters: Mapping[str, str] = {}
        """The type variables of the parameters of the object that is written."""
        self.field_name: Callable[[str, str], str] = lambda _, name: name
        """The Python name of a field of an object."""
        self.note: Callable[[Place, str], None] = lambda _, __: None
        """Called with what a comment inside of a type says that cannot be carried over."""

    def write(self, of: Type) -> str:
        """Return the annotation of a type."""
        match of:
            case Keyword(name):
                return KEYWORDS.get(name, "Any")
            case Constant(value):
                return self._literals([value])
            case Named(name, arguments):
                given = ", ".join(map(self.write, arguments))
                python = self.parameters.get(name) or self.names.get(name, name)
                return f"{python}[{given}]" if given else python
            case Array(item, unique):
                return f"{'set' if unique else 'list'}[{self.write(item)}]"
            case Commented():
                return self._commented(of)
            case Record(key, value):
                return f"dict[{self._key(key)}, {self.write(value)}]"
            case Tuple():
                return self._tuple(of)
            case Union():
                return self._union(of)
        return "Any"

    def _commented(self, of: Commented) -> str:
        refined = refine(
            of.type, of.comment, self.definitions, lambda text: self.note(of.place, text)
        )
        if refined.default is not MISSING:
            self.note(of.place, "@default inside of a type: write it at the property")
        arguments = field_arguments(refined, None, None)
        text = self.write(refined.type)
        return f"Annotated[{text}, Field({', '.join(arguments)})]" if arguments else text

    def _key(self, of: Type) -> str:
        # The keys of a JSON object are texts: a number's digits are read as an integer.
        return "int" if of == Keyword("number") else self.write(of)

    def _tuple(self, of: Tuple) -> str:
        """Return a tuple, or with ``[A, B?]`` a union of those that it may be."""
        texts = [self.write(each.type) for each in of.items]
        least = sum(not each.optional for each in of.items)
        sizes = range(least, len(texts) + 1)
        return " | ".join(f"tuple[{', '.join(texts[:size]) or '()'}]" for size in sizes)

    def _union(self, of: Union) -> str:
        bare, nullable = without_null(of)
        members = bare.members if isinstance(bare, Union) else (bare,)
        values = [each.value for each in members if isinstance(each, Constant)]
        literals = self._literals(values)
        texts = dict.fromkeys(
            literals if isinstance(each, Constant) else self.write(each) for each in members
        )
        found = " | ".join(texts)
        if isinstance(bare, Union) and (tag := self.definitions.tag_of(bare)) is not None:
            first = next(each.name for each in members if isinstance(each, Named))
            field = self.field_name(first, tag)
            found = f"Annotated[{found}, Field(discriminator={literal(field)})]"
        if "Any" in texts:
            return "Any"
        return f"{found} | None" if nullable else found

    @staticmethod
    def _literals(values: list[Scalar]) -> str:
        """Return a ``Literal``; Python has none of numbers with a fraction, so these are any number."""
        fractions = [each for each in values if isinstance(each, float)]
        rest = [each for each in values if not isinstance(each, float)]
        text = f"Literal[{', '.join(map(literal, rest))}]" if rest else ""
        return " | ".join(filter(None, [text, "float" if fractions else ""]))

    def default(self, of: Type, value: Any) -> str:
        """Return the source of a default: the member of an enum, the class of a decimal, or the value."""
        bare, _ = without_null(of)
        for each in bare.members if isinstance(bare, Union) else (bare,):
            found = self._enum_of(each)
            if found is not None:
                names = member_names(found)
                for name, constant in found.members:
                    if constant == value:
                        return f"{self.names[found.name]}.{names[name]}"
            if each == Keyword("decimal") and value is not None:
                return f"Decimal({literal(str(value))})"
        if isinstance(bare, Array) and bare.unique and isinstance(value, list):
            return f"{{{', '.join(map(literal, value))}}}" if value else "set()"
        return literal(value)

    def _enum_of(self, of: Type) -> EnumDefinition | None:
        of = self.definitions.written_through(of)
        found = self.definitions.found.get(of.name) if isinstance(of, Named) else None
        return found if isinstance(found, EnumDefinition) else None


def member_names(definition: EnumDefinition) -> dict[str, str]:
    """Return the Python name of each member of an enum."""
    found: dict[str, str] = {}
    for name, _ in definition.members:
        wanted = upper(name)
        text, number = wanted, 1
        while text in found.values():
            number += 1
            text = f"{wanted}_{number}"
        found[name] = text
    return found


def field_arguments(refined: Refined, default: str | None, alias: str | None) -> list[str]:
    """Return the arguments of ``Field(…)``; an empty list if the annotation says everything."""
    found: dict[str, Any] = {}
    if alias is not None:
        found["alias"] = alias
    found |= refined.limits
    if refined.title:
        found["title"] = refined.title
    if refined.description:
        found["description"] = refined.description
    if refined.deprecated:
        found["deprecated"] = True
    if refined.examples:
        found["examples"] = refined.examples
    if refined.format:
        found["json_schema_extra"] = {"format": refined.format}
    first = [f"default={default}"] if default is not None else []
    return first + [f"{name}={literal(value)}" for name, value in found.items()]
