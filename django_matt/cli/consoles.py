"""The consoles of ``matt``: results go to stdout, errors to stderr, both without colours in a pipe."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer
from rich.console import Console
from rich.text import Text

__all__ = ["err", "fail", "interruptible", "out"]

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def fail(message: str, *hints: str, code: int = 1) -> NoReturn:
    """Exit with a sentence that says what is wrong, and one line for each command that fixes it."""
    # Not wrapped, because a command on two lines cannot be copied.
    err.print(Text.assemble(("matt: ", "bold red"), message), soft_wrap=True)
    for hint in hints:
        err.print(Text(f"    {hint}", style="bold"), soft_wrap=True)
    raise typer.Exit(code)


@contextmanager
def interruptible() -> Iterator[None]:
    """End the command with one line and exit code 130 after Ctrl-C."""
    try:
        yield
    except KeyboardInterrupt:
        # The terminal has shown ^C without a line break.
        err.print()
        fail("interrupted.", code=130)
