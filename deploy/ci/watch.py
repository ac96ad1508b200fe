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
    """What was seen so far."""

    total: Counts = field(default_factory=Counts)
    restarts: int = 0
    seen: dict[str, Instance] = field(default_factory=dict)
    looks: int = 0
    _unwell: Counter[str] = field(default_factory=Counter)
    _were_ready: set[str] = field(default_factory=set)

    def add(self, found: Mapping[str, Instance]) -> int:
        """Take what was seen now; return how many answers of scoring are new."""
        before = self.total.count(routes=SCORING)
        for name, now in found.items():
            old = self.seen.get(name)
            self._count(old, now)
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

    def _count(self, old: Instance | None, now: Instance) -> None:
        """Count what an instance did since it was seen before; of a new one, all of it."""
        if old is not None:
            again = _began(old) != _began(now) and None not in (old.counts, now.counts)
            self.restarts += max(now.restarts - old.restarts, int(again))
        if now.counts is not None and (old is not None or self.looks):
            self.total += now.counts.since(None if old is None else old.counts)

    @property
    def unwell(self) -> list[str]:
        """Those that were ready, and are not any more, twice one after another."""
        return sorted(name for name, times in self._unwell.items() if times > 1)

    @property
    def is_blind(self) -> bool:
        """Whether nobody has said anything, though it was looked often enough."""
        return self.looks >= _OFTEN and not self._were_ready


def _began(instance: Instance) -> float:
    return instance.counts.started if instance.counts else 0.0


def judge(record: Record, limits: Limits) -> list[str]:
    """Return what is bad of what was seen."""
    total, found = record.total, []
    answers = total.count()
    refused = total.count("503")
    errors = total.count("5") - refused
    for name, count, share in (
        ("errors", errors, limits.errors), ("refusals (503)", refused, limits.refused),
    ):  # fmt: skip
        if count > share * max(answers, limits.least):
            found.append(f"{name}: {count} of {answers} answers, at most {share:.1%} may be")
    p99 = total.quantile(0.99)
    if total.count(routes=SCORING) >= limits.least and p99 > limits.p99:
        found.append(f"latency: p99 {p99:.3f} s, at most {limits.p99:g} s")
    if record.restarts > limits.restarts:
        found.append(f"restarts: {record.restarts}, at most {limits.restarts}")
    if record.is_blind:
        found.append(f"nobody is ready and says how it is, in {record.looks} looks")
    if record.unwell:
        found.append(f"not ready any more: {', '.join(record.unwell)}")
    return found


def watch(
    source: Source,
    limits: Limits,
    seconds: float,
    interval: float,
    ask: Callable[[], list[str]] | None = None,
) -> str:
    """Watch for some time; return what was seen, in a line.

    Args:
        source: what is watched.
        limits: what it may do.
        seconds: how long.
        interval: seconds between two looks.
        ask: sends requests whose answers are known, and returns differences; called while nobody
            else asks.

    Raises:
        PipelineError: something is bad; at once.
    """
    record, own = Record(), 0
    record.add(source.look())
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(interval, left))
        new = record.add(source.look())
        found = judge(record, limits)
        if ask is not None and not found and new < limits.least / 10:
            own += 1
            found = ask()
        if found:
            passed = seconds - max(end - time.monotonic(), 0)
            raise PipelineError(f"after {passed:.0f} s of watching: {'; '.join(found)}")
    return _summary(record, limits, own)


def _summary(record: Record, limits: Limits, own: int) -> str:
    total = record.total
    count = total.count(routes=SCORING)
    text = f"{count} answers of scoring, {total.count('5')} of all 5xx"
    if count:
        text += f", p99 {total.quantile(0.99) * 1_000:.0f} ms"
    if own:
        text += f"; few others asked, so known requests were sent {own} times"
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
