"""Progress in the terminal: bars by rich where it is installed, a line a step when piped."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

__all__ = ["Advance", "show_progress"]


class Advance(Protocol):
    """Call it once for every row done."""

    def __call__(self) -> None: ...


class Progress(Protocol):
    """Begin a step of ``total`` rows."""

    def __call__(self, label: str, total: int) -> Advance: ...


@contextmanager
def show_progress(out: TextIO) -> Iterator[Progress]:
    """Yield a function that begins a step; ``out`` decides between bars and lines.

    >>> import sys
    >>> with show_progress(sys.stdout) as begin:
    ...     advance = begin("products", 2)
    products: 2
    """
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bars
    except ImportError:
        bars = None
    else:
        console = Console(file=out)
        columns = [
            TextColumn("{task.description:>12}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        ]
        bars = Bars(*columns, console=console) if console.is_terminal else None
    if bars is None:

        def begin_line(label: str, total: int) -> Advance:
            out.write(f"{label}: {total}\n")
            out.flush()
            return lambda: None

        yield begin_line
        return
    with bars:

        def begin_bar(label: str, total: int) -> Advance:
            task = bars.add_task(label, total=total)
            return lambda: bars.advance(task)

        yield begin_bar
