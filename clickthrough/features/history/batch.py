"""The batch half of history: as-of counters for a whole log, on lazy frames.

For each key: events are summed per tick, moved to the first tick that may see them (tick +
delay + 1), united with weightless query rows at the impressions' own ticks, and summed along
time; the query rows are what is wanted. Nothing is subtracted from a running sum, so nothing
cancels. Decayed counters are forward-decay sums (Cormode et al., 2009): x * 2^(tick / h),
scaled by 2^(-tick / h) at the query, relative to a landmark that moves every 512 half-lives;
the sum up to a landmark is carried over it once (older remains are below 2^-512).
"""

import math
from typing import Any

import narwhals as nw

from clickthrough.config.features import Counters
from clickthrough.features.plan import KeySet

Frame = nw.LazyFrame[Any]

_EPOCH = 512
"""Half-lives between two landmarks; 2^1024 would overflow."""

TICK, _AT, _ASKS, _N, _C = "__tick", "__at", "__asks", "__n", "__c"


def with_history(
    impressions: Frame, events: Frame, key_sets: list[KeySet], counters: Counters
) -> Frame:
    """Add the history columns of key sets to impressions.

    Args:
        impressions: the rows asked about: ``time`` and the keys' fields. Row order may change.
        events: the rows that count: ``time``, ``label`` and the keys' fields. An event whose
            label is null does not count.
        key_sets: which keys.
        counters: tick, delay.

    Returns:
        The impressions with, for each key set, ``KEY.age`` (ticks), ``KEY.impressions``,
        ``KEY.clicks`` (Int64) and their decayed forms (Float64); null where a part of the key
        is null.
    """
    tick = (nw.col("time") // (counters.tick * 1_000_000)).alias(TICK)
    impressions = impressions.with_columns(tick)
    events = events.filter(~nw.col("label").is_null()).with_columns(tick)
    for key_set in key_sets:
        asked = key_history(impressions, events, key_set, counters)
        impressions = impressions.join(asked, on=[*key_set.fields, TICK], how="left")
    return impressions.drop(TICK)


def key_history(impressions: Frame, events: Frame, key_set: KeySet, counters: Counters) -> Frame:
    """Return the history of one key set, a row for each key and tick that is asked about."""
    keys = list(key_set.fields)
    per_tick = _per_tick(events, keys, counters)
    asked = _complete(impressions, keys).select(*keys, TICK).unique().with_columns(
        nw.col(TICK).alias(_AT),
        nw.lit(1).cast(nw.Int64).alias(_ASKS),
        nw.lit(0).cast(nw.Int64).alias(_N),
        nw.lit(0).cast(nw.Int64).alias(_C),
    )  # fmt: skip
    rows = nw.concat([per_tick, asked], how="vertical")
    rows = _with_totals(rows, keys, key_set, counters)
    for half_life in key_set.half_lives:
        rows = _with_decay(rows, keys, key_set, half_life, counters)
    made = [name for name in rows.collect_schema().names() if name.startswith(f"{key_set.name}.")]
    return rows.filter(nw.col(_ASKS) == 1).select(*keys, TICK, *made)


def _per_tick(events: Frame, keys: list[str], counters: Counters) -> Frame:
    """Sum events per key and tick, at the first tick that may see them."""
    summed = _complete(events, keys).group_by(*keys, TICK).agg(
        nw.col("label").cast(nw.Int64).len().cast(nw.Int64).alias(_N),
        nw.col("label").cast(nw.Int64).sum().cast(nw.Int64).alias(_C),
    )  # fmt: skip
    return summed.select(
        *keys,
        TICK,
        (nw.col(TICK) + (counters.delay_ticks + 1)).alias(_AT),
        nw.lit(0).cast(nw.Int64).alias(_ASKS),
        _N,
        _C,
    )


def _with_totals(rows: Frame, keys: list[str], key_set: KeySet, counters: Counters) -> Frame:
    """Add age and the all-time counters."""
    along = [_AT, _ASKS]
    first = nw.when(nw.col(_ASKS) == 0).then(nw.col(TICK)).min().over(*keys)
    rows = rows.with_columns(
        nw.col(_N).cum_sum().over(*keys, order_by=along).alias(key_set.column("impressions")),
        nw.col(_C).cum_sum().over(*keys, order_by=along).alias(key_set.column("clicks")),
        first.alias("__first"),
    )
    seen = nw.col("__first") + counters.delay_ticks < nw.col(TICK)
    age = nw.when(seen).then(nw.col(TICK) - nw.col("__first"))
    return rows.with_columns(age.alias(key_set.column("age"))).drop("__first")


def _with_decay(
    rows: Frame, keys: list[str], key_set: KeySet, half_life: int, counters: Counters
) -> Frame:
    """Add the counters of one half-life."""
    h = half_life / counters.tick
    epoch_ticks = max(1, math.floor(_EPOCH * h))
    epoch = (nw.col(_AT) // epoch_ticks).alias("__epoch")
    rows = rows.with_columns(epoch)
    # 2^((tick - landmark) / h): what an event at this tick weighs in the running sum
    since = (nw.col(TICK) - nw.col("__epoch") * epoch_ticks).cast(nw.Float64) / h
    weight = (since * math.log(2)).exp()
    rows = rows.with_columns(
        (nw.col(_N) * weight).alias("__dn"), (nw.col(_C) * weight).alias("__dc")
    )
    rows = nw.concat([rows, _carried(rows, keys, epoch_ticks, h)], how="diagonal")
    over = [*keys, "__epoch"]
    sums = {"impressions": "__dn", "clicks": "__dc"}
    scaled = [
        (nw.col(column).cum_sum().over(*over, order_by=[_AT, _ASKS]) / weight).alias(
            key_set.column(value, half_life)
        )
        for value, column in sums.items()
    ]
    made = rows.with_columns(*scaled).filter(nw.col(_ASKS) >= 0)
    return made.drop("__epoch", "__dn", "__dc")


def _carried(rows: Frame, keys: list[str], epoch_ticks: int, h: float) -> Frame:
    """Return what each epoch's events still weigh at the next landmark."""
    left = 2.0 ** (-epoch_ticks / h)
    summed = rows.group_by(*keys, "__epoch").agg(nw.col("__dn").sum(), nw.col("__dc").sum())
    return summed.filter(nw.col("__dn") > 0).select(
        *keys,
        ((nw.col("__epoch") + 1) * epoch_ticks).alias(_AT),
        nw.lit(-1).cast(nw.Int64).alias(_ASKS),
        ((nw.col("__epoch") + 1) * epoch_ticks).alias(TICK),
        (nw.col("__epoch") + 1).alias("__epoch"),
        (nw.col("__dn") * left).alias("__dn"),
        (nw.col("__dc") * left).alias("__dc"),
    )


def _complete(rows: Frame, keys: list[str]) -> Frame:
    """Leave out rows in which a part of the key is null."""
    return rows.filter(*(~nw.col(key).is_null() for key in keys))
