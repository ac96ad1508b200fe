"""The law of history features, as a slow and obvious definition.

Every engine and every store is held to this file; it is fast enough only for tests and for
explaining one impression.

**Events.** An impression shown to a user is an event once its label is known: impression and
label enter together, at the impression's own time. An impression whose label is null is no event.
A request and item name an event: the same one twice is one event.

**Ticks.** Time is counted in ticks of ``tick`` microseconds since 1970 UTC. What is known *as of*
an impression at tick t is the events at ticks e < t - delay. So events of the same tick never see
each other, whatever their order, and neither does anything within the label delay.

**Keys.** The key of an event or impression is the values of some fields. Where any part is null
there is no key: the impression's feature is missing, the event counts for nothing.

**Counters.** Of the known events with the impression's key: impressions is their number, clicks
the number with label 1. All-time counters take every one, weight 1. A window of W ticks takes those
with e >= t - delay - W, weight 1. A half-life of h ticks weighs each by 2^(-(t - e) / h). A key
without known events has 0 and 0.

**Rate.** (clicks + a * prior) / (impressions + a).

**Age.** t minus the first tick at which the key had an event; missing while no known event holds
it.

**Sequence.** The values of a field in the last n known events of the key with label 1, the latest
first; among events at one time the greater value counts as the later. Values that are null are
passed over. A given history seeds sequences (and only these): its entries are clicks at their
times.

**Views.** A page that a user viewed is an event of its own stream. Histories of views are made of
it alone, each view counting as shown and clicked, under the same rules.

**Match.** How many of the sequence equal the impression's own value; missing where that or the key
is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

Value = int | float | str | None
Key = tuple[Value, ...]


@dataclass(frozen=True)
class Shown:
    """An impression: when (microseconds), what was known of it, and its label."""

    time: int
    fields: Mapping[str, Value]
    label: int | None = None


@dataclass(frozen=True)
class Law:
    """What is known as of an impression.

    Args:
        events: impressions of the log, in any order.
        tick: microseconds.
        delay: ticks.
        seeds: clicks of a given history, for sequences only.
        views: pages that users viewed.
    """

    events: Sequence[Shown]
    tick: int
    delay: int = 0
    seeds: Sequence[Shown] = ()
    views: Sequence[Shown] = ()

    @property
    def of_views(self) -> "Law":
        """The law of histories of views."""
        return Law([replace(view, label=1) for view in self.views], self.tick, self.delay)

    def known(self, at: int, key: Mapping[str, Value], among: Iterable[Shown]) -> list[Shown]:
        """Return the events that an impression at a time may see, of one key."""
        return [
            event
            for event in among
            if event.label is not None
            and event.time // self.tick < at // self.tick - self.delay
            and all(event.fields[name] == value for name, value in key.items())
        ]

    def counter(
        self,
        shown: Shown,
        key: Sequence[str],
        *,
        window: int | None = None,
        half_life: float | None = None,
    ) -> tuple[float, float] | None:
        """Return impressions and clicks of the impression's key; None where a part is null.

        Args:
            shown: the impression.
            key: fields.
            window: ticks, for a sliding counter.
            half_life: ticks, for a decayed counter.
        """
        values = self._key(shown, key)
        if values is None:
            return None
        now = shown.time // self.tick
        impressions = clicks = 0.0
        for event in self.known(shown.time, values, self.events):
            then = event.time // self.tick
            if window is not None and then < now - self.delay - window:
                continue
            weight = 1.0 if half_life is None else 2.0 ** (-(now - then) / half_life)
            impressions += weight
            clicks += weight * (event.label == 1)
        return impressions, clicks

    def rate(self, counts: tuple[float, float] | None, prior: float, a: float) -> float | None:
        """Return the smoothed click rate of a counter."""
        if counts is None:
            return None
        return (counts[1] + a * prior) / (counts[0] + a)

    def age(self, shown: Shown, key: Sequence[str]) -> int | None:
        """Return the ticks since the impression's key was first seen."""
        values = self._key(shown, key)
        known = [] if values is None else self.known(shown.time, values, self.events)
        if not known:
            return None
        return shown.time // self.tick - min(event.time // self.tick for event in known)

    def sequence(self, shown: Shown, key: Sequence[str], field: str, n: int) -> list[Value] | None:
        """Return the last n clicked values of a field, the latest first."""
        values = self._key(shown, key)
        if values is None:
            return None
        seen = self.known(shown.time, values, (*self.events, *self.seeds))
        clicked = [e for e in seen if e.label == 1 and e.fields[field] is not None]
        ordered = sorted(clicked, key=lambda event: (event.time, event.fields[field]), reverse=True)
        return [event.fields[field] for event in ordered[:n]]

    def match(self, shown: Shown, key: Sequence[str], field: str, n: int) -> int | None:
        """Return how many of the last n clicked values equal the impression's own."""
        clicked = self.sequence(shown, key, field, n)
        if clicked is None or shown.fields[field] is None:
            return None
        return clicked.count(shown.fields[field])

    @staticmethod
    def _key(shown: Shown, key: Sequence[str]) -> dict[str, Value] | None:
        values = {name: shown.fields[name] for name in key}
        return None if any(value is None for value in values.values()) else values
