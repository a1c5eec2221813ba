"""What stands between the fences of a page, read and carried out; the convention is in CONTRIBUTING.md."""

import inspect
import json
import linecache
import re
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import urlencode

from asgiref.sync import async_to_sync
from django.contrib.auth.models import Group, User
from django.core.handlers.base import BaseHandler
from django.core.management import get_commands
from django.db import transaction
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
    "typescript",
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


def body_of(exchange: Exchange, content_type: str) -> bytes:
    """Return the bytes to send. The lines of a multipart form end as RFC 2046 wants them to."""
    if content_type.startswith("multipart/"):
        return exchange.body.replace("\n", "\r\n").encode() + b"\r\n"
    return exchange.body.encode()


def read_body(response: Any) -> bytes:
    """Return the whole body, of a stream too."""
    if not response.streaming:
        return bytes(response.content)
    if not response.is_async:
        return b"".join(response)

    async def read() -> bytes:
        return b"".join([part async for part in response])

    return async_to_sync(read)()


def ask(*arguments: Any, **options: Any) -> Any:
    """Send a request, whose failed query spoils the database for no other: the whole page runs in one transaction."""
    with transaction.atomic():
        return Client(raise_request_exception=False).generic(*arguments, **options)


def is_answered(document: Any, method: str, route: str, described: Any) -> bool:
    """Send ordinary requests to a route, as its description has it; tell whether one answer is 2xx."""
    # PostgreSQL does not use a key again, so the rows of a page may have other keys than 1.
    return any(is_answered_for(key, document, method, route, described) for key in (1, *keys()))


def keys() -> set[Any]:
    """Return the keys of users and groups."""
    return {key for model in (User, Group) for key in model.objects.values_list("pk", flat=True)}


def is_answered_for(key: Any, document: Any, method: str, route: str, described: Any) -> bool:
    """Send one request, with a key for each integer in the path."""
    query, headers = {}, {}
    for parameter in described.get("parameters", ()):
        value = sample(document, parameter["schema"])
        if parameter["in"] == "path":
            value = key if value == 1 else value
            route = route.replace(f"{{{parameter['name']}}}", str(value))
        elif parameter.get("required"):
            (query if parameter["in"] == "query" else headers)[parameter["name"]] = value
    content = described.get("requestBody", {}).get("content", {})
    kind = next(iter(content), "application/json")
    body = sample(document, content[kind]["schema"]) if content else {}
    response = ask(
        method.upper(),
        f"/api/{route.lstrip('/')}?{urlencode(query, doseq=True)}",
        json.dumps(body).encode() if "json" in kind else urlencode(body).encode(),
        content_type=kind if "json" in kind else "application/x-www-form-urlencoded",
        headers={name: str(value) for name, value in headers.items()},
    )
    return bool(200 <= response.status_code < 300)


