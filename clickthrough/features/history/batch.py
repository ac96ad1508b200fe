"""As-of features of a whole log, on lazy frames of DuckDB or Spark.

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
from clickthrough.features.columns import KeySet

Frame = nw.LazyFrame[Any]

TICK, COUNTS, ORDER = "__tick", "__counts", "__order"
"""A row's tick; whether it is an event; where it stands in running sums (:func:`order_at`)."""

BEFORE, EVENT, QUERY = 0, 1, 2
"""What stands at one tick, in this order: what is carried or leaves, events, queries."""

PACKED = "__packed"
PACK = 2**31
"""Impressions and clicks share one Int64, and so one running sum: n * 2^31 + c."""
_DN, _DC, _EPOCH_OF = "__dn", "__dc", "__epoch"
_EPOCH = 512
"""Half-lives between two landmarks; 2^1024 would overflow."""


def with_tick(rows: Frame, counters: Counters) -> Frame:
    """Add the tick of each row's time."""
    return rows.with_columns((nw.col("time") // (counters.tick * 1_000_000)).alias(TICK))


def counter_history(
    rows: Frame, key_set: KeySet, counters: Counters, known: Frame | None = None
) -> Frame:
    """Return the history of one key set for every key and tick that is asked about.

    Args:
        rows: the impressions: the key's fields, ``label``, ``__tick`` and ``__counts``, which says
            whether the row is an event for others.
        key_set: the key, its windows and half-lives.
        counters: tick, delay.
        known: events of before the log, as :mod:`clickthrough.features.history.known` writes them:
            the key's fields, ``__tick``, ``__packed`` and the columns of :func:`known_decays`.

    Returns:
        The key's fields, ``__tick`` and the columns of the key set: age and counts Int64, decayed
        counts Float64. Keys of which a part is null are left out.
    """
    keys = list(key_set.fields)
    per_tick = _per_tick(rows, keys)
    if not (counters.delay_ticks or key_set.windows or key_set.half_lives):
        if known is not None:
            both = nw.concat([per_tick, known.select(*keys, TICK, PACKED)], how="vertical")
            per_tick = both.group_by(*keys, TICK).agg(nw.col(PACKED).sum().cast(nw.Int64))
        return _before_own_tick(per_tick, keys, key_set)
    rows = _with_totals(_in_order(per_tick, keys, counters, known), keys, key_set, counters)
    for window in key_set.windows:
        rows = _with_window(rows, keys, key_set, window, counters)
    for half_life in key_set.half_lives:
        rows = _with_decay(rows, keys, key_set, half_life, counters, known is not None)
    return queries(rows).select(*keys, TICK, *key_set.columns())


def known_decays(key_set: KeySet) -> list[str]:
    """Name the decayed impressions and clicks of known events; null where they are the counts."""
    places = range(len(key_set.half_lives))
    return [name for place in places for name in (f"__known_n{place}", f"__known_c{place}")]


def queries(rows: Frame) -> Frame:
    """Return the query rows alone."""
    return rows.filter(nw.col(ORDER) % 4 == QUERY)


def order_at(tick: nw.Expr, what: int) -> nw.Expr:
    """Return the place of a row in running sums: by tick, then by what it is."""
    return (tick * 4 + what).alias(ORDER)


def visible(counters: Counters) -> nw.Expr:
    """Return the first tick that may see a row's event."""
    return nw.col(TICK) + (counters.delay_ticks + 1)


def complete(rows: Frame, keys: list[str]) -> Frame:
    """Leave out rows in which a part of the key is null."""
    return rows.filter(*(~nw.col(key).is_null() for key in keys))


def _per_tick(rows: Frame, keys: list[str]) -> Frame:
    """Sum the events of each key and tick; 0 where the impressions there are no events."""
    counted = nw.when(nw.col(COUNTS)).then(nw.col("label").cast(nw.Int64) + PACK).otherwise(0)
    known = complete(rows, keys).select(*keys, TICK, counted.alias(PACKED))
    return known.group_by(*keys, TICK).agg(nw.col(PACKED).sum().cast(nw.Int64))


def _before_own_tick(per_tick: Frame, keys: list[str], key_set: KeySet) -> Frame:
    """Return all-time counters where nothing but the own tick is hidden.

    Then no row lies between a query and the events of its own tick, and whole numbers lose nothing
    by subtraction: the union with query rows can be spared.
    """
    running = nw.col(PACKED).cum_sum().over(*keys, order_by=TICK)
    first = nw.when(nw.col(PACKED) > 0).then(nw.col(TICK)).min().over(*keys)
    rows = per_tick.with_columns((running - nw.col(PACKED)).alias("__sum"), first.alias("__first"))
    age = nw.when(nw.col("__first") < nw.col(TICK)).then(nw.col(TICK) - nw.col("__first"))
    rows = rows.with_columns(age.alias(key_set.age), *_unpacked("__sum", key_set.counts()))
    return rows.select(*keys, TICK, *key_set.columns())


def _in_order(per_tick: Frame, keys: list[str], counters: Counters, known: Frame | None) -> Frame:
    """Unite events, at the first tick that may see them, with queries at their own."""
    events = per_tick.filter(nw.col(PACKED) > 0).select(
        *keys, TICK, order_at(visible(counters), EVENT), PACKED
    )
    none = nw.lit(0).cast(nw.Int64).alias(PACKED)
    asking = per_tick.select(*keys, TICK, order_at(nw.col(TICK), QUERY), none)
    rows = nw.concat([events, asking], how="vertical")
    if known is None:
        return rows
    before = known.with_columns(order_at(visible(counters), EVENT))
    return nw.concat([rows, before], how="diagonal")


def _with_totals(rows: Frame, keys: list[str], key_set: KeySet, counters: Counters) -> Frame:
    """Add age and the all-time counters."""
    is_event = nw.col(ORDER) % 4 == EVENT
    first = nw.when(is_event).then(nw.col(TICK)).min().over(*keys)
    rows = rows.with_columns(_running(PACKED, keys).alias("__sum"), first.alias("__first"))
    seen = nw.col("__first") + counters.delay_ticks < nw.col(TICK)
    age = nw.when(seen).then(nw.col(TICK) - nw.col("__first")).alias(key_set.age)
    return rows.with_columns(age, *_unpacked("__sum", key_set.counts())).drop("__sum", "__first")


def _with_window(
    rows: Frame, keys: list[str], key_set: KeySet, window: int, counters: Counters
) -> Frame:
    """Add the counters of one window: events leave it by a negative copy."""
    leaves = order_at(visible(counters) + window // counters.tick, BEFORE)
    left = rows.filter(nw.col(ORDER) % 4 == EVENT).select(
        *keys, TICK, leaves, (-nw.col(PACKED)).alias("__inside")
    )
    rows = rows.with_columns(nw.col(PACKED).alias("__inside"))
    rows = nw.concat([rows, left], how="diagonal")
    rows = rows.with_columns(_running("__inside", keys).alias("__sum"))
    rows = rows.with_columns(*_unpacked("__sum", key_set.counts(window=window)))
    return rows.filter(nw.col(ORDER) % 4 != BEFORE).drop("__inside", "__sum")


def _with_decay(
    rows: Frame, keys: list[str], key_set: KeySet, half_life: int, counters: Counters, begun: bool
) -> Frame:
    """Add the counters of one half-life."""
    h = half_life / counters.tick
    epoch_ticks = max(1, math.floor(_EPOCH * h))
    rows = rows.with_columns((nw.col(ORDER) // (4 * epoch_ticks)).alias(_EPOCH_OF))
    # 2^((tick - landmark) / h): what an event at this tick weighs in the running sum
    since = (nw.col(TICK) - nw.col(_EPOCH_OF) * epoch_ticks).cast(nw.Float64) / h
    weight = (since * math.log(2)).exp()
    n, c = _unpacked(PACKED, (_DN, _DC))
    if begun:
        place = 2 * key_set.half_lives.index(half_life)
        n, c = (
            nw.coalesce(nw.col(name), counted.cast(nw.Float64)).alias(made)
            for name, counted, made in zip(
                known_decays(key_set)[place : place + 2], (n, c), (_DN, _DC), strict=True
            )
        )
    rows = rows.with_columns(n * weight, c * weight)
    rows = nw.concat([rows, _carried(rows, keys, epoch_ticks, h)], how="diagonal")
    impressions, clicks = key_set.counts(half_life=half_life)
    over = [*keys, _EPOCH_OF]
    rows = rows.with_columns(
        (_running(_DN, over) / weight).alias(impressions),
        (_running(_DC, over) / weight).alias(clicks),
    )
    return rows.filter(nw.col(ORDER) % 4 != BEFORE).drop(_EPOCH_OF, _DN, _DC)


def _carried(rows: Frame, keys: list[str], epoch_ticks: int, h: float) -> Frame:
    """Return what each epoch's events still weigh at the next landmark.

    They are summed along time: in any other order the last bits would be those of chance.
    """
    remains = 2.0 ** (-epoch_ticks / h)
    over = [*keys, _EPOCH_OF]
    along = rows.with_columns(*(_running(column, over).alias(column) for column in (_DN, _DC)))
    summed = along.group_by(*over).agg(nw.col(_DN).max(), nw.col(_DC).max())
    landmark = (nw.col(_EPOCH_OF) + 1) * epoch_ticks
    return summed.filter(nw.col(_DN) > 0).select(
        *keys,
        landmark.alias(TICK),
        order_at(landmark, BEFORE),
        (nw.col(_EPOCH_OF) + 1).alias(_EPOCH_OF),
        (nw.col(_DN) * remains).alias(_DN),
        (nw.col(_DC) * remains).alias(_DC),
    )


def _running(column: str, over: list[str]) -> nw.Expr:
    """Sum a column along time; at one tick, events come before the queries that see them."""
    return nw.col(column).cum_sum().over(*over, order_by=ORDER)


def _unpacked(column: str, names: tuple[str, str]) -> tuple[nw.Expr, nw.Expr]:
    """Return the impressions and the clicks of a packed count."""
    packed = nw.col(column).cast(nw.Int64)
    return (packed // PACK).alias(names[0]), (packed % PACK).alias(names[1])
