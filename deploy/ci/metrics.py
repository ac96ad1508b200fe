"""What ``/metrics`` of a service says: answers by status, how long they took, its start."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Self

from prometheus_client.parser import text_string_to_metric_families

from deploy.ci.errors import PipelineError

SCORING = ("/predict", "/rank", "/invocations", "/v2/models/ctr/infer")
"""Routes whose answers somebody waits for."""


@dataclass(frozen=True)
class Counts:
    """Counters of one process, or what several counted in a while.

    Attributes:
        answers: by route and status.
        seconds: how many answers took at most so long, by route and limit.
        started: when the process began, in seconds since 1970.
        away: whether its store does not answer.
    """

    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    seconds: Counter[tuple[str, float]] = field(default_factory=Counter)
    started: float = 0.0
    away: bool = False

    @classmethod
    def read(cls, text: str) -> Self:
        """Read a page of metrics.

        Raises:
            PipelineError: it is none of this service.
        """
        made = cls()
        try:
            samples = [s for family in text_string_to_metric_families(text) for s in family.samples]
            for name, labels, value, *_ in samples:
                if name == "ctr_requests_total":
                    made.answers[labels["route"], labels["status"]] += int(value)
                elif name == "ctr_request_seconds_bucket":
                    made.seconds[labels["route"], float(labels["le"])] += int(value)
        except (ValueError, KeyError) as error:
            raise PipelineError(f"/metrics: cannot be read: {error}") from None
        named = {name: value for name, _, value, *_ in samples}
        if "ctr_store_away" not in named:
            raise PipelineError("/metrics: is not of this service")
        started = named.get("process_start_time_seconds", 0.0)
        return cls(made.answers, made.seconds, started, named["ctr_store_away"] > 0)

    def since(self, before: "Counts | None") -> "Counts":
        """Return what was counted since; all of it, if another process counted before."""
        if before is None or before.started != self.started:
            return self
        return Counts(self.answers - before.answers, self.seconds - before.seconds, self.started)

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.answers + other.answers, self.seconds + other.seconds)

    def count(self, *statuses: str, routes: tuple[str, ...] = ()) -> int:
        """Return how many answers had a status that begins so."""
        return sum(
            count
            for (route, status), count in self.answers.items()
            if status.startswith(statuses or "") and (not routes or route in routes)
        )

    def quantile(self, share: float, routes: tuple[str, ...] = SCORING) -> float:
        """Return how long that share of answers took at most, in seconds; 0 where there are none.

        Between two limits it is taken to grow evenly; beyond the last, it is infinite.
        """
        limits: Counter[float] = Counter()
        for (route, limit), count in self.seconds.items():
            if route in routes:
                limits[limit] += count
        wanted, low, below = share * max(limits.values(), default=0), 0.0, 0
        for limit, count in sorted(limits.items()):
            if count >= wanted > 0:
                return low + (limit - low) * (wanted - below) / max(count - below, 1)
            low, below = limit, count
        return 0.0
