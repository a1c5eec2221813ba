"""The figures as tables: plain or coloured in a terminal, Markdown in the documentation."""

from benchmarks.cases import CASES
from benchmarks.results import Results
from benchmarks.stacks import STACKS

__all__ = ["markdown_table", "memory_table", "print_results", "targets_table", "winners"]

_NONE = "-"


def _stacks(results: Results) -> list[str]:
    return [name for name in STACKS if any(name in best for best in results.best.values())]


def _rows(results: Results) -> list[list[str]]:
    names = _stacks(results)
    rows = []
    for case, best in results.best.items():
        ratios = results.ratios(case)
        cells = [
            f"{ratios[name]:.2f}" if name in ratios else _NONE for name in names if name != "bare"
        ]
        rows.append([case, _time(best["bare"]), *cells])
    return rows


def _time(seconds: float) -> str:
    return f"{seconds * 1e6:,.0f} µs" if seconds < 0.001 else f"{seconds * 1e3:,.1f} ms"


def markdown_table(results: Results) -> str:
    """Return the ratios as a Markdown table, the best of each row in bold."""
    names = [name for name in _stacks(results) if name != "bare"]
    lines = [
        "| case | bare | " + " | ".join(names) + " |",
        "|---|--:|" + "--:|" * len(names),
    ]
    for row in _rows(results):
        cells = row[2:]
        least = min((float(cell) for cell in cells if cell != _NONE), default=0.0)
        bold = [f"**{cell}**" if cell != _NONE and float(cell) == least else cell for cell in cells]
        lines.append(f"| {row[0]} | {row[1]} | " + " | ".join(bold) + " |")
    return "\n".join(lines)


def memory_table(results: Results) -> str:
    """Return the memory of the case *flat* as a Markdown table."""
    bare = results.memory["bare"]
    lines = ["| stack | peak | ratio |", "|---|--:|--:|"]
    for name, size in results.memory.items():
        lines.append(f"| {name} | {size / 1e6:.1f} MB | {size / bare:.2f} |")
    return "\n".join(lines)


def targets_table(results: Results) -> str:
    """Return what the cases with a target may need and do need, as a Markdown table; empty without such a case."""
    lines = ["| case | at most | functions | controller | |", "|---|--:|--:|--:|---|"]
    for name in results.best:
        target, ratios = CASES[name].target, results.ratios(name)
        if target is not None:
            ours = [ratios["matt"], ratios["matt-controller"]]
            verdict = "met" if max(ours) <= target else "missed"
            lines.append(f"| {name} | {target:.2f} | {ours[0]:.2f} | {ours[1]:.2f} | {verdict} |")
    return "\n".join(lines) if len(lines) > 2 else ""


def winners(results: Results) -> list[str]:
    """Return a sentence for every case where a peer needs less than the better of MattAPI's two ways."""
    sentences = []
    for case in results.best:
        ratios = results.ratios(case)
        ours = min(
            (ratios[name] for name in ("matt", "matt-controller") if name in ratios), default=0.0
        )
        ahead = {
            name: ratio
            for name, ratio in ratios.items()
            if name != "bare" and not name.startswith("matt") and ratio < ours
        }
        if ahead:
            said = ", ".join(
                f"{STACKS[name]} ({ratio:.2f})"
                for name, ratio in sorted(ahead.items(), key=lambda item: item[1])
            )
            sentences.append(
                f"{CASES[case].title}: ahead of MattAPI ({ours:.2f}) {'is' if len(ahead) == 1 else 'are'} {said}."
            )
    return sentences


def print_results(results: Results) -> None:
    """Print the ratios: with rich in a terminal, as plain columns where piped."""
    header = ["case", "bare", *(name for name in _stacks(results) if name != "bare")]
    rows = _rows(results)
    title = f"{results.server}: CPU time against hand-written Django (bare)"
    try:
        from rich.console import Console
        from rich.table import Table
    except ImportError:
        console = None
    else:
        console = Console()
    if console is None or not console.is_terminal:
        print(title)
        widths = [max(len(row[n]) for row in [header, *rows]) for n in range(len(header))]
        for row in [header, *rows]:
            print("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))
    else:
        table = Table(title=title)
        for n, name in enumerate(header):
            table.add_column(name, justify="right" if n else "left")
        for row in rows:
            table.add_row(*row)
        console.print(table)
    if results.memory:
        peaks = ", ".join(f"{name} {size / 1e6:.1f}" for name, size in results.memory.items())
        print(f"Peak of Python's allocations during flat, MB: {peaks}")
    for name, why in results.missing.items():
        print(f"{STACKS[name]} is left out: {why}")
