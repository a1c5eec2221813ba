"""``docs/benchmarks.md`` and its plots, written from one run."""

import datetime
from pathlib import Path

from benchmarks.cases import CASES
from benchmarks.plots import draw
from benchmarks.results import Results, machine
from benchmarks.stacks import STACKS
from benchmarks.tables import markdown_table, memory_table, targets_table, winners

__all__ = ["write"]

_DOCS = Path(__file__).resolve().parent.parent / "docs"
_NAMES = {"sqlite": "SQLite", "postgres": "PostgreSQL"}

_METHOD = """
Each figure is CPU time (`time.process_time`) of one request through Django's whole handler in one process: no middleware,
no server, no network. `DEBUG` is off, `django.request` logs from WARNING on, every stack stands alone behind the same prefix
with the same routes in the same order. The stacks take turns within each round, the order changes from round to round,
garbage is collected before every sample, and the least of {rounds} rounds counts (of the short cases, four samples a round).
The rounds of all cases are interleaved, so that a busy minute of the machine spoils no case alone. Before anything is measured, all stacks
must answer the same JSON (datetimes compared to the millisecond); otherwise the benchmark refuses.

MattAPI, Ninja and Ninja Extra also carry the routes of their documentation, as they come, ahead of the others.

Only the ratios mean something: time of the stack ÷ time of hand-written Django ("bare"), in the same run. Below 1 is faster than
by hand. *bare* uses `orjson.dumps`, over `values()` for *flat* and *page*, over instances with hand-chosen `select_related` and
`prefetch_related` for *nested*, and checks the types of the six fields of *echo* in plain Python. django-modern-rest builds its
msgspec structs by hand and has its response validation off, which favours it; REST framework has only its JSON
parser and renderer and no authentication. The asynchronous cases leave out Django's signal handlers that close database connections
(another thread, the same for every stack), and REST framework, which has no async views.
"""


def write(measured: list[Results], command: str, rounds: int) -> None:
    """Write the page and one plot a database."""
    today = datetime.datetime.now(tz=datetime.UTC).date()
    first = measured[0]
    versions = ", ".join(f"{name} {number}" for name, number in first.versions.items())
    parts = [
        "# Benchmarks",
        "The same work on MattAPI, its peers and hand-written Django, as ratios of one run; "
        "repeat it with `make bench` (`make bench ARGS=--postgres` for both databases).",
        f"Measured on {today:%d %B %Y} by `{command}` on {machine()}, "
        f"with a load average of {first.load:.1f} from other work; the encoder was "
        f"{'compiled' if first.compiled else 'plain Python'}. {versions}.",
        "| name | stack |\n|---|---|\n"
        + "\n".join(f"| {name} | {title} |" for name, title in STACKS.items()),
        "\n".join(f"- **{name}**: {case.title.partition(': ')[2]}" for name, case in CASES.items()),
    ]
    for results in measured:
        name = _NAMES[results.database]
        image = f"images/bench-{results.database}.svg"
        draw(results, _DOCS / image)
        parts += [
            f"## {name}",
            f"{results.server}. The first column is the time of hand-written Django, the others are multiples of it; the "
            "least of each row is bold.",
            markdown_table(results),
            f"![CPU time of each stack against hand-written Django on {name}, by case: the table above as bars]({image})",
        ]
        if targets := targets_table(results):
            parts += ["What we hold ourselves to, and where we are:", targets]
        if sentences := winners(results):
            parts += ["Where a peer wins:", "\n".join(f"- {sentence}" for sentence in sentences)]
        parts += [f"{STACKS[name]} is left out: {why}." for name, why in results.missing.items()]
    with_memory = [results for results in measured if results.memory]
    if with_memory:
        parts += [
            "## Memory",
            "The peak of what Python allocates (`tracemalloc`) during one request of *flat*; buffers that C and Rust libraries "
            "allocate for themselves are not in it.",
            *(f"{_NAMES[results.database]}:\n\n{memory_table(results)}" for results in with_memory),
        ]
    parts += ["## How it is measured", _METHOD.format(rounds=rounds).strip()]
    (_DOCS / "benchmarks.md").write_text("\n\n".join(parts) + "\n")
