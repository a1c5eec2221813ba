"""``python -m benchmarks.startup``: what starting costs with many routes of nested schemas, and the first answer of a route.

Each sample is a process of its own. It declares the same schemas and functions on one stack, asks for the URLs as Django
does, and then sends each route its first and its second request. Declaring is pydantic's and Ninja's work on every stack.
"""

import argparse
import gc
import hashlib
import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.cases import Case
from benchmarks.memory import peak, reset_peak
from benchmarks.tables import Table, markdown, time_text

__all__ = ["ROUTES", "STACKS", "Started", "measure", "measure_all", "startup_table"]

STACKS = {
    "matt": ("MattAPI", "django_matt:MattAPI"),
    "ninja": ("Django Ninja", "ninja:NinjaAPI"),
    "extra": ("Ninja Extra", "ninja_extra:NinjaExtraAPI"),
}
ROUTES = 300
_BOOK = {
    "title": "A kettle",
    "pages": 100,
    "author": {"id": 1, "name": "Ada", "email": None},
    "tags": [{"id": 1, "name": "steel"}],
}


@dataclass(frozen=True, kw_only=True)
class Started:
    """One stack: seconds of CPU, and bytes that the process grew by."""

    declared: float
    started: float
    """From the declared routes to the URLs."""
    grown: int | None
    first: float
    """The first answer of a route, in the middle of all routes."""
    second: float
    grown_after: int | None
    """The growth since before the start, once every route has answered."""
    digest: str
    """Of all answers."""


def measure(stack: str, routes: int) -> Started:
    """Start one stack in a process of its own."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.startup",
        "--stack",
        stack,
        "--routes",
        f"{routes}",
    ]
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return Started(**json.loads(done.stdout))


def measure_all(routes: int, rounds: int) -> dict[str, Started]:
    """Measure the stacks in turn, and return the least of each figure; exits where they answer differently."""
    samples: dict[str, list[Started]] = {name: [] for name in STACKS}
    for _ in range(rounds):
        for name, made in samples.items():
            made.append(measure(name, routes))
    if len({sample.digest for made in samples.values() for sample in made}) > 1:
        sys.exit("Not measured, because not all stacks answer the same.")
    return {name: _least(made) for name, made in samples.items()}


def _least(made: list[Started]) -> Started:
    """Return the least of each figure; the digest is the same in all of them."""
    known = [asdict(one) for one in made]
    figures = {key: [one[key] for one in known if one[key] is not None] for key in known[0]}
    return Started(**{key: min(found, default=None) for key, found in figures.items()})


def startup_table(started: dict[str, Started]) -> Table:
    """Return what starting and the first answers cost, by stack."""
    table = [
        ["stack", "declaring", "start-up", "grows by", "first answer", "second", "grows, all asked"]
    ]
    for name, one in started.items():
        table.append(
            [
                STACKS[name][0],
                time_text(one.declared),
                time_text(one.started),
                _size(one.grown),
                time_text(one.first),
                time_text(one.second),
                _size(one.grown_after),
            ]
        )
    return table


def _size(grown: int | None) -> str:
    return "-" if grown is None else f"{grown / 2**20:.1f} MiB"


def _start(stack: str, routes: int) -> Started:
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
    import django

    django.setup()
    # What is imported and compiled once in a process is not what a route costs.
    for run in _mount(stack, "warm", 6)[0]:
        run(1)
    asked, declared, started, before, after = _mount(stack, "measured", routes)
    digest = hashlib.sha256()
    first: list[float] = []
    second: list[float] = []
    for run in asked:
        for times in (first, second):
            begun = time.process_time_ns()
            status, body = run(1)
            times.append((time.process_time_ns() - begun) / 1e9)
        digest.update(f"{status} {json.dumps(json.loads(body))}".encode())
    gc.collect()
    done = peak()
    return Started(
        declared=declared,
        started=started,
        grown=None if before is None or after is None else after - before,
        first=statistics.median(first),
        second=statistics.median(second),
        grown_after=None if before is None or done is None else done - before,
        digest=digest.hexdigest(),
    )


def _mount(
    stack: str, name: str, routes: int
) -> tuple[list[Any], float, float, int | None, int | None]:
    """Declare the routes and mount them; return what asks each, and the time and memory that this took."""
    from importlib import import_module
    from types import ModuleType

    from django.conf import settings
    from django.urls import include, path, set_urlconf

    from benchmarks.handlers import Handlers
    from benchmarks.stacks import PREFIX

    module, _, kind = STACKS[stack][1].partition(":")
    api = getattr(import_module(module), kind)(urls_namespace=name)
    begun = time.process_time_ns()
    cases = [_declare(api, f"{name}{number}", number % 3) for number in range(routes)]
    declared = time.process_time_ns() - begun
    gc.collect()
    before, begun = reset_peak(), time.process_time_ns()
    urls = api.urls[0]
    started, after = time.process_time_ns() - begun, peak()
    urlconf: Any = ModuleType(f"benchmarks.startup.{name}")
    urlconf.urlpatterns = [path(PREFIX, include(urls))]
    settings.ROOT_URLCONF = urlconf
    set_urlconf(urlconf)
    handlers = Handlers()
    asked = [handlers.prepare(case) for case in cases]
    return asked, declared / 1e9, started / 1e9, before, after


def _declare(api: Any, name: str, kind: int) -> Case:
    """Add one route with four schemas of its own: a list, one object, or a body that is validated and returned."""
    from ninja import Schema

    def schema(kind: str, /, **fields: Any) -> Any:
        return type(f"{kind}{name.title()}", (Schema,), {"__annotations__": fields})

    many: Any = list
    tag = schema("Tag", id=int, name=str)
    author = schema("Author", id=int, name=str, email=str | None)
    new = schema("NewBook", title=str, pages=int, author=author, tags=many[tag])
    book = schema("Book", id=int, **new.__annotations__)

    def list_books(request: Any, limit: int = 10) -> Any:
        return [{"id": number, **_BOOK} for number in range(limit)]

    def read_book(request: Any, book_id: int) -> Any:
        return {"id": book_id, **_BOOK}

    def write_book(request: Any, body: Any) -> Any:
        return {"id": 1, **body.model_dump()}

    write_book.__annotations__["body"] = new

    if kind == 0:
        api.get(f"/{name}", response=many[book])(list_books)
        return Case(title=name, path=name, times=1, query="limit=3")
    if kind == 1:
        api.get(f"/{name}/{{book_id}}", response=book)(read_book)
        return Case(title=name, path=f"{name}/7", times=1)
    api.post(f"/{name}", response=book)(write_book)
    body = json.dumps(_BOOK).encode()
    return Case(title=name, path=name, times=1, method="POST", body=body)


def main() -> None:
    """Measure the stacks in turn, or start one of them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.startup", description=__doc__)
    parser.add_argument("--routes", type=int, default=ROUTES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--stack", choices=list(STACKS), help="start this one here, print JSON")
    options = parser.parse_args()
    if options.stack is not None:
        print(json.dumps(asdict(_start(options.stack, options.routes))))
        return
    print(
        f"{options.routes} routes of nested schemas, CPU and memory, the least of {options.rounds}:\n"
    )
    print(markdown(startup_table(measure_all(options.routes, options.rounds))))


if __name__ == "__main__":
    main()
