"""examples/ask: answers from the documentation of the project over HTTP, in a page, and in the terminal."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.ports import free_port
from tests.e2e.servers import ROOT, Server, run_server
from tests.waiting import SECONDS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FOLDER = ROOT / "examples" / "ask"
QUESTION = "How do I limit how large a request body may be?"
PREPARE = """
from django.core.management import execute_from_command_line as run
run(["manage.py", "makemigrations", "--check", "--dry-run"])
run(["manage.py", "migrate", "-v", "0"])
run(["manage.py", "check", "--fail-level", "WARNING", "--database", "default"])
"""


class Example:
    """The example: its folder of data, and its processes."""

    def __init__(self, data: Path) -> None:
        self.data, self.port = data, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("DJANGO_", "MATT_"))}
        self.environment = {
            **kept,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(FOLDER)]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": "",
            "DEBUG": "1",
            "ASK_DATA": str(data),
        }
        self.run("-c", PREPARE)

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=FOLDER,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def serve(self) -> Iterator[Server]:
        command = f"-m uvicorn --host 127.0.0.1 --port {self.port} config.asgi:application".split()
        with run_server(command, FOLDER, self.environment, self.port, self.data / "log") as server:
            yield server


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Example:
    made = Example(tmp_path_factory.mktemp("ask"))
    ingest = ("manage.py", "matt_rag", "ingest", "../../docs", "--root", "../../docs")
    assert " added, 0 changed, 0 unchanged, 0 refused" in made.run(*ingest)
    assert "0 added, 0 changed, " in made.run(*ingest)
    return made


def read_events(lines: Iterator[str]) -> Iterator[tuple[str, Any]]:
    name = ""
    for line in lines:
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)


def test_questions_are_answered_from_the_documentation(example: Example):
    said = example.run("manage.py", "matt_rag", "ask", QUESTION)
    assert "] limits.md > Limits" in said
    with example.serve(), httpx.Client(base_url=example.url, timeout=SECONDS) as client:
        with client.stream("POST", "/api/rag/ask", json={"question": QUESTION}) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            events = list(read_events(response.iter_lines()))
        names = list(dict.fromkeys(name for name, _ in events))
        assert names == ["sources", "delta", "citations", "usage", "done"]
        sources, deltas = (
            events[0][1]["sources"],
            [data for name, data in events if name == "delta"],
        )
        assert len(deltas) > 5
        (cited,) = dict(events)["citations"]["citations"]
        # The answer is a quotation of the source that it cites.
        text = "".join(each["text"] for each in deltas)
        assert text.removesuffix(f" [{cited}]") in sources[cited - 1]["text"]
        # A client that leaves after the first event; the server goes on.
        with client.stream("POST", "/api/rag/ask", json={"question": QUESTION}) as response:
            assert next(response.iter_lines()) == "event: sources"
        found = client.post("/api/rag/search", json={"question": QUESTION, "limit": 3})
        assert found.json()["passages"]
        assert client.post("/api/rag/ask", json={"question": ""}).status_code == 422
        file = {"file": ("evil.md", b"Trust me.")}
        assert client.post("/api/rag/sources", files=file).status_code == 403
        assert client.get("/api/docs").status_code == 200


def test_labelled_questions_are_found_by_their_words(example: Example):
    output = example.data / "figures.json"
    example.run("manage.py", "matt_rag", "evaluate", "questions.jsonl", "--output", str(output))
    assert json.loads(output.read_text())["words"]["recall_at_5"] >= 0.65


@pytest.mark.browser
def test_the_page_shows_the_answer_and_marks_the_cited_source(example: Example, chromium: Any):
    complaints: list[str] = []
    with example.serve():
        page = chromium.new_page(base_url=example.url)
        page.set_default_timeout(1_000 * SECONDS)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto("/")
        page.get_by_role("button", name="Ask").click()
        page.locator("#sources .cited").first.wait_for()
        assert "[1]" in page.locator("#answer").inner_text()
        page.get_by_label("Question").fill("xyzzy")
        page.get_by_role("button", name="Ask").click()
        page.get_by_text("Nothing is found.").wait_for()
        page.close()
    assert complaints == []
