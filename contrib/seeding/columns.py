"""Makes the values of a column, for many rows at once: by its type, its name, and its rules."""

import base64
import ipaddress
import operator
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from django.conf import settings
from django.core.exceptions import SuspiciousOperation, ValidationError
from django.core.files.base import ContentFile
from django.db import connections
from django.db.models import EmailField, FileField, ImageField, SlugField, URLField

from django_matt.contrib.seeding.errors import SeedingError
from django_matt.contrib.seeding.rules import Bounds, bounds_of
from django_matt.contrib.seeding.words import Words, words_of

__all__ = ["Batch", "Maker", "maker_of"]

_FIRST = datetime(2024, 1, 1, tzinfo=UTC)
_DAYS = 730
_NULL_SHARE = 0.1
_PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAFklEQVR42mNwtjhFEmIY1TCqYfhqAABBL0UQcTLHigAAAABJRU5ErkJggg=="
)
"""A square of 16 by 16 pixels in one colour."""


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
    words: Words = field(default_factory=lambda: words_of("en"))
    """The words of the locale, such as ``batch.words.cities``."""

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
    if hasattr(column, "range_type"):
        return _ranges(column)
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
    low, high = connections["default"].ops.integer_field_range(column.get_internal_type())
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
    if last < first:
        raise SeedingError(
            f"{_name(column)} is at least {first} and at most {last}: there is no such value."
        )
    return lambda batch: batch.random.choices(range(first, last + 1), k=batch.size)


def _decimals(column: Any, bounds: Bounds, counted: bool) -> Maker:
    places = column.decimal_places or 0
    step = Decimal(1).scaleb(-places)
    widest = Decimal(10) ** ((column.max_digits or 10) - places) - step
    most = min(widest, Decimal(1_000))
    lows = [Decimal(str(x)) for x in (bounds.least,) if x is not None]
    lows += [Decimal(str(x)) + step for x in (bounds.above,) if x is not None]
    highs = [Decimal(str(x)) for x in (bounds.most,) if x is not None]
    highs += [Decimal(str(x)) - step for x in (bounds.below,) if x is not None]
    # From 0 to 1,000, if the bounds allow it.
    low = max(lows, default=min([Decimal(0), *(max(-widest, x - most) for x in highs if x < 0)]))
    high = min(highs, default=max(low, most))
    first, last = int(low / step), int(high / step)
    if counted:
        limit = min(highs, default=widest)

        def count(batch: Batch) -> list[Any]:
            if (first + batch.start + batch.size - 1) * step > limit:
                raise SeedingError(
                    f"{_name(column)} is unique and at most {limit}: there are not that many values."
                )
            return [(first + number) * step for number in batch.numbers]

        return count
    if last < first:
        raise SeedingError(
            f"{_name(column)} is at least {low} and at most {high}: there is no such value."
        )
    return lambda batch: [
        number * step for number in batch.random.choices(range(first, last + 1), k=batch.size)
    ]


def _floats(column: Any, bounds: Bounds, counted: bool) -> Maker:
    lows = [float(x) for x in (bounds.least, bounds.above) if x is not None]
    highs = [float(x) for x in (bounds.most, bounds.below) if x is not None]
    low = max(lows, default=min([0.0, *(high - 1000 for high in highs)]))
    high = min(highs, default=low + 1000)
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
    return _steps(_FIRST.date(), timedelta(days=1), _DAYS, bounds, counted)


def _moments(column: Any, bounds: Bounds, counted: bool) -> Maker:
    zone = UTC if settings.USE_TZ else None
    if getattr(column, "auto_now", False) or getattr(column, "auto_now_add", False):
        now = datetime.now(zone)
        return lambda batch: [now] * batch.size
    step = timedelta(seconds=1) if counted else timedelta(minutes=1)
    return _steps(_FIRST.replace(tzinfo=zone), step, _DAYS * 24 * 60, bounds, counted)


