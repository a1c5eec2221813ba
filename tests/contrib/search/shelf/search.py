"""The indexes, found as ``admin.py`` is."""

from django_matt.contrib.search.indexes import SearchIndex
from django_matt.contrib.search.vectors import Embedding
from tests.contrib.search.shelf.models import Book, Draft, Note, Section


class BookIndex(SearchIndex):
    model = Book
    words = {"title": "A", "body": "B"}
    filters = ["language", "shelf", "owner"]
    vectors = Embedding("tests.contrib.search.embedders.Hashed", dimensions=32)


class NoteIndex(SearchIndex):
    model = Note
    words = {"text": "A"}
    vectors = Embedding("tests.contrib.search.embedders.Hashed", dimensions=32)


class SectionIndex(SearchIndex):
    model = Section
    words = {"title": "A", "text": "B"}


class DraftIndex(SearchIndex):
    model = Draft
    words = {"title": "A"}
