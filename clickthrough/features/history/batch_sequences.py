"""Sequences in batch: the last clicked values of a key as of each impression's tick.

Clicks of a key are numbered along time, each with the values of those before it beside; how many
of them an impression may see is a counter, and that number is the row it needs.
"""

import narwhals as nw

from clickthrough.config.features import Counters
from clickthrough.features.columns import SequenceSet
from clickthrough.features.history.batch import (
    COUNTS,
    EVENT,
    ORDER,
    QUERY,
    TICK,
    Frame,
    complete,
    order_at,
    queries,
    visible,
    with_tick,
)

_VALUE, _NUMBER, _SEEN = "__value", "__number", "__seen"


def sequence_history(
    rows: Frame, seeds: Frame | None, sequence: SequenceSet, counters: Counters
) -> Frame:
    """Return a sequence for every key and tick that is asked about.

    Args:
        rows: the impressions: the key's fields, the sequence's field, ``time``, ``label``,
            ``__tick`` and ``__counts``, which says whether the row is an event for others.
        seeds: clicks from before the log, with the key's fields, the sequence's field and ``time``.
        sequence: key, field and length.
        counters: tick, delay.

    Returns:
        The key's fields, ``__tick``, the places of the sequence (the latest first, null where it is
        shorter) and its size, Int64.
    """
    keys = list(sequence.key)
    events = rows.filter(nw.col(COUNTS))
    clicks = _numbered(_clicks(events, seeds, sequence, counters), keys)
    seen = _seen(clicks, _asked(rows, keys), keys, counters)
    found = seen.join(_beside(clicks, sequence), on=[*keys, _NUMBER], how="left")
    size = (
        nw.when(nw.col(_NUMBER) > sequence.length).then(sequence.length).otherwise(nw.col(_NUMBER))
    )
    return found.with_columns(size.alias(sequence.size)).select(
        *keys, TICK, *sequence.places, sequence.size
    )


def _asked(rows: Frame, keys: list[str]) -> Frame:
    """Return a query row for each key and tick of the impressions."""
    unique = complete(rows, keys).select(*keys, TICK).unique()
    return unique.select(*keys, TICK, order_at(nw.col(TICK), QUERY))


def _clicks(events: Frame, seeds: Frame | None, sequence: SequenceSet, counters: Counters) -> Frame:
    keys = list(sequence.key)
    value = nw.col(sequence.field).alias(_VALUE)
    clicks = complete(events.filter(nw.col("label") == 1), [*keys, sequence.field]).select(
        *keys, "time", value
    )
    if seeds is not None:
        given = complete(seeds, [*keys, sequence.field]).select(*keys, "time", value)
        clicks = nw.concat([clicks, given], how="vertical")
    return with_tick(clicks, counters)


def _numbered(clicks: Frame, keys: list[str]) -> Frame:
    """Number the clicks of each key from 1, in order of time, then value."""
    one = nw.lit(1).cast(nw.Int64).alias(_NUMBER)
    number = nw.col(_NUMBER).cum_sum().over(*keys, order_by=["time", _VALUE]).cast(nw.Int64)
    return clicks.with_columns(one).with_columns(number)


def _beside(clicks: Frame, sequence: SequenceSet) -> Frame:
    """Put the values of the last clicks beside each click."""
    keys = list(sequence.key)
    places = [
        nw.col(_VALUE).shift(back).over(*keys, order_by=_NUMBER).alias(name)
        for back, name in enumerate(sequence.places)
    ]
    return clicks.select(*keys, _NUMBER, *places)


def _seen(clicks: Frame, asking: Frame, keys: list[str], counters: Counters) -> Frame:
    """Return the number of the last click that each query may see, 0 for none."""
    per_tick = clicks.group_by(*keys, TICK).agg(nw.col(_NUMBER).max())
    shown = per_tick.select(*keys, TICK, order_at(visible(counters), EVENT), _NUMBER)
    none = nw.lit(0).cast(nw.Int64).alias(_NUMBER)
    rows = nw.concat([shown, asking.with_columns(none)], how="vertical")
    last = nw.col(_NUMBER).cum_max().over(*keys, order_by=ORDER)
    return queries(rows.with_columns(last)).select(*keys, TICK, _NUMBER)
