"""Front ends with generated components: what the command writes, compiled, bundled, and served by the site."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchmarks.ports import free_port
from tests.contrib.typescript.conftest import STRICT
from tests.e2e.servers import ROOT, Server, run_server
from tests.node_tools import run

HERE = Path(__file__).parent
MODULE = "tests.contrib.typescript.components.site"
ENTRIES = {"react": "react.tsx", "svelte": "svelte.ts"}
MAKE = """
from django.contrib.auth.models import User
from tests.project.models import Author, Tag
User.objects.create_user("ada")
Author.objects.bulk_create(Author(name=f"Author {number:03}") for number in range(120))
Tag.objects.bulk_create(Tag(name=name) for name in ("poems", "travel", "crime"))
"""


@dataclass
class Project:
    """The site in a folder of its own, with a front end for one target."""

    folder: Path
    target: str = "react"
    given: Path | None = None

    @property
    def front(self) -> Path:
        """The folder with ``src``."""
        return self.given or self.folder / self.target

    @property
    def environment(self) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")},
            "PYTHONPATH": str(ROOT),
            "SITE_FOLDER": str(self.folder),
            "SITE_OUTPUT": str(self.front / "src/api"),
        }

    def manage(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        return run(sys.executable, "-m", MODULE, *arguments, cwd=ROOT, env=self.environment)

    def succeed(self, *arguments: object) -> str:
        done = self.manage(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def refuse(self, *arguments: object) -> str:
        done = self.manage(*arguments)
        assert done.returncode == 1, done.stdout
        assert "Traceback" not in done.stderr
        return done.stderr

    def generate(self, kind: str, *names: str) -> str:
        return self.succeed("matt_generate", kind, *names, "--to", self.target, "--no-input")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a project without Node."""
    return Project(tmp_path)


@pytest.fixture(scope="module")
def make_front(
    node_tools: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Project]:
    """Return ``make_front(target)``: write a client and components of every kind for a target."""

    def make(target: str) -> Project:
        project = Project(tmp_path_factory.mktemp(target), target)
        project.front.mkdir()
        (project.front / "node_modules").symlink_to(node_tools / "node_modules")
        options = {
            **STRICT,
            "skipLibCheck": True,
            "noUnusedLocals": True,
            "verbatimModuleSyntax": True,
        }
        (project.front / "tsconfig.json").write_text(
            json.dumps({"compilerOptions": options, "include": ["src"]})
        )
        linted = {
            "files": {"includes": ["src/**", "!src/api"]},
            "formatter": {"indentStyle": "space", "lineWidth": 100},
            "html": {"experimentalFullSupportEnabled": True},
        }
        (project.front / "biome.json").write_text(json.dumps(linted))
        project.succeed("matt_types", "write")
        project.generate("page", "parcels", "books", "everything", "authors", "tags")
        project.generate("form", "avatars.create")
        project.generate("table", "cursors", "everything")
        return project

    return make


@pytest.fixture(scope="module")
def serve(chromium: Any) -> Callable[[Project], Any]:
    """Return ``serve(project)``: bundle the pages, and serve them and the API."""

    def start(project: Project) -> Any:
        for name in (ENTRIES[project.target], "bundle.mjs", "csp.ts"):
            shutil.copy(HERE / name, project.front / "src")
        entry = project.front / "src" / ENTRIES[project.target]
        done = run(
            *("node", "src/bundle.mjs", entry, project.folder / f"{project.target}.js"),
            cwd=project.front,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        (project.folder / "style.css").touch()
        project.succeed("migrate", "--run-syncdb", "-v0")
        project.succeed("shell", "-v0", "-c", MAKE)
        port = free_port()
        command = f"-m uvicorn --lifespan off --host 127.0.0.1 --port {port} {MODULE}:application"
        log = project.folder / "server.log"
        return run_server(command.split(), ROOT, project.environment, port, log)

    return start


@pytest.fixture
def opened(chromium: Any) -> Iterator[Callable[[Server, str], Any]]:
    """Return ``opened(server, path)``: a page, whose console must have no errors at the end but those of refused requests."""
    said: list[str] = []
    pages = []

    def open_page(server: Server, path: str) -> Any:
        page = chromium.new_page()
        pages.append(page)
        page.set_default_timeout(20_000)
        page.on(
            "console",
            lambda message: said.append(message.text) if message.type == "error" else None,
        )
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto(f"{server.url}/{path}")
        return page

    yield open_page
    for page in pages:
        page.close()
    # Chromium reports each answer that refuses a body.
    assert [text for text in said if "status of 422" not in text] == []
    assert [text for text in said if "status of 422" not in text] == []
