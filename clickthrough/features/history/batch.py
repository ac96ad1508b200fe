"""The batch half of history: as-of features of a whole log, on lazy frames of any engine.

For each key: events are summed per tick, moved to the first tick that may see them (tick + delay
+ 1), united with weightless query rows at the impressions' own ticks, and summed along time; the
query rows are what is wanted. For a window, a negative copy of the events follows when they leave
it.
Decayed counters are forward-decay sums (Cormode et al., 2009): x * 2^(tick / h), scaled by
2^(-tick / h) at the query, relative to a landmark that moves every 512 half-lives; the sum up to a
landmark is carried over it once (older remains are below 2^-512).

The law is in :mod:`clickthrough.features.history.oracle`.
"""

import math
from typing import Any

import narwhals as nw

from clickthrough.config.features import Counters
from clickthrough.features.plan import KeySet

Frame = nw.LazyFrame[Any]

_EPOCH = 512
"""Half-lives between two landmarks; 2^1024 would overflow."""

TICK, AT, ASKS = "__tick", "__at", "__asks"
_N, _C, _EPOCH_OF, _DN, _DC = "__n", "__c", "__epoch", "__dn", "__dc"


def with_tick(rows: Frame, counters: Counters) -> Frame:
    """Add the tick of each row's time."""
    return rows.with_columns((nw.col("time") // (counters.tick * 1_000_000)).alias(TICK))


def counter_history(
    impressions: Frame, events: Frame, key_set: KeySet, counters: Counters
) -> Frame:
    """Return the history of one key set for every key and tick that is asked about.

    Args:
        impressions: the rows asked about: the key's fields and ``__tick``.
        events: the rows that count: the key's fields, ``label`` and ``__tick``. One whose label
            is null does not count.
        key_set: the key, its windows and half-lives.
        counters: tick, delay.

    Returns:
        The key's fields, ``__tick`` and the columns of the key set: age and counts Int64, decayed
        counts Float64. Keys of which a part is null are left out.
    """
    keys = list(key_set.fields)
    per_tick = _per_tick(events, keys, counters)
    rows = nw.concat([per_tick, asked(impressions, keys)], how="vertical")
    rows = _with_totals(rows, keys, key_set, counters)
    for window in key_set.windows:
        rows = _with_window(rows, keys, key_set, window, counters)
    for half_life in key_set.half_lives:
        rows = _with_decay(rows, keys, key_set, half_life, counters)
    return rows.filter(nw.col(ASKS) == 1).select(*keys, TICK, *key_set.columns())


def asked(impressions: Frame, keys: list[str]) -> Frame:
    """Return a weightless query row for each key and tick of the impressions."""
    unique = complete(impressions, keys).select(*keys, TICK).unique()
    return unique.select(
        *keys, TICK, nw.col(TICK).alias(AT), _int(1, ASKS), _int(0, _N), _int(0, _C)
    )


def complete(rows: Frame, keys: list[str]) -> Frame:
    """Leave out rows in which a part of the key is null."""
    return rows.filter(*(~nw.col(key).is_null() for key in keys))


def _per_tick(events: Frame, keys: list[str], counters: Counters) -> Frame:
    """Sum events per key and tick, at the first tick that may see them."""
    known = complete(events, [*keys, "label"])
    label = nw.col("label").cast(nw.Int64)
    summed = known.group_by(*keys, TICK).agg(
        label.len().cast(nw.Int64).alias(_N), label.sum().cast(nw.Int64).alias(_C)
    )
    at = nw.col(TICK) + (counters.delay_ticks + 1)
    return summed.select(*keys, TICK, at.alias(AT), _int(0, ASKS), _N, _C)


def _with_totals(rows: Frame, keys: list[str], key_set: KeySet, counters: Counters) -> Frame:
    """Add age and the all-time counters."""
    impressions, clicks = key_set.counts()
    first = nw.when(nw.col(ASKS) == 0).then(nw.col(TICK)).min().over(*keys)
    rows = rows.with_columns(
        _running(_N, keys).cast(nw.Int64).alias(impressions),
        _running(_C, keys).cast(nw.Int64).alias(clicks),
        first.alias("__first"),
    )
    seen = nw.col("__first") + counters.delay_ticks < nw.col(TICK)
    age = nw.when(seen).then(nw.col(TICK) - nw.col("__first"))
    return rows.with_columns(age.alias(key_set.age)).drop("__first")


def _with_window(
    rows: Frame, keys: list[str], key_set: KeySet, window: int, counters: Counters
) -> Frame:
    """Add the counters of one window: events leave it by a negative copy."""
    left = rows.filter(nw.col(ASKS) == 0).select(
        *keys,
        TICK,
        (nw.col(AT) + window // counters.tick).alias(AT),
        _int(-1, ASKS),
        (-nw.col(_N)).alias(_DN),
        (-nw.col(_C)).alias(_DC),
    )
    rows = rows.with_columns(nw.col(_N).alias(_DN), nw.col(_C).alias(_DC))
    rows = nw.concat([rows, left], how="diagonal")
    impressions, clicks = key_set.counts(window=window)
    rows = rows.with_columns(
        _running(_DN, keys).cast(nw.Int64).alias(impressions),
        _running(_DC, keys).cast(nw.Int64).alias(clicks),
    )
    return rows.filter(nw.col(ASKS) >= 0).drop(_DN, _DC)


def _with_decay(
    rows: Frame, keys: list[str], key_set: KeySet, half_life: int, counters: Counters
) -> Frame:
    """Add the counters of one half-life."""
    h = half_life / counters.tick
    epoch_ticks = max(1, math.floor(_EPOCH * h))
    rows = rows.with_columns((nw.col(AT) // epoch_ticks).alias(_EPOCH_OF))
    # 2^((tick - landmark) / h): what an event at this tick weighs in the running sum
    since = (nw.col(TICK) - nw.col(_EPOCH_OF) * epoch_ticks).cast(nw.Float64) / h
    weight = (since * math.log(2)).exp()
    rows = rows.with_columns((nw.col(_N) * weight).alias(_DN), (nw.col(_C) * weight).alias(_DC))
    rows = nw.concat([rows, _carried(rows, keys, epoch_ticks, h)], how="diagonal")
    impressions, clicks = key_set.counts(half_life=half_life)
    over = [*keys, _EPOCH_OF]
    rows = rows.with_columns(
        (_running(_DN, over) / weight).alias(impressions),
        (_running(_DC, over) / weight).alias(clicks),
    )
    return rows.filter(nw.col(ASKS) >= 0).drop(_EPOCH_OF, _DN, _DC)


def _carried(rows: Frame, keys: list[str], epoch_ticks: int, h: float) -> Frame:
    """Return what each epoch's events still weigh at the next landmark."""
    remains = 2.0 ** (-epoch_ticks / h)
    summed = rows.group_by(*keys, _EPOCH_OF).agg(nw.col(_DN).sum(), nw.col(_DC).sum())
    landmark = (nw.col(_EPOCH_OF) + 1) * epoch_ticks
    return summed.filter(nw.col(_DN) > 0).select(
        *keys,
        landmark.alias(TICK),
        landmark.alias(AT),
        _int(-1, ASKS),
        (nw.col(_EPOCH_OF) + 1).alias(_EPOCH_OF),
        (nw.col(_DN) * remains).alias(_DN),
        (nw.col(_DC) * remains).alias(_DC),
    )


def _running(column: str, over: list[str]) -> nw.Expr:
    """Sum a column along time; at one tick, events come before the queries that see them."""
    return nw.col(column).cum_sum().over(*over, order_by=[AT, ASKS])


def _int(value: int, name: str) -> nw.Expr:
    return nw.lit(value).cast(nw.Int64).alias(name)
