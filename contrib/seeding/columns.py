"""Makes the values of a column, for many rows at once: by its type, its name, and its rules."""

import ipaddress
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connections

from django_matt.contrib.seeding.errors import SeedingError
from django_matt.contrib.seeding.rules import Bounds
from django_matt.contrib.seeding.words import (
    CITIES,
    COLOURS,
    COUNTRIES,
    FIRST_NAMES,
    LAST_NAMES,
    NOUNS,
    STREETS,
    WORDS,
)

__all__ = ["Batch", "Maker", "maker_of"]

_FIRST = datetime(2024, 1, 1, tzinfo=UTC)
_DAYS = 730
_NULL_SHARE = 0.1


@dataclass(slots=True)
class Batch:
    """Rows that are made together."""

    start: int
    """The number of the first row: how many there were before, so that a number is used once."""
    size: int
    random: Random
    using: str
    columns: dict[str, list[Any]] = field(default_factory=dict)
    """The values that were made so far, by ``attname``."""

    @property
    def numbers(self) -> range:
        """The numbers of the rows."""
        return range(self.start, self.start + self.size)

    def choose(self, values: Sequence[Any]) -> list[Any]:
        """Return one of the values for each row."""
        return self.random.choices(values, k=self.size)


Maker = Callable[[Batch], list[Any]]


def maker_of(column: Any, bounds: Bounds, *, counted: bool) -> Maker:
    """Return what makes the values of a column that is no relation; raise ``SeedingError`` if nothing is known to.

    The values of a ``counted`` column are told apart by the number of the row.
    """
    make = _plain(column, bounds, counted)
    if bounds.null:
        return lambda batch: [None] * batch.size
    if column.null and not counted and not bounds.not_null:
        full = make
        make = lambda batch: [  # noqa: E731
            None if batch.random.random() < _NULL_SHARE else value for value in full(batch)
        ]
    return _compared(make, bounds) if bounds.after else make


def check(column: Any, values: Sequence[Any]) -> None:
    """Raise ``SeedingError`` if a validator of the project refuses the first value that was made for a column."""
    for value in values[:1]:
        if value is None:
            continue
        try:
            column.run_validators(value)
        except ValidationError as error:
            raise SeedingError(
                f"{_name(column)}: {value!r} was made, and a validator says: {' '.join(error.messages)} "
                f"Write a function for it into seeds.py of the app."
            ) from None


def _name(column: Any) -> str:
    return f"{column.model._meta.label}.{column.name}"


def _plain(column: Any, bounds: Bounds, counted: bool) -> Maker:
    if bounds.among is not None and not counted:
        values = bounds.among
        return lambda batch: batch.choose(values)
    kind = column.get_internal_type()
    if kind in _NUMBERS:
        return _integers(column, bounds, counted)
    if kind in _TEXTS:
        return _texts(column, bounds, counted)
    makers: dict[str, Callable[[Any, Bounds, bool], Maker]] = {
        "BooleanField": _booleans,
        "DecimalField": _decimals,
        "FloatField": _floats,
        "DateField": _dates,
        "DateTimeField": _moments,
        "TimeField": _times,
        "DurationField": _durations,
        "UUIDField": _uuids,
        "GenericIPAddressField": _addresses,
        "BinaryField": _binaries,
        "JSONField": _documents,
        "ArrayField": _arrays,
    }
    if kind in makers:
        return makers[kind](column, bounds, counted)
    if column.has_default():
        return lambda batch: [column.get_default() for _ in batch.numbers]
    if column.null:
        return lambda batch: [None] * batch.size
    raise SeedingError(
        f"{_name(column)} is a {kind}, and no value is known for it. Write a function for it into seeds.py of the app."
    )


_NUMBERS = frozenset(
    {
        *("IntegerField", "BigIntegerField", "SmallIntegerField"),
        *("PositiveIntegerField", "PositiveBigIntegerField", "PositiveSmallIntegerField"),
    }
)
_TEXTS = frozenset({"CharField", "TextField", "SlugField", "FileField", "FilePathField"})


