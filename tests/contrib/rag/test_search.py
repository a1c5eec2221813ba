"""How the app of search indexes what this app declares."""

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from django_matt.contrib.rag.ingestion import Document, ingest
from django_matt.contrib.rag.models import Chunk, Source
from django_matt.contrib.rag.retrieval import rank_chunks
from django_matt.contrib.search.declarations import build_declared, declare_indexes, find_index
from django_matt.contrib.search.errors import IndexNotBuilt
from django_matt.contrib.search.indexes import list_indexes
from django_matt.search_indexes import DeclaresWords, SearchesWords, find_search

pytestmark = pytest.mark.django_db


def test_both_apps_satisfy_the_protocols():
    assert isinstance(apps.get_app_config("matt_rag"), DeclaresWords)
    assert isinstance(apps.get_app_config("matt_search"), SearchesWords)
    found: Any = find_search()
    assert found is apps.get_app_config("matt_search")


def test_an_index_is_declared_once_and_that_of_a_project_comes_first():
    before = list_indexes()
    declare_indexes()
    assert list_indexes() == before
    assert find_index(Chunk).filters == ["tenant"]
    with pytest.raises(ImproperlyConfigured, match="no search index"):
        find_index(Source)


def test_migrate_creates_an_index_that_is_missing_and_indexes_what_there_is(
    monkeypatch: pytest.MonkeyPatch,
):
    ingest([Document(uri="tea.md", content="Green tea.")], tenant="")
    index: Any = find_index(Chunk)
    storage = index.storage("default")
    with connection.cursor() as cursor:
        storage.drop(cursor.execute)
    # Another process: this one remembers that the index exists.
    monkeypatch.setattr("django_matt.contrib.search.indexes._BUILT", set())
    with pytest.raises(IndexNotBuilt) as caught:
        rank_chunks("green", tenant="", limit=5)
    assert caught.value.status_code == 503
    build_declared(apps.get_app_config("matt_rag"), using="default")
    assert len(rank_chunks("green", tenant="", limit=5)) == 1


def test_without_search_a_question_names_what_to_install(settings: Any):
    settings.INSTALLED_APPS = [each for each in settings.INSTALLED_APPS if "search" not in each]
    with pytest.raises(ImproperlyConfigured, match="No installed app searches"):
        rank_chunks("green", tenant="", limit=5)


def test_the_words_follow_every_change(options: Callable[..., None]):
    ingest([Document(uri="tea.md", content="Green tea.")], tenant="")
    ingest([Document(uri="tea.md", content="Black tea.")], tenant="")
    assert rank_chunks("green", tenant="", limit=5) == []
    assert len(rank_chunks("black", tenant="", limit=5)) == 1
    Source.objects.all().delete()
    assert rank_chunks("black", tenant="", limit=5) == []
