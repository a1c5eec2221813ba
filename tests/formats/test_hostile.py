"""Hostile bodies of every format: a 4xx, quickly, in bounded memory."""

import time
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_matt.errors.exceptions import BadRequest, PayloadTooLarge, Problem
from tests.formats.conftest import FORMATS

BILLION = (
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><l>&b;</l>',
    b'<!DOCTYPE l SYSTEM "file:///etc/passwd"><l/>',
    b'<!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]><l>&x;</l>',
    b"<!DOCTYPE l><l/>",
)
HOSTILE = {
    "json": [
        b"", b"{", b"nul", b"[1,]", b"{'a':1}", b"1 2", b"NaN", b"-Infinity", b"[1e400]", b"-1e1000000",
        b"9" * 400 + b".0", b"1" + b"0" * 290 + b"e20", b"[1e0000000400]", b"1E+309", b"1.0e309", b"9" * 5_000, b'"\xff"', b'"\xed\xa0\x80"', b'"\\ud800"', b'{"\\udfff": 1}', b'"\\u0000"',
        b'{"\\u0000": 1}', b"\xff\xfe1\x00", b"[" * 100_000, b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 100_000,
        b"[" * 101 + b"]" * 101, b'{"a":1,"a":2}', b'[{"b":1},{"a":1, "a" : 2}]', b'{"a":{"b":":","b":2}}',
        b'[{"a":' * 51 + b"1" + b"}]" * 51, b'[{"b":1},{"c":{"a":1,"a":2}}]',
        b'{"a":1,"\\u0061":2}', b"\xef\xbb\xbf\xef\xbb\xbf1", b"\x00",
    ],
    "msgpack": [
        b"", b"\xc1", b"\x92\x01", b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xffa",
        b"\x91" * 100_000 + b"\x01", b"\x91" * 101 + b"\x01", b"\xcb\x7f\xf8" + b"\0" * 6, b"\xca\x7f\x80\x00\x00",
        b"\xc4\x01a", b"\xd4\x05a", b"\xd6\xff\0\0\0\0", b"\x81\x01\x01", b"\x81\x91\x01\x01", b"\xa1\xff", b"\xa1\0",
        b"\x81\xa1\0\x01", b"\x01\x02", b"\xa3\xed\xa0\x80", b"\xd7\xff" + b"\xff" * 8, b"\x81\xc0\x01",
        b"\xdd\x00\x01\x86\xa1" + b"\x01" * 100_001,
    ],
    "yaml": [
        b"[", b"a: b: c", b"\t- a", b"&a [*a]", b"a: &a 1\nb: *a", b"*a", b"&a 1", b"!!python/object/apply:os.system [id]",
        b"!!python/name:os.system", b"!!binary aGk=", b"!!timestamp 2001-01-01", b"!x 1", b"! 1", b"1\n---\n2",
        b".nan", b"-.inf", b"1e400", b"9" * 5_000, b'"\\0"', b'"\\ud800"', b"? [a]\n: 1", b"? {a: 1}\n: 1",
        b"a: 1\na: 2", b"{a: 1, 'a': 2}", b"[" * 100_000, b"- " * 100_000, b"{a: " * 100_000, b"? " * 100_000,
        b"[" * 101 + b"]" * 101, b"[" + b"1," * 100_001 + b"]", b"\xff", b"\0", b"%YAML 9.9\n--- 1", b"'", b'"\\q"',
        b"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]", b"<<: *a", b"|2\n  a\n b: c",
    ],
    "xml": [
        *BILLION, b"", b"<a>", b"<a></b>", b"<a/><b/>", b"text", b"<a>&b;</a>", b"<a b=1/>", b"<a>\xff</a>", b"<a>\0</a>",
        b"<a>&#0;</a>", b"<a>&#xD800;</a>", b"<a><b/>text</a>", b"<a>" * 100_000, b"<a>" * 102 + b"</a>" * 102,
        b"<a>" + b"<b/>" * 100_001 + b"</a>", b'<a type="integer">x</a>', b'<a type="integer">' + b"9" * 5_000 + b"</a>",
        b'<a type="number">nan</a>', b'<a type="number">1e400</a>', b'<a type="boolean">2</a>', b'<a type="null">1</a>',
        b'<a type="what">1</a>', b'<a type="null"><b/></a>', b'<a encoding="base64">!</a>', b'<a encoding="base64">AA==</a>',
        b'<a encoding="base64">/w==</a>', b'<a encoding="rot13">a</a>', b"<a><_xD800_/></a>", b"<a><_x0000_/></a>",
        b"<a><_xFFFFFF_/></a>", b'<?xml version="1.0" encoding="nonsense"?><a/>',
        b'<?xml version="1.0" encoding="zlib"?><a/>', b'<?xml version="1.0" encoding="utf-7"?><a/>',
        b'<a type="integer">\xd9\xa1</a>',
    ],
    "csv": [
        b"a,b\n1", b"a\n1,2", b"a,a\n1,2", b'a\n"x', b'a\n"x"y', b"a\n\0", b"a\n\xff", b"a\n" + b"x" * 200_000,
        b"a\n" + b"1\n" * 100_001, b"\n1",
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "body"), [(name, body) for name, bodies in HOSTILE.items() for body in bodies]
)
def test_a_hostile_body_is_refused_quickly(name, body):
    started = time.process_time()
    with pytest.raises(Problem) as caught:
        FORMATS[name].load(body)
    assert time.process_time() - started < 3
    assert caught.value.status_code in (400, 413)
    assert len(str(caught.value.detail)) < 300


