"""Programs: what the compiled one writes of a raw value is what Django and Ninja make of it, or nothing."""

import datetime
import decimal
import json
import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

import orjson
import pytest
from django.db import connection
from django.db.models import DecimalField
from django.db.models.expressions import Col
from hypothesis import example, given, settings
from hypothesis import strategies as st

from django_matt.rows import row_writers as programs
from django_matt.rows.raw_encodings import converted
from django_matt.rows.row_writers import WriteStep, row_writer_of
from django_matt.serialization.encoder import ValueMismatch, datetime_value, time_value

compiled = pytest.mark.skipif(
    not programs.COMPILED, reason="the compiled program is not built here"
)
PROGRAMS = [False, pytest.param(True, marks=compiled)]
QUICK = settings(max_examples=300, deadline=None)


def write(code, value, **more):
    """Return what one raw value becomes; None where it has not the form that the code names."""
    program = row_writer_of([WriteStep(code, "a value", **more)], compiled=True)
    try:
        body: bytes = program.write([(value,)], [None], b",")
    except ValueMismatch:
        return None
    return body


@pytest.mark.parametrize("compiled", PROGRAMS)
class TestStructure:
    """Both programs read the same operations."""

    def run(self, compiled, operations, rows, extras, between=b","):
        return row_writer_of(operations, compiled=compiled).write(rows, extras, between)

    def test_objects_stand_in_objects(self, compiled):
        operations = [
            WriteStep("object"),
            WriteStep("fragment", prefix=b',"a":', nullable=True),
            WriteStep("joined", column=1, prefix=b',"b":', nullable=True, end=5),
            WriteStep("fragment", prefix=b',"c":', nullable=True),
            WriteStep("end"),
            WriteStep("nested", column=0, prefix=b',"d":'),
            WriteStep("end"),
        ]
        extras = [None, [b"1", None], None, [b"2", None], None, {7: [b"3", b"4"]}, None]
        body = self.run(compiled, operations, [(7, 1), (8, None)], extras, b"\n")
        assert body == b'{"a":1,"b":{"c":2},"d":[3,4]}\n{"a":null,"b":null,"d":[]}'
        for operation in operations:
            operation.omit = True
        body = self.run(compiled, operations, [(7, 1), (8, None)], extras)
        assert body == b'{"a":1,"b":{"c":2},"d":[3,4]},{"d":[]}'

    def test_nothing_is_an_object_of_nothing(self, compiled):
        operations = [
            WriteStep("object"),
            WriteStep("fragment", prefix=b',"a":', nullable=True, omit=True),
            WriteStep("end"),
        ]
        assert self.run(compiled, operations, [(0,)], [None, [None], None]) == b"{}"
        assert self.run(compiled, operations, [], [None, [], None]) == b""

    def test_what_must_be_there_and_is_not_falls_back(self, compiled):
        operations = [WriteStep("joined", "author", prefix=b',"a":', end=2), WriteStep("end")]
        with pytest.raises(ValueMismatch, match="author"):
            self.run(compiled, operations, [(None,)], [None, None])

    def test_rows_are_grouped_by_their_first_column(self, compiled):
        program = row_writer_of([WriteStep("fragment", column=1)], compiled=compiled)
        rows = [(1, 0), (2, 0), (1, 0)]
        assert program.group(rows, [[b"a", b"b", b"c"]]) == {1: [b"a", b"c"], 2: [b"b"]}


@compiled
class TestRowsOfACursorThatMakesItsOwn:
    """A connection may have a row factory; what is no tuple, or a short one, is never read as if it were whole."""

    @pytest.mark.parametrize("row", [["a", "b"], {"a": 1}, "ab", None, (), ("a",)])
    @pytest.mark.parametrize("method", ["write", "group"])
    def test_such_rows_fall_back(self, row, method):
        program = row_writer_of([WriteStep("text", column=1)], compiled=True)
        more = [b","] if method == "write" else []
        with pytest.raises(ValueMismatch, match="no tuple"):
            getattr(program, method)([("a", "b"), row], [None], *more)

    def test_a_tuple_of_a_class_of_its_own_is_a_row(self):
        class Named(NamedTuple):
            a: str
            b: str

        program = row_writer_of([WriteStep("text", column=1)], compiled=True)
        assert program.write([Named("a", "b")], [None], b",") == b'"b"'


