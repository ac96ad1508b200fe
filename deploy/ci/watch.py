"""Watching a release: errors, refusals, latency, restarts and readiness, for some minutes."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from deploy.ci.errors import PipelineError
from deploy.ci.metrics import SCORING, Counts
from deploy.ci.service import Service

_OFTEN = 3
"""Looks until somebody has to be seen."""
_ALL = "all"
"""Stands for all instances: none is there."""


class Instance(NamedTuple):
    """One process of the service, as it was seen.

    Attributes:
        counts: None where it did not say.
        restarts: as the cluster counts them.
    """

    counts: Counts | None
    ready: bool
    restarts: int = 0


class Source(Protocol):
    """What is watched."""

    def look(self) -> Mapping[str, Instance]:
        """Return the instances as they are now."""


@dataclass(frozen=True)
class Limits:
    """What a release may do.

    Attributes:
        errors: the share of answers that may be 5xx, but for 503.
        refused: the share that may be 503: the service is busy, or its store is away.
        p99: seconds that 99 of 100 answers of scoring may take at most.
        restarts: of all instances together.
        least: answers of which can be said how many are bad; of fewer, as if there were so many.
    """

    errors: float = 0.01
    refused: float = 0.05
    p99: float = 0.25
    restarts: int = 0
    least: int = 100


@dataclass
class Record:
    """What was seen so far.

    Attributes:
        began: when, in seconds since 1970: who started later is counted from its start.
    """

    began: float = 0.0
    total: Counts = field(default_factory=Counts)
    restarts: int = 0
    seen: dict[str, Instance] = field(default_factory=dict)
    looks: int = 0
    _said: dict[str, Instance] = field(default_factory=dict)
    _unwell: Counter[str] = field(default_factory=Counter)
    _away: Counter[str] = field(default_factory=Counter)
    _were_ready: set[str] = field(default_factory=set)

    def add(self, found: Mapping[str, Instance]) -> int:
        """Take what was seen now; return how many answers of scoring are new."""
        before = self.total.count(routes=SCORING)
        for name, now in found.items():
            self._count(name, now)
            if now.ready and now.counts is not None:
                self._were_ready.add(name)
                del self._unwell[name]
            elif name in self._were_ready:
                self._unwell[name] += 1
        if self._were_ready and not found:
            self._unwell[_ALL] += 1
        else:
            del self._unwell[_ALL]
        self.seen |= found  # one that is not seen now may be again
        self.looks += 1
        return self.total.count(routes=SCORING) - before

    def _count(self, name: str, now: Instance) -> None:
        """Count what an instance did since it said so before, perhaps some looks ago."""
        seen, said = self.seen.get(name, now), self._said.get(name)
        grown, again = now.restarts - seen.restarts, False
        if now.counts is not None:
            before = said.counts if said else None
            if before is not None or (self.looks and now.counts.started > self.began):
                self.total += now.counts.since(before)  # else it has a past that is not watched
            if said is not None and said.restarts == now.restarts:
                again = before is not None and before.started != now.counts.started
            self._said[name] = now
            self._away[name] = self._away[name] + 1 if now.counts.away else 0
        self.restarts += max(grown, int(again))

    @property
    def unwell(self) -> list[str]:
        """Those that were ready, and are not any more, twice one after another."""
        return sorted(name for name, times in self._unwell.items() if times > 1)

    @property
    def away(self) -> list[str]:
        """Those whose store was away, twice one after another."""
        return sorted(name for name, times in self._away.items() if times > 1)

    @property
    def is_blind(self) -> bool:
        """Whether nobody has said anything, though it was looked often enough."""
        return self.looks >= _OFTEN and not self._were_ready


def judge(record: Record, limits: Limits) -> list[str]:
    """Return what is bad of what was seen."""
    total = record.total
    # of scoring alone as well: many other answers would hide that of these each second is bad
    found = _shares(total, limits) or _shares(total, limits, SCORING)
    p99 = total.quantile(0.99)
    if total.count(routes=SCORING) >= limits.least and p99 > limits.p99:
        found.append(f"latency: p99 {p99:.3f} s, at most {limits.p99:g} s")
    if record.restarts > limits.restarts:
        found.append(f"restarts: {record.restarts}, at most {limits.restarts}")
    if record.is_blind:
        found.append(f"nobody is ready and says how it is, in {record.looks} looks")
    if record.unwell:
        found.append(f"not ready any more: {', '.join(record.unwell)}")
    if record.away:
        found.append(f"the store is away for: {', '.join(record.away)}")
    return found


def _shares(total: Counts, limits: Limits, routes: tuple[str, ...] = ()) -> list[str]:
    """Return of which bad answers there are too many, of all routes or of some."""
    answers = total.count(routes=routes)
    refused = total.count("503", routes=routes)
    errors = total.count("5", routes=routes) - refused
    return [
        f"{name}: {count} of {answers} answers{' of scoring' if routes else ''},"
        f" at most {share:.1%} may be"
        for name, count, share in (
            ("errors", errors, limits.errors), ("refusals (503)", refused, limits.refused),
        )
        if count > share * max(answers, limits.least)
    ]  # fmt: skip


def watch(
    source: Source,
    limits: Limits,
    seconds: float,
    interval: float,
    ask: Callable[[], list[str]] | None = None,
    own: int = 0,
) -> str:
    """Watch for some time; return what was seen, in a line.

    Args:
        source: what is watched.
        limits: what it may do.
        seconds: how long.
        interval: seconds between two looks.
        ask: sends requests whose answers are known, and returns differences; called at each look.
        own: how many requests it sends, so that others' can be told from them.

    Raises:
        PipelineError: something is bad; at once.
    """
    record, few = Record(time.time()), 0
    record.add(source.look())
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(interval, left))
        sent = own if record.looks > 1 else 0
        new = record.add(source.look()) - sent
        few += new < limits.least / 10
        found = judge(record, limits) or (ask() if ask is not None else [])
        if found:
            passed = seconds - max(end - time.monotonic(), 0)
            raise PipelineError(f"after {passed:.0f} s of watching: {'; '.join(found)}")
    return _summary(record, limits, 0 if ask is None else few)


def _summary(record: Record, limits: Limits, few: int) -> str:
    total = record.total
    count = total.count(routes=SCORING)
    text = f"{count} answers of scoring, {total.count('5')} of all 5xx"
    if count:
        text += f", p99 {total.quantile(0.99) * 1_000:.0f} ms"
    if few:
        text += f"; few others asked in {few} of {record.looks - 1} looks:"
        text += " little but known requests were sent"
    if count < limits.least:
        text += f"; fewer than {limits.least}: that says little, and latency was not judged"
    return text


class OfUrl:
    """One process of the service at a URL: behind a load balancer each look would meet another.

    Args:
        service: the one.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    def look(self) -> Mapping[str, Instance]:
        """Return it as the only instance."""
        try:
            ready = self._service.ask("/health/ready").status == 200
            text = self._service.ask("/metrics").body.decode("utf-8", "replace")
            return {self._service.url: Instance(Counts.read(text), ready)}
        except PipelineError:
            return {self._service.url: Instance(None, ready=False)}
