"""``manage.py matt_rag`` as one runs it, and the checks."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.apps import apps
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import CommandError

from django_matt.contrib.rag.checks import check_model
from django_matt.contrib.rag.evaluation import LabelledQuestion, evaluate, read_questions
from django_matt.contrib.rag.ingestion import Document, ingest
from django_matt.contrib.rag.models import Source
from django_matt.contrib.rag.settings import RagSettings, get_settings
from tests.docs.test_reference import DESCRIBED, is_of_rag, read_docstring

from .conftest import HASH

pytestmark = pytest.mark.django_db


def run(capsys: pytest.CaptureFixture[str], *arguments: Any) -> str:
    call_command("matt_rag", *map(str, arguments))
    return capsys.readouterr().out


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tea.md").write_text(
        "# Tea\n\nUse fresh water.\n\n## Green\n\nGreen tea needs eighty degrees.\n"
    )
    (tmp_path / "coffee.md").write_text("# Coffee\n\nCoffee needs ninety-two degrees.\n")
    return tmp_path


def test_files_are_ingested_and_asked(
    folder: Path, capsys: pytest.CaptureFixture[str], options: Callable[..., None]
):
    options(MODEL="tests.contrib.rag.models.quoting")
    said = run(capsys, "ingest", folder, "--root", folder)
    assert said == ("2 added, 0 changed, 0 unchanged, 0 refused; 3 new chunks, 0 texts embedded.\n")
    assert "2 unchanged" in run(capsys, "ingest", folder, "--root", folder)
    said = run(capsys, "ask", "How hot is green tea?")
    assert said.startswith("Green tea needs eighty degrees. [1]\n[1] tea.md > Tea > Green\n")
    with pytest.raises(CommandError, match="Nothing is found"):
        run(capsys, "ask", "zebra")
    with pytest.raises(CommandError, match="Nothing is found"):
        run(capsys, "ask", "green tea", "--tenant", "red")


def test_an_embedder_of_later_embeds_what_is_there(
    folder: Path, capsys: pytest.CaptureFixture[str], options: Callable[..., None]
):
    run(capsys, "ingest", folder, "--root", folder)
    options(EMBEDDER=HASH)
    assert "3 texts embedded" in run(capsys, "ingest")
    assert "0 texts embedded" in run(capsys, "ingest")


def test_a_file_that_is_no_text_fails_the_command_after_the_others(
    folder: Path, capsys: pytest.CaptureFixture[str]
):
    (folder / "empty.txt").touch()
    with pytest.raises(CommandError, match="could not be read"):
        run(capsys, "ingest", folder, "--root", folder)
    shown = capsys.readouterr()
    assert "empty.txt: The source is empty." in shown.err
    assert Source.objects.count() == 2
    with pytest.raises(CommandError, match="There is no"):
        run(capsys, "ingest", folder / "missing")


def test_retrieval_and_citations_are_measured_and_compared(
    folder: Path, capsys: pytest.CaptureFixture[str], options: Callable[..., None]
):
    options(EMBEDDER=HASH, MODEL="tests.contrib.rag.models.quoting")
    run(capsys, "ingest", folder, "--root", folder)
    file, output = folder / "questions.jsonl", folder / "figures.json"
    questions = [
        {"q": "How hot is green tea?", "expected": ["tea.md#Green"]},
        {"q": "degrees of coffee", "expected": ["coffee.md"]},
        {"q": "zebra", "expected": ["zebra.md"]},
    ]
    file.write_text("\n".join(map(json.dumps, questions)))
    said = run(capsys, "evaluate", file, "--answers", "--output", output)
    assert "0.67 of the answers cite an expected source." in said
    figures = json.loads(output.read_text())
    assert set(figures) == {"words", "vectors", "hybrid", "answers"}
    assert figures["words"]["recall_at_5"] == pytest.approx(2 / 3, abs=1e-3)
    assert "No figure is lower" in run(capsys, "evaluate", file, "--compare", output)
    Source.objects.get(uri="coffee.md").delete()
    with pytest.raises(CommandError, match=r"recall_at_5 is 0\.333, and was 0\.667"):
        run(capsys, "evaluate", file, "--compare", output)


def test_the_figures_are_those_of_the_definitions():
    texts = ["tea one", "tea two tea", "tea three tea tea"]
    ingest([Document(uri=f"{n}.txt", content=t) for n, t in enumerate(texts)], tenant="")
    from django_matt.contrib.rag.models import Chunk
    from django_matt.contrib.rag.retrieval import rank_chunks

    keys = rank_chunks("tea", tenant="", limit=10)
    order = [Chunk.objects.get(pk=key).source.uri for key in keys]
    figures = evaluate([LabelledQuestion("tea", frozenset({order[1]}))], "words")
    assert figures.reciprocal_rank == 0.5
    assert figures.ndcg_at_10 == pytest.approx(0.6309, abs=1e-3)
    assert (figures.recall_at_5, figures.recall_at_10) == (1.0, 1.0)


@pytest.mark.parametrize(
    "line",
    ["{", "[]", "7", '{"q": "a"}', '{"q": 1, "expected": ["a"]}', '{"q": "a", "expected": []}'],
)
def test_a_line_that_is_no_question_is_named(line: str):
    with pytest.raises(ImproperlyConfigured, match="Line 2"):
        read_questions('{"q": "a", "expected": ["b"]}\n' + line)
    with pytest.raises(ImproperlyConfigured, match="no questions"):
        read_questions("\n")


def test_evaluation_needs_sources_and_figures(folder: Path, capsys: pytest.CaptureFixture[str]):
    file = folder / "questions.jsonl"
    file.write_text('{"q": "a", "expected": ["b"]}')
    with pytest.raises(CommandError, match="matt_rag ingest"):
        run(capsys, "evaluate", file)
    run(capsys, "ingest", folder, "--root", folder)
    with pytest.raises(CommandError, match="not a file that --output"):
        run(capsys, "evaluate", file, "--compare", file)


@pytest.mark.parametrize(
    "change",
    [
        {"UNKNOWN": 1},
        {"CHUNK_TOKENS": 0},
        {"OVERLAP": 256},
        {"TOP": "8"},
        {"TIMEOUT": 0},
        {"MODE": "magic"},
        {"ROUTES": "yes"},
        {"MODEL": ""},
        {"EMBEDDER": {"BACKEND": 7}},
        {"EMBEDDER": {"BACKEND": "no.such.Embedder"}},
    ],
)
def test_a_wrong_option_is_an_error_of_the_checks(settings_module: Any, change: Any):
    settings_module("MATT_RAG", change)
    assert "matt_rag.E001" in [each.id for each in run_checks(tags=["matt"])]


def test_the_checks_pass_and_report_a_missing_search(settings: Any):
    assert [each for each in run_checks(tags=["matt"]) if each.id.startswith("matt_rag")] == []
    apps = [each for each in settings.INSTALLED_APPS if "search" not in each]
    settings.INSTALLED_APPS = apps
    assert "matt_rag.E002" in [each.id for each in run_checks(tags=["matt"])]


@pytest.mark.parametrize("name", ["no.such.model", "nobody:model", "openai:gpt-5"])
def test_a_language_model_that_cannot_be_made_is_an_error_before_a_deployment(
    options: Callable[..., None], name: str, monkeypatch: pytest.MonkeyPatch
):
    # A provider whose library or key is missing.
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    options(MODEL=name)
    assert [each.id for each in check_model()] == ["matt_rag.E003"]
    assert "matt_rag.E003" not in [each.id for each in run_checks(tags=["matt"])]
    options(MODEL="tests.contrib.rag.models.quoting")
    assert check_model() == []


def test_models_are_loaded_when_the_server_starts_and_a_failure_is_logged(
    options: Callable[..., None], caplog: pytest.LogCaptureFixture
):
    small = {
        "BACKEND": "django_matt.contrib.rag.embedders.MiniLM",
        "OPTIONS": {"folder": str(Path(__file__).with_name("small")), "name": "small"},
    }
    options(EMBEDDER=small, MODEL="tests.contrib.rag.models.quoting")

    async def start() -> None:
        async with apps.get_app_config("matt_rag").lifespan():
            pass

    async_to_sync(start)()
    assert caplog.text == ""
    options(MODEL="no.such.model")
    async_to_sync(start)()
    assert "could not be loaded" in caplog.text


def test_the_defaults_are_valid(settings: Any):
    settings.MATT_RAG = {}
    assert get_settings() == RagSettings()


@pytest.mark.parametrize("name", [each for each in DESCRIBED if is_of_rag(each)])
@pytest.mark.sampled(100)
def test_every_public_name_has_a_docstring(name: str):
    read_docstring(name)
