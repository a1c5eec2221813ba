"""The targets and whether they are met, and where a peer wins."""

from collections.abc import Iterator

from benchmarks.prices import Prices
from benchmarks.results import CPU, WALL, Results
from benchmarks.stacks import STACKS
from benchmarks.startup import Started
from benchmarks.tables import Table, time_text
from benchmarks.whole import NAMES

__all__ = ["price_winners", "prices_targets", "start_targets", "targets_table", "winners"]

_OURS = ("matt", "matt-controller")
# By how much CPU time a case may exceed hand-written Django's, in functions and controllers alike.
_AT_MOST = {"hello": 1.25, "echo": 1.35, "hello-async": 1.3, "view-async": 1.3, "instances": 1.05}
# How many times the wall time of MattAPI's functions the peer needs at least, by database.
_AT_LEAST: dict[str, dict[str, dict[str, float]]] = {
    "sqlite": {"flat": {"extra": 12, "bare": 2.5}, "nested": {"extra": 12, "bare": 6}},
    "postgres": {"flat": {"extra": 10, "bare": 2}, "nested": {"extra": 10, "bare": 5}},
}
_ENCODING = {"ninja": 10, "pydantic": 2.5}
# By how much wall time MattAPI's functions may exceed hand-written Django.
_WALL_AT_MOST = {"one": 0.8, "tenants": 0.8, "bulk-create": 1.1}
_STREAM_MIB = 64


def targets_table(results: Results) -> Table:
    """Return every target with what was measured; only a header where no case with a target was."""
    return _table(_targets(results))


def prices_targets(prices: Prices) -> Table:
    """Return the targets of async views behind granian, by database."""
    return _table(_price_targets(prices))


def start_targets(started: Started) -> Table:
    """Return the targets of start-up."""
    met = [
        (
            "300 routes: CPU of start-up",
            "≤ 0.5 s",
            time_text(started.started),
            started.started <= 0.5,
        )
    ]
    if started.grown is not None:
        size = started.grown / 2**20
        met.append(("300 routes: memory", "≤ 10 MiB", f"{size:.1f} MiB", size <= 10))
    return _table(iter(met))


def price_winners(prices: Prices) -> list[str]:
    """Return a line for each request that django-bolt answers with less CPU than MattAPI behind granian."""
    lines = []
    for database, ways in prices.requests.items():
        ours = ways["granian, our ASGI"].cpu
        for path, cpu in ways["django-bolt"].cpu.items() if "django-bolt" in ways else ():
            if cpu < ours[path]:
                times = f"{time_text(cpu)} before MattAPI ({time_text(ours[path])})"
                lines.append(f"{path} on {NAMES[database]}: {times}")
    return lines


def _table(targets: Iterator[tuple[str, str, str, bool]]) -> Table:
    table = [["target", "asked", "measured", ""]]
    for what, asked, measured, met in targets:
        table.append([what, asked, measured, "met" if met else "**missed**"])
    return table


def _price_targets(prices: Prices) -> Iterator[tuple[str, str, str, bool]]:
    base, django, ours = "granian, WSGI", "granian, Django's ASGI", "granian, our ASGI"
    for database in prices.requests:
        name = NAMES[database]
        for case, limit in {"hello": 1.25, "hundred": 1.3}.items():
            ratio = prices.ratio(database, case, ours, base)
            what = f"async/{case} on {name}: CPU / sync under WSGI"
            yield what, f"≤ {limit}", f"{ratio:.2f}", round(ratio, 2) <= limit
        for case, least in {"hello": 5, "hundred": 3}.items():
            times = prices.ratio(database, case, django, ours)
            what = f"async/{case} on {name}: CPU of Django's ASGI / ours"
            yield what, f"≥ {least}", f"{times:.1f}", round(times, 1) >= least


def _targets(results: Results) -> Iterator[tuple[str, str, str, bool]]:
    best = results.best
    for case, limit in _AT_MOST.items():
        if case in best:
            most = max(results.ratios(case, CPU)[name] for name in _OURS)
            yield f"{case}: CPU / by hand", f"≤ {limit}", f"{most:.2f}", round(most, 2) <= limit
    for case, limit in _WALL_AT_MOST.items():
        if case in best:
            ratio = results.ratios(case, WALL)["matt"]
            yield f"{case}: wall / by hand", f"≤ {limit}", f"{ratio:.2f}", round(ratio, 2) <= limit
    for case, peers in _AT_LEAST[results.database].items():
        if case not in best:
            continue
        against = {STACKS[name].title: (name, limit) for name, limit in peers.items()}
        if "extra-plain" in best[case]:
            against["Ninja Extra with the same code"] = "extra-plain", peers["extra"]
        for title, (name, limit) in against.items():
            times = best[case][name][WALL] / best[case]["matt"][WALL]
            yield f"{case}: wall of {title} / ours", f"≥ {limit}", f"{times:.1f}", times >= limit
    if "encoding" in best:
        for name, limit in _ENCODING.items():
            times = best["encoding"][name][CPU] / best["encoding"]["matt"][CPU]
            yield f"encoder: CPU of {name} / ours", f"≥ {limit}", f"{times:.1f}", times >= limit
    if "raw" in best:
        times = best["raw"]["dict"][CPU] / best["raw"]["matt"][CPU]
        yield "row writer: CPU of dict(zip()) and orjson / ours", "≥ 1", f"{times:.1f}", times >= 1
    grown = results.streamed["matt"].grown if "matt" in results.streamed else None
    if grown is not None:
        size = grown / 2**20
        yield "stream: grows by", f"< {_STREAM_MIB} MiB", f"{size:.0f} MiB", size < _STREAM_MIB


def winners(results: Results) -> list[str]:
    """Return a line for every figure in which a peer, or hand-written Django, is ahead of the better of our two ways."""
    lines = []
    for case in results.cases():
        said = {
            clock: _ahead(results.ratios(case, index))
            for clock, index in (("wall", WALL), ("CPU", CPU))
        }
        lines += [f"{case}, {clock}: {text}" for clock, text in said.items() if text]
    streamed = results.streamed
    if text := _ahead({name: made.wall for name, made in streamed.items()}):
        lines.append(f"stream, wall: {text}")
    grown = {name: made.grown / 2**20 for name, made in streamed.items() if made.grown is not None}
    if text := _ahead(grown, " MiB"):
        lines.append(f"stream, memory: {text}")
    for interface, served in results.served.items():
        for case, most in served.most.items():
            where = f"{case} behind granian, {interface}"
            rates = {name: 1000 / load.rate for name, load in most.items()}
            if text := _ahead(rates, " ms an answer"):
                lines.append(f"{where}, throughput: {text}")
            late = {name: load.p99 * 1e3 for name, load in served.steady[case].items()}
            if text := _ahead(late, " ms"):
                lines.append(f"{where}, p99 at the same rate: {text}")
    return lines


def _ahead(values: dict[str, float], unit: str = "") -> str:
    """Say who needs less than the better of our two ways, to the two places that are shown."""
    ours = min((round(values[name], 2) for name in _OURS if name in values), default=0.0)
    ahead = {
        name: value
        for name, value in values.items()
        if name not in _OURS and round(value, 2) < ours
    }
    if not ahead:
        return ""
    named = ", ".join(
        f"{name} ({ahead[name]:.2f}{unit})" for name in sorted(ahead, key=lambda name: ahead[name])
    )
    return f"{named} before MattAPI ({ours:.2f}{unit})"
