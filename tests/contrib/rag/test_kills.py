"""An ingestion that is killed by ``kill -9`` is continued by the next one: the same chunks, and nothing left over."""

import os
import random
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from django_matt.contrib.rag.models import Chunk, EmbeddingSet, Source, State, Vector
from django_matt.contrib.rag.splitting import split_text
from tests.e2e.servers import ROOT
from tests.waiting import SECONDS, wait_until

from .kills import TEXTS, text_of

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
KILLS = int(os.environ.get("MATT_TEST_KILLS", "3"))
SLOW = {"BACKEND": "tests.contrib.rag.kills.SlowEmbedder"}


def start() -> "subprocess.Popen[bytes]":
    code = (
        "from django.conf import settings; from tests.contrib.rag import kills; "
        f"settings.MATT_RAG = {{**settings.MATT_RAG, 'EMBEDDER': {SLOW!r}}}; kills.main()"
    )
    environment = {**os.environ, "RAG_DATABASE": str(connection.settings_dict["NAME"])}
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environment)


def kill_once(holds: Callable[[], bool]) -> None:
    process = start()
    try:
        wait_until(lambda: holds() or process.poll() is not None)
    finally:
        process.kill()
        process.wait(SECONDS)


def test_a_killed_ingestion_is_continued_without_orphans():
    chosen = random.Random(11)
    counts: list[Any] = [Source, Vector, Vector]
    for kill in range(KILLS):
        counted = counts[kill % len(counts)]
        until = counted.objects.count() + chosen.randint(1, 12)
        kill_once(lambda n=until, model=counted: model.objects.count() >= n)
    assert Vector.objects.count() < 2 * TEXTS, "it was killed too late"
    assert start().wait(SECONDS) == 0
    expected = {
        (f"{number}.md", ordinal, piece.digest)
        for number in range(TEXTS)
        for ordinal, piece in enumerate(
            split_text(text_of(number), kind="markdown", tokens=64, overlap=8)
        )
    }
    rows = Chunk.objects.values_list("source__uri", "ordinal", "digest")
    assert sorted(rows) == sorted(expected)
    assert set(Source.objects.values_list("state", flat=True)) == {State.READY}
    (found,) = EmbeddingSet.objects.all()
    assert found.activated_at is not None
    keys = Vector.objects.values_list("chunk_id", flat=True)
    assert sorted(keys) == sorted(Chunk.objects.values_list("pk", flat=True))
