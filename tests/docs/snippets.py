"""What stands between the fences of a page, read and carried out; the convention is in CONTRIBUTING.md."""

import inspect
import json
import linecache
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asgiref.sync import async_to_sync
from django.core.management import get_commands
from django.test import Client
from ninja import NinjaAPI

__all__ = ["TREE", "Block", "Exchange", "Page", "blocks_of", "differences", "exchanges_of"]

TREE = Path(__file__).resolve().parents[2]
LANGUAGES = {
    "python",
    "http",
    "console",
    "json",
    "toml",
    "diff",
    "html",
    "css",
    "javascript",
    "yaml",
    "text",
    "xml",
    "ini",
}
METHODS = "GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|QUERY"
FENCE = re.compile(
    r"^(?P<indent> *)(?P<fence>`{3,}|~{3,})(?P<info>[^\n`]*)\n(?P<body>.*?)^ *(?P=fence) *$",
    re.M | re.S,
)
SETUP = re.compile(r"^<!-- setup\n(?P<body>.*?)^-->$", re.M | re.S)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, its text, and the line of the page on which the text begins."""

    language: str
    title: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request as written in an ``http`` block, and what must come back."""

    method: str
    url: str
    headers: dict[str, str]
    body: str
    status: int
    answer_headers: dict[str, str]
    answer: str


def blocks_of(text: str) -> list[Block]:
    """Return a page's blocks in order; raise ``ValueError`` for a fence that the convention does not know."""
    found = []
    for match in sorted(
        [*FENCE.finditer(text), *SETUP.finditer(text)], key=lambda match: match.start()
    ):
        line = text.count("\n", 0, match.start("body")) + 1
        if "info" not in match.re.groupindex:
            found.append(Block("python", "", match["body"], line))
            continue
        info = re.fullmatch(
            r'(?P<language>\w+)(?: title="(?P<title>[^"]+)")?', match["info"].strip()
        )
        if not info or info["language"] not in LANGUAGES:
            raise ValueError(
                f"line {line - 1}: ```{match['info']} is not one of {sorted(LANGUAGES)}, with an optional title"
            )
        body = re.sub(rf"^{match['indent']}", "", match["body"], flags=re.M)
        found.append(Block(info["language"], info["title"] or "", body, line))
    return found


def exchanges_of(block: Block) -> Iterator[Exchange]:
    """Yield the exchanges of an ``http`` block; raise ``ValueError`` for one without ``→ status``."""
    parts = re.split(rf"^(?=(?:{METHODS}) \S+ *$)", block.text, flags=re.M)
    if parts[0].strip():
        raise ValueError(
            f"line {block.line}: {parts[0].splitlines()[0]!r} is no request such as GET /api/hello"
        )
    for part in parts[1:]:
        request, arrow, response = part.partition("\n→ ")
        if not arrow:
            raise ValueError(
                f"line {block.line}: {part.splitlines()[0]} has no answer such as → 200"
            )
        head, _, body = request.partition("\n\n")
        (method, url), *headers = (
            line.split(maxsplit=1) for line in head.splitlines() if line.strip()
        )
        first, _, answer = response.partition("\n")
        answer_headers = {}
        while named := re.match(r"([A-Z][\w-]+): (.*)\n?", answer):
            answer_headers[named[1]] = named[2]
            answer = answer[named.end() :]
        sent = {name.rstrip(":"): value for name, value in headers}
        yield Exchange(
            method,
            url.strip(),
            sent,
            body.strip(),
            int(first.split()[0]),
            answer_headers,
            answer.strip(),
        )


def differences(expected: Any, given: Any, at: str = "") -> list[str]:
    """Return where ``given`` lacks what is ``expected``: members may be more, items may not, "…" is anything."""
    if expected == "…":
        return []
    if isinstance(expected, dict) and isinstance(given, dict):
        missing = [f"{at}/{name} is missing" for name in expected if name not in given]
        both = [name for name in expected if name in given]
        return missing + [
            line
            for name in both
            for line in differences(expected[name], given[name], f"{at}/{name}")
        ]
    if isinstance(expected, list) and isinstance(given, list):
        if expected and expected[-1] == "…":
            expected, given = expected[:-1], given[: len(expected) - 1]
        if len(expected) != len(given):
            return [f"{at} has {len(given)} items, not {len(expected)}"]
        return [
            line
            for i, pair in enumerate(zip(expected, given, strict=True))
            for line in differences(*pair, f"{at}/{i}")
        ]
    same = type(expected) is type(given) and expected == given
    return [] if same else [f"{at or '/'} is {given!r}, not {expected!r}"]


