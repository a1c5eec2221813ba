"""Citations in and beside of code, however the answer is cut into parts."""

import pytest

from django_matt.contrib.rag.citations import CitationReader


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        ("So [1] [9].", "So [1] ."),
        ("`x[9]` so [1] [9].", "`x[9]` so [1] ."),
        ("```\nx[9]\n``\ny[0]\n``` so [1] [9].", "```\nx[9]\n``\ny[0]\n``` so [1] ."),
        ("`` a ` [9] `` so [1] [9].", "`` a ` [9] `` so [1] ."),
        ("The 1990`s.\nSo [1] [9].", "The 1990`s.\nSo [1] ."),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_citations_are_checked_outside_of_code(answer, read, size):
    reader = CitationReader(2)
    parts = [reader.feed(answer[begin : begin + size]) for begin in range(0, len(answer), size)]
    assert "".join([*parts, reader.finish()]) == read
    assert (reader.cited, reader.dropped) == ([1], 1)


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_other_ways_to_cite_are_read_and_written_as_one(size: int):
    answer = "So【1】, so【2†source.md】, so [^2], so [^9] and【9†x】; not [^note] or 【a】."
    reader = CitationReader(2)
    parts = [reader.feed(answer[at : at + size]) for at in range(0, len(answer), size)]
    assert "".join([*parts, reader.finish()]) == (
        "So[1], so[2], so [2], so  and; not [^note] or 【a】."
    )
    assert (reader.cited, reader.dropped) == ([1, 2], 2)
