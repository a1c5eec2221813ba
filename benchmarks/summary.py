"""A run in a few sentences: what most readers of the page want to know."""

from collections.abc import Callable, Iterator

from benchmarks.prices import Prices
from benchmarks.results import CPU, WALL, Results
from benchmarks.startup import ROUTES, Started
from benchmarks.tables import time_text
from benchmarks.whole import NAMES, Whole

__all__ = ["summary"]


def summary(whole: Whole) -> list[str]:
    """Return a sentence for each part that was measured."""
    lines = [*_rounds(whole.databases)]
    if whole.prices is not None:
        lines += _prices(whole.prices)
    if whole.started:
        lines.append(_start(whole.started))
    return lines


def _rounds(databases: list[Results]) -> Iterator[str]:
    def each(case: str, tell: Callable[[Results], str]) -> str:
        told = [
            f"{tell(results)} ({NAMES[results.database]})"
            for results in databases
            if case in results.best
        ]
        return " and ".join(told)

    def ours(case: str, clock: int = WALL) -> str:
        return each(case, lambda results: f"{results.ratios(case, clock)['matt']:.2f}")

    def extra(case: str, name: str = "extra") -> str:
        return each(case, lambda results: f"{_times(results.best[case], name, 'matt', WALL):.1f}")

    cases = databases[0].best if databases else {}
    if "flat" in cases:
        yield (
            f"**1,000 rows of 12 columns** take {ours('flat')} of the time that hand-written Django with orjson takes. "
            f"Ninja Extra takes {extra('flat')} times as long as MattAPI."
        )
    if "nested" in cases:
        yield (
            f"**100 rows with a foreign key and a many-to-many** take {ours('nested')} of the time of hand-written Django with joins and "
            f"prefetches. Ninja Extra takes {extra('nested')} times as long as MattAPI with the same joins and prefetches, and "
            f"{extra('nested', 'extra-plain')} times without them. With MattAPI you write none."
        )
    if "one" in cases:
        yield (
            f"**One row by its key**, another key for each request, takes {ours('one')} of the time of hand-written Django."
        )
    if "hello" in cases:
        controller = each(
            "hello", lambda results: f"{results.ratios('hello', CPU)['extra-controller']:.1f}"
        )
        yield (
            f"**A constant** takes {ours('hello', CPU)} times the CPU of a bare Django view. A controller of Ninja Extra takes {controller} "
            "times."
        )


def _prices(prices: Prices) -> Iterator[str]:
    base, ours, django = "granian, WSGI", "granian, our ASGI", "granian, Django's ASGI"
    ratios = [prices.ratio("sqlite", case, ours, base) for case in ("hello", "hundred")]
    more = [prices.ratio("sqlite", case, django, ours) for case in ("hello", "hundred")]
    yield (
        f"**An async view** behind granian takes {ratios[0]:.2f} times the CPU of the same sync view under WSGI for a constant, and "
        f"{ratios[1]:.2f} times for 100 rows on SQLite. With Django's own ASGI application it takes {more[0]:.1f} and {more[1]:.1f} times "
        "as much as with ours."
    )
    ways = prices.requests["sqlite"]
    if "django-bolt" in ways:
        hello, hundred = ("async/hello", "async/hundred")
        bolt, matt = ways["django-bolt"].cpu, ways[ours].cpu
        yield (
            f"**django-bolt**, a server in Rust, takes {time_text(bolt[hello])} of CPU for a constant, and MattAPI behind granian "
            f"{time_text(matt[hello])}. For 100 rows django-bolt takes {time_text(bolt[hundred])}, and MattAPI {time_text(matt[hundred])}."
        )


def _start(started: dict[str, Started]) -> str:
    matt, extra = started["matt"], started["extra"]
    return (
        f"**{ROUTES} routes** start in {time_text(matt.started)} of CPU ({time_text(extra.started)} with Ninja Extra), and the first answer "
        f"of a route takes {time_text(matt.first)} ({time_text(extra.first)})."
    )


def _times(best: dict[str, tuple[float, float]], name: str, other: str, clock: int) -> float:
    return best[name][clock] / best[other][clock]