@dataclass(slots=True)
class Page:
    """A page that is read top to bottom: its Python blocks share one namespace, its requests meet what stands above."""

    path: Path
    settings: Any
    request: Any
    names: dict[str, Any] = field(default_factory=dict)
    served: Any = None

    def carry_out(self) -> int:
        """Carry out every block; return how many there were; raise ``AssertionError`` with the line of the page."""
        self.names["__name__"] = f"tests.project.page_{self.path.stem}"
        blocks = blocks_of(self.path.read_text())
        for block in blocks:
            act = getattr(self, f"carry_out_{block.language}", None)
            if act is not None:
                act(block)
        return len(blocks)

    def carry_out_python(self, block: Block) -> None:
        """Run the block; apply a ``settings.py``, serve a new ``api`` or ``urlpatterns``, run its tests."""
        before = dict(self.names)
        # Blank lines before it, so that a traceback names the line of the page.
        source = "\n" * (block.line - 1) + block.text
        linecache.cache[str(self.path)] = (
            len(source),
            None,
            source.splitlines(True),
            str(self.path),
        )
        exec(compile(source, str(self.path), "exec"), self.names)
        new = {name: value for name, value in self.names.items() if before.get(name) is not value}
        if block.title.endswith("settings.py"):
            for name in filter(str.isupper, new):
                setattr(self.settings, name, new[name])
        if "urlpatterns" in new:
            self.serve(self.names["urlpatterns"])
        elif isinstance(new.get("api"), NinjaAPI):
            self.served = None
        for name, value in new.items():
            if name.startswith("test_"):
                self.run_test(value)

    def run_test(self, test: Any) -> None:
        """Call a test function of the page with the fixtures it names."""
        wanted = [self.request.getfixturevalue(name) for name in inspect.signature(test).parameters]
        (async_to_sync(test) if inspect.iscoroutinefunction(test) else test)(*wanted)

    def carry_out_http(self, block: Block) -> None:
        """Send every request of the block and compare the answers."""
        exchanges = list(exchanges_of(block))
        if self.served is None:
            from django.urls import path

            assert isinstance(self.names.get("api"), NinjaAPI), (
                f"line {block.line}: no `api` stands above this request"
            )
            self.serve([path("api/", self.names["api"].urls)])
        for exchange in exchanges:
            self.send(
                exchange, f"{self.path.name}, line {block.line}: {exchange.method} {exchange.url}"
            )

    def serve(self, urlpatterns: list[Any]) -> None:
        """Make ``urlpatterns`` the project's."""
        import types

        from django.urls import clear_url_caches

        self.served = types.ModuleType(f"urls_{self.path.stem}")
        self.served.urlpatterns = urlpatterns
        self.settings.ROOT_URLCONF = self.served
        clear_url_caches()

    def send(self, exchange: Exchange, where: str) -> None:
        """Send one request; a body without a content type is JSON."""
        headers = dict(exchange.headers)
        content_type = headers.pop("Content-Type", "application/json")
        client = Client(raise_request_exception=False)
        response = client.generic(
            exchange.method,
            exchange.url,
            exchange.body.encode(),
            content_type=content_type,
            headers=headers,
        )
        body = b"".join(response) if response.streaming else response.content  # type: ignore[attr-defined]
        text = body.decode("utf-8", "replace")
        assert response.status_code == exchange.status, (
            f"{where} answers {response.status_code}: {text[:1000]}"
        )
        for name, value in exchange.answer_headers.items():
            assert value in response.headers.get(name, ""), (
                f"{where} sends {name}: {response.headers.get(name)}"
            )
        if not exchange.answer:
            return
        if "json" in response.headers.get("Content-Type", ""):
            wrong = differences(json.loads(exchange.answer), json.loads(body))
        else:
            lines = [line.strip() for line in exchange.answer.splitlines()]
            wrong = [
                f"{line!r} is not in it"
                for line in lines
                if line not in {"", "…"} and line not in text
            ]
        assert not wrong, f"{where}: {'; '.join(wrong)}\n{text[:1000]}"

    def carry_out_console(self, block: Block) -> None:
        """Check that make's targets, our extras and the management commands named in the block exist."""
        project = tomllib.loads((TREE / "pyproject.toml").read_text())["project"]
        extras = set(project["optional-dependencies"])
        targets = set(re.findall(r"^([a-z-]+):", (TREE / "Makefile").read_text(), re.M))
        commands = set(get_commands()) | {
            path.stem
            for pattern in ("examples/*/*", "contrib/*")
            for path in TREE.glob(f"{pattern}/management/commands/*.py")
        }
        for line in block.text.splitlines():
            for target in re.findall(r"\bmake ((?:[a-z-]+ ?)+)(?!\S)", line.partition("#")[0]):
                assert set(target.split()) <= targets, (
                    f"{self.path.name}: there is no `make {target}`"
                )
            for named in re.findall(r"django-matt\[([^]]+)\]", line):
                assert set(re.split(r"\s*,\s*", named)) <= extras, (
                    f"{self.path.name}: there is no extra {named}"
                )
            for command in re.findall(r"manage\.py (\w+)", line):
                assert command in commands, f"{self.path.name}: there is no `manage.py {command}`"

    def carry_out_json(self, block: Block) -> None:
        """Check that it is JSON."""
        json.loads(block.text)

    def carry_out_toml(self, block: Block) -> None:
        """Check that it is TOML."""
        tomllib.loads(block.text)
