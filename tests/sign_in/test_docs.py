"""Every snippet of docs/sign-in runs, with the settings of these tests."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.docs.snippets import TREE, blocks_of
from tests.docs.test_snippets import page  # noqa: F401
from tests.sign_in.account_pages.conftest import forget_urls

PAGES = sorted((TREE / "docs" / "sign-in").glob("*.md"))

REFUSED: dict[str, dict[str, str]] = {
    "accounts.md": {
        "DELETE /account": "each API of the page has it, and one example needs a sign-in",
        "GET /account/export": "each API of the page has it, and one example needs a sign-in",
    },
    "api-keys.md": dict.fromkeys(
        [
            "GET /api-keys",
            "POST /api-keys",
            "POST /api-keys/{key_id}/rotate",
            "DELETE /api-keys/{key_id}",
        ],
        "those of a second API need a session; the first one's are called in a test of the page",
    ),
    "audit.md": dict.fromkeys(
        ["GET /account/events", "GET /security-events"],
        "those of a second API need a session; the first one's are called in a test of the page",
    ),
    "tokens.md": dict.fromkeys(
        [
            "POST /tokens/refresh",
            "POST /tokens/impersonate",
            "POST /tokens/exchange",
            "GET /tokens/logins",
            "DELETE /tokens/logins/{id}",
        ],
        "they need the right credentials: tests/sign_in/tokens",
    ),
}
"""Routes of pages that are there to refuse: by page, each with the reason."""


@pytest.fixture(autouse=True)
def _fresh_urls() -> Iterator[None]:
    """Let each page import allauth's URLs with its own settings: those of a page before it may have none for providers."""
    forget_urls()
    yield
    forget_urls()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_snippet_of_the_page_runs_and_every_route_answers(page: Any, path: Path):  # noqa: F811
    read = page(path)
    assert read.carry_out() == len(blocks_of(path.read_text()))
    left = set(read.unanswered())
    assert left == set(REFUSED.get(path.name, ())), "these routes answer no ordinary request"