@pytest.mark.parametrize("name", ["msgpack", "msgpack objects", "yaml", "xml", "csv"])
def test_many_small_values_take_bounded_memory(name, monkeypatch):
    for module in ("limits", "yaml", "xml_elements", "csv", "msgpack"):
        monkeypatch.setattr(f"django_matt.formats.{module}.MAX_VALUES", 2_000)
    body = {
        "msgpack": b"\xdd\x00\x01\x86\xa0" + b"\x90" * 100_000,
        "msgpack objects": b"\xdd\x00\x01\x86\xa0" + b"\x80" * 100_000,
        "yaml": b"[" + b"[]," * 100_000 + b"]",
        "xml": b"<a>" + b"<b/>" * 100_000 + b"</a>",
        "csv": b"a\n" + b"1\n" * 100_000,
    }[name]
    tracemalloc.start()
    with pytest.raises(PayloadTooLarge):
        FORMATS[name.split()[0]].load(body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000


def test_large_texts_are_not_taken_for_many_values(monkeypatch):
    monkeypatch.setattr("django_matt.formats.msgpack.MAX_VALUES", 15)
    made = FORMATS["msgpack"]
    data = [
        ["Привет \u0780\u07df" * 200, "x" * 70_000, "short", 1.5, -1, 300, 2**40, None],
        {"a": {}},
    ]
    assert made.load(made.dump(data)) == data


SPECIAL = b"{}[]<>&*!:,-?|\"'\\#%@\n\r\t \x00\xff\xc1\xdd\xdfax01.eE/;="


@pytest.mark.parametrize("name", list(FORMATS))
@given(body=st.binary(max_size=40) | st.lists(st.sampled_from(SPECIAL)).map(bytes))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_data_or_a_client_error(name, body):
    with suppress(BadRequest, PayloadTooLarge):
        FORMATS[name].load(body)


@pytest.mark.parametrize(
    ("name", "body", "line"),
    [
        ("json", b'{\n  "a": nope\n}', 2),
        ("yaml", b"a: 1\nb: *x", 2),
        ("xml", b"<a>\n<b></a>", 2),
        ("csv", b"a,b\n1,2\n3", 3),
    ],
)
def test_the_place_is_named(name, body, line, settings):
    with pytest.raises(BadRequest) as caught:
        FORMATS[name].load(body)
    assert caught.value.members["line"] == line
    assert caught.value.detail == "Cannot parse request body"
    settings.DEBUG = True
    with pytest.raises(BadRequest, match=f"at line {line}"):
        FORMATS[name].load(body)


@pytest.mark.parametrize("name", ["json", "msgpack", "yaml", "xml"])
def test_the_nesting_allowed_is_the_nesting_set(name, settings):
    settings.MATT = {"MAX_NESTING": 5}
    made = FORMATS[name]
    fits = [[[[["x"]]]]]
    assert made.load(made.dump(fits)) == fits
    with pytest.raises(BadRequest):
        made.load(made.dump([fits]))


def test_strictness_spares_what_only_looks_odd():
    load = FORMATS["json"].load
    assert load(b'{"a": "b\\": c", "d" : "2001-01-01T10:00:00Z"}') == {
        "a": 'b": c',
        "d": "2001-01-01T10:00:00Z",
    }
    assert load(b'["\\\\u0000", 1e3, 1E-400]') == ["\\u0000", 1000.0, 0.0]
    assert load(b"\xef\xbb\xbf{}") == {}
    assert load('{"é": "€"}'.encode("utf-16"), "utf-16") == {"é": "€"}
    assert load(b"9" * 400) == int("9" * 400)
    assert load(b'"\\ud83d\\ude00"') == "\U0001f600"


def test_yaml_reads_the_core_schema_of_1_2():
    body = b"yes: no\ndate: 2001-01-01\nt: 1:30\no: 0o17\nx: 0xFF\ni: +1\nf: .5\ne: 1e3\nn: ~\nz:\n1: 'true'\nb: TRUE"
    assert FORMATS["yaml"].load(body) == {
        "yes": "no", "date": "2001-01-01", "t": "1:30", "o": 15, "x": 255, "i": 1, "f": 0.5, "e": 1000.0,
        "n": None, "z": None, "1": "true", "b": True,
    }  # fmt: skip
    assert FORMATS["yaml"].load(b"") is None


def test_xml_reads_what_other_people_write():
    load = FORMATS["xml"].load
    body = (
        b'<order xmlns="urn:x" id="7"><n>1</n><tag>a</tag><tag>b</tag><tag>c</tag><none/></order>'
    )
    assert load(body) == {"n": "1", "tag": ["a", "b", "c"], "none": ""}
    assert load(b"<r><item>1</item><item>2</item></r>") == ["1", "2"]
    assert load('<?xml version="1.0" encoding="iso-8859-1"?><a>é</a>'.encode("latin-1")) == "é"
    assert load("<a>é</a>".encode("utf-16"), "utf-16") == "é"
    assert load("<a>é</a>".encode("utf-16")) == "é"
