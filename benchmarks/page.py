"""``docs/benchmarks.md`` and its plots, written from one run."""

import datetime
import os
from pathlib import Path

from benchmarks.cases import CASES, ENCODING, RAW
from benchmarks.load import CLIENTS, MISSING, generator
from benchmarks.plots import Chart, draw
from benchmarks.prices import CASES as REQUESTS
from benchmarks.prices import STREAMS, Prices, requests_table, streams_table
from benchmarks.results import CPU, WALL, Results, machine
from benchmarks.serving import SHARE, Serving
from benchmarks.stacks import STACKS
from benchmarks.startup import ROUTES, startup_table
from benchmarks.summary import summary
from benchmarks.tables import (
    driver_table,
    encoding_table,
    markdown,
    ratios_table,
    served_table,
    stream_table,
)
from benchmarks.verdicts import (
    price_winners,
    prices_targets,
    start_targets,
    targets_table,
    winners,
)
from benchmarks.whole import NAMES, Whole

__all__ = ["compose", "write"]

_DOCS = Path(__file__).resolve().parent.parent / "docs"

_BUSY = (
    "**Other work kept the machine busy during this run.** You can rely on the CPU times, but not on wall times and on what was measured "
    "behind a server."
)

_TARGETS = "Our targets, and whether they are met:"

_METHOD = """
Compare figures of one run only: another machine is faster or slower, and this one is shared. All ratios are against *bare*,
hand-written Django. Before a case is measured, all stacks must answer it with the same status and the same JSON (datetimes are
compared to the millisecond) and insert the same rows. Otherwise the benchmark refuses to run.

**In process.** One request through Django's whole handler in one process, without middleware, server and network. `DEBUG` is off,
`django.request` logs from WARNING on, and every stack is alone behind the same prefix with the same routes in the same order. The
stacks take turns within each round, in a new order each time, garbage is collected before every sample, and the least of
all rounds counts (a round has four samples of a short case), separately for CPU time (`time.process_time`) and wall time
(`time.perf_counter`). CPU time is that of this process alone. Wall time includes the wait for PostgreSQL. The rounds of all
cases are interleaved, so a busy minute of the machine spoils no case alone.

**Async.** The same through Django's ASGI handler, which gives every request a thread and a connection of its own: PostgreSQL's connections come
from psycopg's pool, SQLite's are opened anew, for every stack alike. *hello-async* and *view-async* need no database and leave
out Django's signal handlers that close connections in that thread.

**The stream.** Each stack and answer has a process of its own, which takes the parts of the answer as a server would and drops them. Memory is
the peak of the process's resident memory during the answer, less what it held before.

**Behind granian.** One worker on 127.0.0.1 (one thread for WSGI), one stack after the other. For the throughput, h2load keeps {clients} connections busy,
and the best of {turns} turns counts. For latency and memory, up to {clients} clients then send {share:.0%} of what the slowest stack answered, the same rate to
every stack. The load generator and PostgreSQL share the machine with the worker.

```text
granian --interface wsgi --workers 1 --blocking-threads 1 --no-ws benchmarks.application:application
granian --interface asgi --workers 1 --no-ws benchmarks.application:application
h2load --h1 -t 1 -c {clients} -D {duration}ms --warm-up-time=500ms --log-file=…
h2load --h1 -t 1 -c 1 --rps=(rate/{clients}) -D {duration}ms --warm-up-time=500ms --log-file=…
```

**Sync and async.** The CPU time of the whole server process, with all its threads, for {hello:,} or {hundred:,} requests from {clients} connections, divided by
their number. The servers take turns, and the least of all rounds counts. django-bolt needs Python 3.12: `make bench` looks for
one, installs django-bolt beside it, and then runs all these servers with that Python.

**Start-up.** Each sample is a process of its own that declares the same schemas and functions, asks for the URLs as Django does, and sends each
route its first and its second request. Declaring is the work of pydantic and Ninja in every stack.

**Fairness.** *bare* uses `orjson.dumps`: over `values()` for *flat* and *page*, over instances with hand-chosen joins and prefetches for
*nested* and *deep*, over a server-side cursor in chunks of 1,000 for *stream*. It checks the types of what is posted in plain Python. Django Ninja,
Ninja Extra and REST framework get the same joins and prefetches, chosen by hand. MattAPI's routes return plain querysets and
insert a list by `django_matt.contrib.crud`, which would also name each row that is refused. *extra-plain* is the same code with `NinjaExtraAPI` instead of `MattAPI`.
REST framework inserts a list by one `bulk_create` of its own `ListSerializer`, and has only its JSON parser and renderer and no authentication.
django-modern-rest builds its msgspec structs by hand and has its response validation off, which favours it. MattAPI, Ninja and Ninja Extra also
have the routes of their documentation, ahead of the others. MattAPI finds a path without parameters by one look-up. For all other stacks Django
tries one pattern after the other, so the cases at the end of the list, the async ones, cost them a few microseconds more.

**The driver alone** fetches the rows of a case by SQL written by hand on a connection of its own, without Django, and does not convert their
values: it takes SQLite's as they are stored, PostgreSQL's as text.
"""


def write(whole: Whole, command: str, serving: Serving) -> None:
    """Write the page and its plots."""
    for results in whole.databases:
        if results.cases():
            draw(_case_charts(results), _DOCS / _image(results))
        if results.served:
            draw(_served_charts(results), _DOCS / _image(results, "served-"))
    (_DOCS / "benchmarks.md").write_text(compose(whole, command, serving))


