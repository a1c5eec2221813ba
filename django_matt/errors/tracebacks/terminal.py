"""An unexpected error as a panel in the developer's terminal; needs rich (the extra ``terminal``), else nothing."""

import sys
from typing import Any

from django_matt.errors.tracebacks.frames import Frame, Trace
from django_matt.errors.tracebacks.safe_repr import printable

__all__ = ["show_in_terminal"]


def show_in_terminal(shown: dict[str, Any]) -> bool:
    """Print what ``explain`` found on a stderr that is a terminal; say whether it was printed."""
    try:
        if not sys.stderr.isatty():
            return False
        from rich.console import Console, Group
        from rich.panel import Panel
        from rich.text import Text
    except (ImportError, AttributeError, ValueError):
        return False
    trace: Trace = shown["traceback"]
    parts: list[Any] = []
    for link in _causes(trace):
        if link is not trace:
            parts.append(Text(f"\n{link['relation']}", style="dim"))
        parts.append(Text(f"{link['type']}: {link['message'][:1_000]}", style="bold red"))
        parts += [Text(f"  {note}", style="red") for note in link["notes"]]
        parts += [_frame(frame) for frame in _worth_showing(link)]
    if shown["hint"]:
        parts += [Text(""), Text(f"Hint: {shown['hint']}", style="bold yellow")]
    request = shown["request"]
    title = Text(printable(f" {request['method']} {request['path']} "), style="bold")
    panel = Panel(
        Group(*parts),
        title=title,
        title_align="left",
        subtitle=f" {shown['status']} · {shown['request_id']} ",
        subtitle_align="right",
        border_style="red",
    )
    try:
        Console(stderr=True).print(panel)
    except (OSError, ValueError):
        return False
    return True


def _causes(trace: Trace) -> list[Trace]:
    links = [trace]
    while (cause := links[-1]["cause"]) is not None:
        links.append(cause)
    return links


def _worth_showing(trace: Trace) -> list[Frame]:
    """Return the project's own frames, and the last one wherever it is."""
    frames = trace["frames"]
    return [frame for frame in frames if frame["yours"] or frame is frames[-1]][-12:]


def _frame(frame: Frame) -> Any:
    from rich.text import Text

    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(
        f"  {frame['name']}:{frame['line']}",
        style=f"cyan link {frame['editor']}" if frame["editor"] else "cyan",
    )
    text.append(f" in {frame['function']}", style="dim")
    for line in frame["source"]:
        if frame["yours"] and abs(line["number"] - frame["line"]) <= 2:
            mark = "❱" if line["current"] else " "
            style = "bold" if line["current"] else "dim"
            text.append(f"\n  {mark} {line['number']:>4} │ {line['text']}", style=style)
    return text
