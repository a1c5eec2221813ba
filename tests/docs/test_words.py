"""The words and phrases that we do not write, in documentation, messages, docstrings and comments.

Each pattern has the plain English that replaces it. A sentence that needs one of them after all is listed in ``KEPT``.
"""

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from .snippets import FENCE, SETUP, TREE

pytestmark = pytest.mark.once

UNITS = "row|request|route|response|query|page|process|relation|model|class|format|field|feature|operation|module|value"
COUNTED = "quer(?:y|ies)|once|twice|times|threads?|trips?"

#: A pattern of what we do not write, and what we write instead.
WORDS = {
    r"mend(?:s|ed|ing)?": "fix",
    r"the house": "this project, or the rule itself",
    r"(?:hold|holds|holding|held)(?! (?:the|a|its|no) (?:lock|GIL))": "contain, have, keep, be valid",
    r"(?:stand|stands|standing|stood)(?!-)": "be, appear, be listed",
    r"(?:speak|speaks|spoken)": "support, accept, use",
    r"of (?:ours|yours|theirs)": "our …, your …, their …, or Django Matt's …",
    r"(?<!for the )moments?": "time, datetime",
    r"lies": "is",
    r"(?:judge|judges|judged)": "decide, check, validate",
    r"(?:whoever|whosoever)": "anyone who, the code that",
    r"says? so": "reports it, shows it, documents it",
    r"anew": "again",
    r"for ever": "forever",
    r"(?:thereby|thereof|whereof|wherefrom|hinder|hinders)": "say it with a verb",
    r"(?:be|get|gets|is) rid of": "remove, turn off",
    r"is told in": "is described in",
    r"(?:falls?|fell) to (?:pydantic|instances|Django|Ninja|the)": "is handled by, uses",
    rf"(?:{COUNTED}) an? (?:{UNITS})\b": "per row, per request",
    r"(?:ask|asks|asked|asking) (?:no|a|the) (?:database|cache)": "query the database",
    r"lives? (?:in|here|at|below|under)": "is",
    r"in the place of": "instead of",
    r"but for": "except",
    r"look-ups?": "lookup",
    r"(?:hear|hears) (?:of|about)": "is told about, receives",
    r"(?<!there )is no (?:number|name|command|text|function|schema|format|field|class|tier|path)": "is not a …",
    r"that is none": "that does not exist",
    r"for none\b": "to turn it off",
    r"beforehand": "before, first",
}
PATTERNS = {re.compile(rf"\b(?:{word})\b", re.I): instead for word, instead in WORDS.items()}

#: Lines in which one of these words is right, with the reason.
KEPT = {
    "with 32 in the place of 1": "bytes have places",
}

#: Written by `make bench` from a run.
GENERATED = {TREE / "docs" / "benchmarks.md", TREE / "docs" / "sign-in" / "speed.md"}

PROSE = ("*.md", "docs/**/*.md", "contrib/**/*.md", "examples/**/*.md", "cookiecutter/**/*.md")
CODE = ("django_matt/**/*.py", "contrib/**/*.py", "cookiecutter/**/*.py", "examples/**/*.py")
TEXT = (
    "django_matt/**/*.html",
    "django_matt/**/*.js",
    "django_matt/**/*.pyx",
    "django_matt/**/*.pxd",
    "contrib/**/*.html",
    "contrib/**/*.js",
    "cookiecutter/**/*.json",
    "cookiecutter/**/Makefile",
    "cookiecutter/**/*.toml",
    "cookiecutter/**/*.yaml",
    "Makefile",
    "mkdocs.yml",
    "pyproject.toml",
)
CODE_SPAN = re.compile(r"``[^`]+``|`[^`\n]+`|\]\([^)\s]+\)|https?://\S+")


def files(patterns: tuple[str, ...]) -> list[Path]:
    return sorted(
        {
            path
            for pattern in patterns
            for path in TREE.glob(pattern)
            if path not in GENERATED
            and "django_matt/contrib" not in str(path)
            and "project_template" not in str(path)
        }
    )


def blank(match: re.Match[str]) -> str:
    """Return as many lines as were matched, without their text."""
    return "\n" * match[0].count("\n") or " "


def prose(path: Path) -> Iterator[tuple[int, str]]:
    """Yield what people read in a file, with the number of its first line."""
    text = path.read_text()
    if path.suffix == ".md":
        yield 1, SETUP.sub(blank, FENCE.sub(blank, text))
    elif path.suffix in {".py", ".pyx", ".pxd"} and "{%" not in text and "{{ cookie" not in text:
        comment, first = "", 0
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            kind = tokenize.tok_name[token.type]
            if kind == "COMMENT":
                first = first if comment else token.start[0]
                comment += token.string.lstrip("#")
            elif kind not in {"NL", "INDENT", "DEDENT"}:
                if comment:
                    yield first, comment
                comment = ""
                if kind in {"STRING", "FSTRING_MIDDLE"} and " " in token.string:
                    yield token.start[0], token.string
    elif path.suffix == ".html":
        yield 1, re.sub(r"\{%.*?%\}|<[^>]*>", blank, text, flags=re.S)
    else:
        yield 1, text


def paragraphs(path: Path) -> Iterator[tuple[int, str]]:
    """Yield each paragraph on one line, so that a phrase is found across the end of a line."""
    for first, text in prose(path):
        line = first
        for paragraph in re.split(r"(\n\s*\n)", text):
            yield line, " ".join(CODE_SPAN.sub(" ", paragraph).split())
            line += paragraph.count("\n")


def found_in(path: Path) -> list[str]:
    found = []
    for line, paragraph in paragraphs(path):
        for pattern, instead in PATTERNS.items():
            for match in pattern.finditer(paragraph):
                around = paragraph[max(0, match.start() - 60) : match.end() + 60]
                if not any(kept in paragraph for kept in KEPT):
                    found.append(
                        f"{path.relative_to(TREE)}:{line}: …{around}… — not {match[0]!r}: {instead}"
                    )
    return found


@pytest.mark.parametrize("patterns", [PROSE, CODE, TEXT], ids=["pages", "code", "interfaces"])
def test_these_words_are_not_written(patterns: tuple[str, ...]):
    found = [each for path in files(patterns) for each in found_in(path)]
    assert not found, "\n" + "\n".join(found)


def test_every_exception_is_still_needed():
    written = "\n".join(
        paragraph for path in files(PROSE + CODE + TEXT) for _, paragraph in paragraphs(path)
    )
    assert [kept for kept in KEPT if kept not in written] == []
