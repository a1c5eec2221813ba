"""Types of properties → fields of Django models, other than relations."""

from collections.abc import Callable
from dataclasses import dataclass, field

from django_matt.contrib.typescript.pulling.constraints import Refined
from django_matt.contrib.typescript.pulling.definitions import (
    Definitions,
    EnumDefinition,
    without_null,
)
from django_matt.contrib.typescript.pulling.syntax import (
    Array,
    Constant,
    Keyword,
    Mapping,
    Named,
    Scalar,
    Tuple,
    Type,
    Union,
)
from django_matt.contrib.typescript.pulling.writing import literal

__all__ = ["Column", "column_of"]

#: Fields that need no arguments of their own.
PLAIN = {
    "number": "FloatField",
    "boolean": "BooleanField",
    "Date": "DateTimeField",
    "date": "DateField",
    "time": "TimeField",
    "duration": "DurationField",
    "uuid": "UUIDField",
    "email": "EmailField",
    "URL": "URLField",
    "ipv4": "GenericIPAddressField",
    "ipv6": "GenericIPAddressField",
}
TEXTS = {"CharField", "TextField", "EmailField", "URLField"}
#: What an IntegerField can have on every database.
LARGEST = 2**31 - 1
#: The digits of a decimal whose comment does not say.
DIGITS, PLACES = 12, 2


@dataclass(slots=True)
class Column:
    """A field of a model: its class in ``django.db.models``, and its arguments as source."""

    kind: str
    arguments: dict[str, str] = field(default_factory=dict)
    validators: list[str] = field(default_factory=list)

    def write(self) -> list[str]:
        """Return the arguments as they are written."""
        found = dict(self.arguments)
        if self.validators:
            found["validators"] = f"[{', '.join(self.validators)}]"
        return [f"{name}={value}" for name, value in found.items()]


def column_of(
    refined: Refined, definitions: Definitions, format_: str, note: Callable[[str], None]
) -> Column:
    """Return the field for a type; ``format_`` is the format that the comment names."""
    bare, _ = without_null(refined.type)
    bare = definitions.written_through(bare)
    bare, _ = without_null(bare)
    limits = dict(refined.limits)
    match bare:
        case Keyword("string"):
            most = limits.pop("max_length", None)
            column = Column("CharField", {"max_length": str(most)}) if most else Column("TextField")
        case Keyword("int" | "bigint" as name):
            bounds = [limits.get(each, 0) for each in ("ge", "le", "gt", "lt")]
            large = (
                name == "bigint"
                or format_ == "int64"
                or any(abs(each) > LARGEST for each in bounds)
            )
            column = Column("BigIntegerField" if large else "IntegerField")
            if not large and limits.get("ge") == 0:
                del limits["ge"]
                column = Column("PositiveIntegerField")
        case Keyword("decimal"):
            column = _decimal(limits, note)
        case Keyword(name) if name in PLAIN:
            column = Column(PLAIN[name])
            if name == "email" and "max_length" in limits:
                column.arguments["max_length"] = str(limits.pop("max_length"))
        case Array() | Tuple():
            return Column("JSONField", {"default": "list"})
        case Mapping() | Keyword("object"):
            return Column("JSONField", {"default": "dict"})
        case _:
            values = _values(bare, definitions)
            if values is None:
                return Column("JSONField")
            column = _choices(values)
    _add_validators(column, limits, note)
    return column


def _decimal(limits: dict[str, object], note: Callable[[str], None]) -> Column:
    digits, places = limits.pop("max_digits", None), limits.pop("decimal_places", None)
    if digits is None or places is None:
        note(
            f"a decimal without @maxDigits and @decimalPlaces: the column has {digits or DIGITS} digits, "
            f"{PLACES if places is None else places} of them after the point"
        )
    arguments = {
        "max_digits": str(digits or DIGITS),
        "decimal_places": str(PLACES if places is None else places),
    }
    return Column("DecimalField", arguments)


def _values(of: Type, definitions: Definitions) -> list[Scalar] | None:
    """Return the values of an enum or of a union of constants; None for other types, and for values of several sorts."""
    found = definitions.found.get(of.name) if isinstance(of, Named) else None
    if isinstance(found, EnumDefinition):
        values = [value for _, value in found.members]
    else:
        members = of.members if isinstance(of, Union) else (of,)
        values = [each.value for each in members if isinstance(each, Constant)]
        if len(values) != len(members):
            return None
    return (
        values
        if len({type(each) for each in values}) == 1 and isinstance(values[0], str | int)
        else None
    )


def _choices(values: list[Scalar]) -> Column:
    """Return the column of some values; the caller names an enum's choices."""
    listed = f"[{', '.join(f'({literal(each)}, {literal(str(each))})' for each in values)}]"
    if isinstance(values[0], str):
        most = max(len(str(each)) for each in values)
        return Column("CharField", {"max_length": str(max(most, 1)), "choices": listed})
    if isinstance(values[0], bool):
        return Column("BooleanField")
    return Column("IntegerField", {"choices": listed})


def _add_validators(column: Column, limits: dict[str, object], note: Callable[[str], None]) -> None:
    integer = column.kind.endswith("IntegerField")
    for name, value in limits.items():
        match name:
            case "min_length":
                column.validators.append(f"MinLengthValidator({value})")
            case "max_length":
                column.arguments["max_length"] = str(value)
            case "pattern":
                column.validators.append(f"RegexValidator({literal(value)})")
            case "ge" | "le":
                validator = "MinValueValidator" if name == "ge" else "MaxValueValidator"
                column.validators.append(f"{validator}({literal(value)})")
            case "gt" | "lt" if integer and isinstance(value, int):
                validator = "MinValueValidator" if name == "gt" else "MaxValueValidator"
                column.validators.append(f"{validator}({value + (1 if name == 'gt' else -1)})")
            case "multiple_of":
                column.validators.append(f"StepValueValidator({literal(value)})")
            case _:
                note(
                    "an exclusive limit of a number with a fraction: Django has no validator for it"
                )
