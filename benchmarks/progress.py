"""How far a long run is: a bar in a terminal, a line every tenth where piped."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

__all__ = ["Tell", "progress"]


class Tell(Protocol):
    """What reports how far a run is."""

    def __call__(self, done: int, step: str) -> None:
        """Report that ``done`` steps are over, the last of them named."""


@contextmanager
def progress(title: str, total: int) -> Iterator[Tell]:
    """Show how many of ``total`` steps are over."""
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ImportError:
        console: Any = None
    else:
        console = Console(stderr=True)
    if console is not None and console.is_terminal:
        with Progress(console=console, transient=True) as bar:
            task = bar.add_task(title, total=total)
            yield lambda done, step: bar.update(
                task, completed=done, description=f"{title}: {step}"
            )
        return
    seen: set[int] = set()

    def tell(done: int, step: str) -> None:
        tenth = 10 * done // total
        if tenth not in seen:
            seen.add(tenth)
            print(f"{title}: {10 * tenth} %", file=sys.stderr, flush=True)

    yield tell
