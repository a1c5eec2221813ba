"""Each format reads back what it writes: JSON data of any kind."""

import json

import msgspec
import pytest
import yaml as pyyaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.formats.conftest import FORMATS

# What the JSON answer of a view can hold; NUL is refused on reading.
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
words = st.sampled_from(
    ["yes", "No", "null", "~", "1e3", "0o17", "0x1F", "1_000", "1:30", "2001-01-01", "=", "<<", "-", ".5", "+1",
     "- a", "a: b", "# c", "&a", "*a", "!t", "%x", "'", '"', "\r\n", "\u2028", "\x85", "\x7f", "_x0041_", "item",
     "type", "]]>", "&amp;", "<!--", " x ", "\ufeff", "\ufffe", "\U0001f600", "\x1b"]
)  # fmt: skip
numbers = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | numbers | text | words
data = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text | words, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("name", ["json", "msgpack", "yaml", "xml"])
@given(value=data)
@example(value={"item": {"item": 1}})
@example(value={"": "", " ": [[], {}], "1a": {"-": None}, "é": -0.0})
@example(value=[{"item": 1}, {"item": [1]}])
@settings(max_examples=300, deadline=None)
def test_what_is_written_is_read_back(name, value):
    made = FORMATS[name]
    again = made.load(made.dump(value))
    assert json.dumps(again) == json.dumps(value)


@given(value=st.integers() | st.just(2**200))
def test_integers_of_any_size_survive(value):
    for name in ("json", "yaml", "xml"):
        assert FORMATS[name].load(FORMATS[name].dump([value])) == [value]
    packed = FORMATS["msgpack"].load(FORMATS["msgpack"].dump([value]))
    assert packed == [value if -(2**63) <= value < 2**64 else str(value)]


@given(value=data)
@settings(max_examples=200, deadline=None)
def test_other_readers_agree(value):
    assert json.loads(FORMATS["json"].dump(value)) == value
    assert msgspec.msgpack.decode(FORMATS["msgpack"].dump(value)) == value


@given(value=st.recursive(numbers | text | words | st.booleans() | st.none(), st.lists))
@settings(max_examples=200, deadline=None)
def test_a_yaml_1_1_reader_agrees(value):
    assert pyyaml.safe_load(FORMATS["yaml"].dump(value)) == value


@given(
    rows=st.integers(1, 4).flatmap(
        lambda n: st.lists(text | words, min_size=n, max_size=n, unique=True).flatmap(
            lambda names: st.lists(
                st.fixed_dictionaries(dict.fromkeys(names, text | words)), min_size=1, max_size=4
            )
        )
    )
)
@example(rows=[{"=a": "'=1", "'": "''+", "b": '"\r\n,'}])
@settings(max_examples=200, deadline=None)
def test_csv_reads_back_rows_of_text(rows):
    made = FORMATS["csv"]
    assert made.load(made.dump(rows)) == rows