def _integers(column: Any, bounds: Bounds, counted: bool) -> Maker:
    alias = settings.DATABASES and "default"
    kind = column.get_internal_type()
    low, high = connections[alias].ops.integer_field_range(kind)
    if bounds.least is not None:
        low = bounds.least if low is None else max(low, bounds.least)
    if bounds.above is not None:
        low = bounds.above + 1 if low is None else max(low, bounds.above + 1)
    if bounds.most is not None:
        high = bounds.most if high is None else min(high, bounds.most)
    if bounds.below is not None:
        high = bounds.below - 1 if high is None else min(high, bounds.below - 1)
    first = 0 if low is None or low < 0 <= (high if high is not None else 0) else low
    if counted:

        def count(batch: Batch) -> list[Any]:
            if high is not None and first + batch.start + batch.size - 1 > high:
                raise SeedingError(
                    f"{_name(column)} is unique and at most {high}: there are not that many values."
                )
            return [first + number for number in batch.numbers]

        return count
    last = first + 1_000 if high is None else min(high, first + 1_000)
    return lambda batch: batch.random.choices(range(first, last + 1), k=batch.size)


def _decimals(column: Any, bounds: Bounds, counted: bool) -> Maker:
    places = column.decimal_places or 0
    step = Decimal(1).scaleb(-places)
    most = min(Decimal(10) ** ((column.max_digits or 10) - places) - step, Decimal(1_000))
    low = Decimal(str(bounds.least if bounds.least is not None else 0))
    if bounds.above is not None:
        low = max(low, Decimal(str(bounds.above)) + step)
    high = Decimal(str(bounds.most)) if bounds.most is not None else max(low, most)
    if bounds.below is not None:
        high = min(high, Decimal(str(bounds.below)) - step)
    first, last = int(low / step), int(high / step)
    if counted:
        return lambda batch: [(first + number) * step for number in batch.numbers]
    return lambda batch: [
        number * step for number in batch.random.choices(range(first, last + 1), k=batch.size)
    ]


def _floats(column: Any, bounds: Bounds, counted: bool) -> Maker:
    low = max((float(x) for x in (bounds.least, bounds.above) if x is not None), default=0.0)
    high = min((float(x) for x in (bounds.most, bounds.below) if x is not None), default=low + 1000)
    if counted:
        return lambda batch: [low + 1.0 + number for number in batch.numbers]
    return lambda batch: [
        low + (high - low) * (0.001 + 0.998 * batch.random.random()) for _ in batch.numbers
    ]


def _booleans(column: Any, bounds: Bounds, counted: bool) -> Maker:
    # Nobody becomes an administrator by accident.
    if column.name in {"is_staff", "is_superuser"}:
        return lambda batch: [False] * batch.size
    if column.name == "is_active":
        return lambda batch: [True] * batch.size
    return lambda batch: batch.choose((True, False))


def _dates(column: Any, bounds: Bounds, counted: bool) -> Maker:
    if getattr(column, "auto_now", False) or getattr(column, "auto_now_add", False):
        today = date.today()  # noqa: DTZ011 - as Django's own
        return lambda batch: [today] * batch.size
    first = _FIRST.date()
    if counted:
        return lambda batch: [first + timedelta(days=number) for number in batch.numbers]
    days = [first + timedelta(days=day) for day in range(_DAYS)]
    return lambda batch: batch.choose(_within(days, bounds))


def _moments(column: Any, bounds: Bounds, counted: bool) -> Maker:
    zone = UTC if settings.USE_TZ else None
    if getattr(column, "auto_now", False) or getattr(column, "auto_now_add", False):
        now = datetime.now(zone)
        return lambda batch: [now] * batch.size
    first = _FIRST.replace(tzinfo=zone)
    if counted:
        return lambda batch: [first + timedelta(seconds=number) for number in batch.numbers]
    minutes = range(_DAYS * 24 * 60)
    return lambda batch: [
        first + timedelta(minutes=minute) for minute in batch.random.choices(minutes, k=batch.size)
    ]


