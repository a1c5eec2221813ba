"""The figures as tables of text: the same rows for a terminal and for Markdown."""

from benchmarks.cases import ENCODING, RAW
from benchmarks.results import CPU, WALL, Results, Served
from benchmarks.stacks import STACKS

__all__ = [
    "Table",
    "driver_table",
    "encoding_table",
    "markdown",
    "print_results",
    "print_table",
    "ratios_table",
    "served_table",
    "stream_table",
    "time_text",
]

_NONE = "-"
Table = list[list[str]]
"""Rows of cells, the first of them the header."""


def time_text(seconds: float) -> str:
    """Write seconds, milliseconds or microseconds, whichever reads best."""
    if seconds < 0.001:
        return f"{seconds * 1e6:,.0f} µs"
    return f"{seconds * 1e3:,.1f} ms" if seconds < 1 else f"{seconds:,.1f} s"


def markdown(table: Table) -> str:
    """Write a table as Markdown, numbers to the right."""
    header, *rows = table
    lines = [header, ["---", *["--:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def ratios_table(results: Results, clock: int, *, mark: bool = True) -> Table:
    """Return each stack's time of each case against hand-written Django's, the least of each row marked as bold."""
    names = [
        name for name in STACKS if any(name in results.stacks(case) for case in results.cases())
    ]
    table = [["case", *names]]
    for case in results.cases():
        ratios = results.ratios(case, clock)
        least = min(f"{ratio:.2f}" for ratio in ratios.values())
        cells = [time_text(results.best[case]["bare"][clock])]
        for name in names[1:]:
            cell = f"{ratios[name]:.2f}" if name in ratios else _NONE
            cells.append(f"**{cell}**" if mark and cell == least else cell)
        table.append([case, *cells])
    return table


def driver_table(results: Results) -> Table:
    """Return what the driver alone needs of wall time, and how many times that the stacks need."""
    table = [["case", "driver alone", "MattAPI", "by hand", "Ninja Extra"]]
    for case in results.cases():
        best = results.best[case]
        if "driver" in best:
            alone = best["driver"][WALL]
            others = [best[name][WALL] / alone for name in ("matt", "bare", "extra")]
            table.append([case, time_text(alone), *(f"{ratio:.1f}" for ratio in others)])
    return table


def encoding_table(results: Results, key: str, titles: dict[str, str]) -> Table:
    """Return an encoder's CPU time beside other ways to make the same JSON."""
    best = results.best[key]
    table = [["way", "CPU", "/ MattAPI"]]
    for name, title in titles.items():
        ratio = best[name][CPU] / best["matt"][CPU]
        table.append([title, time_text(best[name][CPU]), f"{ratio:.2f}"])
    return table


def stream_table(results: Results) -> Table:
    """Return time and memory of the one long answer, by stack."""
    table = [["stack", "wall", "/ bare", "CPU / bare", "first byte after", "grows by"]]
    bare = results.streamed["bare"]
    for name, made in results.streamed.items():
        grown = _NONE if made.grown is None else f"{made.grown / 2**20:,.0f} MiB"
        ratios = [f"{made.wall / bare.wall:.2f}", f"{made.cpu / bare.cpu:.2f}"]
        table.append([name, time_text(made.wall), *ratios, time_text(made.first), grown])
    return table


def served_table(served: Served) -> Table:
    """Return throughput, and latency and memory at the same rate, by stack and case."""
    table = [
        ["case", "stack", "answers/s", "/ bare", "p50", "p99", "at", "p50", "p99", "worker holds"]
    ]
    for case, most in served.most.items():
        for name, load in most.items():
            steady, memory = served.steady[case][name], served.memory[name]
            table.append(
                [
                    case,
                    name,
                    f"{load.rate:,.0f}",
                    f"{load.rate / most['bare'].rate:.2f}",
                    time_text(load.p50),
                    time_text(load.p99),
                    f"{served.rates[case]:,.0f}/s",
                    time_text(steady.p50),
                    time_text(steady.p99),
                    _NONE if memory is None else f"{memory / 2**20:,.0f} MiB",
                ]
            )
    return table


def print_results(results: Results) -> None:
    """Print all tables: with rich in a terminal, as plain columns where piped."""
    tables: dict[str, Table] = {}
    if results.cases():
        tables["wall time / bare"] = ratios_table(results, WALL, mark=False)
        tables["CPU time / bare"] = ratios_table(results, CPU, mark=False)
    if len(drivers := driver_table(results)) > 1:
        tables["what the driver alone needs"] = drivers
    if "encoding" in results.best:
        tables["200 instances as JSON"] = encoding_table(results, "encoding", ENCODING)
    if "raw" in results.best:
        tables["1,000 raw rows as JSON"] = encoding_table(results, "raw", RAW)
    if results.streamed:
        tables[f"{results.entries:,} rows in one answer"] = stream_table(results)
    for interface, served in results.served.items():
        tables[f"behind granian, {interface}"] = served_table(served)
    for title, table in tables.items():
        print_table(f"{results.server}: {title}", table)
    for name, why in results.missing.items():
        print(f"{STACKS[name].title} is left out: {why}")


def print_table(title: str, table: Table) -> None:
    """Print one table: with rich in a terminal, as plain columns where piped."""
    try:
        from rich.console import Console
        from rich.table import Table as RichTable
    except ImportError:
        console = None
    else:
        console = Console()
    header, *rows = table
    if console is None or not console.is_terminal:
        print(title)
        widths = [max(len(row[n]) for row in table) for n in range(len(header))]
        for row in table:
            print("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))
        return
    shown = RichTable(title=title)
    for n, name in enumerate(header):
        shown.add_column(name, justify="right" if n else "left")
    for row in rows:
        shown.add_row(*row)
    console.print(shown)
