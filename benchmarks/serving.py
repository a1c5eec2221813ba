"""The stacks behind a server, one after the other: how much they answer, how fast at the same load, in how much memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.cases import CASES
from benchmarks.load import Load, press
from benchmarks.servers import serve
from benchmarks.stacks import PREFIX, STACKS, serving

__all__ = ["SERVED", "SHARE", "Serving", "served_stacks"]

SERVED = {"wsgi": ["hello", "one", "nested", "flat"], "asgi": ["hello-async", "flat-async"]}
SHARE = 0.6
"""The fixed rate is this share of what the slowest stack answers at most."""
_ENOUGH, _LONGEST = 45, 6.0


@dataclass(frozen=True, kw_only=True)
class Serving:
    """How long, and how often, each stack is pressed."""

    seconds: float
    rounds: int
    cases: dict[str, list[str]]

    def steps(self, stacks: list[str]) -> int:
        """Return how many servers are started."""
        return sum(
            len(served_stacks(interface, stacks)) * (self.rounds + 1) for interface in self.cases
        )

    def run(self, database: str, stacks: list[str]) -> Iterator[dict[str, Any]]:
        """Yield a line for each server; raises ``LoadError`` and ``ServerError``."""
        for interface, cases in self.cases.items():
            names = served_stacks(interface, stacks)
            most: dict[str, dict[str, Load]] = {case: {} for case in cases}
            for turn in range(self.rounds):
                for name in reversed(names) if turn % 2 else names:
                    with serve(name, interface, database, _path(cases[0])) as server:
                        for case in cases:
                            load = press(server.url(_path(case)), self.seconds)
                            if name not in most[case] or load.rate > most[case][name].rate:
                                most[case][name] = load
                    yield {"serving": name}
            rates = {case: SHARE * min(load.rate for load in most[case].values()) for case in cases}
            steady: dict[str, dict[str, Load]] = {case: {} for case in cases}
            memory: dict[str, int | None] = {}
            for name in names:
                with serve(name, interface, database, _path(cases[0])) as server:
                    for case in cases:
                        # Of few answers a second it takes longer until there are enough of them.
                        seconds = min(max(self.seconds, _ENOUGH / rates[case]), _LONGEST)
                        steady[case][name] = press(server.url(_path(case)), seconds, rates[case])
                    memory[name] = server.peak()
                yield {"serving": name}
            yield {
                "interface": interface,
                "most": most,
                "steady": steady,
                "rates": rates,
                "memory": memory,
            }


def served_stacks(interface: str, stacks: list[str]) -> list[str]:
    """Return the stacks to serve: of those written in two ways, the first."""
    case = SERVED[interface][0]
    return [
        name
        for name in serving(case, asynchronous=interface == "asgi")
        if name in stacks and not STACKS[name].second
    ]


def _path(case: str) -> str:
    return PREFIX + CASES[case].path
