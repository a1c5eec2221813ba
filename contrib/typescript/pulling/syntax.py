"""TypeScript declarations and types as plain data: what the parser returns, and what the resolver leaves of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import TypeAlias

__all__ = [
    "NO_COMMENT",
    "Array",
    "Comment",
    "Commented",
    "Constant",
    "Declaration",
    "Element",
    "Enumeration",
    "Import",
    "Indexed",
    "Intersection",
    "KeyOf",
    "Keyword",
    "Mapping",
    "Members",
    "Module",
    "Named",
    "Note",
    "Parameter",
    "Place",
    "Property",
    "Scalar",
    "SourceError",
    "Tuple",
    "Type",
    "Union",
    "Unsupported",
    "ValuesOf",
    "parts_of",
]

Scalar: TypeAlias = str | int | float | bool


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something is in a file: line and column count from 1, as editors show them."""

    file: str = ""
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class SourceError(Exception):
    """The TypeScript cannot be read: a syntax error, or a name that is declared twice."""

    def __init__(self, place: Place, text: str) -> None:
        """Take where it is, and what is wrong there."""
        super().__init__(f"{place}: {text}")
        self.place = place


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """Something that is not carried over, and where it is."""

    place: Place
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


@dataclass(frozen=True, slots=True)
class Comment:
    """A documentation comment: its text, and its tags in their order, such as ``("minLength", "3")``."""

    text: str = ""
    tags: tuple[tuple[str, str], ...] = ()

    def tag(self, *names: str) -> str | None:
        """Return the text of the first tag of these names, or None."""
        return next((text for name, text in self.tags if name in names), None)


NO_COMMENT = Comment()


@dataclass(frozen=True, slots=True)
class Keyword:
    """A type that TypeScript has a word for: ``string``, ``null``, ``unknown``, …"""

    name: str


@dataclass(frozen=True, slots=True)
class Constant:
    """One value as a type."""

    value: Scalar

    def __eq__(self, other: object) -> bool:
        # 1 == True in Python, and they are different types here.
        return (
            isinstance(other, Constant)
            and self.value == other.value
            and type(self.value) is type(other.value)
        )

    def __hash__(self) -> int:
        return hash((type(self.value), self.value))


@dataclass(frozen=True, slots=True)
class Named:
    """A reference to a declared type, a type parameter, or a type of the language such as ``Array``."""

    name: str
    arguments: tuple["Type", ...] = ()
    place: Place = field(default=Place(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Array:
    """``T[]``, ``Array<T>``; ``unique`` if a comment says that no item comes twice."""

    item: "Type"
    unique: bool = False


@dataclass(frozen=True, slots=True)
class Commented:
    """A type inside another one, after a comment of its own: ``(/** @minimum 1 */ number)[]``."""

    type: "Type"
    comment: Comment
    place: Place = field(default=Place(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Element:
    """An item of a tuple type: ``T``, ``T?`` or ``...T``."""

    type: "Type"
    optional: bool = False
    rest: bool = False


@dataclass(frozen=True, slots=True)
class Tuple:
    """``[A, B]``."""

    items: tuple[Element, ...]
    place: Place = field(default=Place(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Union:
    """``A | B``."""

    members: tuple["Type", ...]


@dataclass(frozen=True, slots=True)
class Intersection:
    """``A & B``, and an interface that extends others."""

    members: tuple["Type", ...]
    place: Place = field(default=Place(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Mapping:
    """``Record<K, V>``, ``{ [key: K]: V }``."""

    key: "Type"
    value: "Type"


@dataclass(frozen=True, slots=True)
class Property:
    """A property of an object type."""

    name: str
    type: "Type"
    optional: bool = False
    comment: Comment = NO_COMMENT
    place: Place = field(default=Place(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Members:
    """An object type: its properties, and the type of any others."""

    properties: tuple[Property, ...] = ()
    others: Mapping | None = None
    place: Place = field(default=Place(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Enumeration:
    """An ``enum``, or an object of constants that is ``as const``: names and values."""

    members: tuple[tuple[str, Scalar], ...]


@dataclass(frozen=True, slots=True)
class Indexed:
    """``Order["id"]``."""

    object: "Type"
    key: "Type"
    place: Place = field(default=Place(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class KeyOf:
    """``keyof Order``."""

    object: "Type"
    place: Place = field(default=Place(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ValuesOf:
    """``(typeof X)[keyof typeof X]`` and ``(typeof X)[number]``: the values of a constant."""

    name: str
    place: Place = field(default=Place(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A type that Python has no equal for."""

    what: str
    place: Place = field(default=Place(), compare=False, repr=False)


Type: TypeAlias = (
    Keyword
    | Constant
    | Named
    | Array
    | Commented
    | Tuple
    | Union
    | Intersection
    | Mapping
    | Members
    | Enumeration
    | Indexed
    | KeyOf
    | ValuesOf
    | Unsupported
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A type parameter: ``T extends Bound = Default``."""

    name: str
    bound: Type | None = None
    default: Type | None = None


@dataclass(frozen=True, slots=True)
class Declaration:
    """A named type, or (``is_value``) a constant whose values a type is made of."""

    name: str
    type: Type
    parameters: tuple[Parameter, ...] = ()
    comment: Comment = NO_COMMENT
    place: Place = Place()
    is_interface: bool = False
    is_value: bool = False


@dataclass(frozen=True, slots=True)
class Import:
    """Names of another file, by the name that they have here; ``names`` is None for ``export *``."""

    source: str
    names: tuple[tuple[str, str], ...] | None
    place: Place
    is_export: bool = False


@dataclass(slots=True)
class Module:
    """A file: what it declares, what it imports, and what of it is not carried over."""

    path: Path
    declarations: list[Declaration] = field(default_factory=list)
    imports: list[Import] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def parts_of(root: object) -> Iterator[object]:
    """Yield a type or declaration and everything that it is made of, without recursion."""
    pending = [root]
    while pending:
        at = pending.pop()
        if isinstance(at, tuple):
            pending += at
        elif is_dataclass(at) and not isinstance(at, Place | Comment):
            yield at
            pending += [getattr(at, each.name) for each in fields(at)]