@compiled
class TestRawForms:
    @QUICK
    @given(st.text(st.characters()) | st.text('"\\\x00\x1f\x7fé😀a', min_size=7, max_size=40))
    @example("\ud800")
    @example("".join(map(chr, range(128))))
    def test_text(self, value):
        try:
            value.encode()
        except UnicodeEncodeError:
            assert write("text", value) is None
            return
        assert write("text", value) == orjson.dumps(value)

    @given(st.text(max_size=6))
    def test_text_of_a_length(self, value):
        assert (write("text", value, least=2, most=4) is not None) == (2 <= len(value) <= 4)

    @QUICK
    @given(st.integers(-(2**66), 2**66))
    @example(-(2**63))
    @example(2**63 - 1)
    @example(2**63)
    def test_integers(self, value):
        expected = b"%d" % value if -(2**63) <= value < 2**63 else None
        assert write("int", value) == expected
        assert write("digits", str(value)) == b"%d" % value

    @pytest.mark.parametrize("code", ["int", "bool", "text", "uuid", "date", "datetime", "decimal"])
    @pytest.mark.parametrize("value", [True, b"1", (), 1j, datetime.date.min])
    def test_other_types_are_not_theirs(self, code, value):
        assert write(code, value) is None
        slow = SimpleNamespace(seen=[])
        write(code, value, slow=lambda found: slow.seen.append(found) or b"0")
        assert slow.seen == [value]

    def test_booleans(self):
        assert [write("bool", value) for value in (0, 1, 2, 1.0)] == [b"false", b"true", None, None]
        assert [write("flag", value) for value in ("f", "t", "x", "")] == [
            b"false",
            b"true",
            None,
            None,
        ]

    @pytest.mark.skipif(
        connection.vendor != "sqlite", reason="SQLite alone holds decimals as reals"
    )
    @QUICK
    @given(
        st.floats()
        | st.integers(-(10**16), 10**16)
        | st.decimals(-(10**9), 10**9, places=2).map(float),
        st.integers(0, 6),
        st.integers(7, 15),
    )
    @example(-0.0, 2, 10)
    @example(0.005, 2, 10)
    @example(99999999.99, 2, 10)
    def test_reals_of_a_column_of_decimals(self, value, places, digits):
        field = DecimalField(max_digits=digits, decimal_places=places)
        written = write("decimal", value, least=places, most=10**digits)
        if written is not None:
            made = converted([value], Col("t", field, field), connection)[0]
            assert written == b'"%s"' % str(made).encode()
        elif isinstance(value, float) and math.isfinite(value) and abs(value) < 10:
            # Only what is no decimal of so many places is left out.
            assert float(f"{value:.{places}f}") != value

    @QUICK
    @given(
        st.decimals(allow_nan=False, allow_infinity=False, places=7)
        | st.sampled_from([decimal.Decimal("0E-6"), decimal.Decimal("0E-7"), decimal.Decimal(0)])
    )
    def test_numerics(self, value):
        text = f"{value:f}"
        if abs(value) < decimal.Decimal("0.000001") and "." in text:
            assert write("numeric", text) is None  # Python writes an exponent, or nearly
        else:
            assert write("numeric", text) == b'"%s"' % str(decimal.Decimal(text)).encode()

    @pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "", "-"])
    def test_what_is_no_number(self, text):
        assert write("numeric", text) is None
        assert write("real", text) is None

    @pytest.mark.parametrize(
        ("text", "fits"),
        [("12.34", True), ("-12.34", True), ("123.45", False), ("1.2", False), ("1", False)],
    )
    def test_numerics_of_so_many_digits(self, text, fits):
        assert (write("numeric", text, least=2, most=2) is not None) == fits

    @QUICK
    @given(st.floats(allow_nan=False, allow_infinity=False))
    def test_reals_of_postgresql(self, value):
        written = write("real", repr(value).removesuffix(".0"))
        # Exponents are written in several ways: these come from the float, not from the text.
        assert written == (None if "e" in repr(value) else orjson.dumps(value))

    @QUICK
    @given(st.datetimes(), st.sampled_from(["", "+00"]), st.booleans())
    def test_moments(self, value, zone, short):
        text = value.isoformat(" ")
        if short and value.microsecond:
            text = text.rstrip("0")
        aware = value.replace(tzinfo=datetime.UTC)
        said = orjson.dumps(datetime_value(aware), option=orjson.OPT_UTC_Z)
        assert write("datetime", text + zone, least=2) == (said if zone else None)
        assert write("datetime", text + zone, least=1) == (None if zone else said)
        naive = orjson.dumps(datetime_value(value))
        assert write("datetime", text + zone) == (None if zone else naive)
        assert write("date", text[:10]) == orjson.dumps(value.date())
        assert write("time", text[11:]) == orjson.dumps(time_value(value.time()))

    @QUICK
    @given(st.data(), st.sampled_from(["2024-02-29 01:02:03.456789", "2023-12-31 23:59:59"]))
    def test_moments_that_are_none(self, data, text):
        at = data.draw(st.integers(0, len(text) - 1))
        text = text[:at] + data.draw(st.sampled_from("0123456789-: .T+/é\0")) + text[at + 1 :]
        parsers: dict[str, tuple[str, Callable[[str], Any], Callable[[Any], Any]]] = {
            "datetime": (text, datetime.datetime.fromisoformat, datetime_value),
            "date": (text[:10], datetime.date.fromisoformat, lambda value: value),
            "time": (text[11:], datetime.time.fromisoformat, time_value),
        }
        for code, (part, parse, shape) in parsers.items():
            written = write(code, part)
            if written is not None:
                assert written == orjson.dumps(shape(parse(part)))

    @given(st.uuids(), st.sampled_from("0123456789abcdefAZ-{ "), st.integers(0, 31))
    def test_uuids(self, value, digit, at):
        assert write("uuid", value.hex) == write("uuid", str(value)) == orjson.dumps(value)
        text = value.hex[:at] + digit + value.hex[at + 1 :]
        assert (write("uuid", text) is not None) == (digit in "0123456789abcdef")
        assert write("uuid", text + "0") is None

    def test_members_are_looked_up_and_learned(self):
        known: dict[Any, bytes] = {"a": b'"A"'}

        def slow(value):
            known[value] = b"%d" % value
            return known[value]

        assert [write("member", value, known=known, slow=slow) for value in ("a", 1, 1)] == [
            b'"A"',
            b"1",
            b"1",
        ]
        assert known == {"a": b'"A"', 1: b"1"}

    def test_long_rows_grow_what_they_are_written_to(self):
        program = row_writer_of([WriteStep("text")], compiled=True)
        rows = [("\n" * size,) for size in (1, 300, 70_000, 5)]
        for _ in range(2):
            body = program.write(rows, [None], b",")
            assert json.loads(b"[%b]" % body) == [row[0] for row in rows]