def _within(values: list[Any], bounds: Bounds) -> list[Any]:
    found = [
        value
        for value in values
        if (bounds.least is None or value >= bounds.least)
        and (bounds.above is None or value > bounds.above)
        and (bounds.most is None or value <= bounds.most)
        and (bounds.below is None or value < bounds.below)
    ]
    return found or [next(x for x in (bounds.least, bounds.most, values[0]) if x is not None)]


def _times(column: Any, bounds: Bounds, counted: bool) -> Maker:
    if counted:
        return lambda batch: [
            (_FIRST + timedelta(seconds=number)).time() for number in batch.numbers
        ]
    return lambda batch: batch.choose([time(hour, part) for hour in range(24) for part in (0, 30)])


def _durations(column: Any, bounds: Bounds, counted: bool) -> Maker:
    if counted:
        return lambda batch: [timedelta(seconds=number) for number in batch.numbers]
    return lambda batch: batch.choose([timedelta(minutes=15 * part) for part in range(1, 97)])


def _uuids(column: Any, bounds: Bounds, counted: bool) -> Maker:
    return lambda batch: [
        uuid.UUID(int=batch.random.getrandbits(128), version=4) for _ in batch.numbers
    ]


def _addresses(column: Any, bounds: Bounds, counted: bool) -> Maker:
    # Of the networks for examples and benchmarks (RFC 2544, RFC 3849).
    if column.protocol.lower() == "ipv6":
        first = int(ipaddress.IPv6Address("2001:db8::1"))
        return lambda batch: [str(ipaddress.IPv6Address(first + n)) for n in batch.numbers]
    start = int(ipaddress.IPv4Address("198.18.0.1"))
    return lambda batch: [
        str(ipaddress.IPv4Address(start + (n if counted else n % 100_000))) for n in batch.numbers
    ]


def _binaries(column: Any, bounds: Bounds, counted: bool) -> Maker:
    return lambda batch: [batch.random.randbytes(8) for _ in batch.numbers]


def _documents(column: Any, bounds: Bounds, counted: bool) -> Maker:
    if column.has_default():
        return lambda batch: [column.get_default() for _ in batch.numbers]
    return lambda batch: [{"colour": colour} for colour in batch.choose(COLOURS)]


def _arrays(column: Any, bounds: Bounds, counted: bool) -> Maker:
    inner = column.base_field
    inner.model = column.model
    inner.name = column.name
    size = min(column.size or 2, 2)
    make = maker_of(inner, Bounds(longest=inner.max_length), counted=counted)

    def several(batch: Batch) -> list[Any]:
        columns = [make(batch) for _ in range(size)]
        return [list(values) for values in zip(*columns, strict=True)]

    return several


# ---- texts --------------------------------------------------------------------------------------------------------------


def _texts(column: Any, bounds: Bounds, counted: bool) -> Maker:
    longest = bounds.longest
    base = _words_of(column)
    form = "{}-{}"
    kind = type(column).__name__
    if column.name == "password":
        # No one signs in with it: Django's mark of an unusable password.
        return lambda batch: [f"!{number:040d}" for number in batch.numbers]
    if kind == "EmailField" or column.name == "email":
        base, form, counted = _lower(_first_names), "{}{}@example.com", True
    elif kind == "URLField":
        base, form, counted = _constant("https://example.com"), "{}/{}", True
    elif kind in {"FileField", "ImageField"}:
        return lambda batch: [""] * batch.size if column.blank else _files(column, batch)
    elif bounds.among is not None:
        raise SeedingError(
            f"{_name(column)} has {len(bounds.among)} choices and is unique. Seed fewer rows, or write a function "
            "for it into seeds.py of the app."
        )

    def make(batch: Batch) -> list[Any]:
        found = base(batch)
        if counted:
            found = _number(column, found, batch, form, longest)
        elif longest is not None:
            found = [text[:longest] for text in found]
        if bounds.shortest:
            found = [text.ljust(bounds.shortest, "x") for text in found]
        return found

    return make


