"""From files to texts: plain text and Markdown as they are, HTML and PDFs by what people read in them."""

import json
import subprocess
import sys
from pathlib import Path, PurePosixPath
from typing import Literal

from django_matt.contrib.rag.errors import UnreadableSource
from django_matt.contrib.rag.html_texts import decode_html, read_html
from django_matt.contrib.rag.splitting import PAGE_END, clean_text, decode_text
from django_matt.errors.exceptions import MissingExtra

__all__ = ["SUFFIXES", "Kind", "kind_of", "read_document"]

Kind = Literal["markdown", "text", "html", "pdf"]

_KINDS: dict[str, Kind] = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".pdf": "pdf",
}
SUFFIXES = frozenset({*_KINDS, ".txt", ".rst"})
"""Of the files that are read in a folder."""

_MAX_PAGES = 2_000
_MAX_CHARACTERS = 20_000_000
_PDF_SECONDS = 60
_PDF_MEMORY = 2 * 1024**3


def kind_of(uri: str, content: str | bytes) -> Kind:
    """Return what a document is by the suffix of its name; a PDF is known by its first bytes too."""
    if isinstance(content, bytes) and content.startswith(b"%PDF-"):
        return "pdf"
    return _KINDS.get(PurePosixPath(uri).suffix.lower(), "text")


def read_document(content: str | bytes, kind: Kind, *, limit: int) -> str:
    """Return the text of a document; raise ``UnreadableSource`` with what is wrong with it.

    The pages of a PDF are separated by form feeds. HTML becomes Markdown.
    """
    if len(content) > limit:
        raise UnreadableSource(
            f"The source has more than {limit:,} bytes.", code="source_too_large"
        )
    if kind == "pdf":
        return clean_text(PAGE_END.join(_pages(content)))
    if kind == "html":
        if isinstance(content, bytes):
            decoded = decode_html(content)
            if decoded is None:
                raise UnreadableSource("The source is neither UTF-8 nor what it declares to be.")
            content = decoded
        content = decode_text(content, limit=limit)
        return clean_text(read_html(content), none="The source has no text.")
    return decode_text(content, limit=limit)


def _pages(content: str | bytes) -> list[str]:
    if isinstance(content, str):
        raise UnreadableSource("A PDF is given as bytes.")
    program = Path(__file__).with_name("pdf_process.py")
    limits = (_PDF_MEMORY, _PDF_SECONDS + 30, _MAX_PAGES, _MAX_CHARACTERS)
    numbers = [str(each) for each in limits]
    # Isolated from the environment, but with the libraries of this one.
    command = [sys.executable, "-c", _START, str(program), json.dumps(sys.path), *numbers]
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            command, input=content, capture_output=True, timeout=_PDF_SECONDS, check=False
        )
        answer = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise UnreadableSource(
            f"The PDF could not be read within {_PDF_SECONDS} seconds."
        ) from None
    except ValueError:
        raise UnreadableSource("The PDF cannot be read: its reader has crashed.") from None
    if "missing" in answer:
        raise UnreadableSource(str(MissingExtra("pypdf", "pdf")))
    if "refused" in answer:
        raise UnreadableSource(answer["refused"])
    if not any(page.strip() for page in answer["pages"]):
        raise UnreadableSource(
            "The PDF has no text: it may consist of pictures. Recognise their text first."
        )
    return list(answer["pages"])


_START = (
    "import json, runpy, sys; path = sys.argv[1]; sys.path[:] = json.loads(sys.argv[2]); "
    "del sys.argv[:2]; runpy.run_path(path, run_name='__main__')"
)
