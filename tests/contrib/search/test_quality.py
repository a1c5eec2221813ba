"""How well words find what answers a question: 40 questions about this project's documentation."""

import pytest

from tests.contrib.search import corpus
from tests.contrib.search.shelf.models import Section
from tests.contrib.search.shelf.search import SectionIndex

pytestmark = pytest.mark.django_db


def test_words_find_the_section_that_answers():
    corpus.load()
    places = set(Section.objects.values_list("place", flat=True))
    hits = {5: 0, 10: 0}
    for question, expected in corpus.questions():
        assert places.issuperset(expected), expected
        found = [each.place for each in SectionIndex.search(question, limit=10)]
        for depth in hits:
            hits[depth] += bool(set(found[:depth]) & set(expected))
    assert hits[5] >= 26