def compose(whole: Whole, command: str, serving: Serving) -> str:
    """Return the page's text."""
    today = datetime.datetime.now(tz=datetime.UTC).date()
    first = whole.databases[0]
    versions = ", ".join(f"{name} {number}" for name, number in first.versions.items())
    busy = first.load > (os.cpu_count() or 1)
    method = _METHOD.format(
        clients=CLIENTS,
        turns=serving.rounds,
        duration=round(serving.seconds * 1000),
        share=SHARE,
        hello=REQUESTS["hello"],
        hundred=REQUESTS["hundred"],
    )
    parts = [
        "# Benchmarks",
        "The same endpoints are written with MattAPI, with its peers and by hand with Django, and measured beside each other in one run.",
        "\n".join(f"- {line}" for line in summary(whole)),
        "The sections below have every figure for each database, then async views and start-up. Each names the targets that are missed "
        "and the figures in which a peer or hand-written Django wins.",
        "## This run",
        f"Measured on {today:%d %B %Y} by `{command}` on {machine()}, "
        f"with a load average of {first.load:.1f} from other work; the encoder was "
        f"{'compiled' if first.compiled else 'plain Python'}. {versions}, {generator()}.",
        *([_BUSY] if busy else []),
        "`make bench` repeats it on SQLite, `make bench ARGS=--postgres` on PostgreSQL as well, and `make bench ARGS=--quick` measures the "
        "most important cases in two minutes. What is measured behind a server needs h2load (`nghttp2-client` on Debian and Ubuntu, "
        "`nghttp2` on Fedora and Homebrew). Without it the rest is measured.",
        "| name | stack |\n|---|---|\n"
        + "\n".join(f"| {name} | {stack.title} |" for name, stack in STACKS.items()),
        "\n".join(f"- **{name}**: {case.title}" for name, case in CASES.items()),
        *(part for results in whole.databases for part in _database(results)),
        *_prices(whole.prices),
        *_started(whole),
        "## How it is measured",
        method.strip(),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _image(results: Results, kind: str = "") -> str:
    return f"images/bench-{kind}{results.database}.svg"


def _prices(prices: Prices | None) -> list[str]:
    if prices is None:
        return []
    versions = {
        name: prices.versions[name] for name in ("python", "django") if name in prices.versions
    }
    parts = [
        "## Sync and async behind a server",
        "The CPU time of the whole server for a request to MattAPI, with one worker. *hello* is a constant and *hundred* a list of 100 rows of "
        "12 columns; `async/` marks the same by an async view. *Our ASGI* is `django_matt.asgi`. Measured with "
        + ", ".join(f"{name} {number}" for name, number in versions.items())
        + f" and a load average of {prices.load:.1f} from other work.",
    ]
    for database, ways in prices.requests.items():
        parts += [f"On {NAMES[database]}:", markdown(requests_table(ways))]
    if not any("django-bolt" in ways for ways in prices.requests.values()):
        parts.append("django-bolt is left out: it needs Python 3.12 or newer.")
    if prices.streams:
        parts += [
            f"{STREAMS:,} streams of server-sent events that are open and idle, each after one query:",
            markdown(streams_table(prices.streams)),
        ]
    parts += [_TARGETS, markdown(prices_targets(prices))]
    if lines := price_winners(prices):
        parts += ["Where django-bolt wins:", "\n".join(f"- {line}" for line in lines)]
    return parts


def _started(whole: Whole) -> list[str]:
    if not whole.started:
        return []
    return [
        "## Start-up",
        f"{ROUTES} routes with nested schemas, four for each route: CPU time and memory of starting, and CPU time of a route's first and "
        "second answer.",
        markdown(startup_table(whole.started)),
        _TARGETS,
        markdown(start_targets(whole.started["matt"])),
    ]


def _database(results: Results) -> list[str]:
    name = NAMES[results.database]
    rounds = f", {results.rounds} rounds in process" if results.rounds else ""
    parts = [f"## {name}", f"{results.server}{rounds}."]
    if results.cases():
        parts += [
            "Wall time. The first column is that of hand-written Django; the others are multiples of it, the least of each row in bold.",
            markdown(ratios_table(results, WALL)),
            f"![Wall time of each stack against hand-written Django on {name}, by case: the table above as bars]({_image(results)})",
            "CPU time of the same requests:",
            markdown(ratios_table(results, CPU)),
        ]
    if len(drivers := driver_table(results)) > 1:
        parts += [
            "The driver alone: the wall time of fetching the same rows without Django and without JSON, and how many times as long a whole "
            "request takes.",
            markdown(drivers),
        ]
    if "encoding" in results.best:
        parts += [
            "The encoder alone: 200 model instances of 12 columns to JSON, without a query and a request.",
            markdown(encoding_table(results, "encoding", ENCODING)),
        ]
    if "raw" in results.best:
        parts += [
            "The row writer alone: 1,000 rows of 12 columns, as the driver returned them, to JSON.",
            markdown(encoding_table(results, "raw", RAW)),
        ]
    if results.streamed:
        parts += [
            f"*stream*: {results.entries:,} rows in one answer.",
            markdown(stream_table(results)),
        ]
    parts += _served(results, name)
    if len(targets := targets_table(results)) > 1:
        parts += [_TARGETS, markdown(targets)]
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
    parts = []
    for interface, served in results.served.items():
        parts += [
            f"Behind granian, {interface.upper()}: answers per second with their latency, then the latency at the same rate for all stacks, and "
            "the memory of the worker after that.",
            markdown(served_table(served)),
        ]
    parts.append(
        f"![Answers per second of each stack against hand-written Django on {name}, by case; longer is faster]({_image(results, 'served-')})"
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
