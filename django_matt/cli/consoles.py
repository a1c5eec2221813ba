"""Where ``matt`` writes: answers to stdout, faults to stderr, plain when piped."""

from typing import NoReturn

import typer
from rich.console import Console
from rich.text import Text

__all__ = ["err", "fail", "out"]

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def fail(message: str, *hints: str, code: int = 1) -> NoReturn:
    """Leave with one sentence of what is wrong, and a line for each thing that fixes it."""
    # Not wrapped: a command that is broken over two lines cannot be copied.
    err.print(Text.assemble(("matt: ", "bold red"), message), soft_wrap=True)
    for hint in hints:
        err.print(Text(f"    {hint}", style="bold"), soft_wrap=True)
    raise typer.Exit(code)
