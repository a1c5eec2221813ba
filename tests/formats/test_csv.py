"""CSV: rows, and nothing that a spreadsheet runs."""

import pytest

from django_matt.errors.exceptions import NotAcceptable
from django_matt.formats.csv import CSV


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d"])
def test_no_cell_and_no_heading_starts_a_formula(start):
    lines = CSV().dump([{f"{start}a": f"{start}cmd|' /C calc'!A0"}]).decode()
    head, cell = CSV().load(lines.encode())[0].popitem()
    assert (head, cell) == (f"{start}a", f"{start}cmd|' /C calc'!A0")
    assert lines.lstrip('"')[0] == "'"
    assert f"\r\n'{start}" in lines or f"\r\n\"'{start}" in lines


def test_numbers_stay_numbers_and_nested_values_are_json():
    got = CSV().dump([{"n": -5, "f": -0.5, "ok": True, "none": None, "tags": ["é", {"a": 1}]}])
    assert got.decode() == 'n,f,ok,none,tags\r\n-5,-0.5,true,,"[""é"", {""a"": 1}]"\r\n'


def test_columns_are_those_of_all_rows():
    assert CSV().dump([{"a": 1}, {"b": 2}]) == b"a,b\r\n1,\r\n,2\r\n"
    assert CSV().dump([]) == b""


@pytest.mark.parametrize("data", [1, "a", None, {"a": 1}, [1], [[1]], [{"a": 1}, 2], {"items": 3}])
def test_what_has_no_rows_is_not_offered(data):
    with pytest.raises(NotAcceptable):
        CSV().dump(data)
