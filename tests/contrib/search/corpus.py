"""The pages of this project's documentation in sections, and 40 questions with the sections that answer them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from tests.contrib.search.shelf.models import Section

QUESTIONS = Path(__file__).with_name("questions.jsonl")
_DOCS = Path(__file__).resolve().parents[3] / "docs"
_FENCED = re.compile(r"^(`{3,}).*?^\1$|<!-- setup.*?^-->$", re.M | re.S)


def sections() -> Iterator[Section]:
    """Yield the sections of the pages about features, without their code."""
    for page in sorted(_DOCS.glob("*.md")):
        if page.name in {"benchmarks.md", "settings.md"}:
            continue
        text = _FENCED.sub("", page.read_text())
        parts = re.split(r"^#+ (.+)$", text, flags=re.M)
        for heading, body in zip(parts[1::2], parts[2::2], strict=True):
            title = heading if heading == parts[1] else f"{parts[1]}: {heading}"
            yield Section(place=f"{page.name}#{heading}", title=title, text=body.strip())


def questions() -> list[tuple[str, list[str]]]:
    """Return each question with the places that answer it."""
    read = [json.loads(line) for line in QUESTIONS.read_text().splitlines()]
    return [(each["q"], each["expected"]) for each in read]


def load() -> None:
    """Store the sections, the first of each place."""
    Section.objects.bulk_create({each.place: each for each in reversed([*sections()])}.values())