def _number(
    column: Any, texts: list[str], batch: Batch, form: str, longest: int | None
) -> list[str]:
    """Add the number of its row to each text, which is cut so that both fit."""
    end = form.removeprefix("{}")
    found = []
    for text, number in zip(texts, batch.numbers, strict=True):
        tail = end.format(number)
        if longest is not None and len(text) + len(tail) > longest:
            short = longest - len(tail)
            if short < 0:
                tail, short = str(number), 0
                if len(tail) > longest:
                    raise SeedingError(
                        f"{_name(column)} is unique and has at most {longest} characters: "
                        f"there is no {number + 1}th value."
                    )
            found.append(text[:short] + tail)
        else:
            found.append(text + tail)
    return found


def _files(column: Any, batch: Batch) -> list[Any]:
    raise SeedingError(
        f"{_name(column)} needs a file. Write a function that returns its path into seeds.py of the app."
    )


def _first_names(batch: Batch) -> list[str]:
    return batch.choose(FIRST_NAMES)


def _constant(text: str) -> Callable[[Batch], list[str]]:
    return lambda batch: [text] * batch.size


def _lower(make: Callable[[Batch], list[str]]) -> Callable[[Batch], list[str]]:
    return lambda batch: [text.lower() for text in make(batch)]


def _joined(*parts: Sequence[str], between: str = " ") -> Callable[[Batch], list[str]]:
    def make(batch: Batch) -> list[str]:
        return [between.join(words) for words in zip(*map(batch.choose, parts), strict=True)]

    return make


def _things(batch: Batch) -> list[str]:
    return [text.capitalize() for text in _joined(COLOURS, NOUNS)(batch)]


def _sentences(batch: Batch) -> list[str]:
    words = iter(batch.random.choices(WORDS, k=batch.size * 8))
    return [
        f"{next(words).capitalize()} {' '.join(next(words) for _ in range(7))}."
        for _ in batch.numbers
    ]


def _phones(batch: Batch) -> list[str]:
    # Numbers that are reserved for fiction.
    return [
        f"+1202555{number:04d}" for number in batch.random.choices(range(100, 200), k=batch.size)
    ]


_BY_NAME: dict[str, Callable[[Batch], list[str]]] = {
    "first_name": _first_names,
    "last_name": lambda batch: batch.choose(LAST_NAMES),
    "full_name": _joined(FIRST_NAMES, LAST_NAMES),
    "author": _joined(FIRST_NAMES, LAST_NAMES),
    "username": _lower(_first_names),
    "city": lambda batch: batch.choose(CITIES),
    "country": lambda batch: batch.choose(COUNTRIES),
    "street": lambda batch: batch.choose(STREETS),
    "address": lambda batch: batch.choose(STREETS),
    "colour": lambda batch: batch.choose(COLOURS),
    "color": lambda batch: batch.choose(COLOURS),
    "phone": _phones,
    "name": _things,
    "title": _things,
    "slug": _joined(COLOURS, NOUNS, between="-"),
}


def _words_of(column: Any) -> Callable[[Batch], list[str]]:
    """Return what makes the texts of a column, by its name and type."""
    for name, make in _BY_NAME.items():
        if column.name == name or column.name.endswith(f"_{name}"):
            return make
    if type(column).__name__ == "SlugField":
        return _BY_NAME["slug"]
    is_long = column.get_internal_type() == "TextField" or (column.max_length or 0) > 80
    return _sentences if is_long else _joined(NOUNS)


def _compared(make: Maker, bounds: Bounds) -> Maker:
    """Return what makes values that a comparison with another column accepts, which was made before."""
    steps = {"gt": 1, "gte": 1, "lt": -1, "lte": -1}

    def compare(batch: Batch) -> list[Any]:
        values = make(batch)
        for lookup, name in bounds.after:
            others = batch.columns[name]
            values = [
                _beside(other, steps[lookup], batch.random) if other is not None else value
                for value, other in zip(values, others, strict=True)
            ]
        return values

    return compare


def _beside(other: Any, sign: int, random: Random) -> Any:
    """Return a value that is greater than another one, or smaller."""
    distance = random.randint(1, 30)
    if isinstance(other, datetime | date):
        return other + timedelta(days=sign * distance)
    if isinstance(other, timedelta):
        return other + sign * timedelta(minutes=distance)
    return other + sign * distance
