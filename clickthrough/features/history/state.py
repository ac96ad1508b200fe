"""The online state of a key: one vector of float64, updated and read for many keys at once.

Layout, for H half-lives and a ring of P ticks (counts are exact: float64 holds whole numbers
to 2^53)::

    first tick | settled tick | impressions, clicks | decayed impressions (H), clicks (H) |
    ring: tick (P) | impressions (P) | clicks (P)

Events enter the ring at their own tick, so a query can still leave out those that its label
delay hides. A tick that a later one displaces from the ring is *settled*: added to the totals,
its decayed part relative to the settled tick. Decays only ever multiply by 2^-x with x >= 0, so
nothing overflows, however long the log.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_FIRST, _SETTLED, _COUNTS, _DECAYED = 0, 1, 2, 4
_SPARE_TICKS = 2
"""Ring slots beyond the label delay: a query may be one tick behind the newest event."""


@dataclass(frozen=True)
class StateLayout:
    """Where the parts of a key's state lie, and the rules by which it changes.

    Attributes:
        half_lives: half-lives in ticks, shape (H,).
        delay: label delay in ticks.
    """

    half_lives: Floats
    delay: int

    @property
    def ring(self) -> int:
        """The number of ticks that the ring holds."""
        return self.delay + _SPARE_TICKS

    @property
    def width(self) -> int:
        """The length of a state vector."""
        return _DECAYED + 2 * len(self.half_lives) + 3 * self.ring

    def empty(self, keys: int) -> Floats:
        """Return states of keys never seen, shape (keys, width)."""
        states = np.zeros((keys, self.width))
        states[:, _FIRST] = np.inf
        states[:, _SETTLED] = -np.inf
        self._ring_ticks(states)[:] = -np.inf
        return states

    def add(self, states: Floats, ticks: Floats, counts: Floats) -> None:
        """Count events, in place.

        Args:
            states: shape (K, width), one row a key.
            ticks: the tick of each key's events, shape (K,), whole numbers.
            counts: impressions and clicks at that tick, shape (K, 2).
        """
        rows = np.arange(len(states))
        states[:, _FIRST] = np.minimum(states[:, _FIRST], ticks)
        slot = (ticks % self.ring).astype(np.int64)
        held = self._ring_ticks(states)[rows, slot]
        in_ring = self._ring_counts(states)
        late = ticks < held
        newer = ticks > held
        displaced = np.where(newer[:, None], in_ring[rows, :, slot], counts * late[:, None])
        self._settle(states, np.where(newer, held, ticks), displaced)
        kept = np.where(newer[:, None], 0.0, in_ring[rows, :, slot])
        in_ring[rows, :, slot] = kept + counts * ~late[:, None]
        self._ring_ticks(states)[rows, slot] = np.maximum(held, ticks)

    def read(self, states: Floats, ticks: Floats) -> Floats:
        """Return what is known of each key as of a tick.

        Args:
            states: shape (K, width).
            ticks: the tick of the query, shape (K,) or a single number.

        Returns:
            Shape (K, 3 + 2 H): age in ticks since first seen (NaN while never seen),
            impressions, clicks, decayed impressions (H), decayed clicks (H).
        """
        ticks = np.broadcast_to(np.asarray(ticks, np.float64), len(states))
        horizon = ticks - self.delay
        seen = self._ring_ticks(states) < horizon[:, None]
        ring = self._ring_counts(states) * seen[:, None, :]
        age = np.where(states[:, _FIRST] < horizon, ticks - states[:, _FIRST], np.nan)
        totals = states[:, _COUNTS:_DECAYED] + ring.sum(axis=2)
        parts = [age[:, None], totals, self._decayed(states, ticks, ring)]
        known: Floats = np.concatenate(parts, axis=1)
        return known

    def _decayed(self, states: Floats, ticks: Floats, ring: Floats) -> Floats:
        """Return decayed impressions (H) and clicks (H) as of each query's tick."""
        since_settled = np.maximum(ticks - states[:, _SETTLED], 0.0)
        settled = self._decayed_view(states) * self._weight(since_settled)[:, None, :]
        # an event at the query's own tick or later is masked out above; its age is clipped
        # so that its weight stays finite
        since = np.maximum(ticks[:, None] - self._ring_ticks(states), 0.0)
        weight = np.exp2(-since[:, :, None] / self.half_lives)
        recent = np.einsum("kcp,kph->kch", ring, weight)
        decayed: Floats = (settled + recent).reshape(len(states), 2 * len(self.half_lives))
        return decayed

    def _settle(self, states: Floats, ticks: Floats, counts: Floats) -> None:
        """Add events that leave (or never enter) the ring to the totals."""
        some = counts.any(axis=1)
        settled = np.where(some, np.maximum(states[:, _SETTLED], ticks), states[:, _SETTLED])
        states[:, _COUNTS:_DECAYED] += counts
        decayed = self._decayed_view(states)
        decayed *= self._weight(_difference(settled, states[:, _SETTLED]))[:, None, :]
        fresh = self._weight(np.where(some, _difference(settled, ticks), 0.0))
        decayed += counts[:, :, None] * fresh[:, None, :]
        states[:, _SETTLED] = settled

    def _weight(self, ticks: Floats) -> Floats:
        """Return 2^(-ticks / half-life), shape (K, H)."""
        return np.exp2(-ticks[:, None] / self.half_lives)

    def _decayed_view(self, states: Floats) -> Floats:
        width = 2 * len(self.half_lives)
        part = states[:, _DECAYED : _DECAYED + width]
        return part.reshape(len(states), 2, len(self.half_lives), copy=False)

    def _ring_ticks(self, states: Floats) -> Floats:
        start = self.width - 3 * self.ring
        return states[:, start : start + self.ring]

    def _ring_counts(self, states: Floats) -> Floats:
        part = states[:, self.width - 2 * self.ring :]
        return part.reshape(len(states), 2, self.ring, copy=False)


def _difference(later: Floats, earlier: Floats) -> Floats:
    """Return ``later - earlier``, 0 where both are still minus infinity."""
    return np.subtract(later, earlier, out=np.zeros_like(later), where=np.isfinite(later))


def add_events(
    layout: StateLayout, states: Floats, rows: NDArray[np.int64], ticks: Floats, counts: Floats
) -> None:
    """Count any number of events per key, in place, oldest first.

    Args:
        layout: the layout of the states.
        states: shape (K, width).
        rows: which state each event belongs to, shape (E,).
        ticks: shape (E,).
        counts: impressions and clicks, shape (E, 2).
    """
    order = np.lexsort((ticks, rows))
    rows, ticks, counts = rows[order], ticks[order], counts[order]
    new = np.ones(len(rows), bool)
    new[1:] = (rows[1:] != rows[:-1]) | (ticks[1:] != ticks[:-1])
    starts = np.flatnonzero(new)
    if len(starts) == 0:
        return
    rows, ticks, counts = rows[starts], ticks[starts], np.add.reduceat(counts, starts, axis=0)
    turn = np.arange(len(rows)) - np.searchsorted(rows, rows)
    by_turn = np.argsort(turn, kind="stable")
    for batch in np.split(by_turn, np.cumsum(np.bincount(turn))[:-1]):
        chosen = states[rows[batch]]
        layout.add(chosen, ticks[batch], counts[batch])
        states[rows[batch]] = chosen
