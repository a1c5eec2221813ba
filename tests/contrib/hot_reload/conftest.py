"""A project on disk, its server, and a browser whose complaints fail the test."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin import AdminSite, sites

from tests.contrib.hot_reload.projects import Project, create, run
from tests.waiting import SECONDS

# Jurigged looks at every object of every module when it is imported, and Django's lazy site then wants the app of the admin,
# which these settings do not install, though tests of other apps import its module.
sites.site._wrapped = AdminSite()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return create(tmp_path / "project")


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[..., Project]]:
    """Return ``start(*arguments, **environment)``: serve the project until the test ends."""
    with ExitStack() as stack:

        def begin(*arguments: str, **options: Any) -> Project:
            return stack.enter_context(run(folder, *arguments, **options))

        yield begin


@pytest.fixture
def project(start: Callable[..., Project]) -> Project:
    return start()


@pytest.fixture
def visit(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Return ``visit(address)``: a tab that keeps what its console says in ``page.complaints``."""
    contexts = []

    def open_page(address: str, **options: Any) -> Any:
        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(1_000 * SECONDS)
        page.complaints = []
        page.on("console", lambda m: page.complaints.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
