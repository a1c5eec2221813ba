"""The encoder itself: one source twice, data without a schema, and the built one is of the source that is here."""

import datetime
import enum
import ipaddress
import json
import os
import uuid
from collections import OrderedDict
from decimal import Decimal
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import pytest
from django.utils.translation import gettext_lazy
from hypothesis import given, settings
from ninja import Schema
from ninja.responses import NinjaJSONEncoder
from pydantic import AnyUrl

import django_matt
from django_matt.rows import row_writers as programs
from django_matt.serialization import encoders
from tests.serialization.conftest import ENCODERS, parse
from tests.serialization.fingerprint import SOURCES, digest, write
from tests.serialization.test_equality import data

FOLDER = Path(django_matt.__file__).parent


@pytest.mark.parametrize("carrier", SOURCES)
def test_a_source_carries_its_own_digest(carrier):
    assert f'FINGERPRINT = "{digest(FOLDER, carrier)}"' in (FOLDER / carrier).read_text(), (
        "run `make encoder`"
    )


@pytest.mark.parametrize("carrier", SOURCES)
def test_a_digest_is_written_where_the_source_changed_and_nowhere_else(tmp_path, carrier):
    for name in chain.from_iterable(SOURCES.values()):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text((FOLDER / name).read_text())
    written = tmp_path / carrier
    os.utime(written, (0, 0))
    write(tmp_path)
    assert written.stat().st_mtime == 0
    written.write_text(written.read_text() + "\n")
    write(tmp_path)
    assert f'\nFINGERPRINT = "{digest(tmp_path, carrier)}"\n' in written.read_text()
    assert digest(tmp_path, carrier) != digest(FOLDER, carrier)


@pytest.mark.skipif(not encoders.COMPILED, reason="the compiled encoder is not built here")
def test_the_compiled_encoder_was_built_from_this_source():
    assert digest(FOLDER, "serialization/encoder.py") == encoders.encoder.FINGERPRINT, (
        "run `make encoder`"
    )
    assert encoders.encoder is not encoders.encoder_py
    assert not encoders.encoder_py.COMPILED
    assert encoders.encoder.__file__.endswith((".so", ".pyd"))


@pytest.mark.skipif(not programs.COMPILED, reason="the compiled program is not built here")
def test_the_compiled_program_was_built_from_this_source():
    built = import_module("django_matt.rows._rows_c")
    assert digest(FOLDER, "rows/_rows_c.pyx") == built.FINGERPRINT, "run `make encoder`"


class Colour(enum.Enum):
    RED = "r"


class Word(str, enum.Enum):  # noqa: UP042 - StrEnum writes itself otherwise
    A = "a"


class Number(enum.IntEnum):
    ONE = 1


class Text(str):
    def __str__(self):
        return "never"


class Whole(int):
    def __repr__(self):
        return "never"


class Pair(NamedTuple):
    a: int
    b: str


class Row(Schema):
    x: Decimal


DATA = [
    None,
    "é\u2028\ud800\udfff",
    "\ud800",
    {"\udc00": 1},
    2**200,
    [float("nan"), float("inf"), -float("inf"), -0.0, 1e22],
    {True: 1, 1.5: 2, None: 4, "a": 5, float("inf"): 6, 2**70: 7, Word.A: 8, Number.ONE: 9},
    {1: "first", "1": "second"},
    [Colour.RED, Word.A, Number.ONE, Text("t"), Whole(3), Pair(1, "x"), OrderedDict(a=1)],
    datetime.datetime(2024, 1, 1, 1, 1, 1, 123456),
    datetime.datetime(1, 1, 1, 0, 0, 0, 1, datetime.UTC),
    [
        datetime.date(1, 1, 1),
        datetime.time(1, 2, 3, 999),
        datetime.timedelta(days=-1, microseconds=5),
    ],
    [uuid.UUID(int=5), Decimal("0E-10"), gettext_lazy("Yes")],
    [
        ipaddress.ip_address("::1"),
        ipaddress.ip_network("10.0.0.0/8"),
        AnyUrl("https://example.org/a"),
    ],
    [Row(x=Decimal("1.0")), {"deep": [Row(x=Decimal(1))]}],
    ((), [], {}, [[]], {"a": {}}),
]
REFUSED = [
    {1, 2},
    b"bytes",
    object(),
    {(1, 2): 3},
    {"a": [1j]},
    datetime.time(1, tzinfo=datetime.UTC),
    {b"k": 1},
]


@pytest.mark.parametrize("value", DATA, ids=lambda value: ascii(value)[:30])
def test_data_without_a_schema_is_ninjas_json(value):
    expected = parse(json.dumps(value, cls=NinjaJSONEncoder))
    texts = {name: encoder.dumps(value) for name, encoder in ENCODERS.items()}
    assert len(set(texts.values())) == 1
    for text in texts.values():
        assert json.loads(text, parse_constant=pytest.fail) == expected


@pytest.mark.parametrize(
    "value", REFUSED, ids=lambda value: ascii(value).partition(" at 0x")[0][:30]
)
def test_what_ninja_refuses_is_refused_in_the_same_words(encoder, value):
    with pytest.raises((TypeError, ValueError)) as ours:
        encoder.dumps(value)
    with pytest.raises((TypeError, ValueError)) as ninjas:
        json.dumps(value, cls=NinjaJSONEncoder)
    assert (type(ours.value), str(ours.value)) == (type(ninjas.value), str(ninjas.value))


@settings(max_examples=100, deadline=None)
@given(data)
def test_any_data_is_ninjas_json(value):
    expected = parse(json.dumps(value, cls=NinjaJSONEncoder))
    for encoder in ENCODERS.values():
        assert json.loads(encoder.dumps(value)) == expected


def test_what_never_ends_is_refused_and_not_a_crash(encoder):
    endless = []
    endless.append(endless)
    with pytest.raises(ValueError, match="Circular"):
        encoder.dumps(endless)
    deep = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(RecursionError):
        encoder.dumps(deep)
    some = []
    for _ in range(300):
        some = [some]
    assert json.loads(encoder.dumps(some)) == some


def test_the_public_dumps_is_the_selected_encoders():
    assert encoders.dumps({"a": [1, None]}) == b'{"a":[1,null]}'