def sample(document: Any, schema: Any) -> Any:
    """Return a plain value that a schema of the document describes."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for key in ("anyOf", "allOf", "oneOf"):
        if key in schema:
            return sample(document, schema[key][0])
    for known in (*schema.get("examples", ()), *schema.get("enum", ())):
        return known
    kind = schema.get("type")
    if "const" in schema or "default" in schema:
        return schema.get("const", schema.get("default"))
    if kind == "object":
        required = schema.get("required", ())
        return {
            name: sample(document, each)
            for name, each in schema.get("properties", {}).items()
            if name in required
        }
    if kind == "array":
        return [sample(document, schema.get("items", {}))]
    plain = {"integer": 1, "number": 1.5, "boolean": True, "null": None}
    formats = {
        "email": "ada@example.com",
        "date": "2026-01-31",
        "date-time": "2026-01-31T10:00:00Z",
    }
    return plain.get(kind, formats.get(schema.get("format"), "word"))


@contextmanager
def recording(answered: set[tuple[Any, str]]) -> Iterator[None]:
    """Note the view and the method of every request that Django answers with 2xx."""

    def note(request: Any, response: Any) -> Any:
        match = request.resolver_match
        if match is not None and 200 <= response.status_code < 300:
            answered.add((match.func, request.method))
        return response

    handle, handle_async = BaseHandler._get_response, BaseHandler._get_response_async

    def get(self: Any, request: Any) -> Any:
        return note(request, handle(self, request))

    async def get_async(self: Any, request: Any) -> Any:
        return note(request, await handle_async(self, request))

    with (
        mock.patch.object(BaseHandler, "_get_response", get),
        mock.patch.object(BaseHandler, "_get_response_async", get_async),
    ):
        yield


@dataclass(slots=True)
class Page:
    """A page that is read top to bottom: its Python blocks share one namespace, its requests meet what stands above."""

    path: Path
    settings: Any
    request: Any
    names: dict[str, Any] = field(default_factory=dict)
    served: Any = None
    apis: dict[NinjaAPI, dict[str, Any] | None] = field(default_factory=dict)
    """The APIs of the page, each with what its views knew before the page gave one of their names to something else."""
    answered: set[tuple[Any, str]] = field(default_factory=set)
    """The view and the method of each request that was answered with 2xx."""

    def carry_out(self) -> int:
        """Carry out every block; return how many there were; raise ``AssertionError`` with the line of the page."""
        self.names["__name__"] = f"tests.project.page_{self.path.stem}"
        blocks = blocks_of(self.path.read_text())
        with recording(self.answered):
            for block in blocks:
                act = getattr(self, f"carry_out_{block.language}", None)
                if act is not None:
                    act(block)
        return len(blocks)

    def unanswered(self) -> list[str]:
        """Return the routes of the page that answer no ordinary request with 2xx, as ``GET /hello``.

        A request of the page counts, and otherwise one that is made of the types of the route's parameters.
        """
        from django.urls import path

        found = []
        last = dict(self.names)
        for api, names in self.apis.items():
            self.names.clear()
            self.names |= names or last
            left = {
                each.operation_id or api.get_openapi_operation_id(each): each
                for each in self._left_of(api)
            }
            if not left:
                continue
            self.serve([path("api/", api.urls)])
            document = json.loads(json.dumps(api.get_openapi_schema(path_prefix=""), default=str))
            for route, methods in document["paths"].items():
                for method, described in methods.items():
                    wanted = left.pop(described.get("operationId"), None)
                    if wanted and not is_answered(document, method, route, described):
                        found.append(f"{method.upper()} {route}")
            found += [f"{each.methods[0]} {each.path}" for each in left.values()]
        return found

    def _left_of(self, api: Any) -> Iterator[Any]:
        """Yield the operations of an API that have answered no request of the page with 2xx."""
        for router in api._get_bound_routers():
            for path_view in router.path_operations.values():
                view = path_view.get_view()
                for operation in path_view.operations:
                    if not any((view, method) in self.answered for method in operation.methods):
                        yield operation

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
        if new.keys() & before.keys():
            self.apis = {api: names or before for api, names in self.apis.items()}
        self.apis |= {
            each: None
            for each in new.values()
            if isinstance(each, NinjaAPI) and each not in self.apis
        }
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
        with transaction.atomic():
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
        response = ask(
            exchange.method,
            exchange.url,
            body_of(exchange, content_type),
            content_type=content_type,
            headers=headers,
        )
        body = read_body(response)
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
            for named in re.findall(r"(?:django-matt|'\.)\[([^]]+)\]", line):
                assert set(re.split(r"\s*,\s*", named)) <= extras, (
                    f"{self.path.name}: there is no extra {named}"
                )
            for command in re.findall(r"manage\.py (\w+)", line):
                assert command in commands, f"{self.path.name}: there is no `manage.py {command}`"

    def carry_out_html(self, block: Block) -> None:
        """Keep what the title names as a template of the project."""
        _, is_template, name = block.title.partition("templates/")
        if not is_template:
            return
        folder = self.request.getfixturevalue("tmp_path")
        written = folder / name
        written.parent.mkdir(parents=True, exist_ok=True)
        written.write_text(block.text)
        first, *others = self.settings.TEMPLATES
        self.settings.TEMPLATES = [{**first, "DIRS": [folder]}, *others]

    def carry_out_json(self, block: Block) -> None:
        """Check that it is JSON."""
        json.loads(block.text)

    def carry_out_toml(self, block: Block) -> None:
        """Check that it is TOML."""
        tomllib.loads(block.text)
