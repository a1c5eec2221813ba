"""``docs/benchmarks.md`` and its plots, written from one run."""

import datetime
import os
from pathlib import Path

from benchmarks.cases import CASES, ENCODING, RAW
from benchmarks.load import CLIENTS, MISSING, generator
from benchmarks.plots import Chart, draw
from benchmarks.results import CPU, WALL, Results, machine
from benchmarks.serving import SHARE, Serving
from benchmarks.stacks import STACKS
from benchmarks.tables import (
    driver_table,
    encoding_table,
    markdown,
    ratios_table,
    served_table,
    stream_table,
)
from benchmarks.verdicts import targets_table, winners

__all__ = ["write"]

_DOCS = Path(__file__).resolve().parent.parent / "docs"
_NAMES = {"sqlite": "SQLite", "postgres": "PostgreSQL"}

_BUSY = (
    "**Other work kept the machine busy during this run.** CPU times hold; wall times, and what was measured behind a server, "
    "say little: repeat it on a quiet machine."
)

_METHOD = """
Only ratios within one run mean something: the machine is shared, another is faster or slower. *bare*, hand-written Django, is what
they are against. Before a case is measured, all stacks must answer it with the same status and the same JSON (datetimes
compared to the millisecond), and insert the same rows; otherwise the benchmark refuses.

**In process.** One request through Django's whole handler in one process: no middleware, no server, no network. `DEBUG` is off,
`django.request` logs from WARNING on, every stack stands alone behind the same prefix with the same routes in the same order. The
stacks take turns within each round, in an order drawn anew for each, garbage is collected before every sample, and the least of
all rounds counts (of the short cases, four samples a round), of CPU time (`time.process_time`) and of wall time
(`time.perf_counter`) each. CPU time is this process's alone; wall time also holds the wait for PostgreSQL. The rounds of all
cases are interleaved, so that a busy minute of the machine spoils no case alone.

**Async.** The same through the ASGI handler. Django gives every such request a thread of its own, and so a connection: PostgreSQL's come
from psycopg's pool, SQLite's are opened anew, for every stack alike. *hello-async* and *view-async*, which need no database, leave
out Django's signal handlers that close connections in that thread.

**The stream.** One process a stack and answer, whose parts are taken as a server would take them, and let go. Memory is the resident
memory of the process: its peak during the answer less what it held before.

**Behind granian.** One worker on 127.0.0.1 (WSGI: one thread), a stack after the other. h2load keeps {clients} connections busy for the throughput,
the best of {turns} turns each; then up to {clients} clients, begun apart, send {share:.0%} of what the slowest stack answered, the same to every stack, and the latency and
memory are of that. The load generator and PostgreSQL share the machine with the worker.

```text
granian --interface wsgi --workers 1 --blocking-threads 1 --no-ws benchmarks.application:application
granian --interface asgi --workers 1 --no-ws benchmarks.application:application
h2load --h1 -t 1 -c {clients} -D {duration}ms --warm-up-time=500ms --log-file=…
h2load --h1 -t 1 -c 1 --rps=(rate/{clients}) -D {duration}ms --warm-up-time=500ms --log-file=…
```

**Fairness.** *bare* uses `orjson.dumps`: over `values()` for *flat* and *page*, over instances with hand-chosen joins and prefetches for
*nested* and *deep*, over a server-side cursor in chunks of 1,000 for *stream*, and checks the types of what is posted in plain Python. Django Ninja,
Ninja Extra and REST framework get the same joins and prefetches, chosen by hand; MattAPI's routes return plain querysets and
leave that to it, and insert a list by `django_matt.contrib.crud`, which would also name each row that is refused; *extra-plain* is that same code with `NinjaExtraAPI` in the place of `MattAPI`. REST framework inserts a list by
one `bulk_create` of its own `ListSerializer`, and has only its JSON parser and renderer and no authentication. django-modern-rest
builds its msgspec structs by hand and has its response validation off, which favours it. MattAPI, Ninja and Ninja Extra also carry the routes of
their documentation, ahead of the others. MattAPI finds a path without parameters by one look-up; for all other stacks Django
tries one pattern after the other, so that the cases at the end of the list, the async ones, cost them a few microseconds more.

**The driver alone** fetches the rows of a case by SQL written by hand on a connection of its own, without Django, and makes nothing of
their values: SQLite's as they are stored, PostgreSQL's as text.
"""