def _steps(first: Any, step: timedelta, count: int, bounds: Bounds, counted: bool) -> Maker:
    """Return what makes values that are multiples of a step apart, from the first one on or where the bounds are."""
    lows = [x for x in (bounds.least,) if x is not None]
    lows += [x + step for x in (bounds.above,) if x is not None]
    highs = [x for x in (bounds.most,) if x is not None]
    highs += [x - step for x in (bounds.below,) if x is not None]
    low = max([first, *lows])
    if highs and min(highs) < low:
        low = max(lows, default=min(highs) - step * (count - 1))
    if highs:
        count = max(1, min(count, (min(highs) - low) // step + 1))
    if counted:
        return lambda batch: [low + step * number for number in batch.numbers]
    return lambda batch: [
        low + step * number for number in batch.random.choices(range(count), k=batch.size)
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
    # No midnight: nothing is before it.
    times = _within([time(hour, part) for hour in range(24) for part in (0, 30)][1:], bounds)
    return lambda batch: batch.choose(times)


def _durations(column: Any, bounds: Bounds, counted: bool) -> Maker:
    first = timedelta() if counted else timedelta(minutes=15)
    return _steps(first, timedelta(seconds=1) if counted else first, 96, bounds, counted)


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
    size = min(8, bounds.longest or 8)

    def count(batch: Batch) -> list[Any]:
        if batch.start + batch.size > 256**size:
            raise SeedingError(f"{_name(column)} is unique: there are not that many values.")
        return [number.to_bytes(size, "big") for number in batch.numbers]

    if counted:
        return count
    return lambda batch: [batch.random.randbytes(size) for _ in batch.numbers]


def _documents(column: Any, bounds: Bounds, counted: bool) -> Maker:
    if counted:
        return lambda batch: [{"number": number} for number in batch.numbers]
    if column.has_default():
        return lambda batch: [column.get_default() for _ in batch.numbers]
    return lambda batch: [{"colour": colour} for colour in batch.choose(batch.words.colours)]


def _arrays(column: Any, bounds: Bounds, counted: bool) -> Maker:
    inner = column.base_field
    inner.model = column.model
    inner.name = column.name
    size = max(min(column.size or 2, 2), bounds.shortest)
    make = maker_of(inner, bounds_of(inner), counted=counted)

    def several(batch: Batch) -> list[Any]:
        columns = [make(batch) for _ in range(size)]
        return [list(values) for values in zip(*columns, strict=True)]

    return several


def _ranges(column: Any) -> Maker:
    """Return what makes ranges of PostgreSQL of which no two overlap, as most exclusion constraints demand."""
    kind = column.base_field.get_internal_type()
    begins: dict[str, tuple[Any, Any]] = {
        "DateField": (_FIRST.date(), timedelta(days=1)),
        "DateTimeField": (_FIRST, timedelta(minutes=1)),
        "DecimalField": (Decimal(0), Decimal(1)),
    }
    first, step = begins.get(kind, (0, 1))
    return lambda batch: [
        column.range_type(first + step * number, first + step * (number + 1))
        for number in batch.numbers
    ]


# ---- texts --------------------------------------------------------------------------------------------------------------


def _texts(column: Any, bounds: Bounds, counted: bool) -> Maker:
    longest = bounds.longest
    base = _words_of(column)
    form = "{}-{}"
    if column.name == "password":
        # No one signs in with it: Django's mark of an unusable password.
        digits = min(40, (longest or 41) - 1)
        return lambda batch: [f"!{number:0{digits}d}" for number in batch.numbers]
    if isinstance(column, EmailField) or column.name == "email":
        base, form, counted = _chosen("plain_names"), "{}{}@example.com", True
    elif isinstance(column, URLField):
        base, form, counted = _constant("https://example.com"), "{}/{}", True
    elif isinstance(column, FileField):
        if not counted:
            return _constant("") if column.blank else _files(column, longest)
        base, form = _constant("seeded/file"), "{}-{}"
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


def _files(column: Any, longest: int | None) -> Maker:
    """Return what lets all rows share one file, which is written when the first rows are made."""
    is_image = isinstance(column, ImageField)
    name = f"seeded/{column.model._meta.model_name}-{column.name}.{'png' if is_image else 'txt'}"
    if longest is not None and len(name) > longest:
        raise SeedingError(
            f"{_name(column)} has at most {longest} characters, and the path of its file has {len(name)}. "
            "Write a function that returns a path into seeds.py of the app."
        )

    def share(batch: Batch) -> list[Any]:
        try:
            if not column.storage.exists(name):
                content = _PICTURE if is_image else b"Made by matt_seed.\n"
                column.storage.save(name, ContentFile(content))
        except (OSError, SuspiciousOperation) as error:
            raise SeedingError(
                f"{_name(column)} needs a file, and its storage answered: {error}"
            ) from error
        return [name] * batch.size

    return share


def _constant(text: str) -> Callable[[Batch], list[str]]:
    return lambda batch: [text] * batch.size


def _chosen(name: str) -> Callable[[Batch], list[str]]:
    """Return what takes a word of a list for each row."""
    return lambda batch: batch.choose(getattr(batch.words, name))


def _joined(*names: str, between: str = " ") -> Callable[[Batch], list[str]]:
    """Return what joins a word of each list."""

    def make(batch: Batch) -> list[str]:
        lists = [batch.choose(getattr(batch.words, name)) for name in names]
        return [between.join(words) for words in zip(*lists, strict=True)]

    return make


def _things(batch: Batch) -> list[str]:
    found = _joined(*batch.words.thing, between=batch.words.between)(batch)
    return [text[:1].upper() + text[1:] for text in found]


def _sentences(batch: Batch) -> list[str]:
    words = iter(batch.random.choices(batch.words.words, k=batch.size * 8))
    found = [" ".join(next(words) for _ in range(8)) for _ in batch.numbers]
    return [f"{text[:1].upper()}{text[1:]}." for text in found]


def _phones(batch: Batch) -> list[str]:
    form = batch.words.phone
    start, digits = form.rstrip("x"), form.count("x")
    return [f"{start}{number:0{digits}d}" for number in batch.choose(range(10**digits))]


_BY_NAME: dict[str, Callable[[Batch], list[str]]] = {
    "first_name": _chosen("first_names"),
    "last_name": _chosen("last_names"),
    "full_name": _joined("first_names", "last_names"),
    "author": _joined("first_names", "last_names"),
    "username": _chosen("plain_names"),
    "city": _chosen("cities"),
    "country": _chosen("countries"),
    "street": _chosen("streets"),
    "address": _chosen("streets"),
    "colour": _chosen("colours"),
    "color": _chosen("colours"),
    "phone": _phones,
    "name": _things,
    "title": _things,
    "slug": _joined("plain_colours", "plain_nouns", between="-"),
}


def _words_of(column: Any) -> Callable[[Batch], list[str]]:
    """Return what makes the texts of a column, by its name and type."""
    for name, make in _BY_NAME.items():
        if column.name == name or column.name.endswith(f"_{name}"):
            return make
    if isinstance(column, SlugField):
        return _BY_NAME["slug"]
    is_long = column.get_internal_type() == "TextField" or (column.max_length or 0) > 80
    return _sentences if is_long else _joined("nouns")


_OPERATORS = {"gt": "gt", "gte": "ge", "lt": "lt", "lte": "le"}


def _compared(make: Maker, bounds: Bounds) -> Maker:
    """Return what makes values that a comparison with another column accepts, which was made before."""
    steps = {"gt": 1, "gte": 1, "lt": -1, "lte": -1}
    has_bounds = any(
        each is not None for each in (bounds.least, bounds.above, bounds.most, bounds.below)
    )

    def place(lookup: str, value: Any, other: Any, random: Random) -> Any:
        # A value inside of its own bounds stays where it is, if it is on the right side. NULL passes every check.
        is_right = has_bounds and getattr(operator, _OPERATORS[lookup])(value, other)
        return value if is_right else _beside(other, value, steps[lookup], random)

    def compare(batch: Batch) -> list[Any]:
        values = make(batch)
        for lookup, name in bounds.after:
            # Not those that the database makes, and in a circle of comparisons, not those that come later.
            others = batch.columns.get(name) or [None] * batch.size
            values = [
                value
                if value is None or other is None
                else place(lookup, value, other, batch.random)
                for value, other in zip(values, others, strict=True)
            ]
        return values

    return compare


def _beside(other: Any, value: Any, sign: int, random: Random) -> Any:
    """Return a value that is greater than another one, or smaller; ``value`` if nothing can be added to the other."""
    distance = random.randint(1, 30)
    if isinstance(other, datetime | date):
        return other + timedelta(days=sign * distance)
    if isinstance(other, timedelta):
        return other + sign * timedelta(minutes=distance)
    if isinstance(other, time):
        # Between the other one and the end of its day, or the beginning.
        minute = other.hour * 60 + other.minute
        least, most = (minute + 1, 24 * 60 - 1) if sign > 0 else (0, minute - 1)
        found = random.randint(least, most) if least <= most else minute
        return time(found // 60, found % 60)
    return other + sign * distance if isinstance(other, int | float | Decimal) else value
