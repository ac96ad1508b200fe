"""The online states of a few keys, read and changed one by one: sooner than with arrays."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import compress, islice
from operator import add, mul
from struct import pack, unpack

import numpy as np

from clickthrough.features.history.state import (
    COUNTS,
    DECAYED,
    ENTRY,
    FIRST,
    FLOAT,
    SETTLED,
    StateLayout,
    UnsoundStateError,
)

Query = tuple[StateLayout, bytes | None, float]
"""A state (empty of a key never seen, None without a key), its layout, the tick of the query."""


def read_few(queries: Sequence[Query]) -> list[list[float]]:
    """Return what is known of a few keys: :func:`read_states`, to the last bit, but sooner."""
    seen = [_seen(layout, state, tick) if state else None for layout, state, tick in queries]
    exponents = [exponent for one in seen if one for exponent in one[-1]]
    weights = iter(np.exp2(exponents).tolist())
    return [
        _known(query, one, weights) if one else _nothing(query)
        for one, query in zip(seen, queries, strict=True)
    ]


def _nothing(query: Query) -> list[float]:
    layout, state, _ = query
    return layout.unknown if state is not None else [np.nan] * len(layout.unknown)


_Seen = tuple[Sequence[float], Sequence[float], Sequence[float], Sequence[float], list[float]]
"""Of a state: its values; ticks, impressions and clicks of its visible entries; the exponents of
their weights: for each half-life that of what was settled, then of each entry."""


def _seen(layout: StateLayout, state: bytes, tick: float) -> _Seen:
    values, first = _values(layout, state), layout.width
    horizon = tick - layout.delay
    ticks = values[first::ENTRY]
    shown, clicked = values[first + 1 :: ENTRY], values[first + 2 :: ENTRY]
    if ticks and ticks[-1] >= horizon:  # they ascend
        count = bisect_left(ticks, horizon)
        ticks, shown, clicked = ticks[:count], shown[:count], clicked[:count]
    ages = [max(tick - values[SETTLED], 0.0), *[tick - moment for moment in ticks]]
    return values, ticks, shown, clicked, [-age / life for life in layout.lives for age in ages]


def _known(query: Query, seen: _Seen, weights: Iterator[float]) -> list[float]:
    (layout, _, tick), (values, ticks, shown, clicked, _) = query, seen
    first = values[FIRST]
    known = [tick - first if first < tick - layout.delay else np.nan]
    known += (sum(shown) + values[COUNTS], sum(clicked) + values[COUNTS + 1])
    for window in layout.reaches:
        inside = [tick - moment <= window for moment in ticks]
        known += (sum(compress(shown, inside)), sum(compress(clicked, inside)))
    for place in range(DECAYED, layout.width, 2):
        settled, recent = next(weights), [*islice(weights, len(ticks))]
        known.append(_dot(recent, shown) + settled * values[place])
        known.append(_dot(recent, clicked) + settled * values[place + 1])
    return known


Count = tuple[int, float, float, float]
"""Which state an event belongs to, its tick, its impressions and clicks."""


def add_few(
    layout: StateLayout, states: Sequence[bytes | None], counts: Iterable[Count]
) -> list[bytes]:
    """Count events of a few keys: :meth:`StateLayout.add`, to the last bit, but sooner.

    Returns:
        The states after the events.

    Raises:
        UnsoundStateError: one of the states is none.
    """
    values = [[*_values(layout, layout.blank if state is None else state)] for state in states]
    for place, tick, shown, clicked in counts:
        own = values[place]
        own[FIRST] = min(own[FIRST], tick)
        at = layout.width + ENTRY * bisect_left(own[layout.width :: ENTRY], tick)
        if own[at : at + 1] == [tick]:
            own[at + 1] += shown
            own[at + 2] += clicked
        else:
            own[at:at] = (tick, shown, clicked)
    _settle(layout, values)
    return [pack(f"{len(own)}d", *own) for own in values]


def _settle(layout: StateLayout, values: Sequence[list[float]]) -> None:
    """Move the entries of states that have become old into the totals of their headers."""
    aged: list[tuple[list[float], int]] = []
    exponents: list[float] = []
    for own in values:
        ticks = own[layout.width :: ENTRY]
        old = bisect_right(ticks, ticks[-1] - layout.span) if ticks else 0
        if old == 0:
            continue
        before, own[SETTLED] = own[SETTLED], max(own[SETTLED], ticks[old - 1])
        ages = [own[SETTLED] - moment for moment in (before, *ticks[:old])]
        exponents += [-age / life for life in layout.lives for age in ages]
        aged.append((own, layout.width + ENTRY * old))
    weights = iter(np.exp2(exponents).tolist())
    for own, end in aged:
        shown, clicked = (own[layout.width + place : end : ENTRY] for place in (1, 2))
        own[COUNTS] += sum(shown)  # whole numbers, in whatever order
        own[COUNTS + 1] += sum(clicked)
        for place in range(DECAYED, layout.width, 2):
            moved, recent = next(weights), [*islice(weights, len(shown))]
            own[place] = own[place] * moved + _dot(recent, shown)
            own[place + 1] = own[place + 1] * moved + _dot(recent, clicked)
        del own[layout.width : end]


def _dot(weights: Sequence[float], counts: Sequence[float]) -> float:
    """Sum products one after another: the built-in sum makes up for rounding since Python 3.12."""
    return reduce(add, map(mul, weights, counts), 0.0)


def _values(layout: StateLayout, state: bytes) -> tuple[float, ...]:
    if not layout.is_sound(state):
        raise UnsoundStateError
    return unpack(f"{len(state) // FLOAT}d", state)
