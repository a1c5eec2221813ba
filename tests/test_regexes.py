"""Regular expressions from clients: which may run."""

import re
import time

import pytest

from django_matt.regexes import is_cheap

TEXT = "a" * 120 + "!"


@pytest.mark.parametrize(
    "pattern",
    [
        "oak",
        "^oak.*table$",
        "oak|ash",
        "[a-z]+ no. [0-9]+",
        "colou?r",
        "(?i)oak",
        r"\bash\b",
        "a{2,5}",
    ],
)
def test_ordinary_ones_may_run(pattern):
    assert is_cheap(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$",
        "(a|aa)+$",
        "(a*)*$",
        "([a-z]+)*$",
        "(.*a){20}$",
        "(a?){30}a{30}$",
        r"(a+)\1+$",
        "a*a*a*a*a*a*$",
        "((a+))+$",
        "(?:a+){2,}$",
        "(?=(a+)+$)a",
    ],
)
def test_dear_ones_may_not(pattern):
    assert not is_cheap(pattern)


@pytest.mark.parametrize("pattern", ["[", "(?P<", "a{99999999999}", "(" * 5_000, "*"])
def test_invalid_ones_may_not(pattern):
    assert not is_cheap(pattern)


@pytest.mark.parametrize("pattern", ["a*a*$", ".*.*$", "a+b?a+$", "(?:a{1,16})a*$"])
def test_what_may_run_ends_soon(pattern):
    assert is_cheap(pattern)
    begun = time.process_time()
    re.search(pattern, TEXT)
    assert time.process_time() - begun < 0.5
