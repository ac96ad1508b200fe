"""What service.py measures of each route, and how it is shown."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from exchange import SHED, Load, Request, together
from load import arrivals, at_random, capacity
from rich.table import Table
from traffic import EVENTS, SCORING

AT_ONCE = 64


@dataclass
class Contestant:
    """A route of a running server, and what was measured of it, a load a round.

    Attributes:
        requests: without end.
    """

    name: str
    port: int
    requests: Iterable[Request]
    full: list[Load] = field(default_factory=list)
    half: list[Load] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._following: Iterator[Request] = iter(self.requests)

    def run(self, seconds: float, in_flight: int) -> None:
        """Find its capacity once more."""
        self.full.append(capacity(self.port, self._following, seconds, in_flight))

    def run_half(self, seconds: float) -> None:
        """Load it with random arrivals at half of its capacity, other moments in each round."""
        due = at_random(self._following, seconds, self.rate / 2, len(self.half))
        self.half.append(arrivals(self.port, due, AT_ONCE))

    @property
    def rates(self) -> list[float]:
        """Requests answered a second in each round."""
        return [load.where(lambda one: one.ok).rate for load in self.full]

    @property
    def rate(self) -> float:
        return max(self.rates)

    def waits(self, share: float) -> list[float]:
        """Return a percentile of the scoring requests' waits in ms, of each round."""
        return [load.of(ok=True, kind=SCORING).wait(share) for load in self.half]

    @property
    def failures(self) -> int:
        """Neither answered nor refused."""
        return len(together([*self.full, *self.half]).failed.asked)


def run(contestants: list[Contestant], rounds: int, seconds: float, in_flight: int) -> None:
    """Measure all in turn, in rounds: first their capacity, then at half of it."""
    for _ in range(rounds):
        for one in contestants:
            one.run(seconds, in_flight)
    for _ in range(rounds):
        for one in contestants:
            one.run_half(seconds)


def compared(one: Contestant, other: Contestant) -> tuple[float, float, float]:
    """Return the ratio of rates in the same rounds: median, least and greatest."""
    ratios = [own / theirs for own, theirs in zip(one.rates, other.rates, strict=True)]
    return float(np.median(ratios)), min(ratios), max(ratios)


def shown(contestants: list[Contestant]) -> Table:
    """Return a table; the first is what the others are compared with."""
    table = Table("route", "requests/s", "of empty", "p50 ms", "p99 ms", "p99, all rounds",
                  "refused", "bodies of events / refused", "failed",
                  title="requests/s: best round; waits and refusals: at half of that")  # fmt: skip
    for one in contestants:
        half = together(one.half)
        scored, told = half.kinds({SCORING}), half.kinds({EVENTS})
        table.add_row(
            one.name,
            f"{one.rate:,.0f}",
            f"{compared(one, contestants[0])[0]:.2f}",
            *(f"{min(one.waits(share)):.2f}" for share in (50, 99)),
            f"{scored.where(lambda asked: asked.ok).wait(99):.2f}",
            f"{scored.share(SHED):.2%}",
            f"{len(told.asked):,} / {told.share(SHED):.2%}" if told.asked else "",
            str(one.failures),
        )
    return table