def write(measured: list[Results], command: str, serving: Serving) -> None:
    """Write the page and its plots."""
    today = datetime.datetime.now(tz=datetime.UTC).date()
    first = measured[0]
    versions = ", ".join(f"{name} {number}" for name, number in first.versions.items())
    busy = first.load > (os.cpu_count() or 1)
    method = _METHOD.format(
        clients=CLIENTS, turns=serving.rounds, duration=round(serving.seconds * 1000), share=SHARE
    )
    parts = [
        "# Benchmarks",
        "The same work on MattAPI, its peers and hand-written Django, in process and behind a server, each figure a ratio of one run. "
        "`make bench` repeats it on SQLite, `make bench ARGS=--postgres` on PostgreSQL too, `make bench ARGS=--quick` in two minutes. "
        "What is measured behind a server needs h2load (`nghttp2-client` of Debian and Ubuntu, `nghttp2` of Fedora and Homebrew); "
        "without it the rest is measured.",
        f"Measured on {today:%d %B %Y} by `{command}` on {machine()}, "
        f"with a load average of {first.load:.1f} from other work; the encoder was "
        f"{'compiled' if first.compiled else 'plain Python'}. {versions}, {generator()}.",
        *([_BUSY] if busy else []),
        "| name | stack |\n|---|---|\n"
        + "\n".join(f"| {name} | {stack.title} |" for name, stack in STACKS.items()),
        "\n".join(f"- **{name}**: {case.title}" for name, case in CASES.items()),
        *(part for results in measured for part in _database(results)),
        "## How it is measured",
        method.strip(),
    ]
    (_DOCS / "benchmarks.md").write_text("\n\n".join(parts) + "\n")


def _database(results: Results) -> list[str]:
    name = _NAMES[results.database]
    rounds = f", {results.rounds} rounds in process" if results.rounds else ""
    parts = [f"## {name}", f"{results.server}{rounds}."]
    if results.cases():
        image = f"images/bench-{results.database}.svg"
        draw(_case_charts(results), _DOCS / image)
        parts += [
            "Wall time: of hand-written Django in the first column, of the others as multiples of it; the least of each row is bold.",
            markdown(ratios_table(results, WALL)),
            f"![Wall time of each stack against hand-written Django on {name}, by case: the table above as bars]({image})",
            "CPU time of the same requests:",
            markdown(ratios_table(results, CPU)),
        ]
    if len(drivers := driver_table(results)) > 1:
        parts += [
            "How far from the driver: wall time of fetching the same rows without Django and without JSON, and how many times that a "
            "whole request takes.",
            markdown(drivers),
        ]
    if "encoding" in results.best:
        parts += [
            "The encoder alone: 200 model instances of 12 columns as JSON, without query and request.",
            markdown(encoding_table(results, "encoding", ENCODING)),
        ]
    if "raw" in results.best:
        parts += [
            "The row writer alone: 1,000 rows of 12 columns, as the driver gave them, as JSON.",
            markdown(encoding_table(results, "raw", RAW)),
        ]
    if results.streamed:
        parts += [
            f"*stream*: {results.entries:,} rows in one answer.",
            markdown(stream_table(results)),
        ]
    parts += _served(results, name)
    if len(targets := targets_table(results)) > 1:
        parts += ["What we hold ourselves to, and where we are:", markdown(targets)]
    if lines := winners(results):
        parts += [
            "Where a peer or hand-written Django wins:",
            "\n".join(f"- {line}" for line in lines),
        ]
    parts += [f"{STACKS[name].title} is left out: {why}." for name, why in results.missing.items()]
    return parts


def _served(results: Results, name: str) -> list[str]:
    if not results.served:
        return [f"Behind a server nothing was measured: {MISSING}."]
    image = f"images/bench-served-{results.database}.svg"
    draw(_served_charts(results), _DOCS / image)
    parts = []
    for interface, served in results.served.items():
        parts += [
            f"Behind granian, {interface.upper()}: answers a second with their latency, then latency at the same rate for all, and the memory "
            "of the worker after it.",
            markdown(served_table(served)),
        ]
    parts.append(
        f"![Answers a second of each stack against hand-written Django on {name}, by case; longer is faster]({image})"
    )
    return parts


def _case_charts(results: Results) -> list[Chart]:
    charts = []
    for case in results.cases():
        ratios = results.ratios(case, WALL)
        del ratios["bare"]
        charts.append(Chart(title=case, values=ratios, longest=7, dashed=1))
    return charts


def _served_charts(results: Results) -> list[Chart]:
    charts = []
    for interface, served in results.served.items():
        for case, most in served.most.items():
            ratios = {name: load.rate / most["bare"].rate for name, load in most.items()}
            del ratios["bare"]
            charts.append(Chart(title=f"{case}, {interface}", values=ratios, longest=7, dashed=1))
    if any(made.grown is not None for made in results.streamed.values()):
        grown = {name: (made.grown or 0) / 2**20 for name, made in results.streamed.items()}
        charts.append(
            Chart(title="stream: memory, MiB", values=grown, longest=10_000, form="{:.0f}")
        )
    return charts
